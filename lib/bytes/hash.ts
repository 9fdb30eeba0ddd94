/**
 * Hollow's hash functions (docs/format.md, "Hashing"). All arithmetic wraps at 32 bits; results are signed int32 unless
 * said. The tables of sets and maps in a blob are laid out by them, so they cannot change.
 */

const murmurSeed = 0xeab5_24b9;

export function mixInt(value: number): number {
  let k = value | 0;
  k = (~k + (k << 15)) | 0;
  k ^= k >>> 12;
  k = (k + (k << 2)) | 0;
  k ^= k >>> 4;
  k = Math.imul(k, 2057);
  return k ^ (k >>> 16);
}

/** Mixes a 64-bit number given as halves. On halves because BigInt is some fifty times slower. */
export function mixLong(high: number, low: number): number {
  let h = high | 0;
  let l = low | 0;
  // k = ~k + (k << 18)
  let addHigh = (h << 18) | (l >>> 14);
  let addLow = l << 18;
  let sum = (~l >>> 0) + (addLow >>> 0);
  h = (~h + addHigh + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  l = sum | 0;
  // k ^= k >>> 31
  l ^= (h << 1) | (l >>> 31);
  h ^= h >>> 31;
  // k *= 21
  const low16 = (l & 0xffff) * 21;
  const high16 = (l >>> 16) * 21 + (low16 >>> 16);
  h = (Math.imul(h, 21) + Math.floor(high16 / 0x1_0000)) | 0;
  l = (high16 << 16) | (low16 & 0xffff);
  // k ^= k >>> 11
  l ^= (l >>> 11) | (h << 21);
  h ^= h >>> 11;
  // k += k << 6
  addHigh = (h << 6) | (l >>> 26);
  addLow = l << 6;
  sum = (l >>> 0) + (addLow >>> 0);
  h = (h + addHigh + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  l = sum | 0;
  // k ^= k >>> 22, of which only the low half is wanted
  return l ^ ((l >>> 22) | (h << 10));
}

/** The hash of a key of several parts, with one part more; 0 before the first. */
export function mixPart(hash: number, partHash: number): number {
  return Math.imul(hash, 31) ^ mixInt(partHash);
}

/** MurmurHash3 x86 32-bit of `bytes[start .. end)`, with Hollow's seed. Guarded by test/golden/hashes.test.ts. */
export function murmur3(bytes: Uint8Array, start: number, end: number): number {
  let h = murmurSeed | 0;
  const blocksEnd = start + ((end - start) & ~3);
  for (let i = start; i < blocksEnd; i += 4) {
    const block =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    h ^= murmurBlock(block);
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe654_6b64) | 0;
  }
  let tail = 0;
  for (let i = end - 1; i >= blocksEnd; i--) tail = (tail << 8) | (bytes[i] as number);
  if (blocksEnd < end) h ^= murmurBlock(tail);
  h ^= end - start;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}

function murmurBlock(block: number): number {
  const k = Math.imul(block, 0xcc9e_2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b87_3593);
}

/** Buckets of a set or map of `size` entries: a power of two that always leaves one empty. */
export function hashTableSize(size: number): number {
  if (size < 3) return 1 << size;
  return 1 << (32 - Math.clz32(Math.floor((size * 10) / 7) - 1));
}
