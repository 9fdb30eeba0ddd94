import type { BitWriter } from '../../lib/bytes/bit-writer.ts';
import { ByteReader } from '../../lib/bytes/byte-reader.ts';
import { ByteWriter } from '../../lib/bytes/byte-writer.ts';
import { type BitArray, readLongs } from '../../lib/bytes/longs.ts';

/** What was written, for reading in place: by way of the bytes of a blob, as everywhere. */
export function bitArrayOf(bits: BitWriter): BitArray {
  const out = new ByteWriter();
  bits.writeTo(out);
  return readLongs(new ByteReader(out.take()), 0, 'bits');
}
