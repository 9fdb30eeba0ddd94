import { MemoryAnnouncements } from '../../lib/memory/announcements.ts';
import { MemoryBlobStore } from '../../lib/memory/blob-store.ts';
import { VirtualClock } from '../../lib/memory/clock.ts';
import { MemoryFloorRecord } from '../../lib/memory/floor-record.ts';
import { MemoryHeadStore } from '../../lib/memory/head-store.ts';
import { MemoryMutationQueue } from '../../lib/memory/mutation-queue.ts';
import { MemoryQuarantine } from '../../lib/memory/quarantine.ts';
import { SeededRandom } from '../../lib/memory/random.ts';
import { announcementsContract } from './announcements-contract.ts';
import { type BlobShelfHarness, blobShelfContract } from './blob-shelf-contract.ts';
import { blobStoreContract } from './blob-store-contract.ts';
import { floorRecordContract } from './floor-record-contract.ts';
import { type HeadStoreHarness, headStoreContract } from './head-store-contract.ts';
import { headUpkeepContract } from './head-upkeep-contract.ts';
import { inboxContract } from './inbox-contract.ts';
import { mutationQueueContract } from './mutation-queue-contract.ts';
import { quarantineContract } from './quarantine-contract.ts';

const close = async (): Promise<void> => {};

const openHeads = async (): Promise<HeadStoreHarness> => {
  const store = new MemoryHeadStore();
  return { stores: [store, store], close };
};
headStoreContract('memory', openHeads);
headUpkeepContract('memory', openHeads);

const openBlobs = async (): Promise<BlobShelfHarness> => {
  const store = new MemoryBlobStore();
  return { stores: [store, store], close };
};
blobStoreContract('memory', openBlobs);
blobShelfContract('memory', openBlobs);
inboxContract('memory', openBlobs);

floorRecordContract('memory', async () => {
  const record = new MemoryFloorRecord();
  return { records: [record, record], close };
});

announcementsContract('memory', async () => {
  const announcements = new MemoryAnnouncements();
  return { announcer: announcements, watcher: announcements, close };
});

mutationQueueContract('memory', async () => {
  const clock = new VirtualClock();
  const queue = new MemoryMutationQueue({ clock, random: new SeededRandom(1), visibilityMs: 30_000 });
  return {
    source: queue,
    sink: queue,
    visibilityMs: 30_000,
    passMs: (ms) => clock.advance(ms),
    nowMs: () => clock.nowMs(),
    close,
  };
});

quarantineContract('memory', async () => {
  const quarantine = new MemoryQuarantine();
  let readCount = 0;
  const records = async (): Promise<readonly unknown[]> => {
    const fresh = quarantine.records().slice(readCount);
    readCount += fresh.length;
    return fresh;
  };
  return { quarantine, records, close };
});
