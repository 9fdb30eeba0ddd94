import { ByteWriter } from '../bytes/byte-writer.ts';
import type { RecordBytes } from './dedup-table.ts';

/** Canonical bytes of the records that a cycle has added to a type, one behind the other. Entries are numbered from 0. */
export class RecordArena {
  readonly #bytes = new ByteWriter(1024);
  /** ends[i]: where record i ends; it starts where the one before ends. */
  #ends = new Uint32Array(16);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes of all records. */
  get size(): number {
    return this.#bytes.position;
  }

  /** Replaced when the arena grows: do not keep it across an append. */
  get bytes(): Uint8Array {
    return this.#bytes.bytes;
  }

  startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] as number);
  }

  endOf(index: number): number {
    return this.#ends[index] as number;
  }

  /** The index of the record. */
  append(record: RecordBytes): number {
    if (this.#count === this.#ends.length) {
      const ends = new Uint32Array(this.#ends.length * 2);
      ends.set(this.#ends);
      this.#ends = ends;
    }
    this.#bytes.writeBytes(record.bytes, 0, record.position);
    this.#ends[this.#count] = this.#bytes.position;
    return this.#count++;
  }

  recordEquals(index: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.startOf(index);
    if (this.endOf(index) - from !== end - start) return false;
    const own = this.#bytes.bytes;
    for (let i = 0; i < end - start; i++) {
      if (own[from + i] !== bytes[start + i]) return false;
    }
    return true;
  }
}
