import { describe, expect, it } from 'vitest';
import type { VersionChange } from '../../../lib/consumer/consumer.ts';
import { bookkeepingPart } from '../../../lib/consumer/loaded-version.ts';
import { DatasetError } from '../../../lib/errors.ts';
import { limits } from '../../../lib/limits.ts';
import type { AnnouncementWatcher, BlobStore, ChainHeads, Head } from '../../../lib/ports.ts';
import { deleteCity, MemoryCloud, patchCity, plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';

/** The stores of a cloud, counted, and broken where a test says so. */
function observed(cloud: MemoryCloud) {
  const seen = { loads: 0, gets: [] as string[] };
  const broken = { heads: false, blob: (_: string): 'missing' | 'bad' | null => null };
  const heads: ChainHeads = {
    load: async (...args) => {
      seen.loads += 1;
      if (broken.heads) throw new DatasetError('unavailable', 'down');
      return cloud.heads.load(...args);
    },
    commit: (...args) => cloud.heads.commit(...args),
    registerSnapshot: (...args) => cloud.heads.registerSnapshot(...args),
  };
  const blobs: BlobStore = {
    put: (...args) => cloud.blobs.put(...args),
    get: async (name) => {
      seen.gets.push(name.replace(/^.*\/(\w+)\/0*/, '$1 ').replace(/-[0-9a-f]{32}/, ''));
      const damage = broken.blob(name);
      const blob = damage === 'missing' ? null : await cloud.blobs.get(name);
      if (damage === 'bad' && blob !== null)
        blob.bytes.set([~(blob.bytes.at(-1) ?? 0)], blob.bytes.length - 1);
      return blob;
    },
  };
  return { heads, blobs, seen, broken };
}

async function snapshotNow(cloud: MemoryCloud): Promise<void> {
  const chainBounds = { recentEntriesMin: 8, chainLengthForSnapshot: 1, chainLengthMax: 8 };
  await cloud.producer({ chainBounds }).process([cloud.message(upsertCity(99, 'snapshot'))], plentyOfTime);
}

describe('Consumer', () => {
  it('has nothing to read before there is a version', async () => {
    const consumer = new MemoryCloud().consumer();
    await consumer.refresh();
    expect(consumer.version).toBeNull();
    expect(consumer.health).toMatchObject({ isReady: false, version: null, headAgeMs: 0 });
    expect(() => consumer.find('City', 1)).toThrow(expect.objectContaining({ kind: 'unavailable' }));
    expect(() => consumer.state).toThrow('no version is loaded yet');
  });

  it('finds, gets, and says what is not there', async () => {
    const cloud = new MemoryCloud();
    await cloud.commit(upsertCity(1, 'Utrecht', 360_000));
    const consumer = cloud.consumer();
    await consumer.refresh();
    expect(consumer.get('City', 1).toObject()).toEqual({ cityId: 1, name: 'Utrecht', population: 360_000 });
    expect(consumer.find('City', 2)).toBeUndefined();
    const invalid = expect.objectContaining({ kind: 'invalid' });
    expect(() => consumer.get('City', 2)).toThrow(invalid);
    expect(() => consumer.find('String', 'Utrecht')).toThrow(invalid);
    expect(() => consumer.find('City', 1, 2)).toThrow(invalid);
  });

  it('pays one head read when there is nothing new, and only the deltas when there is', async () => {
    const cloud = new MemoryCloud();
    const { heads, blobs, seen } = observed(cloud);
    await cloud.commit(upsertCity(1, 'Utrecht'));
    const consumer = cloud.consumer({ heads, blobs });
    await consumer.refresh();
    await consumer.refresh();
    expect(seen).toEqual({ loads: 2, gets: ['snapshot 1'] });
    await cloud.commit(upsertCity(2, 'Delft'));
    await cloud.commit(patchCity(1, { population: 5 }));
    await consumer.refresh();
    expect(seen.gets).toEqual(['snapshot 1', 'delta 1-0000000000000002', 'delta 2-0000000000000003']);
    expect(consumer.get('City', 1).toObject()).toEqual({ cityId: 1, name: 'Utrecht', population: 5 });
  });

  it('keeps what a reader holds as it was', async () => {
    const cloud = new MemoryCloud();
    await cloud.commit(upsertCity(1, 'Utrecht'));
    const consumer = cloud.consumer();
    await consumer.refresh();
    const held = consumer.get('City', 1);
    const { state } = consumer;
    await cloud.commit(deleteCity(1), upsertCity(2, 'Delft'));
    await consumer.refresh();
    expect(held.toObject()).toEqual({ cityId: 1, name: 'Utrecht', population: 1 });
    expect(state.type('City').count).toBe(1);
    expect(consumer.find('City', 1)).toBeUndefined();
  });

  it('tells listeners what changed, and survives their mistakes', async () => {
    const cloud = new MemoryCloud();
    await cloud.commit(upsertCity(1, 'Utrecht'));
    const consumer = cloud.consumer();
    const changes: VersionChange[] = [];
    consumer.onChange(() => {
      throw new Error('a bug of the application');
    });
    const stopListening = consumer.onChange((change) => changes.push(change));
    await consumer.refresh();
    await cloud.commit(upsertCity(2, 'Delft'));
    await cloud.commit(deleteCity(1));
    await consumer.refresh();
    expect(changes).toHaveLength(2);
    expect(changes[0]).toMatchObject({ from: null, steps: null });
    const [first, second] = changes[1]?.steps ?? [];
    const added = first?.changes.get('City')?.added ?? [];
    expect(Array.from(added, (ordinal) => first?.to.type('City').isPopulated(ordinal))).toEqual([true]);
    expect(second?.changes.get('City')?.removed).toHaveLength(1);
    expect(cloud.telemetry.lines('error')).toHaveLength(2);
    stopListening();
    await cloud.commit(upsertCity(3, 'Gouda'));
    await consumer.refresh();
    expect(changes).toHaveLength(2);
  });

  it('goes on serving while everything outside is down, and says how old it is', async () => {
    const cloud = new MemoryCloud();
    const { heads, blobs, broken } = observed(cloud);
    await cloud.commit(upsertCity(1, 'Utrecht'));
    const consumer = cloud.consumer({ heads, blobs });
    await consumer.refresh();
    broken.heads = true;
    await cloud.clock.advance(5_000);
    await expect(consumer.refresh()).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(consumer.refresh()).rejects.toMatchObject({ kind: 'unavailable' });
    expect(consumer.get('City', 1)['name']).toBe('Utrecht');
    expect(consumer.health).toMatchObject({
      isReady: true,
      headAgeMs: 5_000,
      failuresInRow: 2,
      lastError: 'down',
    });
    broken.heads = false;
    await consumer.refresh();
    expect(consumer.health).toMatchObject({ failuresInRow: 0, lastError: null, headAgeMs: 0 });
  });

  it.each(['missing', 'bad'] as const)('takes the way over a snapshot when a delta is %s', async (damage) => {
    const cloud = new MemoryCloud();
    const { heads, blobs, seen, broken } = observed(cloud);
    await cloud.commit(upsertCity(1, 'Utrecht'));
    const consumer = cloud.consumer({ heads, blobs });
    await consumer.refresh();
    await cloud.commit(upsertCity(2, 'Delft'));
    await snapshotNow(cloud);
    broken.blob = (name) => (name.includes('/delta/') ? damage : null);
    await consumer.refresh();
    expect(consumer.get('City', 2)['name']).toBe('Delft');
    expect(seen.gets.at(-1)).toBe('snapshot 3');
  });

  it('gives up after some attempts, serves what it had, and raises the alarm', async () => {
    const cloud = new MemoryCloud();
    const { heads, blobs, seen, broken } = observed(cloud);
    await cloud.commit(upsertCity(1, 'Utrecht'));
    const consumer = cloud.consumer({ heads, blobs });
    await consumer.refresh();
    await cloud.commit(upsertCity(2, 'Delft'));
    broken.blob = () => 'bad';
    const before = seen.loads;
    await expect(consumer.refresh()).rejects.toMatchObject({ kind: 'corrupt' });
    expect(seen.loads - before).toBe(limits.refreshAttemptsMax);
    expect(consumer.get('City', 1)['name']).toBe('Utrecht');
    expect(cloud.telemetry.sum('RefreshesFailed')).toBe(1);
  });

  it('refuses a state whose hash is not the one that was committed', async () => {
    const cloud = new MemoryCloud();
    await cloud.commit(upsertCity(1, 'Utrecht'));
    const lie = (head: Head | null): Head | null =>
      head && { ...head, snapshots: head.snapshots.map((entry) => ({ ...entry, hash: '0'.repeat(32) })) };
    const heads: ChainHeads = {
      load: async (...args) => lie(await cloud.heads.load(...args)),
      commit: (...args) => cloud.heads.commit(...args),
      registerSnapshot: (...args) => cloud.heads.registerSnapshot(...args),
    };
    const consumer = cloud.consumer({ heads });
    await expect(consumer.refresh()).rejects.toMatchObject({ kind: 'corrupt' });
    expect(consumer.loaded).toBeNull();
  });

  it('verifies the bookkeeping too when it loads it', async () => {
    const cloud = new MemoryCloud();
    await cloud.commit(upsertCity(1, 'Utrecht'));
    const parts = new Map([[bookkeepingPart, ['OrderStampOfCity', 'OrderSource']]]);
    const consumer = cloud.consumer({ parts });
    await consumer.refresh();
    await cloud.commit(upsertCity(2, 'Delft'));
    await consumer.refresh();
    expect(consumer.state.type('OrderStampOfCity').count).toBe(2);
    expect(consumer.find('OrderStampOfCity', 2)?.['deleted']).toBe(false);
    const plain = cloud.consumer();
    await plain.refresh();
    expect(plain.loaded?.state.typeNames).toEqual(['City', 'String']);
  });

  it('runs one refresh at a time, and one more for all that ask meanwhile', async () => {
    const cloud = new MemoryCloud();
    const { heads, blobs, seen } = observed(cloud);
    await cloud.commit(upsertCity(1, 'Utrecht'));
    const consumer = cloud.consumer({ heads, blobs });
    await Promise.all([consumer.refresh(), consumer.refresh(), consumer.refresh(), consumer.refresh()]);
    expect(seen).toEqual({ loads: 2, gets: ['snapshot 1'] });
  });

  it('keeps itself fresh between start and stop', async () => {
    const cloud = new MemoryCloud();
    await cloud.commit(upsertCity(1, 'Utrecht'));
    const consumer = cloud.consumer();
    const lags: number[] = [];
    const watcher: AnnouncementWatcher = {
      watch: (listener, signal) =>
        cloud.announcements.watch((announcement) => {
          listener(announcement);
          lags.push(consumer.health.lagVersions);
        }, signal),
    };
    consumer.start([watcher]);
    expect(() => consumer.start([])).toThrow(expect.objectContaining({ kind: 'invalid' }));
    await cloud.clock.advance(0);
    await cloud.commit(upsertCity(2, 'Delft'));
    await cloud.clock.advance(0);
    expect(lags.at(-1)).toBe(1);
    expect(consumer.get('City', 2)['name']).toBe('Delft');
    expect(consumer.health.lagVersions).toBe(0);
    await consumer.stop();
    await cloud.commit(upsertCity(3, 'Gouda'));
    await cloud.clock.advance(10 * limits.pollMsMax);
    expect(consumer.find('City', 3)).toBeUndefined();
    expect(consumer.get('City', 2)['name']).toBe('Delft');
  });

  it('never goes back, whatever head it is shown', async () => {
    const cloud = new MemoryCloud();
    await cloud.commit(upsertCity(1, 'Utrecht'));
    const old = await cloud.heads.load(cloud.id, 'strong');
    await cloud.commit(upsertCity(2, 'Delft'));
    let isStale = false;
    const heads: ChainHeads = {
      load: async (...args) => (isStale ? old : cloud.heads.load(...args)),
      commit: (...args) => cloud.heads.commit(...args),
      registerSnapshot: (...args) => cloud.heads.registerSnapshot(...args),
    };
    const consumer = cloud.consumer({ heads, consistency: 'eventual' });
    await consumer.refresh();
    isStale = true;
    await consumer.refresh();
    expect(consumer.version?.version).toBe(2);
  });
});
