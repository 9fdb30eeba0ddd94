import type { ByteReader } from './byte-reader.ts';
import { alignWords, copyWords } from './platform.ts';

/** Halves behind the last word, so that a field of 64 bits at any valid bit can be read without looking at the end. */
export const paddingHalves = 2;

/**
 * A packed bit array: bit i of the stream is bit (i mod 32) of `halves[floor(i / 32)]`. Its last {@link paddingHalves}
 * belong to no field, whatever they are.
 */
export type BitArray = Uint32Array;

/**
 * Reads word count and words, and checks that they hold `bitsNeeded`. A copy, or in place (see ByteReader.inUseEnd):
 * then the padding is whatever follows.
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
  const length = wordCount * 2 + paddingHalves;
  if (reader.inUseEnd <= start) {
    const inPlace = alignWords(reader.bytes, { start, size: wordCount * 8, from: reader.inUseEnd, length });
    if (inPlace !== null) {
      reader.inUseEnd = inPlace.byteOffset - reader.bytes.byteOffset + wordCount * 8;
      return inPlace;
    }
  }
  const halves = new Uint32Array(length);
  copyWords(reader.bytes, start, wordCount, halves);
  return halves;
}
