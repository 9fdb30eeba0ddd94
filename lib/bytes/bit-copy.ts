import type { BitArray } from './longs.ts';

/**
 * Writes a value over what is there.
 *
 * @param mask of as many low bits as are written: see maskOf
 * @param value all its other bits are 0
 */
export function setBits(bits: BitArray, position: number, mask: number, value: number): void {
  const index = position < 0x8000_0000 ? position >>> 5 : Math.floor(position / 32);
  const shift = position & 31;
  bits[index] = ((bits[index] as number) & ~(mask << shift)) | (value << shift);
  if (shift === 0) return;
  const rest = 32 - shift;
  bits[index + 1] = ((bits[index + 1] as number) & ~(mask >>> rest)) | (value >>> rest);
}

/** Where bits are copied from and to. */
interface BitMove {
  readonly from: BitArray;
  readonly to: BitArray;
  /** Bits. */
  readonly count: number;
}

/** Copies bits to where nothing but zeros is, from the first of them on. */
export function copyBits({ from, to, count }: BitMove, source: number, target: number): void {
  let read = Math.floor(source / 32);
  let write = Math.floor(target / 32);
  const readShift = source & 31;
  const writeShift = target & 31;
  // A word as it lies in the source, and what of it does not fit into the target's word.
  let carry = 0;
  let left = count;
  for (; left > 0; left -= 32, read++, write++) {
    let word =
      ((from[read] as number) >>> readShift) | (((from[read + 1] as number) << 1) << (31 - readShift));
    if (left < 32) word &= (1 << left) - 1;
    to[write] = (to[write] as number) | carry | (word << writeShift);
    carry = (word >>> 1) >>> (31 - writeShift);
  }
  if (carry !== 0) to[write] = (to[write] as number) | carry;
}
