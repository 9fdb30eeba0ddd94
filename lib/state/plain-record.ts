import { toBase64 } from '../bytes/base64.ts';
import { DatasetError } from '../errors.ts';
import type { ReaderSchema } from '../schema/reader-schema.ts';
import type { ReadState } from './read-state.ts';
import { type RecordLayout, recordLayout } from './record-layout.ts';

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
  if (value instanceof Date) return value.getTime();
  return value instanceof Uint8Array ? toBase64(value) : value;
};

/**
 * An OBJECT record as a plain object, deep: values as a RecordView has them; LIST and SET are arrays, MAP is an array of
 * [key, value] (a SET's and a MAP's by ascending ordinal).
 *
 * @param reader null: everything there is in the state, as it is
 */
export function recordObject(
  state: ReadState,
  type: string,
  ordinal: number,
  reader: ReaderSchema | null = null,
): PlainRecord {
  const layout = recordLayout(state.schema, reader);
  return plainRecord(state, type, ordinal, { form: objectForm, layout, depth: 0 });
}

/**
 * The same in the form that JSON can hold: LONG above 2^53 as decimal string, BYTES as base64.
 */
export function recordJson(
  state: ReadState,
  type: string,
  ordinal: number,
  reader: ReaderSchema | null = null,
): PlainRecord {
  const layout = recordLayout(state.schema, reader);
  return plainRecord(state, type, ordinal, { form: jsonForm, layout, depth: 0 });
}

/** A record of a collection type in the same forms: an array, for a MAP of [key, value]. */
export function plainCollection(
  state: ReadState,
  type: string,
  ordinal: number,
  layout: RecordLayout,
): unknown {
  return plainReferenced(state, type, ordinal, { form: jsonForm, layout, depth: 0 });
}

interface Nesting {
  readonly form: PlainForm;
  readonly layout: RecordLayout;
  readonly depth: number;
}

function plainRecord(state: ReadState, type: string, ordinal: number, nesting: Nesting): PlainRecord {
  const records = state.objectType(type);
  const plain: PlainRecord = {};
  for (const { name, index, referencedType, read } of nesting.layout.fieldsOf(type)) {
    if (referencedType === null) {
      plain[name] = nesting.form(read(records, ordinal));
    } else {
      const target = records.readReference(ordinal, index);
      plain[name] = target < 0 ? null : plainReferenced(state, referencedType, target, nesting);
    }
  }
  return plain;
}

function plainReferenced(state: ReadState, type: string, ordinal: number, nesting: Nesting): unknown {
  const { form, layout, depth } = nesting;
  if (depth === depthMax) {
    throw new DatasetError('corrupt', `records of '${type}' are nested more than ${depthMax} deep`, { type });
  }
  const inner = { form, layout, depth: depth + 1 };
  const records = state.type(type);
  const box = layout.boxOf(type);
  switch (records.kind) {
    case 'OBJECT':
      if (box !== null) return form(box.read(records, ordinal));
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
