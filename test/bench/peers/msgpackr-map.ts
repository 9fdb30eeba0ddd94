import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { PackrStream, UnpackrStream } from 'msgpackr';
import type { Peer } from '../peer.ts';
import type { Records } from '../records.ts';
import { mapPeer } from './map-peer.ts';

/** msgpackr with its record extension, into a Map. */
export function createPeer<Item>(records: Records<Item>): Peer {
  return mapPeer(
    records,
    async ({ directory, count }) => {
      const packer = new PackrStream();
      const file = packer.pipe(createWriteStream(join(directory, 'records.msgpack')));
      for (const item of records.all(count)) if (!packer.write(item)) await once(packer, 'drain');
      packer.end();
      await once(file, 'finish');
    },
    async ({ directory }, add) => {
      const unpacker = createReadStream(join(directory, 'records.msgpack')).pipe(new UnpackrStream());
      for await (const item of unpacker) add(item);
    },
  );
}
