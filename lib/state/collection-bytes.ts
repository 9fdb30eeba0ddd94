import type { ByteWriter } from '../bytes/byte-writer.ts';
import { hashTableSize, mixInt } from '../bytes/hash.ts';
import { DatasetError } from '../errors.ts';

/** Ordinals are below 2^29: a double can hold one and the place of an entry. */
const entriesMax = 2 ** 24;

/** Up to this many are sorted by insertion: faster than the call, and most collections are small. */
const insertionMax = 32;

/**
 * The entries of one collection record on their way to canonical bytes (docs/format.md, "Record bytes"). An element that
 * a set has twice is taken once; of a key that a map has twice, the last value. One is reused for many records: no
 * allocation per record.
 */
export class CollectionEntries {
  #count = 0;
  /** Ordinals of the keys or elements. */
  #keys = new Int32Array(16);
  /** Of a MAP. */
  #values = new Int32Array(16);

  clear(): void {
    this.#count = 0;
  }

  /** @param value of a MAP's entry, else 0 */
  add(key: number, value: number): void {
    if (this.#count === this.#keys.length) this.#grow();
    this.#keys[this.#count] = key;
    this.#values[this.#count++] = value;
  }

  writeTo(kind: 'LIST' | 'SET' | 'MAP', out: ByteWriter): void {
    if (kind !== 'LIST') this.#sort();
    const keys = this.#keys;
    const count = this.#count;
    const bucketMask = hashTableSize(count) - 1;
    out.writeVarInt(count);
    for (let i = 0, previous = 0; i < count; i++) {
      const key = keys[i] as number;
      if (kind === 'LIST') {
        out.writeVarInt(key);
        continue;
      }
      out.writeVarInt(key - previous);
      if (kind === 'MAP') out.writeVarInt(this.#values[i] as number);
      out.writeVarInt(mixInt(key) & bucketMask);
      previous = key;
    }
  }

  /** By key; of equal keys only the last stays. */
  #sort(): void {
    const keys = this.#keys;
    const values = this.#values;
    if (this.#count <= insertionMax) sortByInsertion(keys, values, this.#count);
    else sortByPlace(keys, values, this.#count);
    let kept = 0;
    for (let i = 0; i < this.#count; i++) {
      if (kept > 0 && keys[kept - 1] === keys[i]) kept--;
      keys[kept] = keys[i] as number;
      values[kept++] = values[i] as number;
    }
    this.#count = kept;
  }

  #grow(): void {
    if (this.#count === entriesMax) {
      throw new DatasetError('invalid', `a collection of more than ${entriesMax} entries`, { entriesMax });
    }
    const keys = new Int32Array(this.#count * 2);
    const values = new Int32Array(this.#count * 2);
    keys.set(this.#keys);
    values.set(this.#values);
    this.#keys = keys;
    this.#values = values;
  }
}

/** Equal keys stay in order. */
function sortByInsertion(keys: Int32Array, values: Int32Array, count: number): void {
  for (let i = 1; i < count; i++) {
    const key = keys[i] as number;
    const value = values[i] as number;
    let j = i;
    for (; j > 0 && (keys[j - 1] as number) > key; j--) {
      keys[j] = keys[j - 1] as number;
      values[j] = values[j - 1] as number;
    }
    keys[j] = key;
    values[j] = value;
  }
}

/** As {@link sortByInsertion}, in steps that do not grow with the square. */
function sortByPlace(keys: Int32Array, values: Int32Array, count: number): void {
  // Sorts by key, what came last behind.
  const places = Float64Array.from({ length: count }, (_, i) => (keys[i] as number) * entriesMax + i).sort();
  const valuesBefore = values.slice(0, count);
  for (let i = 0; i < count; i++) {
    const place = places[i] as number;
    const key = Math.floor(place / entriesMax);
    keys[i] = key;
    values[i] = valuesBefore[place - key * entriesMax] as number;
  }
}

/**
 * Adds entries that are given as ordinals.
 *
 * @param given LIST and SET: ordinals of the elements; MAP: [key, value] ordinals
 * @throws DatasetError `invalid` if an entry is not of that form
 */
export function addFlatEntries(
  kind: 'LIST' | 'SET' | 'MAP',
  given: readonly unknown[],
  entries: CollectionEntries,
): void {
  for (const entry of given) {
    if (kind !== 'MAP') entries.add(requireOrdinal(entry), 0);
    else if (Array.isArray(entry) && entry.length === 2)
      entries.add(requireOrdinal(entry[0]), requireOrdinal(entry[1]));
    else throw new DatasetError('invalid', 'a map needs [key, value] ordinals');
  }
}

function requireOrdinal(value: unknown): number {
  if (typeof value === 'number' && (value | 0) === value && value >= 0) return value;
  throw new DatasetError('invalid', 'a collection needs the ordinals of its elements');
}
