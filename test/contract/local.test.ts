import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { isDatasetError } from '../../lib/errors.ts';
import { LocalAnnouncements } from '../../lib/local/announcements.ts';
import { LocalBlobStore } from '../../lib/local/blob-store.ts';
import { LocalFloorRecord } from '../../lib/local/floor-record.ts';
import { LocalHeadStore } from '../../lib/local/head-store.ts';
import { LocalMutationQueue } from '../../lib/local/mutation-queue.ts';
import { LocalQuarantine } from '../../lib/local/quarantine.ts';
import { openDatabase } from '../../lib/local/sqlite.ts';
import { systemClock } from '../../lib/local/system-clock.ts';
import { systemRandom } from '../../lib/local/system-random.ts';
import { VirtualClock } from '../../lib/memory/clock.ts';
import { SeededRandom } from '../../lib/memory/random.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import { firstProposal, freshId } from '../support/heads.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { announcementsContract } from './announcements-contract.ts';
import { type BlobShelfHarness, blobShelfContract } from './blob-shelf-contract.ts';
import { blobStoreContract } from './blob-store-contract.ts';
import { floorRecordContract } from './floor-record-contract.ts';
import { type HeadStoreHarness, headStoreContract } from './head-store-contract.ts';
import { headUpkeepContract } from './head-upkeep-contract.ts';
import { inboxContract } from './inbox-contract.ts';
import { mutationQueueContract } from './mutation-queue-contract.ts';
import { quarantineContract } from './quarantine-contract.ts';

const openHeads = async (): Promise<HeadStoreHarness> => {
  const directory = await temporaryDirectory();
  const file = join(directory.path, 'heads', 'heads.sqlite');
  const stores = [new LocalHeadStore(file), new LocalHeadStore(file)] as const;
  const close = async (): Promise<void> => {
    for (const store of stores) store.close();
    await directory.remove();
  };
  return { stores, close };
};
headStoreContract('local', openHeads);
headUpkeepContract('local', openHeads);

const openBlobs = async (): Promise<BlobShelfHarness> => {
  const directory = await temporaryDirectory();
  const root = join(directory.path, 'blobs');
  return { stores: [new LocalBlobStore(root), new LocalBlobStore(root)], close: directory.remove };
};
blobStoreContract('local', openBlobs);
blobShelfContract('local', openBlobs);
inboxContract('local', openBlobs);

floorRecordContract('local', async () => {
  const directory = await temporaryDirectory();
  const file = join(directory.path, 'floors.sqlite');
  const records = [new LocalFloorRecord(file), new LocalFloorRecord(file)] as const;
  const close = async (): Promise<void> => {
    for (const record of records) record.close();
    await directory.remove();
  };
  return { records, close };
});

announcementsContract('local', async () => {
  const directory = await temporaryDirectory();
  const options = { directory: directory.path, clock: systemClock, telemetry: new MemoryTelemetry() };
  return {
    announcer: new LocalAnnouncements(options),
    watcher: new LocalAnnouncements(options),
    close: directory.remove,
  };
});

mutationQueueContract('local', async () => {
  const directory = await temporaryDirectory();
  const clock = new VirtualClock();
  const file = join(directory.path, 'queue.sqlite');
  const options = { file, clock, random: new SeededRandom(1), visibilityMs: 30_000 };
  const [source, sink] = [
    new LocalMutationQueue(options),
    new LocalMutationQueue({ ...options, random: systemRandom }),
  ];
  const close = async (): Promise<void> => {
    source.close();
    sink.close();
    await directory.remove();
  };
  const passMs = (ms: number): Promise<void> => clock.advance(ms);
  return { source, sink, visibilityMs: 30_000, passMs, nowMs: () => clock.nowMs(), close };
});

quarantineContract('local', async () => {
  const directory = await temporaryDirectory();
  const file = join(directory.path, 'quarantine', 'entries.ndjson');
  let readCount = 0;
  const records = async (): Promise<readonly unknown[]> => {
    const text = await readFile(file, 'utf8').catch(() => '');
    const lines = text.split('\n').slice(0, -1);
    const fresh = lines.slice(readCount);
    readCount = lines.length;
    return fresh.map((line) => JSON.parse(line));
  };
  return { quarantine: new LocalQuarantine(file), records, close: directory.remove };
});

test('processes that race for a head lose no commit', async () => {
  const directory = await temporaryDirectory();
  const file = join(directory.path, 'heads.sqlite');
  const id = freshId();
  const store = new LocalHeadStore(file);
  await store.commit(id, firstProposal());
  const racer = fileURLToPath(import.meta.resolve('../support/commit-racer.ts'));
  const runs = ['a', 'b', 'c'].map((label) =>
    promisify(execFile)(process.execPath, [racer, file, JSON.stringify(id), '100', label]),
  );
  const wonCounts = (await Promise.all(runs)).map((run) => Number(run.stdout));
  const head = await store.load(id, 'strong');
  expect(wonCounts.reduce((sum, count) => sum + count, 0)).toBe(99);
  expect(head?.version).toBe(100);
  expect(head?.recent).toHaveLength(100);
  store.close();
  await directory.remove();
});

test('what a head store, a queue and blobs accepted is there after a restart', async () => {
  const directory = await temporaryDirectory();
  const id = freshId();
  const queueOptions = {
    file: join(directory.path, 'queue.sqlite'),
    clock: systemClock,
    random: systemRandom,
    visibilityMs: 1_000,
  };
  const [heads, queue] = [
    new LocalHeadStore(join(directory.path, 'heads.sqlite')),
    new LocalMutationQueue(queueOptions),
  ];
  await heads.commit(id, firstProposal());
  await queue.send([{ body: 'kept' }]);
  heads.close();
  queue.close();
  const [headsAgain, queueAgain] = [
    new LocalHeadStore(join(directory.path, 'heads.sqlite')),
    new LocalMutationQueue(queueOptions),
  ];
  expect((await headsAgain.load(id, 'strong'))?.version).toBe(1);
  expect((await queueAgain.receive(10, 0)).map((message) => message.body)).toEqual(['kept']);
  headsAgain.close();
  queueAgain.close();
  await directory.remove();
});

test('a stored head of another format is incompatible, a damaged one corrupt', async () => {
  const directory = await temporaryDirectory();
  const file = join(directory.path, 'heads.sqlite');
  const id = freshId();
  const store = new LocalHeadStore(file);
  await store.commit(id, firstProposal());
  const database = openDatabase(file, '');
  const change = (sql: string): unknown => database.prepare(`UPDATE heads SET head = ${sql}`).run();
  change("json_set(head, '$.format', 3)");
  await expect(store.load(id, 'strong')).rejects.toSatisfy((error) => isDatasetError(error, 'incompatible'));
  await expect(store.commit(id, firstProposal())).rejects.toSatisfy((error) =>
    isDatasetError(error, 'incompatible'),
  );
  change("json_set(head, '$.format', 2, '$.recent[0].cid', 'x')");
  await expect(store.load(id, 'strong')).rejects.toSatisfy((error) => isDatasetError(error, 'corrupt'));
  change("'{'");
  await expect(store.load(id, 'strong')).rejects.toSatisfy((error) => isDatasetError(error, 'corrupt'));
  database.close();
  store.close();
  await directory.remove();
});

test('a file that is no database is corrupt', async () => {
  const directory = await temporaryDirectory();
  const file = join(directory.path, 'heads.sqlite');
  await writeFile(file, 'not a database, but long enough to look like one');
  expect(() => new LocalHeadStore(file)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  await directory.remove();
});

test('changed bytes are corrupt, never served', async () => {
  const directory = await temporaryDirectory();
  const store = new LocalBlobStore(directory.path);
  await store.put('a/b', Uint8Array.of(1, 2, 3), {});
  for (const bytes of [Uint8Array.of(1, 2, 4), Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3, 4)]) {
    await writeFile(join(directory.path, 'a/b/blob'), bytes);
    await expect(store.get('a/b')).rejects.toSatisfy((error) => isDatasetError(error, 'corrupt'));
  }
  await writeFile(join(directory.path, 'a/b/facts.json'), '{"sha256":');
  await expect(store.get('a/b')).rejects.toSatisfy((error) => isDatasetError(error, 'corrupt'));
  await directory.remove();
});

test('puts leave no drafts behind', async () => {
  const directory = await temporaryDirectory();
  const store = new LocalBlobStore(directory.path);
  await store.put('a/b', Uint8Array.of(1), {});
  await store.put('a/b', Uint8Array.of(2), {});
  await expect(store.put('a', Uint8Array.of(3), {})).rejects.toSatisfy((error) =>
    isDatasetError(error, 'invalid'),
  );
  expect(await readdir(join(directory.path, '.drafts'))).toEqual([]);
  await directory.remove();
});

test('a malformed hint is logged and dropped, the next one is heard', async () => {
  const directory = await temporaryDirectory();
  const telemetry = new MemoryTelemetry();
  const announcements = new LocalAnnouncements({ directory: directory.path, clock: systemClock, telemetry });
  await writeFile(join(directory.path, 'broken.0.json'), '{"era":0}');
  await writeFile(join(directory.path, 'cut.0.json'), '{');
  const stop = new AbortController();
  const id = freshId();
  await announcements.announce({
    id,
    era: 1,
    epoch: 0,
    version: 1,
    cid: 'a'.repeat(32),
    mapGeneration: 0,
    previousCid: '',
    hash: 'b'.repeat(32),
    size: 1,
    snapshotVersion: 1,
    committedAtMs: 1,
    correlationIds: [],
  });
  await announcements.watch((announcement) => {
    expect(announcement.id).toEqual(id);
    stop.abort();
  }, stop.signal);
  expect(telemetry.lines('warn')).toHaveLength(2);
  await directory.remove();
});
