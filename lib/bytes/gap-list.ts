import type { ByteReader } from './byte-reader.ts';

/**
 * Reads a gap-encoded list of ascending ordinals: byte length, then each ordinal as the distance from the one before
 * (the first from 0).
 *
 * @param max the greatest ordinal allowed
 */
export function readGapList(reader: ByteReader, max: number, what: string): Int32Array<ArrayBuffer> {
  const size = reader.readVarLong(what);
  const start = reader.skip(size, what);
  const end = start + size;
  const bytes = reader.bytes;
  let count = 0;
  for (let i = start; i < end; i++) if ((bytes[i] as number) < 0x80) count++;
  const ordinals = new Int32Array(count);
  let ordinal = 0;
  let at = start;
  for (let i = 0; i < count; i++) {
    let gap = 0;
    const gapAt = at;
    for (let byte = 0x80; byte >= 0x80; ) {
      byte = bytes[at++] as number;
      gap = gap * 128 + (byte & 0x7f);
    }
    ordinal += gap;
    if ((gap === 0 && i > 0) || !(ordinal <= max)) {
      throw reader.corrupt(what, `ordinal ${ordinal} is not ascending or above ${max}`, gapAt);
    }
    ordinals[i] = ordinal;
  }
  if (at !== end) throw reader.corrupt(what, 'the list ends within an ordinal', at);
  return ordinals;
}
