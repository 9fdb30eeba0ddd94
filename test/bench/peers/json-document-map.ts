import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Peer } from '../peer.ts';
import type { Records } from '../records.ts';
import { mapPeer } from './map-peer.ts';

/** One JSON document into a Map, as most write it. */
export function createPeer<Item>(records: Records<Item>): Peer {
  return mapPeer(
    records,
    async ({ directory, count }) => {
      const file = createWriteStream(join(directory, 'records.json'));
      let before = '[';
      for (const item of records.all(count)) {
        if (!file.write(`${before}${JSON.stringify(item)}`)) await once(file, 'drain');
        before = ',';
      }
      file.end(']');
      await once(file, 'finish');
    },
    async ({ directory }, add) => {
      const items = JSON.parse(await readFile(join(directory, 'records.json'), 'utf8')) as Item[];
      for (const item of items) add(item);
    },
  );
}
