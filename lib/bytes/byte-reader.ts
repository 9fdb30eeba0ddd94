/**
 * LAYER 1, bytes: numbers, texts and bits as blobs and records have them (docs/format.md, "Primitives").
 *
 *   byte-reader.ts   a cursor over a blob, every read checked (this file); byte-writer.ts: the other way
 *   longs.ts         a packed bit array in a blob; bit-reader.ts, bit-copy.ts: its fields; bit-writer.ts: makes one
 *   gap-list.ts      ascending ordinals in a blob
 *   code-units.ts    texts of records; modified-utf8.ts: of headers and schemas; base64.ts: bytes as text
 *   hash.ts          Hollow's hash functions
 *   bit-set.ts       an immutable set of ordinals; marks.ts: without pages; int-map.ts: from integers to integers
 *   shared-arena.ts  memory that threads share
 *   platform.ts      what Node has a faster way for
 */
import { DatasetError } from '../errors.ts';
import { decodeModifiedUtf8 } from './modified-utf8.ts';
import { int32At } from './platform.ts';

/** The bytes of one number on their way to a bigint. A view of each blob would cost more than all its other numbers. */
const int64 = new DataView(new ArrayBuffer(8));

/**
 * A cursor over the bytes of a blob. Every read is checked against the end: what a damaged or hostile blob can cause
 * is a DatasetError `corrupt` that names the offset and what was being read, never an untyped one and never a hang.
 *
 * `what` arguments name the thing being read; they appear in messages only.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  /** Offset of the next byte. */
  position: number;
  /**
   * What is decoded may stay where it is, and bytes that were read may be written over: all but those below this
   * offset, which are in use. Infinity: the bytes are the caller's, what is decoded are copies.
   */
  inUseEnd: number;

  constructor(bytes: Uint8Array, position = 0, isTaken = false) {
    // Node's Buffer has a `slice` that does not copy: what is cut out of these bytes must be cut out of a Uint8Array.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
    this.inUseEnd = isTaken ? 0 : Number.POSITIVE_INFINITY;
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  /** The error for damage at `offset` (default: the current position). */
  corrupt(what: string, problem: string, offset: number = this.position): DatasetError {
    return new DatasetError('corrupt', `${what} at offset ${offset}: ${problem}`, { offset, reading: what });
  }

  /** Moves on by `size` bytes and returns where they start. */
  skip(size: number, what: string): number {
    const start = this.position;
    if (!(size >= 0 && size <= this.bytes.length - start)) {
      throw this.corrupt(what, `needs ${size} bytes, ${this.remaining} are left`);
    }
    this.position = start + size;
    return start;
  }

  /** Reads `size` bytes: in place if the bytes were taken over, else a copy. */
  readData(size: number, what: string): Uint8Array {
    const start = this.skip(size, what);
    if (this.inUseEnd > start) return this.bytes.slice(start, this.position);
    this.inUseEnd = this.position;
    return this.bytes.subarray(start, this.position);
  }

  readByte(what: string): number {
    const value = this.bytes[this.position];
    if (value === undefined) throw this.corrupt(what, 'the blob ends here');
    this.position++;
    return value;
  }

  #readUint16(what: string): number {
    const at = this.skip(2, what);
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  readInt16(what: string): number {
    return (this.#readUint16(what) << 16) >> 16;
  }

  readInt32(what: string): number {
    return int32At(this.bytes, this.skip(4, what));
  }

  readInt64(what: string): bigint {
    const at = this.skip(8, what);
    for (let i = 0; i < 8; i++) int64.setUint8(i, this.bytes[at + i] as number);
    return int64.getBigInt64(0);
  }

  /** A 32-bit var-int, signed: five groups wrap around (docs/format.md, "Primitives"). */
  readVarInt(what: string): number {
    const start = this.position;
    let byte = this.readByte(what);
    if (byte === 0x80) throw this.corrupt(what, 'null where a number must be', start);
    let value = byte & 0x7f;
    for (let size = 1; (byte & 0x80) !== 0; size++) {
      if (size === 5) throw this.corrupt(what, 'a var-int of more than 5 bytes', start);
      byte = this.readByte(what);
      value = (value << 7) | (byte & 0x7f);
    }
    return value;
  }

  /** A var-long that must be non-negative and exact as a number (at most 2^53 - 1). */
  readVarLong(what: string): number {
    const start = this.position;
    let byte = this.readByte(what);
    if (byte === 0x80) throw this.corrupt(what, 'null where a number must be', start);
    let value = byte & 0x7f;
    for (let size = 1; (byte & 0x80) !== 0; size++) {
      byte = this.readByte(what);
      value = value * 128 + (byte & 0x7f);
      if (size === 9 || value > Number.MAX_SAFE_INTEGER)
        throw this.corrupt(what, 'a number out of range', start);
    }
    return value;
  }

  /** A count or length: a var-int from 0 to `max`. */
  readCount(what: string, max: number): number {
    const start = this.position;
    const count = this.readVarInt(what);
    if (count < 0 || count > max) throw this.corrupt(what, `${count} is not within 0..${max}`, start);
    return count;
  }

  /** A string: 16-bit byte count, then modified UTF-8. */
  readUtf(what: string): string {
    const start = this.position;
    const size = this.#readUint16(what);
    const from = this.skip(size, what);
    const text = decodeModifiedUtf8(this.bytes, from, from + size);
    if (text === null) throw this.corrupt(what, 'malformed modified UTF-8', start);
    return text;
  }
}
