import { DatasetError } from '../errors.ts';
import type { DatasetSchema } from './dataset-schema.ts';
import type { Schema } from './schema.ts';

/**
 * Refuses a schema that does not keep everything that `from` has. A dataset gains types and fields and loses none: what was
 * written stays readable, and a reader that asks for a field finds it. A type or field that is not wanted any more is
 * left empty; one of another kind gets another name.
 *
 * @throws DatasetError `incompatible`: names the type and what it lost
 */
export function requireAdvance(from: DatasetSchema, to: DatasetSchema): void {
  for (const before of from.schemas) {
    const after = to.find(before.name);
    const problem = after === undefined ? 'is gone' : problemOf(before, after);
    if (problem === null) continue;
    throw new DatasetError('incompatible', `${before.name} ${problem}`, { type: before.name });
  }
}

function problemOf(before: Schema, after: Schema): string | null {
  if (before.kind !== after.kind) return `was a ${before.kind} and is a ${after.kind}`;
  if (before.kind !== 'OBJECT' || after.kind !== 'OBJECT') {
    return JSON.stringify(before) === JSON.stringify(after) ? null : 'has other elements or another hash key';
  }
  if (before.primaryKey.join() !== after.primaryKey.join()) return 'has another primary key';
  for (const { name, kind, referencedType } of before.fields) {
    const field = after.fields.find((candidate) => candidate.name === name);
    if (field === undefined) return `lost the field '${name}'`;
    if (field.kind !== kind || field.referencedType !== referencedType)
      return `has another kind of field '${name}'`;
  }
  return null;
}
