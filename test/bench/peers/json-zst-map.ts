import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import type { Peer } from '../peer.ts';
import type { Records } from '../records.ts';
import { mapPeer } from './map-peer.ts';

/** JSON lines, compressed, into a Map: what a file in a bucket is most often. */
export function createPeer<Item>(records: Records<Item>): Peer {
  return mapPeer(
    records,
    ({ directory, count }) =>
      pipeline(
        Readable.from(linesOf(records.all(count))),
        createZstdCompress(),
        createWriteStream(join(directory, 'records.ndjson.zst')),
      ),
    async ({ directory }, add) => {
      const file = createReadStream(join(directory, 'records.ndjson.zst'));
      const input = file.pipe(createZstdDecompress());
      for await (const line of createInterface({ input })) add(JSON.parse(line) as Item);
    },
  );
}

function* linesOf(items: Iterable<unknown>): Generator<string, undefined> {
  for (const item of items) yield `${JSON.stringify(item)}\n`;
}
