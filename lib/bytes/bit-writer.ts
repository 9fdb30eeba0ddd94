import type { ByteWriter } from './byte-writer.ts';
import { placeWords } from './platform.ts';

/**
 * Packs fields of 0 to 64 bits one behind the other: bit i of the stream is bit (i mod 64) of word floor(i / 64), and
 * the words go out as big-endian 64-bit numbers (docs/format.md, "Packed bit arrays").
 */
export class BitWriter {
  /** Low half, high half, low half, … of the 64-bit words. */
  readonly #halves: Uint32Array;
  #index = 0;
  #shift = 0;

  /** Room for exactly `bitCount` bits, all 0 until written. */
  constructor(bitCount: number) {
    this.#halves = new Uint32Array(Math.ceil(bitCount / 64) * 2);
  }

  /** Appends the low `width` (0 to 32) bits of `value`, whose other bits must be 0. */
  append(value: number, width: number): void {
    if (width === 0) return;
    const halves = this.#halves;
    const shift = this.#shift;
    const index = this.#index;
    halves[index] = (halves[index] as number) | (value << shift);
    const end = shift + width;
    if (end > 32) halves[index + 1] = value >>> (32 - shift);
    if (end >= 32) this.#index = index + 1;
    this.#shift = end & 31;
  }

  /** Appends a field of 0 to 64 bits given as its high and low 32 bits. */
  appendBits(high: number, low: number, width: number): void {
    if (width <= 32) {
      this.append(low, width);
    } else {
      this.append(low, 32);
      this.append(high, width - 32);
    }
  }

  /** Appends a number of up to 53 bits. */
  appendNumber(value: number, width: number): void {
    if (width <= 32) {
      this.append(value, width);
    } else {
      this.append(value >>> 0, 32);
      this.append(Math.floor(value / 0x1_0000_0000), width - 32);
    }
  }

  /** Appends `width` (0 to 64) one-bits. */
  appendOnes(width: number): void {
    if (width <= 32) {
      this.append(width === 32 ? 0xffff_ffff : 2 ** width - 1, width);
    } else {
      this.append(0xffff_ffff, 32);
      this.append(width === 64 ? 0xffff_ffff : 2 ** (width - 32) - 1, width - 32);
    }
  }

  /** Leaves `count` zero bits. */
  skip(count: number): void {
    const end = this.#shift + count;
    this.#index += Math.floor(end / 32);
    this.#shift = end % 32;
  }

  /** Writes the word count and the words. */
  writeTo(out: ByteWriter): void {
    const halves = this.#halves;
    out.writeVarLong(halves.length / 2);
    const start = out.position;
    out.skip(halves.length * 4);
    placeWords(halves, out.bytes, start);
  }
}

/** Bits of a non-negative integer up to 2^53 without leading zeros; 0 for 0. */
export function bitLength(value: number): number {
  if (value < 0x1_0000_0000) return 32 - Math.clz32(value);
  return 64 - Math.clz32(Math.floor(value / 0x1_0000_0000));
}

/** Bits of a 64-bit pattern without leading zeros. */
export function bitLengthOfBits(high: number, low: number): number {
  return high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high);
}
