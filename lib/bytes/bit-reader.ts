import type { BitArray } from './longs.ts';

/** A mask of `width` (0 to 32) low bits, as a signed 32-bit number. */
export function maskOf(width: number): number {
  return width >= 32 ? -1 : ((1 << width) - 1) | 0;
}

/**
 * The bits from `position` on, as a signed 32-bit number; `mask` says how many. Positions are doubles: they may pass
 * 2^31, where shifts would wrap.
 */
export function readBits(halves: BitArray, position: number, mask: number): number {
  const index = position < 0x8000_0000 ? position >>> 5 : Math.floor(position / 32);
  const shift = position & 31;
  // The shift by 32 that the upper half needs when `shift` is 0 does not exist: hence two shifts.
  return (
    (((halves[index] as number) >>> shift) | (((halves[index + 1] as number) << 1) << (31 - shift))) & mask
  );
}
