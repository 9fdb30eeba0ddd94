import type { DatasetSchema } from '../schema/dataset-schema.ts';
import type { Field, FieldKind } from '../schema/schema.ts';
import type { ObjectTypeState } from './object-type-state.ts';

/** Reads the value of a field that is no reference. */
export type ValueReader = (records: ObjectTypeState, ordinal: number) => unknown;

/** The reader of one field, chosen once. */
export function valueReader(kind: FieldKind, field: number): ValueReader {
  switch (kind) {
    case 'INT':
      return (records, o) => (records.isNull(o, field) ? null : records.readInt(o, field));
    case 'LONG':
      return (records, o) => readLong(records, o, field);
    case 'BOOLEAN':
      return (records, o) => records.readBoolean(o, field);
    case 'FLOAT':
      return (records, o) => (records.isNull(o, field) ? null : records.readFloat(o, field));
    case 'DOUBLE':
      return (records, o) => (records.isNull(o, field) ? null : records.readDouble(o, field));
    case 'STRING':
      return (records, o) => records.readString(o, field);
    case 'BYTES':
      return (records, o) => records.readBytes(o, field);
    case 'REFERENCE':
      return (records, o) => records.readReference(o, field);
  }
}

/** A number if it is a safe integer, else a bigint. */
function readLong(records: ObjectTypeState, ordinal: number, field: number): number | bigint | null {
  const value = records.readLongNumber(ordinal, field);
  if (Number.isSafeInteger(value)) return value;
  return Number.isNaN(value) ? null : records.readLong(ordinal, field);
}

/**
 * The only field of a type that stands for its value (Hollow's `String { string value; }`), else null: a record of such
 * a type reads as the bare value wherever it is referred to.
 */
export function boxedField(dataset: DatasetSchema, type: string): Field | null {
  const schema = dataset.get(type);
  const [only, ...others] = schema.kind === 'OBJECT' ? schema.fields : [];
  return only === undefined || others.length > 0 || only.referencedType !== null ? null : only;
}
