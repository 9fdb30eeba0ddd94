import { toBase64 } from '../bytes/base64.ts';
import { DatasetError } from '../errors.ts';
import type { Field } from '../schema/schema.ts';
import type { ObjectTypeState } from './object-type-state.ts';
import type { ReadState } from './read-state.ts';
import { boxedField, valueReader } from './record-value.ts';

export interface PlainRecord {
  [field: string]: unknown;
}

/** Deeper nesting is no data: a damaged blob can make records that lead to themselves. */
const depthMax = 256;

/** What the forms of plain records differ in: their values. */
type PlainForm = (value: unknown) => unknown;

const objectForm: PlainForm = (value) => value;

const jsonForm: PlainForm = (value) => {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Uint8Array ? toBase64(value) : value;
};

/**
 * An OBJECT record as a plain object, deep: values as a RecordView has them; LIST and SET are arrays, MAP is an array of
 * [key, value] (a SET's and a MAP's by ascending ordinal).
 */
export function recordObject(state: ReadState, type: string, ordinal: number): PlainRecord {
  return plainRecord(state, type, ordinal, { form: objectForm, depth: 0 });
}

/**
 * The same in the form that JSON can hold: LONG above 2^53 as decimal string, BYTES as base64.
 */
export function recordJson(state: ReadState, type: string, ordinal: number): PlainRecord {
  return plainRecord(state, type, ordinal, { form: jsonForm, depth: 0 });
}

interface Nesting {
  readonly form: PlainForm;
  readonly depth: number;
}

function plainRecord(state: ReadState, type: string, ordinal: number, nesting: Nesting): PlainRecord {
  const records = state.objectType(type);
  const plain: PlainRecord = {};
  records.schema.fields.forEach((field, index) => {
    plain[field.name] = plainField(state, { field, index, records, ordinal }, nesting);
  });
  return plain;
}

interface FieldPlace {
  readonly field: Field;
  readonly index: number;
  readonly records: ObjectTypeState;
  readonly ordinal: number;
}

function plainField(state: ReadState, place: FieldPlace, nesting: Nesting): unknown {
  const { field, index, records, ordinal } = place;
  if (field.referencedType === null) {
    return nesting.form(valueReader(field.kind, index)(records, ordinal));
  }
  const target = records.readReference(ordinal, index);
  return target < 0 ? null : plainReferenced(state, field.referencedType, target, nesting);
}

function plainReferenced(state: ReadState, type: string, ordinal: number, { form, depth }: Nesting): unknown {
  if (depth === depthMax) {
    throw new DatasetError('corrupt', `records of '${type}' are nested more than ${depthMax} deep`, { type });
  }
  const inner = { form, depth: depth + 1 };
  const records = state.type(type);
  const box = boxedField(state.schema, type);
  switch (records.kind) {
    case 'OBJECT':
      if (box !== null) return form(valueReader(box.kind, 0)(records, ordinal));
      return plainRecord(state, type, ordinal, inner);
    case 'LIST':
    case 'SET': {
      const { elementType } = records.schema;
      return Array.from(records.elements(ordinal), (o) => plainReferenced(state, elementType, o, inner));
    }
    case 'MAP': {
      const { keyType, valueType } = records.schema;
      const { keys, values } = records.entries(ordinal);
      return Array.from(keys, (key, i) => [
        plainReferenced(state, keyType, key, inner),
        plainReferenced(state, valueType, values[i] as number, inner),
      ]);
    }
  }
}
