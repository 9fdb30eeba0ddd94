import { DatasetError } from '../errors.ts';
import type { DatasetSchema, KeyPath } from '../schema/dataset-schema.ts';
import type { ReaderSchema } from '../schema/reader-schema.ts';
import {
  type CollectionReaders,
  HashKeyLookup,
  inspect,
  MapRecordView,
  SetRecordView,
  type TargetReader,
} from './collection-views.ts';
import type { Column } from './column.ts';
import { NestingBound } from './nesting-bound.ts';
import type { ObjectTypeState } from './object-type-state.ts';
import { type PlainRecord, plainCollection, recordJson, recordObject } from './plain-record.ts';
import type { ReadState } from './read-state.ts';
import { type ReaderField, type RecordLayout, recordLayout } from './record-layout.ts';

/**
 * A record as an object: one property for each field, read from the state when you ask for it. It keeps its state,
 * so it never changes, whatever is refreshed meanwhile.
 *
 * LONG reads as a number if it is a safe integer, else as a bigint; BYTES as a Uint8Array of its own. A
 * reference to a type with a single field that is no reference (Hollow's `String { string value; }`) reads as the bare
 * value, to another OBJECT as a RecordView, to a LIST as an array of such values, to a SET or MAP as a SetView or MapView
 * (lib/schema/record-of.ts).
 *
 * The properties are getters of its class, not own properties. For `{ ...record }`, `Object.keys`, `structuredClone` and
 * deep equality take a copy: `record.toObject()`.
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

/** What is made once for the states of one schema and one reader. */
class Viewer {
  readonly reader: ReaderSchema | null;
  readonly layout: RecordLayout;
  readonly #stored: DatasetSchema;
  readonly #views = new Map<string, ViewConstructor>();
  readonly #targets = new Map<string, TargetReader>();
  /** Of the lists of lists that are being read. */
  #lists: NestingBound | null = null;

  constructor(stored: DatasetSchema, reader: ReaderSchema | null, layout: RecordLayout) {
    this.reader = reader;
    this.layout = layout;
    this.#stored = stored;
  }

  viewOf(type: string): ViewConstructor {
    let View = this.#views.get(type);
    if (View === undefined) {
      View = defineViewClass(this, type);
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
    const schema = this.#stored.get(type);
    const box = this.layout.boxOf(type);
    if (box !== null) return (state, ordinal) => box.read(state.objectType(type), ordinal);
    switch (schema.kind) {
      case 'OBJECT':
        return (state, ordinal) => new (this.viewOf(type))(state, state.objectType(type), ordinal);
      case 'LIST': {
        const readElement = this.#elementReader(schema.elementType);
        return (state, ordinal) => {
          const records = state.type(type);
          if (records.kind !== 'LIST') return null;
          return Object.freeze(
            Array.from(records.elements(ordinal), (element) => readElement(state, element)),
          );
        };
      }
      case 'SET': {
        const readers = this.#collectionReaders(type, schema.elementType, schema.elementType);
        return (state, ordinal) => {
          const records = state.type(type);
          return records.kind === 'SET' ? new SetRecordView({ state, records, ordinal }, readers) : null;
        };
      }
      case 'MAP': {
        const readers = this.#collectionReaders(type, schema.keyType, schema.valueType);
        return (state, ordinal) => {
          const records = state.type(type);
          return records.kind === 'MAP' ? new MapRecordView({ state, records, ordinal }, readers) : null;
        };
      }
    }
  }

  #collectionReaders(type: string, keyType: string, valueType: string): CollectionReaders {
    let lookup: HashKeyLookup | null = null;
    return {
      // Not before it is asked for: elements may be loaded where what they are hashed by is not.
      lookup: () => {
        lookup ??= this.#lookupOf(type, keyType);
        return lookup;
      },
      readKey: this.#later(keyType),
      readValue: this.#later(valueType),
      toJson: (state, ordinal) => plainCollection(state, type, ordinal, this.layout),
    };
  }

  #lookupOf(type: string, keyType: string): HashKeyLookup {
    const hashKey = this.#stored.keyPaths(type);
    const isHashed = hashKey.length > 0;
    return new HashKeyLookup(type, isHashed ? hashKey : this.#boxPath(keyType), isHashed);
  }

  /** The path to the bare value of what reads as a box; none if the type does not. */
  #boxPath(type: string): readonly KeyPath[] {
    const box = this.layout.boxOf(type);
    const field = box === null ? undefined : this.#stored.getObject(type).fields[box.index];
    if (box === null || field === undefined) return [];
    return [{ path: box.name, steps: [], types: [type], leafField: box.index, leafKind: field.kind }];
  }

  /** Lists are read at once, so lists of lists are followed all the way: not beyond any bound. */
  #elementReader(type: string): TargetReader {
    const read = this.#later(type);
    if (this.#stored.find(type)?.kind !== 'LIST') return read;
    return (state, ordinal) => {
      const outer = this.#lists;
      const bound = outer ?? new NestingBound();
      this.#lists = bound;
      try {
        bound.enter(type);
        const elements = read(state, ordinal);
        bound.leave();
        return elements;
      } finally {
        this.#lists = outer;
      }
    };
  }

  /** {@link targetOf}, but not before it is asked for: types may refer to each other in circles. */
  #later(type: string): TargetReader {
    let read: TargetReader | null = null;
    return (state, ordinal) => {
      read ??= this.targetOf(type);
      return read(state, ordinal);
    };
  }

  fieldReader({ index, referencedType, read }: ReaderField): FieldReader {
    if (referencedType === null) return (_, records, ordinal) => read(records, ordinal);
    const readTarget = this.#later(referencedType);
    return (state, records, ordinal) => {
      const target = records.readReference(ordinal, index);
      return target < 0 ? null : readTarget(state, target);
    };
  }
}

/** There is one layout for each schema of a state and reader. */
const viewers = new WeakMap<RecordLayout, Viewer>();

function viewerOf(stored: DatasetSchema, reader: ReaderSchema | null): Viewer {
  const layout = recordLayout(stored, reader);
  let viewer = viewers.get(layout);
  if (viewer === undefined) {
    viewer = new Viewer(stored, reader, layout);
    viewers.set(layout, viewer);
  }
  return viewer;
}

/**
 * Gives views of the records of one type, as the reader's schema describes them. No check that ordinals are populated.
 *
 * @param reader what {@link requireReadable} lets pass; null: everything there is in the state, as it is
 * @throws DatasetError `invalid` if there is no such OBJECT type
 */
export function recordViewer(
  state: ReadState,
  type: string,
  reader: ReaderSchema | null,
): (ordinal: number) => RecordView {
  const View = viewerOf(state.schema, reader).viewOf(type);
  const records = state.objectType(type);
  return (ordinal) => new View(state, records, ordinal);
}

/**
 * A field of all records of one type, in the form that their views have it.
 *
 * @param reader as for {@link recordViewer}
 * @throws DatasetError `invalid` if there is no such OBJECT type, or no such field
 */
export function recordColumn(
  state: ReadState,
  { type, field }: { readonly type: string; readonly field: string },
  reader: ReaderSchema | null,
): Column<unknown> {
  const viewer = viewerOf(state.schema, reader);
  const records = state.objectType(type);
  const fields = viewer.layout.fieldsOf(type);
  const layout = fields.find(({ name }) => name === field);
  if (layout === undefined) {
    const names = fields.map(({ name }) => name).join(', ');
    throw new DatasetError('invalid', `'${type}' has no field '${field}' (its fields: ${names})`, {
      type,
      field,
    });
  }
  const { index, referencedType } = layout;
  const kindOf = ({ schema }: ObjectTypeState, i: number) => schema.fields[i]?.kind;
  const kind = kindOf(records, index);
  if (kind === 'INT' || kind === 'FLOAT' || kind === 'DOUBLE') return records.numericColumn(index);
  if (kind === 'STRING') return records.textColumn(index);
  const box = referencedType === null ? null : viewer.layout.boxOf(referencedType);
  if (referencedType !== null && box !== null) {
    const target = state.objectType(referencedType);
    if (kindOf(target, box.index) === 'STRING') return records.referencedTextColumn(index, target, box.index);
  }
  const read = viewer.fieldReader(layout);
  return records.column((ordinal) => read(state, records, ordinal));
}

/** A class of its own for each type: every property has one reader, chosen here once, and one call site sees one shape. */
function defineViewClass(viewer: Viewer, type: string): ViewConstructor {
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
      return recordObject(this.#state, type, this.#ordinal, viewer.reader);
    }

    toJSON(): PlainRecord {
      return recordJson(this.#state, type, this.#ordinal, viewer.reader);
    }

    [inspect](): PlainRecord {
      return recordObject(this.#state, type, this.#ordinal, viewer.reader);
    }
  }
  for (const field of viewer.layout.fieldsOf(type)) {
    const get = View.getter(viewer.fieldReader(field));
    Object.defineProperty(View.prototype, field.name, { get, enumerable: true, configurable: true });
  }
  Object.defineProperty(View, 'name', { value: type });
  // The properties were defined above: the type system cannot see it.
  return View as unknown as ViewConstructor;
}
