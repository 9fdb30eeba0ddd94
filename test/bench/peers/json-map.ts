import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Peer } from '../peer.ts';
import { type Product, products } from '../products.ts';
import { mapPeer } from './map-peer.ts';

/** JSON lines into a Map. */
export function createPeer(): Peer {
  return mapPeer(
    async ({ directory, count }) => {
      const file = createWriteStream(join(directory, 'products.ndjson'));
      for (const product of products(count)) {
        if (!file.write(`${JSON.stringify(product)}\n`)) await once(file, 'drain');
      }
      file.end();
      await once(file, 'finish');
    },
    async ({ directory }, add) => {
      const lines = createInterface({ input: createReadStream(join(directory, 'products.ndjson')) });
      for await (const line of lines) add(JSON.parse(line) as Product);
    },
  );
}
