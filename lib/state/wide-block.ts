import { bitCount } from '../bytes/bit-set.ts';
import { unitsText } from '../bytes/platform.ts';

/**
 * Bytes of a STRING field that are not all ASCII, decoded as one string. Its code units take one byte or more, so where a
 * text lies in the string is told by ranks. Takes two bytes a unit, and a quarter of a byte for each byte.
 */
export class WideBlock {
  readonly #text: string;
  /** For each 32 bytes: at 2w, a bit for each that ends a code unit, and at 2w + 1, how many units end before them. */
  readonly #marks: Int32Array;

  private constructor(text: string, marks: Int32Array) {
    this.#text = text;
    this.#marks = marks;
  }

  /** Of `bytes[start, end)`. */
  static of(bytes: Uint8Array, start: number, end: number): WideBlock {
    const size = end - start;
    const marks = new Int32Array(2 * ((size >>> 5) + 1));
    const units = new Uint16Array(size);
    let count = 0;
    let unit = 0;
    for (let i = 0; i < size; i++) {
      const at = 2 * (i >>> 5);
      if ((i & 31) === 0) marks[at + 1] = count;
      const byte = bytes[start + i] as number;
      unit = (unit << 7) | (byte & 0x7f);
      if (byte >= 0x80) continue;
      marks[at] = (marks[at] as number) | (1 << (i & 31));
      units[count++] = unit;
      unit = 0;
    }
    if ((size & 31) === 0) marks[2 * (size >>> 5) + 1] = count;
    return new WideBlock(unitsText(units.subarray(0, count)), marks);
  }

  /** In bytes. */
  get size(): number {
    return 2 * this.#text.length + this.#marks.byteLength;
  }

  /** The text of these bytes, counted from the block's first one. */
  slice(start: number, end: number): string {
    return this.#text.substring(this.#unitsBefore(start), this.#unitsBefore(end));
  }

  #unitsBefore(byte: number): number {
    const at = 2 * (byte >>> 5);
    const before = (this.#marks[at] as number) & ~(-1 << (byte & 31));
    return (this.#marks[at + 1] as number) + bitCount(before);
  }
}
