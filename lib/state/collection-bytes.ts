import type { ByteWriter } from '../bytes/byte-writer.ts';
import { hashTableSize, mixInt } from '../bytes/hash.ts';
import { DatasetError } from '../errors.ts';

/** Ordinals are below 2^29: a number can hold one and the place of an entry. */
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
  /** Ordinal of the key or element * {@link entriesMax} + number of the entry: sorts by key, what came last behind. */
  #places = new Float64Array(16);
  /** By number of the entry; of a MAP. */
  #values = new Int32Array(16);

  clear(): void {
    this.#count = 0;
  }

  /** @param value of a MAP's entry, else 0 */
  add(key: number, value: number): void {
    if (this.#count === this.#values.length) this.#grow();
    this.#places[this.#count] = key * entriesMax + this.#count;
    this.#values[this.#count++] = value;
  }

  writeTo(kind: 'LIST' | 'SET' | 'MAP', out: ByteWriter): void {
    if (kind !== 'LIST') this.#sort();
    const places = this.#places;
    const count = this.#count;
    const bucketMask = hashTableSize(count) - 1;
    let previous = 0;
    out.writeVarInt(count);
    for (let i = 0; i < count; i++) {
      const place = places[i] as number;
      const key = Math.floor(place / entriesMax);
      if (kind === 'LIST') {
        out.writeVarInt(key);
        continue;
      }
      out.writeVarInt(key - previous);
      if (kind === 'MAP') out.writeVarInt(this.#values[place - key * entriesMax] as number);
      out.writeVarInt(mixInt(key) & bucketMask);
      previous = key;
    }
  }

  /** By key; of equal keys only the last stays. */
  #sort(): void {
    const places = this.#places;
    const count = this.#count;
    if (count <= insertionMax) sortByInsertion(places, count);
    else places.subarray(0, count).sort();
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const place = places[i] as number;
      const key = Math.floor(place / entriesMax);
      const isRepeated = kept > 0 && Math.floor((places[kept - 1] as number) / entriesMax) === key;
      places[isRepeated ? kept - 1 : kept++] = place;
    }
    this.#count = kept;
  }

  #grow(): void {
    if (this.#count === entriesMax) {
      throw new DatasetError('invalid', `a collection of more than ${entriesMax} entries`, { entriesMax });
    }
    const places = new Float64Array(this.#count * 2);
    const values = new Int32Array(this.#count * 2);
    places.set(this.#places);
    values.set(this.#values);
    this.#places = places;
    this.#values = values;
  }
}

function sortByInsertion(places: Float64Array, count: number): void {
  for (let i = 1; i < count; i++) {
    const place = places[i] as number;
    let j = i;
    for (; j > 0 && (places[j - 1] as number) > place; j--) places[j] = places[j - 1] as number;
    places[j] = place;
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
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw new DatasetError('invalid', 'a collection needs the ordinals of its elements');
}
