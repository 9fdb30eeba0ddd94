import { DatasetError } from '../errors.ts';

/** So few bytes live within the array's own object, which is ten times cheaper to make than memory beside it. */
const sizeInitial = 64;

/** What no one has written to yet. */
const nothing = new Uint8Array(0);

/** Below this size a writer grows in bigger steps. */
const smallSizeMax = 1024;

const two32 = 0x1_0000_0000;

/** From this length on the call into the runtime beats the loop. */
const bulkLengthMin = 48;

const encoder = new TextEncoder();

/**
 * A growing buffer with a write position. Everything multi-byte is big-endian; var-ints have their most significant
 * group first (docs/format.md, "Primitives").
 *
 * `bytes` is replaced when it grows: do not keep it across writes. `bytes[0 .. position)` is what was written.
 */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer> = nothing;
  position = 0;
  readonly #sizeExpected: number;

  /** @param sizeExpected room from the first write on; until then there is none */
  constructor(sizeExpected: number = sizeInitial) {
    this.#sizeExpected = sizeExpected;
  }

  /** Makes room for `size` more bytes. */
  reserve(size: number): void {
    const needed = this.position + size;
    if (needed <= this.bytes.length) return;
    const { length } = this.bytes;
    const factor = length < smallSizeMax ? 4 : 1.6;
    const wanted = length === 0 ? Math.max(this.#sizeExpected, 16) : Math.ceil(length * factor);
    const grown = new Uint8Array(Math.max(needed, wanted));
    if (this.position > 0) grown.set(this.bytes.subarray(0, this.position));
    this.bytes = grown;
  }

  writeByte(value: number): void {
    if (this.position === this.bytes.length) this.reserve(1);
    this.bytes[this.position++] = value;
  }

  /** A 32-bit pattern; negative numbers and those of 2^31 or more take 5 bytes. */
  writeVarInt(value: number): void {
    const v = value >>> 0;
    if (v < 0x80) {
      this.writeByte(v);
      return;
    }
    this.reserve(5);
    const bytes = this.bytes;
    let at = this.position;
    if (v >= 0x1000_0000) bytes[at++] = (v >>> 28) | 0x80;
    if (v >= 0x20_0000) bytes[at++] = (v >>> 21) | 0x80;
    if (v >= 0x4000) bytes[at++] = (v >>> 14) | 0x80;
    bytes[at++] = (v >>> 7) | 0x80;
    bytes[at++] = v & 0x7f;
    this.position = at;
  }

  /** A non-negative integer up to 2^53. */
  writeVarLong(value: number): void {
    if (value < two32) this.writeVarInt(value);
    else this.writeVarLongBits(Math.floor(value / two32), value >>> 0);
  }

  /** A 64-bit pattern as its high and low 32 bits. */
  writeVarLongBits(high: number, low: number): void {
    if (high === 0) {
      this.writeVarInt(low);
      return;
    }
    this.reserve(10);
    const bytes = this.bytes;
    let at = this.position;
    const h = high >>> 0;
    // Groups of 7 bits from the top: 63, 56, 49, 42 and 35 lie in the high half, 28 straddles both.
    if (h >= 0x8000_0000) bytes[at++] = 0x81;
    if (h >= 0x100_0000) bytes[at++] = ((h >>> 24) & 0x7f) | 0x80;
    if (h >= 0x2_0000) bytes[at++] = ((h >>> 17) & 0x7f) | 0x80;
    if (h >= 0x400) bytes[at++] = ((h >>> 10) & 0x7f) | 0x80;
    if (h >= 0x8) bytes[at++] = ((h >>> 3) & 0x7f) | 0x80;
    bytes[at++] = ((h & 7) << 4) | (low >>> 28) | 0x80;
    bytes[at++] = ((low >>> 21) & 0x7f) | 0x80;
    bytes[at++] = ((low >>> 14) & 0x7f) | 0x80;
    bytes[at++] = ((low >>> 7) & 0x7f) | 0x80;
    bytes[at++] = low & 0x7f;
    this.position = at;
  }

  /** The null of a var-int: no value starts with this byte. */
  writeVarNull(): void {
    this.writeByte(0x80);
  }

  writeInt16(value: number): void {
    this.reserve(2);
    this.bytes[this.position++] = value >>> 8;
    this.bytes[this.position++] = value;
  }

  writeInt32(value: number): void {
    this.reserve(4);
    const bytes = this.bytes;
    const at = this.position;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
    this.position = at + 4;
  }

  writeInt64(value: bigint): void {
    const bits = BigInt.asUintN(64, value);
    this.writeInt32(Number(bits >> 32n));
    this.writeInt32(Number(bits & 0xffff_ffffn));
  }

  /** Modified UTF-8 behind its byte count in 16 bits. DatasetError `invalid` above 65535 bytes. */
  writeUtf(text: string): void {
    let size = 0;
    for (let i = 0; i < text.length; i++) size += utfSize(text.charCodeAt(i));
    if (size > 0xffff) {
      throw new DatasetError('invalid', 'a name or header tag is longer than 65535 bytes', { size });
    }
    this.writeInt16(size);
    this.reserve(size);
    for (let i = 0; i < text.length; i++) this.#writeUtfUnit(text.charCodeAt(i));
  }

  #writeUtfUnit(unit: number): void {
    const bytes = this.bytes;
    if (unit > 0 && unit < 0x80) {
      bytes[this.position++] = unit;
    } else if (unit < 0x800) {
      bytes[this.position++] = 0xc0 | (unit >>> 6);
      bytes[this.position++] = 0x80 | (unit & 0x3f);
    } else {
      bytes[this.position++] = 0xe0 | (unit >>> 12);
      bytes[this.position++] = 0x80 | ((unit >>> 6) & 0x3f);
      bytes[this.position++] = 0x80 | (unit & 0x3f);
    }
  }

  /** A STRING as records have it: the number of bytes, then those of {@link writeUnits}. */
  writeSizedUnits(text: string): void {
    const { length } = text;
    this.reserve(5 + length * 3);
    const start = this.position;
    // The size if all of it is ASCII, which is found out on the way.
    this.writeVarInt(length);
    if (length < bulkLengthMin ? this.#tryAscii(text) : this.#tryAsciiInBulk(text)) return;
    this.position = start;
    this.writeVarInt(unitsSize(text));
    this.writeUnits(text);
  }

  /** False: the text is not all ASCII, and nothing is written. There is room. */
  #tryAscii(text: string): boolean {
    const bytes = this.bytes;
    const start = this.position;
    const { length } = text;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) return false;
      bytes[start + i] = unit;
    }
    this.position = start + length;
    return true;
  }

  #tryAsciiInBulk(text: string): boolean {
    const end = this.position + text.length;
    // Every other character takes more bytes than units, and then not all fit.
    const { read } = encoder.encodeInto(text, this.bytes.subarray(this.position, end));
    if (read < text.length) return false;
    this.position = end;
    return true;
  }

  /** A STRING's bytes: one var-int per UTF-16 code unit, without a length. */
  writeUnits(text: string): void {
    const length = text.length;
    this.reserve(length * 3);
    const bytes = this.bytes;
    let at = this.position;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) {
        if (unit >= 0x4000) bytes[at++] = (unit >>> 14) | 0x80;
        bytes[at++] = ((unit >>> 7) & 0x7f) | 0x80;
      }
      bytes[at++] = unit & 0x7f;
    }
    this.position = at;
  }

  writeBytes(source: Uint8Array, start: number = 0, end: number = source.length): void {
    const size = end - start;
    this.reserve(size);
    // Below a few dozen bytes the loop beats the call into the runtime.
    if (size < 56) {
      const bytes = this.bytes;
      let at = this.position;
      for (let i = start; i < end; i++) bytes[at++] = source[i] as number;
    } else {
      this.bytes.set(source.subarray(start, end), this.position);
    }
    this.position += size;
  }

  /** Passes over bytes, which may hold anything then. */
  skip(size: number): void {
    this.reserve(size);
    this.position += size;
  }

  reset(): void {
    this.position = 0;
  }

  /** True iff what was written is `bytes[start .. end)`. */
  equals(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start !== this.position) return false;
    for (let i = 0, at = start; at < end; i++, at++) if (this.bytes[i] !== bytes[at]) return false;
    return true;
  }

  /**
   * What was written, for good: the writer is not written to any more. Where room for more than a sixteenth of it is left
   * over, a copy.
   */
  take(): Uint8Array<ArrayBuffer> {
    const { bytes, position } = this;
    const isTight = bytes.length - position <= position / 16;
    return isTight ? bytes.subarray(0, position) : bytes.slice(0, position);
  }
}

function utfSize(unit: number): number {
  if (unit > 0 && unit < 0x80) return 1;
  return unit < 0x800 ? 2 : 3;
}

/** Bytes that {@link ByteWriter.writeUnits} writes for a text. */
export function unitsSize(text: string): number {
  let size = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) size += unit >= 0x4000 ? 2 : 1;
  }
  return size;
}

/** Bytes that {@link ByteWriter.writeVarInt} writes for a non-negative number. */
export function varIntSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}
