import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import type { Seeded } from './seeded.ts';

/** A data model, with the types whose records tests add, change and remove. */
export interface RandomSchema {
  /** As the Java program takes it. */
  readonly forJava: {
    readonly schemas: string;
    readonly hashKeys: Readonly<Record<string, readonly string[]>>;
  };
  readonly schema: DatasetSchema;
  /** All have a primary key. */
  readonly rootTypes: readonly string[];
  /** As `Type.field`: those that keys lead through, never null. */
  readonly keyFields: ReadonlySet<string>;
}

const scalars = ['int', 'long', 'boolean', 'float', 'double', 'string', 'bytes'];

/** A type that others refer to, and the paths that lead through its key fields. */
interface Known {
  readonly name: string;
  readonly keyPaths: readonly string[];
}

const known: readonly Known[] = [
  { name: 'String', keyPaths: ['value'] },
  { name: 'Number', keyPaths: [] },
  { name: 'Point', keyPaths: [] },
  { name: 'Leaf', keyPaths: ['id', 'code'] },
  { name: 'Keyed', keyPaths: ['id', 'name.value', 'name!'] },
  { name: 'ListOfString', keyPaths: [] },
  { name: 'SetOfString', keyPaths: [] },
];

const keyFields: readonly string[] = [
  'Leaf.id',
  'Leaf.code',
  'Keyed.id',
  'Keyed.name',
  'String.value',
].concat(['Item.id', 'Pair.left', 'Pair.right', 'Named.name']);

/**
 * Every kind of type and of key: boxes and leaves; lists, sets and maps of them, without hash key and with one over one
 * or two paths, direct and through a reference; objects that share all that; collections of those; roots with a key of
 * one field, of two, and behind a reference. To these come types of any shape, and all are in an order that differs from
 * seed to seed.
 *
 * Key fields come first in a type: Hollow's writer refuses a null string in front of a hash key field.
 */
export function randomSchema(random: Seeded): RandomSchema {
  const any = anyTypes(random, 4 + random.below(5));
  const rootTypes = ['Item', 'Pair', 'Named'];
  const rootOf = new Map(any.names.map((name) => [name, random.pick(rootTypes)]));
  const references = (root: string): string =>
    any.names.map((name) => (rootOf.get(name) === root ? `${name} ${name.toLowerCase()};` : '')).join(' ');
  const fields = (prefix: string, count: number): string =>
    Array.from({ length: count }, (_, i) => `${random.pick(scalars)} ${prefix}${i};`).join(' ');
  const types = [
    'String { string value; }',
    'Number { int value; }',
    `Leaf { int id; string code; ${scalars.map((kind) => `${kind} ${kind}Field;`).join(' ')} }`,
    `Point { ${fields('f', 1 + random.below(5))} }`,
    'Nothing { }',
    `Keyed { long id; String name; ${fields('x', random.below(3))} }`,
    'ListOfString List<String>;',
    'ListOfLeaf List<Leaf>;',
    'ListOfLists List<ListOfString>;',
    'SetOfString Set<String> @HashKey(value);',
    'SetOfPoint Set<Point>;',
    'SetOfLeaf Set<Leaf> @HashKey(id, code);',
    'SetOfKeyed Set<Keyed> @HashKey(id);',
    'SetByName Set<Keyed> @HashKey(name.value);',
    'SetByReference Set<Keyed> @HashKey(name!, id);',
    'SetOfSets Set<SetOfString>;',
    'MapOfStringToString Map<String,String> @HashKey(value);',
    'MapOfLeafToList Map<Leaf,ListOfLeaf> @HashKey(code);',
    'MapOfPointToNumber Map<Point,Number>;',
    `Detail { Point point; Leaf leaf; ListOfString lines; SetOfString tags; MapOfStringToString labels; ${fields('d', random.below(4))} Nothing nothing; }`,
    'ListOfDetail List<Detail>;',
    `Item @PrimaryKey(id) { int id; String title; Detail detail; ListOfDetail more; ListOfLists lists; SetOfLeaf leaves; SetOfPoint points; MapOfLeafToList byLeaf; ${fields('i', random.below(4))} ${references('Item')} }`,
    `Pair @PrimaryKey(left, right) { string left; long right; SetOfKeyed keyed; SetByName byName; SetByReference byReference; SetOfSets sets; MapOfPointToNumber counts; String note; ${references('Pair')} }`,
    `Named @PrimaryKey(name) { String name; Detail detail; double weight; ${references('Named')} }`,
    ...any.texts,
  ];
  const text = shuffled(random, types).join('\n');
  const schema = DatasetSchema.of(parseSchemas(text));
  const marked = schema.schemas.flatMap((type): [string, readonly string[]][] => {
    const paths = type.kind === 'SET' || type.kind === 'MAP' ? type.hashKey : [];
    return paths.some((path) => path.endsWith('!')) ? [[type.name, paths]] : [];
  });
  return {
    forJava: { schemas: text.replaceAll('!', ''), hashKeys: Object.fromEntries(marked) },
    schema,
    rootTypes,
    keyFields: new Set([...keyFields, ...any.keyFields]),
  };
}

interface AnyTypes {
  readonly names: string[];
  readonly texts: string[];
  readonly keyFields: string[];
}

/** Types of any kind, of those above and of each other, with hash keys over any paths. */
function anyTypes(random: Seeded, count: number): AnyTypes {
  const types: AnyTypes = { names: [], texts: [], keyFields: [] };
  const targets = [...known];
  for (let i = 0; i < count; i++) {
    const name = `Any${i}`;
    const { text, keyPaths, fieldNames } = random.chance(40)
      ? anyObject(random, name, targets)
      : { ...anyCollection(random, name, targets), keyPaths: [], fieldNames: [] };
    types.names.push(name);
    types.texts.push(text);
    types.keyFields.push(...fieldNames.map((field) => `${name}.${field}`));
    targets.push({ name, keyPaths });
  }
  return types;
}

function anyObject(random: Seeded, name: string, targets: readonly Known[]) {
  const keyPaths: string[] = [];
  const fieldNames = ['k0', 'k1', 'k2'].slice(0, random.below(4));
  const keys = fieldNames.map((field) => {
    const target = random.pick(targets);
    if (target.keyPaths.length === 0) {
      keyPaths.push(field);
      return `${random.pick(scalars)} ${field};`;
    }
    keyPaths.push(`${field}.${random.pick(target.keyPaths)}`);
    return `${target.name} ${field};`;
  });
  const others = Array.from({ length: 1 + random.below(4) }, (_, i) => {
    return `${random.chance(50) ? random.pick(scalars) : random.pick(targets).name} f${i};`;
  });
  return { text: `${name} { ${[...keys, ...others].join(' ')} }`, keyPaths, fieldNames };
}

function anyCollection(random: Seeded, name: string, targets: readonly Known[]): { readonly text: string } {
  const keyed = targets.filter(({ keyPaths }) => keyPaths.length > 0);
  const [element, value] = [random.pick(random.chance(60) ? keyed : targets), random.pick(targets)];
  const paths = shuffled(random, element.keyPaths).slice(0, random.below(3));
  const hashKey = paths.length === 0 ? '' : ` @HashKey(${paths.join(', ')})`;
  const texts = [
    `${name} List<${element.name}>;`,
    `${name} Set<${element.name}>${hashKey};`,
    `${name} Map<${element.name},${value.name}>${hashKey};`,
  ];
  return { text: random.pick(texts) };
}

function shuffled<T>(random: Seeded, items: readonly T[]): readonly T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)).flat();
}
