export { type PlainRecord, recordJson, recordObject } from './plain-record.ts';

import type { DatasetSchema } from '../schema/dataset-schema.ts';
import type { Field, ObjectSchema } from '../schema/schema.ts';
import type { ObjectTypeState } from './object-type-state.ts';
import { type PlainRecord, recordJson, recordObject } from './plain-record.ts';
import type { ReadState } from './read-state.ts';
import { boxedField, valueReader } from './record-value.ts';

/**
 * A record as an object: one property for each field, read from the state when it is asked for. Holds on to its state,
 * so it never changes, whatever is refreshed meanwhile.
 *
 * LONG reads as a number if it is a safe integer, else as a bigint; BYTES as a Uint8Array, not to be written to. A
 * reference to a type with a single field that is no reference (Hollow's `String { string value; }`) reads as the bare
 * value, to another OBJECT as a RecordView, to a LIST or SET as an array of such values, to a MAP as a Map of them.
 */
export interface RecordView {
  readonly [field: string]: unknown;
  /** A plain object with all fields, deep. Hidden by a field of this name: then use `recordObject`. */
  toObject(): PlainRecord;
  /** The same in the form that JSON and mutations can hold. Hidden by a field of this name: then use `recordJson`. */
  toJSON(): PlainRecord;
}

type ViewConstructor = new (state: ReadState, records: ObjectTypeState, ordinal: number) => RecordView;
type FieldReader = (state: ReadState, records: ObjectTypeState, ordinal: number) => unknown;
/** Reads what a reference leads to. */
type TargetReader = (state: ReadState, ordinal: number) => unknown;

/** What is made once for a schema. */
class SchemaReaders {
  readonly #schema: DatasetSchema;
  readonly #views = new Map<string, ViewConstructor>();
  readonly #targets = new Map<string, TargetReader>();

  constructor(schema: DatasetSchema) {
    this.#schema = schema;
  }

  viewOf(type: string): ViewConstructor {
    let View = this.#views.get(type);
    if (View === undefined) {
      View = defineViewClass(this, this.#schema.getObject(type));
      this.#views.set(type, View);
    }
    return View;
  }

  targetOf(type: string): TargetReader {
    let read = this.#targets.get(type);
    if (read === undefined) {
      read = this.#makeTarget(type);
      this.#targets.set(type, read);
    }
    return read;
  }

  #makeTarget(type: string): TargetReader {
    const schema = this.#schema.get(type);
    const box = boxedField(this.#schema, type);
    if (box !== null) {
      const read = valueReader(box.kind, 0);
      return (state, ordinal) => read(state.objectType(type), ordinal);
    }
    switch (schema.kind) {
      case 'OBJECT':
        return (state, ordinal) => recordView(state, type, ordinal);
      case 'LIST':
      case 'SET':
        return (state, ordinal) => this.#readElements(state, type, ordinal);
      case 'MAP':
        return (state, ordinal) => this.#readEntries(state, type, ordinal);
    }
  }

  #readElements(state: ReadState, type: string, ordinal: number): unknown {
    const records = state.type(type);
    if (records.kind !== 'LIST' && records.kind !== 'SET') return null;
    const read = this.targetOf(records.schema.elementType);
    return Array.from(records.elements(ordinal), (element) => read(state, element));
  }

  #readEntries(state: ReadState, type: string, ordinal: number): unknown {
    const records = state.type(type);
    if (records.kind !== 'MAP') return null;
    const { keys, values } = records.entries(ordinal);
    const readKey = this.targetOf(records.schema.keyType);
    const readValue = this.targetOf(records.schema.valueType);
    return new Map(
      Array.from(keys, (key, i) => [readKey(state, key), readValue(state, values[i] as number)] as const),
    );
  }
}

const readersBySchema = new WeakMap<DatasetSchema, SchemaReaders>();

function readersOf(schema: DatasetSchema): SchemaReaders {
  let readers = readersBySchema.get(schema);
  if (readers === undefined) {
    readers = new SchemaReaders(schema);
    readersBySchema.set(schema, readers);
  }
  return readers;
}

export function recordView(state: ReadState, type: string, ordinal: number): RecordView {
  const View = readersOf(state.schema).viewOf(type);
  return new View(state, state.objectType(type), ordinal);
}

/** A class of its own for each type: every property has one reader, chosen here once, and one call site sees one shape. */
function defineViewClass(readers: SchemaReaders, schema: ObjectSchema): ViewConstructor {
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
    const get = View.getter(fieldReader(readers, field, index));
    Object.defineProperty(View.prototype, field.name, { get, enumerable: true, configurable: true });
  });
  Object.defineProperty(View, 'name', { value: schema.name });
  // The properties were defined above: the type system cannot see it.
  return View as unknown as ViewConstructor;
}

function fieldReader(readers: SchemaReaders, { kind, referencedType }: Field, index: number): FieldReader {
  if (referencedType === null) {
    const read = valueReader(kind, index);
    return (_, records, ordinal) => read(records, ordinal);
  }
  let readTarget: TargetReader | null = null;
  return (state, records, ordinal) => {
    const target = records.readReference(ordinal, index);
    if (target < 0) return null;
    // Not before it is asked for: types may refer to each other in circles.
    readTarget ??= readers.targetOf(referencedType);
    return readTarget(state, target);
  };
}
