import { toBase64 } from '../bytes/base64.ts';
import { DatasetError } from '../errors.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import type { Field, ObjectSchema } from '../schema/schema.ts';
import type { ObjectTypeState } from './object-type-state.ts';
import type { ReadState } from './read-state.ts';

/**
 * A record as an object: one property for each field, read from the state when it is asked for. Holds on to its state,
 * so it never changes, whatever is refreshed meanwhile.
 *
 * LONG reads as a number if it is a safe integer, else as a bigint; BYTES as a Uint8Array, not to be written to. A
 * reference to a type with a single field that is no reference (Hollow's `String { string value; }`) reads as the bare
 * value, any other as a record.
 */
export interface RecordView {
  readonly [field: string]: unknown;
  /** A plain object with all fields, deep. Gone if a field has this name: then use {@link recordObject}. */
  toObject(): PlainRecord;
  /** Like toObject, in the form that JSON and mutations can hold: bigint as decimal string, BYTES as base64. */
  toJSON(): PlainRecord;
}

export interface PlainRecord {
  [field: string]: unknown;
}

/** Deeper nesting is no data: a damaged blob can make records that lead to themselves. */
const depthMax = 256;

type ViewConstructor = new (state: ReadState, records: ObjectTypeState, ordinal: number) => RecordView;
type FieldReader = (state: ReadState, records: ObjectTypeState, ordinal: number) => unknown;

const viewClasses = new WeakMap<DatasetSchema, Map<string, ViewConstructor>>();

export function recordView(state: ReadState, type: string, ordinal: number): RecordView {
  const View = viewClassOf(state.schema, type);
  return new View(state, state.objectType(type), ordinal);
}

function viewClassOf(schema: DatasetSchema, type: string): ViewConstructor {
  let classes = viewClasses.get(schema);
  if (classes === undefined) {
    classes = new Map();
    viewClasses.set(schema, classes);
  }
  let View = classes.get(type);
  if (View === undefined) {
    View = defineViewClass(schema, schema.getObject(type));
    classes.set(type, View);
  }
  return View;
}

/** A class of its own for each type: every property has one reader, chosen here once, and one call site sees one shape. */
function defineViewClass(dataset: DatasetSchema, schema: ObjectSchema): ViewConstructor {
  class View {
    readonly #state: ReadState;
    readonly #records: ObjectTypeState;
    readonly #ordinal: number;

    constructor(state: ReadState, records: ObjectTypeState, ordinal: number) {
      this.#state = state;
      this.#records = records;
      this.#ordinal = ordinal;
    }

    static getter(read: FieldReader): (this: View) => unknown {
      return function get(this: View) {
        return read(this.#state, this.#records, this.#ordinal);
      };
    }

    toObject(): PlainRecord {
      return recordObject(this.#state, schema.name, this.#ordinal);
    }

    toJSON(): PlainRecord {
      return recordJson(this.#state, schema.name, this.#ordinal);
    }
  }
  schema.fields.forEach((field, index) => {
    const get = View.getter(fieldReader(dataset, field, index));
    Object.defineProperty(View.prototype, field.name, { get, enumerable: true, configurable: true });
  });
  Object.defineProperty(View, 'name', { value: schema.name });
  // The properties were defined above: the type system cannot see it.
  return View as unknown as ViewConstructor;
}

function fieldReader(dataset: DatasetSchema, { kind, referencedType }: Field, index: number): FieldReader {
  if (referencedType === null) return valueReader(kind, index);
  const box = boxedField(dataset, referencedType);
  const readBare = box === null ? null : valueReader(box.kind, 0);
  return (state, records, ordinal) => {
    const target = records.readReference(ordinal, index);
    if (target < 0) return null;
    if (readBare !== null) return readBare(state, state.objectType(referencedType), target);
    return recordView(state, referencedType, target);
  };
}

/** The only field of a type that stands for its value, else null. */
function boxedField(dataset: DatasetSchema, type: string): Field | null {
  const schema = dataset.get(type);
  const [only, ...others] = schema.kind === 'OBJECT' ? schema.fields : [];
  return only === undefined || others.length > 0 || only.referencedType !== null ? null : only;
}

function valueReader(kind: Field['kind'], index: number): FieldReader {
  switch (kind) {
    case 'INT':
      return (_, records, o) => (records.isNull(o, index) ? null : records.readInt(o, index));
    case 'LONG':
      return (_, records, o) => readLong(records, o, index);
    case 'BOOLEAN':
      return (_, records, o) => records.readBoolean(o, index);
    case 'FLOAT':
      return (_, records, o) => (records.isNull(o, index) ? null : records.readFloat(o, index));
    case 'DOUBLE':
      return (_, records, o) => (records.isNull(o, index) ? null : records.readDouble(o, index));
    case 'STRING':
      return (_, records, o) => records.readString(o, index);
    case 'BYTES':
      return (_, records, o) => records.readBytes(o, index);
    case 'REFERENCE':
      return (_, records, o) => records.readReference(o, index);
  }
}

function readLong(records: ObjectTypeState, ordinal: number, index: number): number | bigint | null {
  const value = records.readLongNumber(ordinal, index);
  if (Number.isSafeInteger(value)) return value;
  return Number.isNaN(value) ? null : records.readLong(ordinal, index);
}

/** The record as a plain object, deep. Values as {@link RecordView} describes them. */
export function recordObject(state: ReadState, type: string, ordinal: number): PlainRecord {
  return plainRecord(state, type, ordinal, { leaf: (value) => value, depth: 0 });
}

/** The record as a plain object, deep, in the form that JSON and mutations can hold. */
export function recordJson(state: ReadState, type: string, ordinal: number): PlainRecord {
  return plainRecord(state, type, ordinal, { leaf: jsonLeaf, depth: 0 });
}

function jsonLeaf(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Uint8Array ? toBase64(value) : value;
}

interface PlainOptions {
  readonly leaf: (value: unknown) => unknown;
  readonly depth: number;
}

function plainRecord(state: ReadState, type: string, ordinal: number, options: PlainOptions): PlainRecord {
  if (options.depth > depthMax) {
    throw new DatasetError('corrupt', `records of '${type}' are nested more than ${depthMax} deep`, { type });
  }
  const { schema } = state;
  const records = state.objectType(type);
  const plain: PlainRecord = {};
  schema.getObject(type).fields.forEach((field, index) => {
    plain[field.name] = plainField(state, { field, index, records, ordinal }, options);
  });
  return plain;
}

/** A field of a record. */
interface FieldPlace {
  readonly field: Field;
  readonly index: number;
  readonly records: ObjectTypeState;
  readonly ordinal: number;
}

function plainField(state: ReadState, place: FieldPlace, options: PlainOptions): unknown {
  const { field, index, records, ordinal } = place;
  if (field.referencedType === null) {
    return options.leaf(valueReader(field.kind, index)(state, records, ordinal));
  }
  const target = records.readReference(ordinal, index);
  if (target < 0) return null;
  const box = boxedField(state.schema, field.referencedType);
  if (box === null)
    return plainRecord(state, field.referencedType, target, { ...options, depth: options.depth + 1 });
  return options.leaf(valueReader(box.kind, 0)(state, state.objectType(field.referencedType), target));
}
