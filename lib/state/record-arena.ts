import { ByteWriter } from '../bytes/byte-writer.ts';
import { murmur3 } from '../bytes/hash.ts';

/** The first room for records. */
const countMin = 16;
const noEnds = new Uint32Array(0);
const noHashes = new Int32Array(0);

/** Keeps reads from being optimized away. */
const touched = new Int32Array(1);

/**
 * Canonical bytes of the records that a cycle has added to a type, one behind the other. Entries are numbered from 0.
 * A record is written where it stays: {@link RecordArena.open}, then {@link RecordArena.keep}, unless it turns out to be
 * known.
 */
export class RecordArena {
  readonly #out = new ByteWriter(256);
  /** ends[i]: where record i ends; it starts where the one before ends. */
  #ends = noEnds;
  #hashes = noHashes;
  #count = 0;
  #size = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes of all records that are kept. The record that is open starts there. */
  get size(): number {
    return this.#size;
  }

  /** Where the record that is open ends. */
  get openEnd(): number {
    return this.#out.position;
  }

  /** Replaced when the arena grows: do not keep it across an {@link open}. */
  get bytes(): Uint8Array {
    return this.#out.bytes;
  }

  startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] as number);
  }

  endOf(index: number): number {
    return this.#ends[index] as number;
  }

  /** Murmur3 of the bytes. */
  hashOf(index: number): number {
    return this.#hashes[index] as number;
  }

  /** To write one record to, behind those that are kept. */
  open(): ByteWriter {
    this.#out.position = this.#size;
    return this.#out;
  }

  /** Murmur3 of the record that is open. */
  hashOpen(): number {
    return murmur3(this.#out.bytes, this.#size, this.#out.position);
  }

  /** The index of the record that was open. */
  keep(hash: number): number {
    const index = this.#count++;
    if (index === this.#ends.length) this.#grow();
    this.#size = this.#out.position;
    this.#ends[index] = this.#size;
    this.#hashes[index] = hash;
    return index;
  }

  /** Asks for the memory of these records; -1: none. */
  touch(indexes: Int32Array, count: number): void {
    const { bytes } = this.#out;
    let seen = 0;
    for (let i = 0; i < count; i++) {
      const index = indexes[i] as number;
      if (index >= 0) seen |= bytes[this.startOf(index)] as number;
    }
    touched[0] = seen;
  }

  recordEquals(index: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.startOf(index);
    if (this.endOf(index) - from !== end - start) return false;
    const own = this.#out.bytes;
    for (let i = start, j = from; i < end; i++, j++) if (own[j] !== bytes[i]) return false;
    return true;
  }

  #grow(): void {
    const ends = new Uint32Array(Math.max(this.#ends.length * 2, countMin));
    const hashes = new Int32Array(ends.length);
    ends.set(this.#ends);
    hashes.set(this.#hashes);
    this.#ends = ends;
    this.#hashes = hashes;
  }
}
