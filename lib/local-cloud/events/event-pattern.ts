/**
 * Matches events against EventBridge patterns (content filtering in its user guide): exact values, prefix, suffix,
 * equals-ignore-case, wildcard, anything-but, numeric, exists, nested objects, $or. An unknown matcher is an error when
 * the rule is made, never a pattern that matches nothing.
 */

/** What a pattern is wrong about; becomes InvalidEventPatternException. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
/** Values of one field: the value itself, or the elements of an array; empty when the field is absent or an object. */
type Leaves = readonly (null | boolean | number | string)[];
type LeafTest = (leaves: Leaves) => boolean;

/** True for the event; compiled once per rule. */
export type EventPattern = (event: unknown) => boolean;

export function compilePattern(pattern: unknown): EventPattern {
  if (!isObject(pattern) || Object.keys(pattern).length === 0)
    throw new PatternError('Pattern must be an object');
  return compileObject(pattern, '$');
}

function isObject(value: unknown): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function compileObject(pattern: { readonly [name: string]: Json }, at: string): EventPattern {
  const tests = Object.entries(pattern).map(([name, part]): EventPattern => {
    if (name === '$or' && Array.isArray(part) && part.length > 1 && part.every(isObject)) {
      const alternatives = part.map((each) => compileObject(each, `${at}.$or`));
      return (event) => alternatives.some((matches) => matches(event));
    }
    return compileField(name, part, `${at}.${name}`);
  });
  return (event) => tests.every((matches) => matches(event));
}

function compileField(name: string, part: Json | undefined, at: string): EventPattern {
  if (Array.isArray(part)) {
    if (part.length === 0) throw new PatternError(`Empty arrays are not allowed (${at})`);
    const tests = part.map((each: Json) => compileLeaf(each, at));
    return (event) => {
      const leaves = leavesOf(fieldOf(event, name));
      return tests.some((matches) => matches(leaves));
    };
  }
  if (!isObject(part) || Object.keys(part).length === 0) {
    throw new PatternError(`"${name}" must be an object or an array (${at})`);
  }
  const nested = compileObject(part, at);
  return (event) => {
    const value = fieldOf(event, name);
    return Array.isArray(value) ? value.some(nested) : nested(value);
  };
}

function fieldOf(event: unknown, name: string): unknown {
  return isObject(event) && Object.hasOwn(event, name) ? event[name] : undefined;
}

function leavesOf(value: unknown): Leaves {
  if (Array.isArray(value)) return value.flatMap(leavesOf);
  const isLeaf = value === null || ['string', 'number', 'boolean'].includes(typeof value);
  return isLeaf ? [value as Leaves[number]] : [];
}

function compileLeaf(matcher: Json, at: string): LeafTest {
  if (!isObject(matcher)) {
    if (Array.isArray(matcher)) throw new PatternError(`Arrays of arrays are not allowed (${at})`);
    return (leaves) => leaves.some((leaf) => leaf === matcher);
  }
  const [entry, ...others] = Object.entries(matcher);
  if (entry === undefined || others.length > 0) throw new PatternError(`Only one matcher per object (${at})`);
  const [kind, value] = entry;
  if (kind === 'exists') {
    if (typeof value !== 'boolean') throw new PatternError(`exists must be true or false (${at})`);
    return (leaves) => leaves.length > 0 === value;
  }
  if (kind === 'numeric') return anyLeaf(compileNumeric(value, at));
  if (kind === 'anything-but') return compileAnythingBut(value, at);
  return anyLeaf(compileText(kind, value, at));
}

function anyLeaf(matches: (leaf: Leaves[number]) => boolean): LeafTest {
  return (leaves) => leaves.some(matches);
}

/** Matchers of strings, alone or inside anything-but. */
function compileText(kind: string, value: unknown, at: string): (leaf: Leaves[number]) => boolean {
  if (isObject(value) && (kind === 'prefix' || kind === 'suffix')) {
    const inner = value['equals-ignore-case'];
    if (typeof inner !== 'string') throw new PatternError(`${kind} must be a string (${at})`);
    const matches = compileText(kind, inner.toLowerCase(), at);
    return (leaf) => typeof leaf === 'string' && matches(leaf.toLowerCase());
  }
  if (typeof value !== 'string') throw new PatternError(`Unrecognized match type ${kind} (${at})`);
  const tests: Readonly<Record<string, (leaf: string) => boolean>> = {
    prefix: (leaf) => leaf.startsWith(value),
    suffix: (leaf) => leaf.endsWith(value),
    'equals-ignore-case': (leaf) => leaf.toLowerCase() === value.toLowerCase(),
    wildcard: (leaf) => wildcardOf(value).test(leaf),
  };
  const test = tests[kind];
  if (test === undefined) throw new PatternError(`Unrecognized match type ${kind} (${at})`);
  return (leaf) => typeof leaf === 'string' && test(leaf);
}

/** `*` stands for any run of characters; a backslash takes the next character literally. */
function wildcardOf(text: string): RegExp {
  const source = text.replaceAll(/\\[*\\]|[.+?^${}()|[\]\\*]/g, (found) => {
    if (found === '*') return '[\\s\\S]*';
    return `\\${found.at(-1)}`;
  });
  return new RegExp(`^${source}$`);
}

/** At least one value is none of those. */
function compileAnythingBut(value: Json | undefined, at: string): LeafTest {
  if (isObject(value)) {
    const [entry, ...others] = Object.entries(value);
    if (entry === undefined || others.length > 0)
      throw new PatternError(`Only one matcher per object (${at})`);
    const [kind, texts] = entry;
    const tests = [texts].flat().map((text) => compileText(kind, text, at));
    return (leaves) => leaves.some((leaf) => !tests.some((matches) => matches(leaf)));
  }
  const excluded = [value].flat();
  if (
    excluded.length === 0 ||
    excluded.some((each) => typeof each !== 'string' && typeof each !== 'number')
  ) {
    throw new PatternError(`anything-but takes strings or numbers (${at})`);
  }
  return (leaves) => leaves.some((leaf) => !excluded.includes(leaf));
}

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/** `[operator, number]` once or twice. */
function compileNumeric(value: unknown, at: string): (leaf: Leaves[number]) => boolean {
  if (!Array.isArray(value) || (value.length !== 2 && value.length !== 4)) {
    throw new PatternError(`numeric takes one or two pairs of operator and number (${at})`);
  }
  const tests: ((leaf: number) => boolean)[] = [];
  for (let i = 0; i < value.length; i += 2) {
    const compare = comparisons[String(value[i])];
    const bound: unknown = value[i + 1];
    if (compare === undefined || typeof bound !== 'number') {
      throw new PatternError(`Unrecognized numeric range operator: ${value[i]} (${at})`);
    }
    tests.push((leaf) => compare(leaf, bound));
  }
  return (leaf) => typeof leaf === 'number' && tests.every((matches) => matches(leaf));
}
