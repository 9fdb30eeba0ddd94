import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { Consumer } from '../../lib/consumer/consumer.ts';
import { bookkeepingPart, hashLoaded } from '../../lib/consumer/loaded-version.ts';
import { LocalBlobStore } from '../../lib/local/blob-store.ts';
import { LocalHeadStore } from '../../lib/local/head-store.ts';
import { systemClock } from '../../lib/local/system-clock.ts';
import { systemRandom } from '../../lib/local/system-random.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import { firstMapGeneration, planFirstCommit } from '../../lib/producer/chain.ts';
import { publishSnapshot } from '../../lib/producer/publish-snapshot.ts';
import { stateHashesOf } from '../../lib/producer/state-hashes.ts';

const id = { dataset: 'bench', partition: 0 } as const;
const cid = '1'.repeat(32);
const schemaId = '0'.repeat(16);

const storesIn = (directory: string) => ({
  heads: new LocalHeadStore(join(directory, 'store', 'heads.sqlite')),
  blobs: new LocalBlobStore(join(directory, 'store', 'blobs')),
});

/** Makes a chain of the directory's snapshot, if it is not there yet. */
export async function prepareStore(directory: string): Promise<void> {
  if (existsSync(join(directory, 'store'))) return;
  const { heads, blobs } = storesIn(directory);
  const parts = new Map([[bookkeepingPart, []]]);
  const state = decodeSnapshot(new Uint8Array(await readFile(join(directory, 'snapshot-1'))));
  const hashes = stateHashesOf(hashLoaded(state, { parts }));
  const name = { kind: 'snapshot', id, mapGeneration: firstMapGeneration, toVersion: 1, cid } as const;
  const content = { state, hashes, schemaId };
  const snapshot = await publishSnapshot({ blobs, clock: systemClock, parts }, name, content);
  await heads.commit(id, planFirstCommit({ version: 1, cid, hashes, schemaId, size: 0 }, snapshot));
}

/** What an application does that starts cold: head, snapshot, verification, one record. */
export async function startConsumer(
  directory: string,
  type: string,
  { key, verify }: { readonly key: number; readonly verify: 'bytes' | 'records' },
): Promise<number> {
  const ports = { clock: systemClock, random: systemRandom, telemetry: new MemoryTelemetry() };
  const consumer = new Consumer({ id, ...storesIn(directory), ...ports, verify });
  await consumer.refresh();
  return Object.keys(consumer.get(type, key).toObject()).length;
}
