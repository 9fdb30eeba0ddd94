import { createHash } from 'node:crypto';
import * as zlib from 'node:zlib';
import { DatasetError } from '../errors.ts';
import type { Codec, ContentEncoding } from '../ports.ts';

/** Node's own. Synchronous inside: a message is small, and the order of what happens does not depend on threads. */
export const systemCodec: Codec = {
  sha256: async (bytes) => createHash('sha256').update(bytes).digest('hex'),

  compress: async (encoding, bytes) => {
    if (encoding === 'identity') return Uint8Array.from(bytes);
    return Uint8Array.from(encoding === 'gzip' ? zlib.gzipSync(bytes) : zlib.zstdCompressSync(bytes));
  },

  decompress: async (encoding, bytes, sizeMax) => {
    try {
      return decompress(encoding, bytes, sizeMax);
    } catch (error) {
      throw new DatasetError('rejected', problemOf(error, encoding, sizeMax), { encoding }, error);
    }
  },
};

function decompress(encoding: ContentEncoding, bytes: Uint8Array, sizeMax: number): Uint8Array<ArrayBuffer> {
  if (encoding === 'identity') {
    if (bytes.length > sizeMax) throw new RangeError('too large');
    return Uint8Array.from(bytes);
  }
  const bounds = { maxOutputLength: Math.max(1, sizeMax) };
  const plain = encoding === 'gzip' ? zlib.gunzipSync(bytes, bounds) : zlib.zstdDecompressSync(bytes, bounds);
  return Uint8Array.from(plain);
}

function problemOf(error: unknown, encoding: ContentEncoding, sizeMax: number): string {
  return error instanceof RangeError ? `more than ${sizeMax} bytes come out of it` : `not ${encoding}`;
}
