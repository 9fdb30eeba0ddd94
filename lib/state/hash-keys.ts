import { ByteWriter } from '../bytes/byte-writer.ts';
import { unitsHash } from '../bytes/code-units.ts';
import { mixInt, mixPart, murmur3 } from '../bytes/hash.ts';
import { IntMap } from '../bytes/int-map.ts';
import { DatasetError } from '../errors.ts';
import type { DatasetSchema, KeyPath } from '../schema/dataset-schema.ts';
import type { Field, FieldKind, ObjectSchema } from '../schema/schema.ts';
import { RecordCursor } from './record-cursor.ts';

/** Appends the canonical bytes of a record of the type named. */
export type ReadRecord = (type: string, ordinal: number, out: ByteWriter) => void;

/** Where the search for an element (a map's key) of a set starts, before it is cut to the size of the table. */
export type ElementHash = (ordinal: number) => number;

/**
 * Hashes of the elements of sets and keys of maps: of the ordinal, or of the values that the collection's hash key
 * names (docs/format.md, "Bucket order"). Remembers what it has worked out; lives as long as the records it reads.
 */
export class HashKeys {
  readonly #schema: DatasetSchema;
  readonly #read: ReadRecord;
  readonly #hashes = new Map<string, ElementHash>();
  readonly #record = new ByteWriter();
  readonly #cursor = new RecordCursor();

  constructor(schema: DatasetSchema, read: ReadRecord) {
    this.#schema = schema;
    this.#read = read;
  }

  /** How the elements of a SET or the keys of a MAP type are hashed. */
  ofType(type: string): ElementHash {
    let hash = this.#hashes.get(type);
    if (hash === undefined) {
      const paths = this.#schema.keyPaths(type);
      hash = paths.length === 0 ? mixInt : this.#remembering(type, paths);
      this.#hashes.set(type, hash);
    }
    return hash;
  }

  #remembering(type: string, paths: readonly KeyPath[]): ElementHash {
    const known = new IntMap();
    return (ordinal) => {
      if (known.has(ordinal)) return known.get(ordinal);
      let hash = 0;
      for (const path of paths) hash = mixPart(hash, this.#fieldHash(type, path, ordinal));
      known.set(ordinal, hash);
      return hash;
    };
  }

  #fieldHash(type: string, { path, steps, types, leafField, leafKind }: KeyPath, ordinal: number): number {
    const cursor = this.#cursor;
    let at = ordinal;
    for (let i = 0; i < steps.length; i++) {
      this.#openField(types[i] as string, at, steps[i] as number);
      if (cursor.readNull()) throw nullOnPath(type, path);
      at = cursor.readVarInt();
    }
    this.#openField(types[steps.length] as string, at, leafField);
    return hashField(leafKind, cursor, () => nullOnPath(type, path));
  }

  /** Leaves the cursor at a field of a record. */
  #openField(type: string, ordinal: number, field: number): void {
    this.#record.reset();
    this.#read(type, ordinal, this.#record);
    this.#cursor.open(this.#record.bytes, 0);
    const { fields } = this.#schema.get(type) as ObjectSchema;
    for (let i = 0; i < field; i++) this.#cursor.skipField((fields[i] as Field).kind);
  }
}

/** The number that Java derives from a value; null is 0, the null image, or not allowed. */
function hashField(kind: FieldKind, cursor: RecordCursor, notAllowed: () => DatasetError): number {
  if (kind === 'FLOAT') return cursor.readInt32() | 0;
  if (kind === 'DOUBLE') return cursor.readInt32() ^ cursor.readInt32();
  if (cursor.readNull()) {
    if (kind === 'INT' || kind === 'LONG' || kind === 'BOOLEAN') return 0;
    throw notAllowed();
  }
  switch (kind) {
    case 'INT': {
      const zigZag = cursor.readVarInt();
      return (zigZag >>> 1) ^ -(zigZag & 1);
    }
    case 'LONG':
      return hashLong(cursor);
    case 'BOOLEAN':
      return cursor.readVarInt() === 1 ? 1231 : 1237;
    case 'REFERENCE':
      return cursor.readVarInt();
    default: {
      const size = cursor.readVarInt();
      const { bytes, position } = cursor;
      return kind === 'STRING'
        ? unitsHash(bytes, position, position + size)
        : murmur3(bytes, position, position + size);
    }
  }
}

/** v ^ (v >>> 32), low half; v decoded from zig-zag. */
function hashLong(cursor: RecordCursor): number {
  cursor.readVarLong();
  const { high, low } = cursor;
  const sign = -(low & 1);
  return ((low >>> 1) | (high << 31)) ^ sign ^ (high >>> 1) ^ sign;
}

function nullOnPath(type: string, path: string): DatasetError {
  return new DatasetError('rejected', `${type}: the hash key '${path}' of an element is null`, {
    type,
    path,
  });
}
