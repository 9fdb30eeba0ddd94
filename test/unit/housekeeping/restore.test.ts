import { describe, expect, it } from 'vitest';
import { pinVersion } from '../../../lib/housekeeping/pins.ts';
import { recoverChain } from '../../../lib/housekeeping/recover.ts';
import { restoreChain } from '../../../lib/housekeeping/restore.ts';
import { MemoryHeadStore } from '../../../lib/memory/head-store.ts';
import type { Head } from '../../../lib/ports.ts';
import { upsertCity } from '../../support/memory-cloud.ts';
import { UpkeepCloud } from '../../support/upkeep.ts';

/** The table as it was when `head` was in it. The format of a head makes it an era later than it is: it is put as it is. */
async function tableWith(cloud: UpkeepCloud, head: Head): Promise<MemoryHeadStore> {
  const heads = new MemoryHeadStore();
  await heads.replace(cloud.id, null, head);
  return heads;
}

const portsOf = (cloud: UpkeepCloud, heads: MemoryHeadStore) => ({
  ...cloud.cleanerPorts,
  heads,
  blobs: cloud.blobs,
});

describe('restoreChain', () => {
  it('begins an era on the common past, which every consumer prefers and every producer goes on from', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b');
    const point = await cloud.head();
    await cloud.rename('lost 1', 'lost 2');
    const consumer = cloud.consumer();
    await consumer.refresh();
    const lostTable = await cloud.head();

    const heads = await tableWith(cloud, point);
    const { head } = await restoreChain(portsOf(cloud, heads), cloud.id);
    expect(head).toMatchObject({ era: 2, version: 2, cid: point.cid, lastOperation: 'restore' });
    expect(await cloud.floors.load(cloud.id)).toEqual({ era: 2, floor: 1 });

    const producer = cloud.producer({ heads, clock: cloud.instantClock });
    await cloud.clock.advance(1_000);
    const message = cloud.message(upsertCity(1, 'after'));
    const { failed } = await producer.process([message], { remainingMs: () => 60_000 });
    expect(failed).toEqual([]);
    const after = cloud.consumer({ heads });
    await after.refresh();
    expect(after.version).toMatchObject({ era: 2, version: 3 });
    expect(after.get('City', 1)['name']).toBe('after');
    expect(lostTable.version).toBe(4);
  });

  it('a consumer of the lost timeline comes over, although its version was higher', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b');
    const point = await cloud.head();
    await cloud.rename('lost 1', 'lost 2');
    const heads = await tableWith(cloud, point);
    let isRestored = false;
    const consumer = cloud.consumer({
      heads: { load: (...args) => (isRestored ? heads : cloud.heads).load(...args) },
    });
    await consumer.refresh();
    isRestored = true;
    await consumer.refresh();
    expect(consumer.version?.version).toBe(4); // an older head, not yet in a new era
    await restoreChain(portsOf(cloud, heads), cloud.id);
    await consumer.refresh();
    expect(consumer.version).toMatchObject({ era: 2, version: 2 });
    expect(consumer.get('City', 1)['name']).toBe('b');
  });

  it('takes the floor that was written down, and refuses a point whose blobs may be gone', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b');
    const early = await cloud.head();
    await cloud.snapshot();
    const later = await cloud.head();
    await cloud.rename('c');
    await cloud.clean();
    await expect(restoreChain(portsOf(cloud, await tableWith(cloud, early)), cloud.id)).rejects.toMatchObject(
      {
        kind: 'refused',
      },
    );
    const heads = await tableWith(cloud, later);
    const { head } = await restoreChain(portsOf(cloud, heads), cloud.id);
    // The refused attempt has used an era up.
    expect(head).toMatchObject({ era: 3, version: 2, floor: 2 });
    expect(head.snapshots.map(({ version }) => version)).toEqual([2]);
  });

  it('drops pins that may be gone, and stops serving one of them', async () => {
    const cloud = new UpkeepCloud();
    const { heads: live, blobs, clock, id } = cloud;
    await cloud.rename('a', 'b');
    await pinVersion({ heads: live, blobs, clock }, id, { name: 'old', version: 1 });
    await live.setServe(id, 1, { epoch: 1, pin: 'old' });
    await cloud.snapshot();
    const point = await cloud.head();
    await live.setServe(id, 1, { epoch: 2, pin: null });
    await live.removePin(id, 1, 'old');
    await cloud.clean();
    const { head, droppedPins } = await restoreChain(portsOf(cloud, await tableWith(cloud, point)), id);
    expect(droppedPins).toEqual(['old']);
    expect(head).toMatchObject({ pins: {}, serve: { epoch: 2, pin: null } });
  });

  it('writes nothing to the table when the plan is not readable or something else wrote', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b');
    const point = await cloud.head();
    await cloud.blobs.delete(cloud.blobs.names().filter((name) => name.includes('/delta/')));
    const heads = await tableWith(cloud, point);
    await expect(restoreChain(portsOf(cloud, heads), cloud.id)).rejects.toMatchObject({ kind: 'corrupt' });
    expect(await heads.load(cloud.id, 'strong')).toEqual(point);
    await expect(restoreChain(portsOf(cloud, new MemoryHeadStore()), cloud.id)).rejects.toMatchObject({
      kind: 'refused',
    });
  });
});

describe('recoverChain', () => {
  const recover = (cloud: UpkeepCloud, heads: MemoryHeadStore, options = {}) =>
    recoverChain({ ...portsOf(cloud, heads), shelf: cloud.blobs }, cloud.id, options);

  it('makes the same head from blobs alone: version, commit id, hashes, schema', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b', 'c');
    await cloud.snapshot();
    await cloud.rename('d', 'e');
    const lost = await cloud.head();
    const heads = new MemoryHeadStore();
    const head = await recover(cloud, heads);
    const { version, cid, hashes, schemaId, mapGeneration } = lost;
    expect(head).toMatchObject({ version, cid, hashes, schemaId, mapGeneration, era: 2 });
    const entries = (of: Head) => of.recent.filter((entry) => entry.version > 3);
    expect(entries(head)).toEqual(entries(lost));
    const consumer = cloud.consumer({ heads });
    await consumer.refresh();
    expect(consumer.get('City', 1)['name']).toBe('e');
  });

  it('works right after cleaning, when a snapshot is all there is', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b');
    await cloud.snapshot();
    await cloud.clean();
    const lost = await cloud.head();
    const head = await recover(cloud, new MemoryHeadStore());
    expect(head).toMatchObject({ cid: lost.cid, hashes: lost.hashes, floor: 2, era: 2 });
  });

  it('takes the newest era, not the highest version: a timeline that was given up stays so', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b');
    const point = await cloud.head();
    await cloud.rename('lost 1', 'lost 2', 'lost 3');
    const restored = await tableWith(cloud, point);
    await restoreChain(portsOf(cloud, restored), cloud.id);
    await expect(recover(cloud, new MemoryHeadStore())).rejects.toMatchObject({ kind: 'refused' });
    const producer = cloud.producer({ heads: restored, clock: cloud.instantClock });
    await producer.process([cloud.message(upsertCity(2, 'after'))], { remainingMs: () => 60_000 });
    const live = await restored.load(cloud.id, 'strong');
    const head = await recover(cloud, new MemoryHeadStore());
    expect(head).toMatchObject({ era: 3, version: 3, cid: live?.cid, hashes: live?.hashes });
  });

  it('cannot tell two deltas to the newest version apart, and goes where it is told', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b');
    const rival = new UpkeepCloud();
    const { cid } = await cloud.head();
    const [delta = '', part = ''] = cloud.blobs.names().filter((name) => name.includes('/delta/'));
    for (const name of [delta, part]) {
      const blob = await cloud.blobs.get(name);
      if (blob === null) throw new Error('no blob');
      const metadata = { ...blob.metadata, cid: 'f'.repeat(32) };
      await cloud.blobs.put(name.replace(cid, 'f'.repeat(32)), blob.bytes, metadata);
    }
    await expect(recover(cloud, new MemoryHeadStore())).rejects.toMatchObject({ kind: 'refused' });
    expect(await recover(cloud, new MemoryHeadStore(), { cid })).toMatchObject({ version: 2, cid });
    await expect(recover(rival, new MemoryHeadStore())).rejects.toMatchObject({ kind: 'refused' });
  });

  it('does not go over a snapshot whose writer died before all of it was there', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b', 'c');
    const { version, cid } = await cloud.head();
    await cloud.snapshot();
    const part = cloud.blobs.names().find((name) => /snapshot\/0*3-.*part-bookkeeping$/.test(name));
    await cloud.blobs.delete([part ?? '']);
    expect(cloud.stored()).toContain('snapshot 3');
    expect(cloud.stored()).not.toContain('snapshot 3 bookkeeping');
    // A part without its main blob, which comes next in the list, is not the one that is missing.
    const stray = (part ?? '').replace(/-[0-9a-f]{32}/, `-${'f'.repeat(32)}`);
    await cloud.blobs.put(stray, new Uint8Array(1), {});
    expect(await recover(cloud, new MemoryHeadStore())).toMatchObject({ version, cid });
  });

  it('refuses where there is a head', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a');
    await expect(recover(cloud, cloud.heads)).rejects.toMatchObject({ kind: 'refused' });
  });
});

describe('a second region', () => {
  it('keeps what it has while a head has come before its blobs, and goes on when they are there', async () => {
    const home = new UpkeepCloud();
    const replica = new UpkeepCloud();
    const copyBlobs = async (): Promise<void> => {
      for (const name of home.blobs.names()) {
        const blob = await home.blobs.get(name);
        if (blob !== null) await replica.blobs.put(name, blob.bytes, blob.metadata);
      }
    };
    await home.rename('a');
    await copyBlobs();
    const consumer = replica.consumer({ heads: home.heads });
    await consumer.refresh();
    await home.rename('b');
    await expect(consumer.refresh()).rejects.toMatchObject({ kind: 'corrupt', details: { attempts: 3 } });
    expect(consumer.get('City', 1)['name']).toBe('a');
    await copyBlobs();
    await consumer.refresh();
    expect(consumer.get('City', 1)['name']).toBe('b');
  });

  it('is promoted by a new era: the old home, should it still write, changes nothing there', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b');
    const replicated = await cloud.head();
    await cloud.rename('not replicated');
    const heads = await tableWith(cloud, replicated);
    const old = await cloud.head();
    const { head } = await restoreChain(portsOf(cloud, heads), cloud.id);
    expect(head).toMatchObject({ era: 2, version: 2 });
    const { era, version, cid } = replicated;
    const late = { ...old, operation: 'commit' as const, expected: { era, version, cid } };
    expect((await heads.commit(cloud.id, late)).kind).toBe('conflict');
    const newest = old.snapshots.at(-1);
    if (newest === undefined) throw new Error('no snapshot');
    expect((await heads.registerSnapshot(cloud.id, era, { ...newest, version: 3 })).kind).toBe('conflict');
  });
});
