import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { PackrStream, UnpackrStream } from 'msgpackr';
import type { Peer } from '../peer.ts';
import { products } from '../products.ts';
import { mapPeer } from './map-peer.ts';

/** msgpackr with its record extension, into a Map. */
export function createPeer(): Peer {
  return mapPeer(
    async ({ directory, count }) => {
      const packer = new PackrStream();
      const file = packer.pipe(createWriteStream(join(directory, 'products.msgpack')));
      for (const product of products(count)) if (!packer.write(product)) await once(packer, 'drain');
      packer.end();
      await once(file, 'finish');
    },
    async ({ directory }, add) => {
      const unpacker = createReadStream(join(directory, 'products.msgpack')).pipe(new UnpackrStream());
      for await (const product of unpacker) add(product);
    },
  );
}
