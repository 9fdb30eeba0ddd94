import { DatasetError } from '../errors.ts';
import type { FieldForm } from '../schema/field-specs.ts';
import type { FieldKind } from '../schema/schema.ts';
import type { ObjectTypeState } from './object-type-state.ts';
import { intNull } from './packed-field.ts';

/** Reads the value of a field that is no reference. */
export type ValueReader = (records: ObjectTypeState, ordinal: number) => unknown;

/** How a field is shown, and its name for messages. */
export interface NamedForm {
  readonly form: FieldForm;
  readonly name: string;
}

/** The reader of one field, chosen once. */
export function valueReader(kind: FieldKind, field: number, named: NamedForm | null = null): ValueReader {
  if (kind === 'LONG' && named !== null) return longReader(field, named);
  switch (kind) {
    case 'INT':
      return (records, o) => {
        const value = records.readInt(o, field);
        return value === intNull ? null : value;
      };
    case 'LONG':
      return (records, o) => readLong(records, o, field);
    case 'BOOLEAN':
      return (records, o) => records.readBoolean(o, field);
    case 'FLOAT':
    case 'DOUBLE':
      return (records, o) => {
        const value = records.readFloating(o, field);
        return Number.isNaN(value) && records.isNull(o, field) ? null : value;
      };
    case 'STRING':
      return (records, o) => records.readString(o, field);
    case 'BYTES':
      // A copy: what is in place leads to all the memory of a state, to be written to, held, or transferred.
      return (records, o) => records.readBytes(o, field)?.slice() ?? null;
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

function longReader(field: number, { form, name }: NamedForm): ValueReader {
  switch (form.as) {
    case 'bigint':
      return (records, o) => (records.isNull(o, field) ? null : records.readLong(o, field));
    case 'date':
      return (records, o) => {
        const ms = records.readLongNumber(o, field);
        return Number.isNaN(ms) ? null : new Date(ms);
      };
    default:
      return (records, o) => {
        const value = readLong(records, o, field);
        if (typeof value !== 'bigint') return value;
        throw new DatasetError(
          'incompatible',
          `'${name}' is ${value}: define it as t.long({ as: 'bigint' })`,
          {
            field: name,
          },
        );
      };
  }
}
