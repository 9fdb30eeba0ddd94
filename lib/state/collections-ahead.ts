import { ByteWriter } from '../bytes/byte-writer.ts';
import { murmur3 } from '../bytes/hash.ts';
import { isPlainObject } from '../schema/plain-object.ts';
import { CollectionEntries } from './collection-bytes.ts';
import type { CycleStrings } from './string-ordinals.ts';

/** Records that are written together: what they wait for stays in the processor's first caches. */
export const groupSize = 64;

type CollectionKind = 'LIST' | 'SET' | 'MAP';

/** A field that refers to a collection of strings. */
export interface AheadField {
  readonly kind: CollectionKind;
  /** Of the elements, or of the keys. */
  readonly keys: CycleStrings;
  /** Of the values of a MAP; of others as `keys`. */
  readonly values: CycleStrings;
}

/**
 * The collections that one field of a group of records refers to, as bytes with their hashes, before the records are written: so
 * the memory that tells whether each is known can be asked for together. Only of collections whose strings are known
 * all; the others are written when their turn comes. One is reused for many groups.
 */
export class CollectionsAhead {
  /** Hashes of the bytes that there are; only the first `count`. */
  readonly hashes = new Int32Array(groupSize);
  count = 0;
  readonly #field: AheadField;
  readonly #out = new ByteWriter(2048);
  readonly #entries = new CollectionEntries();
  /** By place in the group: where its hash is among the hashes; -1: it has none. */
  readonly #places = new Int32Array(groupSize);
  /** Where the bytes start and end, by place among the hashes. */
  readonly #starts = new Int32Array(groupSize);
  readonly #ends = new Int32Array(groupSize);

  constructor(field: AheadField) {
    this.#field = field;
  }

  clear(): void {
    this.count = 0;
    this.#out.reset();
  }

  /** @param value of the field, whatever it is */
  take(place: number, value: unknown): void {
    const isKnown = this.#addEntries(value);
    this.#places[place] = isKnown ? this.count : -1;
    if (!isKnown) return;
    const start = this.#out.position;
    this.#entries.writeTo(this.#field.kind, this.#out);
    const end = this.#out.position;
    this.#starts[this.count] = start;
    this.#ends[this.count] = end;
    this.hashes[this.count++] = murmur3(this.#out.bytes, start, end);
  }

  has(place: number): boolean {
    return (this.#places[place] as number) >= 0;
  }

  hashOf(place: number): number {
    return this.hashes[this.#places[place] as number] as number;
  }

  /** Writes the bytes of the collection that there is. */
  writeTo(place: number, out: ByteWriter): void {
    const at = this.#places[place] as number;
    out.writeBytes(this.#out.bytes, this.#starts[at], this.#ends[at]);
  }

  /** False: not all of it is known, or it is no collection of strings. */
  #addEntries(value: unknown): boolean {
    const { kind, keys, values } = this.#field;
    const entries = this.#entries;
    entries.clear();
    if (kind === 'MAP') return isPlainObject(value) && this.#addMapEntries(value, keys, values);
    if (!Array.isArray(value)) return false;
    for (let i = 0; i < value.length; i++) {
      const element: unknown = value[i];
      const ordinal = typeof element === 'string' ? keys.find(element) : -1;
      if (ordinal < 0) return false;
      entries.add(ordinal, 0);
    }
    return true;
  }

  #addMapEntries(value: object, keys: CycleStrings, values: CycleStrings): boolean {
    const names = Object.keys(value);
    const texts: unknown[] = Object.values(value);
    for (let i = 0; i < names.length; i++) {
      const text = texts[i];
      const key = keys.find(names[i] as string);
      const ordinal = typeof text === 'string' ? values.find(text) : -1;
      if (key < 0 || ordinal < 0) return false;
      this.#entries.add(key, ordinal);
    }
    return true;
  }
}
