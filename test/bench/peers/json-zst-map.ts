import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import type { Peer } from '../peer.ts';
import { type Product, products } from '../products.ts';
import { mapPeer } from './map-peer.ts';

/** JSON lines, compressed, into a Map: what a file in a bucket is most often. */
export function createPeer(): Peer {
  return mapPeer(
    ({ directory, count }) =>
      pipeline(
        Readable.from(linesOf(count)),
        createZstdCompress(),
        createWriteStream(join(directory, 'products.ndjson.zst')),
      ),
    async ({ directory }, add) => {
      const file = createReadStream(join(directory, 'products.ndjson.zst'));
      const input = file.pipe(createZstdDecompress());
      for await (const line of createInterface({ input })) add(JSON.parse(line) as Product);
    },
  );
}

function* linesOf(count: number): Generator<string, undefined> {
  for (const product of products(count)) yield `${JSON.stringify(product)}\n`;
}
