import { toBase64 } from '../bytes/base64.ts';
import type { ReaderSchema } from '../schema/reader-schema.ts';
import { NestingBound } from './nesting-bound.ts';
import type { ReadState } from './read-state.ts';
import { type RecordLayout, recordLayout } from './record-layout.ts';

export interface PlainRecord {
  [field: string]: unknown;
}

/** What the forms of plain records differ in: their values, and that of a box ({@link RecordLayout.boxOf}) of null. */
interface PlainForm {
  readonly value: (value: unknown) => unknown;
  readonly emptyBox: (field: string) => PlainRecord | null;
}

const objectForm: PlainForm = { value: (value) => value, emptyBox: () => null };

const jsonForm: PlainForm = {
  value(value) {
    if (typeof value === 'bigint') return String(value);
    if (value instanceof Date) return value.getTime();
    return value instanceof Uint8Array ? toBase64(value) : value;
  },
  emptyBox: () => null,
};

const writtenForm: PlainForm = { ...objectForm, emptyBox: (field) => ({ [field]: null }) };

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
  return plainRecord(state, type, ordinal, { form: objectForm, layout, bound: new NestingBound() });
}

/**
 * The same for who writes it again, as it is in the state: a box of null is no null reference. Readers see null in both.
 */
export function recordToWrite(state: ReadState, type: string, ordinal: number): PlainRecord {
  const layout = recordLayout(state.schema, null);
  return plainRecord(state, type, ordinal, { form: writtenForm, layout, bound: new NestingBound() });
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
  return plainRecord(state, type, ordinal, { form: jsonForm, layout, bound: new NestingBound() });
}

/** A record of a collection type in the same forms: an array, for a MAP of [key, value]. */
export function plainCollection(
  state: ReadState,
  type: string,
  ordinal: number,
  layout: RecordLayout,
): unknown {
  return plainReferenced(state, type, ordinal, { form: jsonForm, layout, bound: new NestingBound() });
}

interface Nesting {
  readonly form: PlainForm;
  readonly layout: RecordLayout;
  readonly bound: NestingBound;
}

function plainRecord(state: ReadState, type: string, ordinal: number, nesting: Nesting): PlainRecord {
  const records = state.objectType(type);
  const plain: PlainRecord = {};
  for (const { name, index, referencedType, read } of nesting.layout.fieldsOf(type)) {
    if (referencedType === null) {
      plain[name] = nesting.form.value(read(records, ordinal));
    } else {
      const target = records.readReference(ordinal, index);
      plain[name] = target < 0 ? null : plainReferenced(state, referencedType, target, nesting);
    }
  }
  return plain;
}

function plainReferenced(state: ReadState, type: string, ordinal: number, nesting: Nesting): unknown {
  const { bound } = nesting;
  bound.enter(type);
  const plain = plainTarget(state, type, ordinal, nesting);
  bound.leave();
  return plain;
}

function plainTarget(state: ReadState, type: string, ordinal: number, nesting: Nesting): unknown {
  const { form, layout } = nesting;
  const records = state.type(type);
  const box = layout.boxOf(type);
  switch (records.kind) {
    case 'OBJECT':
      if (box === null) return plainRecord(state, type, ordinal, nesting);
      return form.value(box.read(records, ordinal)) ?? form.emptyBox(box.name);
    case 'LIST':
    case 'SET': {
      const { elementType } = records.schema;
      return Array.from(records.elements(ordinal), (o) => plainReferenced(state, elementType, o, nesting));
    }
    case 'MAP': {
      const { keyType, valueType } = records.schema;
      const { keys, values } = records.entries(ordinal);
      return Array.from(keys, (key, i) => [
        plainReferenced(state, keyType, key, nesting),
        plainReferenced(state, valueType, values[i] as number, nesting),
      ]);
    }
  }
}
