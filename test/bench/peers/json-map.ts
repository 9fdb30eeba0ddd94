import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Peer } from '../peer.ts';
import type { Records } from '../records.ts';
import { mapPeer } from './map-peer.ts';

/** JSON lines into a Map. */
export function createPeer<Item>(records: Records<Item>): Peer {
  return mapPeer(
    records,
    async ({ directory, count }) => {
      const file = createWriteStream(join(directory, 'records.ndjson'));
      for (const item of records.all(count)) {
        if (!file.write(`${JSON.stringify(item)}\n`)) await once(file, 'drain');
      }
      file.end();
      await once(file, 'finish');
    },
    async ({ directory }, add) => {
      const lines = createInterface({ input: createReadStream(join(directory, 'records.ndjson')) });
      for await (const line of lines) add(JSON.parse(line) as Item);
    },
  );
}
