import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ConsumerOptions } from '../../../lib/consumer/consumer.ts';
import { bookkeepingPart } from '../../../lib/consumer/loaded-version.ts';
import { newestSnapshot } from '../../../lib/head-rules.ts';
import { defaultCadence } from '../../../lib/housekeeping/cadence.ts';
import { Snapshotter } from '../../../lib/housekeeping/snapshotter.ts';
import type { BlobStore, Head, SnapshotEntry } from '../../../lib/ports.ts';
import {
  bookkeepingTypesOf,
  withBookkeeping as schemaWithBookkeeping,
} from '../../../lib/producer/bookkeeping-schema.ts';
import { toHex } from '../../../lib/state/state-hash.ts';
import { citySchema, MemoryCloud, patchCity, plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';

const always = { ...defaultCadence, chainLengthMin: 1, chainLengthMax: 1 };
const corrupt = expect.objectContaining({ kind: 'corrupt' });
const bookkeepingTypes = bookkeepingTypesOf(schemaWithBookkeeping(citySchema));
const withBookkeeping = { parts: new Map([[bookkeepingPart, bookkeepingTypes]]) };

async function headOf(cloud: MemoryCloud): Promise<Head> {
  const head = await cloud.heads.load(cloud.id, 'strong');
  if (head === null) throw new Error('nothing was committed');
  return head;
}

/** A head that readers are told instead of the one that is stored. */
const told = (head: Head): Pick<ConsumerOptions, 'heads'> => ({ heads: { load: async () => head } });

const withSnapshot = (head: Head, change: (entry: SnapshotEntry) => SnapshotEntry): Head => ({
  ...head,
  snapshots: head.snapshots.map(change),
});

const withoutDigests = (head: Head): Head => withSnapshot(head, ({ digests: _, ...entry }) => entry);

/** A store whose blobs have changed with all that belongs to them: a digest of its own would not tell. */
function changing(cloud: MemoryCloud, isChanged: (name: string) => boolean): BlobStore {
  return {
    put: (...args) => cloud.blobs.put(...args),
    get: async (name) => {
      const blob = await cloud.blobs.get(name);
      if (blob === null || !isChanged(name)) return blob;
      const { bytes } = blob;
      bytes[bytes.length - 1] = ~(bytes.at(-1) ?? 0);
      return { ...blob, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
    },
  };
}

async function twoVersions(): Promise<MemoryCloud> {
  const cloud = new MemoryCloud();
  await cloud.commit(upsertCity(1, 'Utrecht'), upsertCity(2, 'Delft'));
  await cloud.commit(patchCity(1, { population: 5 }));
  return cloud;
}

describe('the digests of a snapshot', () => {
  it('stand for a pass over its records: readers go on from the hashes that were registered', async () => {
    const cloud = await twoVersions();
    const head = await headOf(cloud);
    for (const more of [withBookkeeping, { ...withBookkeeping, ...told(withoutDigests(head)) }]) {
      const consumer = cloud.consumer(more);
      await consumer.refresh();
      const { data, bookkeeping } = consumer.loaded?.hashes ?? {};
      expect([data, bookkeeping].map((hash) => hash && toHex(hash))).toEqual(Object.values(head.hashes));
    }
  });

  it('are believed, unless every record is to be verified', async () => {
    const cloud = new MemoryCloud();
    await cloud.commit(upsertCity(1, 'Utrecht'));
    const head = await headOf(cloud);
    const hash = 'f'.repeat(32);
    const lying: Head = {
      ...withSnapshot(head, (entry) => ({ ...entry, hash })),
      hashes: { ...head.hashes, data: hash },
    };
    const consumer = cloud.consumer(told(lying));
    await consumer.refresh();
    expect(consumer.get('City', 1).toObject()).toMatchObject({ name: 'Utrecht' });
    await expect(cloud.consumer({ ...told(lying), verify: 'records' }).refresh()).rejects.toEqual(corrupt);
    await expect(cloud.consumer(told(withoutDigests(lying))).refresh()).rejects.toEqual(corrupt);
  });

  it.each<[string, Partial<ConsumerOptions>]>([
    ['of everything', {}],
    ['with a filter', { filter: [{ exclude: 'String' }] }],
    ['that verifies every record', { verify: 'records' }],
  ])('tell a reader %s that bytes are others than were registered', async (_, more) => {
    const cloud = await twoVersions();
    const blobs = changing(cloud, (name) => /\/snapshot\/[^.]*$/.test(name));
    await expect(cloud.consumer({ blobs, ...more }).refresh()).rejects.toEqual(corrupt);
  });

  it('are of the bookkeeping, too', async () => {
    const cloud = await twoVersions();
    const blobs = changing(cloud, (name) => /\/snapshot\/.*part-bookkeeping$/.test(name));
    await expect(cloud.consumer({ blobs, ...withBookkeeping }).refresh()).rejects.toEqual(corrupt);
    const consumer = cloud.consumer({ blobs });
    await consumer.refresh();
    expect(consumer.version?.version).toBe(2);
  });

  it('are registered by whoever writes a snapshot, of what is stored', async () => {
    const cloud = await twoVersions();
    const { id, heads, blobs, clock, telemetry } = cloud;
    const chainBounds = { recentEntriesMin: 8, chainLengthForSnapshot: 2, chainLengthMax: 8 };
    await cloud.producer({ chainBounds }).process([cloud.message(upsertCity(3, 'Gouda'))], plentyOfTime);
    await cloud.commit(upsertCity(4, 'Hoorn'));
    await new Snapshotter({ id, heads, blobs, clock, telemetry, cadence: always }).run();
    const { snapshots } = await headOf(cloud);
    expect(snapshots.map(({ version }) => version)).toEqual([1, 3, 4]);
    for (const { cid, digests } of snapshots) {
      const names = blobs.names().filter((name) => name.includes('/snapshot/') && name.includes(cid));
      const stored = await Promise.all(names.map((name) => blobs.get(name)));
      expect(stored.map((blob) => blob?.sha256)).toEqual([digests?.main, digests?.bookkeeping]);
    }
  });

  it('are left out where somebody else has stored other bytes of the same state', async () => {
    const cloud = await twoVersions();
    const { id, heads, clock, telemetry } = cloud;
    // As after a repeated write whose first answer got lost, but of another process.
    const blobs: BlobStore = {
      get: (name) => cloud.blobs.get(name),
      put: async (name, bytes, metadata) => {
        await cloud.blobs.put(name, Uint8Array.of(...bytes, 0), metadata);
        return cloud.blobs.put(name, bytes, metadata);
      },
    };
    await new Snapshotter({ id, heads, blobs, clock, telemetry, cadence: always }).run();
    expect(newestSnapshot(await headOf(cloud))).toMatchObject({ version: 2 });
    expect(newestSnapshot(await headOf(cloud)).digests).toBeUndefined();
  });
});
