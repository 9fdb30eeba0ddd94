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
  const problems = expected.schemas.flatMap((schema) => problemsOf(schema, stored.find(schema.name)));
  if (problems.length === 0) problems.push(...keyProblems(expected, stored));
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
  const problems = expected.fields.flatMap(({ name, kind, referencedType }) => {
    const found = stored.fields.find((field) => field.name === name);
    if (found === undefined) return [`'${expected.name}.${name}' is missing`];
    if (found.kind === kind && found.referencedType === referencedType) return [];
    const [wanted, got] = [referencedType ?? kind, found.referencedType ?? found.kind];
    return [`'${expected.name}.${name}' is ${got}, not ${wanted}`];
  });
  const [wanted, found] = [expected.primaryKey.join(', '), stored.primaryKey.join(', ')];
  if (wanted !== '' && wanted !== found) {
    problems.push(`the primary key of '${expected.name}' is (${found}), not (${wanted})`);
  }
  return problems;
}

/** A path that ends on a reference goes on by the key of what it refers to, which a reader may know less of. */
function keyProblems(expected: DatasetSchema, stored: DatasetSchema): readonly string[] {
  return expected.schemas
    .filter(({ name }) => expected.isKeyLoaded(name) && stored.isKeyLoaded(name))
    .flatMap((schema) => {
      const [wanted, found] = [keyText(expected, schema), keyText(stored, schema)];
      const key = schema.kind === 'OBJECT' ? 'primary key' : 'hash key';
      // A reader may have no use for a key.
      return wanted === '' || wanted === found
        ? []
        : [`the ${key} of '${schema.name}' is (${found}), not (${wanted})`];
    });
}

/** Every path of the key up to its value. */
function keyText(schema: DatasetSchema, { name }: Schema): string {
  return schema
    .keyPaths(name)
    .map(({ types, steps, leafField }) =>
      [...steps, leafField].map((field, i) => schema.getObject(types[i] ?? '').fields[field]?.name).join('.'),
    )
    .join(', ');
}
