import { type Schema, targetsOf } from './schema.ts';

/** What a rule names: a type, one field of an OBJECT type, or (`*`) every type. */
interface FilterScope {
  readonly field?: string;
  /** Also everything that can be reached from there along references: fields, elements, keys and values. */
  readonly recursive?: boolean;
}

export type FilterRule =
  | (FilterScope & { readonly include: string })
  | (FilterScope & { readonly exclude: string });

/**
 * Which types and fields of a dataset are loaded. Without a rule everything is; later rules win. A type is
 * loaded if it, or any of its fields, is included. Types and fields that the dataset does not have are ignored,
 * because producers may add them later.
 *
 * @example
 * [{ exclude: '*' }, { include: 'Movie', recursive: true }, { exclude: 'Movie', field: 'synopsis' }]
 */
export type TypeFilter = readonly FilterRule[];

/** Loads everything. */
export const noFilter: TypeFilter = [];

/** What is loaded of one type. */
interface Choice {
  readonly schema: Schema;
  isIncluded: boolean;
  readonly fields: Set<string>;
}

/**
 * What is left of the schemas, in the same order; types that are not loaded are not in it. Key paths stay as they are,
 * also where they name a field that is left out.
 */
export function filterSchemas(stored: readonly Schema[], filter: TypeFilter): readonly Schema[] {
  if (filter.length === 0) return stored;
  const choices = new Map<string, Choice>();
  for (const schema of stored) choices.set(schema.name, { schema, isIncluded: false, fields: new Set() });
  for (const rule of [{ include: '*' }, ...filter]) applyRule(rule, choices);
  return [...choices.values()].flatMap(({ schema, isIncluded, fields }) => {
    if (!isIncluded && fields.size === 0) return [];
    if (schema.kind !== 'OBJECT' || fields.size === schema.fields.length) return [schema];
    return [{ ...schema, fields: schema.fields.filter((field) => fields.has(field.name)) }];
  });
}

function applyRule(rule: FilterRule, choices: ReadonlyMap<string, Choice>): void {
  const isIncluded = 'include' in rule;
  const name = isIncluded ? rule.include : rule.exclude;
  const reached = new Set(name === '*' ? choices.keys() : [name]);
  if (rule.field !== undefined) {
    const named = [...reached].flatMap((type) => choices.get(type) ?? []);
    reached.clear();
    for (const choice of named) {
      const { schema } = choice;
      const field = schema.kind === 'OBJECT' && schema.fields.find((each) => each.name === rule.field);
      if (!field) continue;
      chooseField(choice, field.name, isIncluded);
      if (rule.recursive === true && field.referencedType !== null) reached.add(field.referencedType);
    }
  }
  // A set gives what is added to it while it is walked, each once: circles end.
  for (const type of reached) {
    const choice = choices.get(type);
    if (choice === undefined) continue;
    chooseType(choice, isIncluded);
    if (rule.recursive === true) for (const target of targetsOf(choice.schema)) reached.add(target);
  }
}

function chooseType(choice: Choice, isIncluded: boolean): void {
  const { schema } = choice;
  choice.isIncluded = isIncluded;
  if (schema.kind === 'OBJECT') for (const { name } of schema.fields) chooseField(choice, name, isIncluded);
}

function chooseField({ fields }: Choice, field: string, isIncluded: boolean): void {
  if (isIncluded) fields.add(field);
  else fields.delete(field);
}
