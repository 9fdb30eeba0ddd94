import { DatasetError } from '../errors.ts';
import type { DatasetSchema } from './dataset-schema.ts';
import { printSchema } from './dsl.ts';
import type { FieldForm } from './field-specs.ts';
import type { ObjectSchema, Schema } from './schema.ts';

/** By type name and field name; most fields have none. */
export type FieldForms = ReadonlyMap<string, ReadonlyMap<string, FieldForm>>;

/** What a reader wants to see of a dataset: these types and fields, some of them in a form of their own. */
export interface ReaderSchema {
  readonly schema: DatasetSchema;
  readonly forms: FieldForms;
}

/**
 * Can a reader that expects `expected` read what `stored` describes? Types and fields that it does not know are fine:
 * data is extended under readers all the time.
 *
 * @throws DatasetError `incompatible` that names every field that is missing or of another type
 */
export function requireReadable(expected: DatasetSchema, stored: DatasetSchema): void {
  const problems = expected.schemas.flatMap((schema) => [
    ...problemsOf(schema, stored.find(schema.name)),
    ...keyProblems(schema.name, expected, stored),
  ]);
  if (problems.length === 0) return;
  throw new DatasetError('incompatible', `the dataset has another schema: ${problems.join('; ')}`, {
    problems: problems.join('; '),
  });
}

function problemsOf(expected: Schema, stored: Schema | undefined): readonly string[] {
  if (stored === undefined) return [`there is no type '${expected.name}'`];
  if (expected.kind === 'OBJECT' && stored.kind === 'OBJECT') return objectProblems(expected, stored);
  const [wanted, found] = [printSchema(expected), printSchema(stored)];
  return wanted === found ? [] : [`expected ${wanted} found ${found}`];
}

function objectProblems(expected: ObjectSchema, stored: ObjectSchema): readonly string[] {
  return expected.fields.flatMap(({ name, kind, referencedType }) => {
    const found = stored.fields.find((field) => field.name === name);
    if (found === undefined) return [`'${expected.name}.${name}' is missing`];
    if (found.kind === kind && found.referencedType === referencedType) return [];
    const [wanted, got] = [referencedType ?? kind, found.referencedType ?? found.kind];
    return [`'${expected.name}.${name}' is ${got}, not ${wanted}`];
  });
}

/**
 * Keys are compared by the values that their paths lead to: a path that ends on a reference goes on by the key of what it
 * refers to, and a reader may know less of that, or spell it out.
 */
function keyProblems(type: string, expected: DatasetSchema, stored: DatasetSchema): readonly string[] {
  if (stored.find(type) === undefined || !expected.isKeyLoaded(type) || !stored.isKeyLoaded(type)) return [];
  const [wanted, found] = [keyText(expected, type), keyText(stored, type)];
  // A reader may have no use for a key.
  if (wanted === '' || wanted === found) return [];
  const key = expected.get(type).kind === 'OBJECT' ? 'primary key' : 'hash key';
  return [`the ${key} of '${type}' is (${found}), not (${wanted})`];
}

/** Every path of the key up to its value. */
function keyText(schema: DatasetSchema, type: string): string {
  return schema
    .keyPaths(type)
    .map(({ types, steps, leafField }) =>
      [...steps, leafField].map((field, i) => schema.getObject(types[i] ?? '').fields[field]?.name).join('.'),
    )
    .join(', ');
}
