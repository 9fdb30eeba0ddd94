import { textHash } from '../bytes/code-units.ts';
import { mixPart, murmur3 } from '../bytes/hash.ts';
import { DatasetError } from '../errors.ts';
import type { KeyPath } from '../schema/dataset-schema.ts';
import { type KeyPartReader, keyPartReader } from '../schema/key-part.ts';
import type { KeyPart } from '../schema/record-key.ts';
import type { MapView, SetView } from '../schema/record-of.ts';
import type { FieldKind } from '../schema/schema.ts';
import type { MapTypeState } from './map-type-state.ts';
import type { ReadState } from './read-state.ts';
import { type ValueReader, valueReader } from './record-value.ts';
import type { SetTypeState } from './set-type-state.ts';

/** Reads what an ordinal of some type leads to. */
export type TargetReader = (state: ReadState, ordinal: number) => unknown;

/** What a collection is read with, made once for its type. */
export interface CollectionReaders {
  readonly lookup: () => HashKeyLookup;
  /** Elements of a SET, keys of a MAP. */
  readonly readKey: TargetReader;
  /** Of a MAP. */
  readonly readValue: TargetReader;
  /** The collection as JSON can hold it. */
  readonly toJson: TargetReader;
}

/** Which record of which state is viewed. */
interface Place<Records> {
  readonly state: ReadState;
  readonly records: Records;
  readonly ordinal: number;
}

/** What console.log and util.inspect ask objects for. */
export const inspect = Symbol.for('nodejs.util.inspect.custom');

/** A SET of one record. Holds on to its state, so it never changes. */
export class SetRecordView implements SetView<unknown, readonly unknown[]> {
  readonly #at: Place<SetTypeState>;
  readonly #readers: CollectionReaders;

  constructor(at: Place<SetTypeState>, readers: CollectionReaders) {
    this.#at = at;
    this.#readers = readers;
  }

  get size(): number {
    return this.#at.records.size(this.#at.ordinal);
  }

  has(...key: readonly unknown[]): boolean {
    return this.#bucketOf(key) >= 0;
  }

  find(...key: readonly unknown[]): unknown {
    const { state, records, ordinal } = this.#at;
    const bucket = this.#bucketOf(key);
    return bucket < 0 ? undefined : this.#readers.readKey(state, records.bucketElement(ordinal, bucket));
  }

  *[Symbol.iterator](): Generator<unknown, undefined> {
    const { state, records, ordinal } = this.#at;
    for (const element of records.elements(ordinal)) yield this.#readers.readKey(state, element);
  }

  toJSON(): unknown {
    return this.#readers.toJson(this.#at.state, this.#at.ordinal);
  }

  [inspect](): ReadonlySet<unknown> {
    return new Set(this);
  }

  #bucketOf(key: readonly unknown[]): number {
    const { state, records, ordinal } = this.#at;
    const table = {
      bucketCount: records.bucketCount(ordinal),
      elementAt: (bucket: number) => records.bucketElement(ordinal, bucket),
    };
    return this.#readers.lookup().find(state, table, key);
  }
}

/** A MAP of one record. Holds on to its state, so it never changes. */
export class MapRecordView implements MapView<unknown, unknown, readonly unknown[]> {
  readonly #at: Place<MapTypeState>;
  readonly #readers: CollectionReaders;

  constructor(at: Place<MapTypeState>, readers: CollectionReaders) {
    this.#at = at;
    this.#readers = readers;
  }

  get size(): number {
    return this.#at.records.size(this.#at.ordinal);
  }

  has(...key: readonly unknown[]): boolean {
    return this.#bucketOf(key) >= 0;
  }

  get(...key: readonly unknown[]): unknown {
    const { state, records, ordinal } = this.#at;
    const bucket = this.#bucketOf(key);
    return bucket < 0 ? undefined : this.#readers.readValue(state, records.bucketValue(ordinal, bucket));
  }

  *keys(): Generator<unknown, undefined> {
    for (const [key] of this) yield key;
  }

  *values(): Generator<unknown, undefined> {
    for (const [, value] of this) yield value;
  }

  *[Symbol.iterator](): Generator<readonly [unknown, unknown], undefined> {
    const { state, records, ordinal } = this.#at;
    const { readKey, readValue } = this.#readers;
    const { keys, values } = records.entries(ordinal);
    for (let i = 0; i < keys.length; i++) {
      yield [readKey(state, keys[i] as number), readValue(state, values[i] as number)];
    }
  }

  toJSON(): unknown {
    return this.#readers.toJson(this.#at.state, this.#at.ordinal);
  }

  [inspect](): ReadonlyMap<unknown, unknown> {
    return new Map(this);
  }

  #bucketOf(key: readonly unknown[]): number {
    const { state, records, ordinal } = this.#at;
    const table = {
      bucketCount: records.bucketCount(ordinal),
      elementAt: (bucket: number) => records.bucketKey(ordinal, bucket),
    };
    return this.#readers.lookup().find(state, table, key);
  }
}

/** The hash table of one SET or MAP. */
interface BucketTable {
  readonly bucketCount: number;
  /** -1: the bucket is empty. */
  readonly elementAt: (bucket: number) => number;
}

/** Finds elements (a map's keys) by hash key, as docs/format.md, "Bucket order", lays them out. */
export class HashKeyLookup {
  readonly #type: string;
  readonly #paths: readonly KeyPath[];
  readonly #isHashed: boolean;
  readonly #parts: readonly KeyPartReader[];
  readonly #leaves: readonly ValueReader[];

  /**
   * @param type the SET or MAP
   * @param paths its hash key; where it has none, the box of its elements if they are boxes: then all are looked at
   */
  constructor(type: string, paths: readonly KeyPath[], isHashed: boolean) {
    this.#type = type;
    this.#paths = paths;
    this.#isHashed = isHashed;
    this.#parts = paths.map((path) => keyPartReader(type, path));
    this.#leaves = paths.map(({ leafKind, leafField }) => valueReader(leafKind, leafField));
  }

  /**
   * The bucket of the element with this key, -1: there is none.
   *
   * @throws DatasetError `invalid`: not a key of this collection; says what was expected
   */
  find(state: ReadState, table: BucketTable, key: readonly unknown[]): number {
    const wanted = this.#keyOf(key);
    const { bucketCount } = table;
    const mask = bucketCount - 1;
    const start = this.#isHashed ? hashOf(this.#paths, wanted) & mask : 0;
    for (let probe = 0; probe < bucketCount; probe++) {
      const bucket = (start + probe) & mask;
      const element = table.elementAt(bucket);
      if (element >= 0 ? this.#matches(state, element, wanted) : this.#isHashed) {
        return element >= 0 ? bucket : -1;
      }
    }
    return -1;
  }

  #keyOf(key: readonly unknown[]): readonly KeyPart[] {
    const parts = this.#parts;
    if (parts.length > 0 && key.length === parts.length) {
      return key.map((part, i) => (parts[i] as KeyPartReader)(part));
    }
    const names = this.#paths.map(({ path }) => path).join(', ');
    const problem = parts.length === 0 ? 'there is none' : `it is (${names}), not ${key.length} values`;
    throw new DatasetError('invalid', `the hash key of ${this.#type}: ${problem}`, { type: this.#type });
  }

  #matches(state: ReadState, element: number, wanted: readonly KeyPart[]): boolean {
    return this.#paths.every(({ types, steps }, i) => {
      let at = element;
      for (let step = 0; step < steps.length && at >= 0; step++) {
        at = state.objectType(types[step] as string).readReference(at, steps[step] as number);
      }
      if (at < 0) return false;
      const leaf = (this.#leaves[i] as ValueReader)(state.objectType(types.at(-1) as string), at);
      return isSame(leaf, wanted[i] as KeyPart);
    });
  }
}

function isSame(stored: unknown, wanted: KeyPart): boolean {
  if (stored instanceof Uint8Array && wanted instanceof Uint8Array) {
    return stored.length === wanted.length && stored.every((byte, i) => byte === wanted[i]);
  }
  // A LONG reads as a number where it can; it may be asked for as a bigint.
  if (typeof wanted === 'bigint')
    return typeof stored === 'number' ? BigInt(stored) === wanted : stored === wanted;
  return Object.is(stored, wanted);
}

function hashOf(paths: readonly KeyPath[], key: readonly KeyPart[]): number {
  let hash = 0;
  for (let i = 0; i < paths.length; i++) {
    const { leafKind } = paths[i] as KeyPath;
    hash = mixPart(hash, hashOfPart(leafKind, key[i] as KeyPart));
  }
  return hash;
}

const doubleBits = new DataView(new ArrayBuffer(8));

/** The number that Java derives from a value; the same as HashKeys has for a stored one. */
function hashOfPart(kind: FieldKind, part: KeyPart): number {
  if (typeof part === 'string') return textHash(part);
  if (typeof part === 'boolean') return part ? 1231 : 1237;
  if (part instanceof Uint8Array) return murmur3(part, 0, part.length);
  if (kind === 'LONG' && (typeof part === 'bigint' || Number.isSafeInteger(part))) {
    const long = BigInt(part);
    return Number(BigInt.asIntN(32, long ^ (BigInt.asUintN(64, long) >> 32n)));
  }
  if (kind === 'DOUBLE') {
    doubleBits.setFloat64(0, Number(part));
    return doubleBits.getInt32(0) ^ doubleBits.getInt32(4);
  }
  if (kind === 'FLOAT') {
    doubleBits.setFloat32(0, Number(part));
    return doubleBits.getInt32(0);
  }
  return Number(part) | 0;
}
