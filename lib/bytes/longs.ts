import type { ByteReader } from './byte-reader.ts';
import { copyWords } from './platform.ts';

/** Halves behind the last word, so that a field of 64 bits at any valid bit can be read without looking at the end. */
export const paddingHalves = 2;

/**
 * A packed bit array: bit i of the stream is bit (i mod 32) of `halves[floor(i / 32)]`. Its last {@link paddingHalves}
 * are 0 and belong to no field.
 */
export type BitArray = Uint32Array;

/**
 * Reads word count and words into a copy of its own, and checks that they hold `bitsNeeded`.
 *
 * @param bitsNeeded what the reader of the array is going to access
 */
export function readLongs(reader: ByteReader, bitsNeeded: number, what: string): BitArray {
  const at = reader.position;
  const wordCount = reader.readVarLong(what);
  if (wordCount * 64 < bitsNeeded) {
    throw reader.corrupt(what, `${wordCount} words cannot hold ${bitsNeeded} bits`, at);
  }
  const start = reader.skip(wordCount * 8, what);
  const halves = new Uint32Array(wordCount * 2 + paddingHalves);
  copyWords(reader.bytes, start, wordCount, halves);
  return halves;
}
