import { describe, expect, it } from 'vitest';
import { firstHead } from '../../../lib/head-rules.ts';
import { clean } from '../../../lib/housekeeping/cleaner.ts';
import { planFloor } from '../../../lib/housekeeping/floor.ts';
import { pinVersion, removePin } from '../../../lib/housekeeping/pins.ts';
import type { Head, HeadStore } from '../../../lib/ports.ts';
import { commitEntry, firstProposal, pinOf, snapshotEntry } from '../../support/heads.ts';
import { upsertCity } from '../../support/memory-cloud.ts';
import { noRetention, UpkeepCloud } from '../../support/upkeep.ts';

describe('planFloor', () => {
  const headWith = (version: number, snapshots: readonly number[]): Head => ({
    ...firstHead(firstProposal()),
    version,
    recent: Array.from({ length: version }, (_, i) => commitEntry(i + 1)),
    snapshots: snapshots.map((each) => ({ ...snapshotEntry(each), writtenAtMs: each * 1_000 })),
  });
  const head = headWith(100, [1, 20, 50, 90]);

  it.each<[string, Head, number, typeof noRetention, number | null]>([
    ['the newest snapshot', head, 1e9, noRetention, 90],
    ['leaves so many versions', head, 1e9, { versionsMin: 64, ageMsMin: 0 }, 20],
    [
      'leaves what was new an hour ago',
      head,
      3_600_000 + 50_000,
      { versionsMin: 0, ageMsMin: 3_600_000 },
      50,
    ],
    ['leaves what a pin needs', { ...head, pins: { a: pinOf(headWith(60, [50])) } }, 1e9, noRetention, 50],
    ['not at all: retention', head, 1e9, { versionsMin: 99, ageMsMin: 0 }, null],
    ['not at all: it is there already', { ...headWith(100, [90]), floor: 90 }, 1e9, noRetention, null],
    [
      'an expired pin still counts',
      { ...head, pins: { a: pinOf(headWith(1, [1]), 5) } },
      1e9,
      noRetention,
      null,
    ],
  ])('%s', (_, of, nowMs, retention, expected) => {
    const raise = planFloor(of, nowMs, retention);
    expect(raise?.floor ?? null).toBe(expected);
    if (raise === null) return;
    expect(raise.snapshots).toEqual(of.snapshots.filter(({ version }) => version >= raise.floor));
  });
});

describe('clean', () => {
  it('deletes below the floor, parts too, and everything promised stays readable', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b', 'c');
    await cloud.snapshot();
    await cloud.rename('d');
    const report = await cloud.clean();
    expect(report).toMatchObject({ floor: 3, isComplete: true });
    expect(cloud.stored()).toEqual([
      'snapshot 3',
      'snapshot 3 bookkeeping',
      'delta 4',
      'delta 4 bookkeeping',
    ]);
    expect(await cloud.head()).toMatchObject({ floor: 3, version: 4, lastOperation: 'floor' });
    expect(await cloud.floors.load(cloud.id)).toEqual({ era: 1, floor: 3 });
    expect(cloud.telemetry.sum('BlobsDeleted')).toBe(6);
    await cloud.requireReadable();
  });

  it('a dry run says the same and changes nothing', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b', 'c');
    await cloud.snapshot();
    const before = [await cloud.head(), cloud.stored()];
    const dry = await cloud.clean({ isDryRun: true });
    expect([await cloud.head(), cloud.stored()]).toEqual(before);
    expect(await cloud.floors.load(cloud.id)).toBeNull();
    expect(await cloud.clean()).toEqual(dry);
    expect(dry.names).toHaveLength(6);
  });

  it('takes orphans along with their version, and leaves those above the floor', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b');
    const orphan = (version: number): string =>
      `d/cities/1/0/delta/${String(version - 1).padStart(16, '0')}-${String(version).padStart(16, '0')}-${'f'.repeat(32)}`;
    for (const version of [2, 3]) await cloud.blobs.put(orphan(version), Uint8Array.of(1), {});
    await cloud.snapshot();
    await cloud.clean();
    expect(await cloud.blobs.get(orphan(2))).toBeNull();
    expect(await cloud.blobs.get(orphan(3))).not.toBeNull();
  });

  it('deletes at most so many pages, and goes on in the next run', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a');
    for (let i = 0; i < 1_500; i++) {
      await cloud.blobs.put(
        `d/cities/1/0/delta/${'0'.repeat(16)}-${'0'.repeat(15)}1-${String(i).padStart(32, '0')}`,
        Uint8Array.of(1),
        {},
      );
    }
    const first = await cloud.clean({ pagesMax: 1 });
    expect(first).toMatchObject({ isComplete: false });
    expect(first.names).toHaveLength(1_000);
    expect((await cloud.clean({ pagesMax: 1 })).isComplete).toBe(true);
    expect(cloud.stored()).toEqual(['snapshot 1', 'snapshot 1 bookkeeping']);
  });

  it('leaves what is not named like a blob, and other chains', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b');
    const others = ['d/cities/1/0/delta/notes', 'd/cities/1/1/delta/x', `d/cities/floor/0`];
    for (const name of others) await cloud.blobs.put(name, Uint8Array.of(1), {});
    await cloud.snapshot();
    await cloud.clean();
    for (const name of others) expect(await cloud.blobs.get(name)).not.toBeNull();
  });

  it('without a chain there is nothing to do', async () => {
    expect(await new UpkeepCloud().clean()).toEqual({ floor: null, names: [], isComplete: true });
  });

  it('one that was frozen before its deletes uses the floor that is stored, and a newer pin keeps its version', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b');
    await cloud.snapshot();
    let isFirst = true;
    const heads: HeadStore = Object.assign(Object.create(cloud.heads), {
      load: cloud.heads.load.bind(cloud.heads),
      raiseFloor: async (...args: Parameters<HeadStore['raiseFloor']>) => {
        if (isFirst) {
          isFirst = false;
          await pinVersion({ heads: cloud.heads, blobs: cloud.blobs, clock: cloud.clock }, cloud.id, {
            name: 'old',
            version: 1,
          });
        }
        return cloud.heads.raiseFloor(...args);
      },
    });
    const ports = { ...cloud.cleanerPorts, heads };
    expect(await clean(ports, cloud.id, { retention: noRetention })).toMatchObject({ floor: 1, names: [] });
    await cloud.requireReadable();
  });

  it('deletes nothing once a restore has begun', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b');
    await cloud.snapshot();
    await cloud.floors.raise(cloud.id, { era: 2, floor: 0 });
    expect(await cloud.clean()).toMatchObject({ floor: null, names: [] });
    // So the restore need not mind its floor.
    expect(await cloud.floors.load(cloud.id)).toEqual({ era: 2, floor: 0 });
  });

  it('has written its floor down for a restore that begins after it', async () => {
    const cloud = new UpkeepCloud();
    await cloud.rename('a', 'b');
    await cloud.snapshot();
    expect(await cloud.clean()).toMatchObject({ floor: 2 });
    await cloud.floors.raise(cloud.id, { era: 2, floor: 0 });
    expect(await cloud.floors.load(cloud.id)).toEqual({ era: 2, floor: 2 });
  });
});

describe('pins', () => {
  const pinned = async () => {
    const cloud = new UpkeepCloud();
    const { heads, blobs, clock, id } = cloud;
    await cloud.rename('a', 'b', 'c');
    return { cloud, ports: { heads, blobs, clock }, id };
  };

  it('keep their version readable and verified, whatever is committed and cleaned', async () => {
    const { cloud, ports, id } = await pinned();
    await pinVersion(ports, id, { name: 'release', version: 2 });
    for (let round = 0; round < 3; round++) {
      await cloud.rename('x', 'y');
      await cloud.snapshot();
      await cloud.clean();
      await cloud.requireReadable();
    }
    await removePin(cloud.heads, id, 'release');
    await cloud.clean();
    expect(cloud.stored().filter((name) => name.startsWith('snapshot'))).toEqual([
      'snapshot 9',
      'snapshot 9 bookkeeping',
    ]);
    await cloud.requireReadable();
  });

  it('refuse what the head no longer lists, a name of another version, and a missing dataset', async () => {
    const { cloud, ports, id } = await pinned();
    await pinVersion(ports, id, { name: 'release' });
    await expect(pinVersion(ports, id, { name: 'release', version: 2 })).rejects.toMatchObject({
      kind: 'refused',
    });
    await expect(pinVersion(ports, id, { name: 'later', version: 4 })).rejects.toMatchObject({
      kind: 'refused',
    });
    await expect(pinVersion(ports, id, { name: '__proto__' })).rejects.toMatchObject({ kind: 'invalid' });
    await removePin(cloud.heads, id, 'release');
    await cloud.snapshot();
    await cloud.clean();
    await expect(pinVersion(ports, id, { name: 'old', version: 2 })).rejects.toMatchObject({
      kind: 'refused',
    });
    const nowhere = new UpkeepCloud();
    await expect(pinVersion(nowhere, nowhere.id, { name: 'x' })).rejects.toMatchObject({ kind: 'refused' });
  });

  it('are renewed under their name, and removed twice without harm', async () => {
    const { cloud, ports, id } = await pinned();
    await pinVersion(ports, id, { name: 'release', version: 2, forMs: 1_000 });
    const renewed = await pinVersion(ports, id, { name: 'release', version: 2, forMs: 5_000 });
    expect((await cloud.head()).pins).toEqual({ release: renewed });
    await removePin(cloud.heads, id, 'release');
    await removePin(cloud.heads, id, 'release');
    expect((await cloud.head()).pins).toEqual({});
  });
});

it('a writer that was frozen with its delta below the floor cannot commit it', async () => {
  const cloud = new UpkeepCloud();
  await cloud.rename('a');
  const before = await cloud.head();
  let thaw: () => void = () => undefined;
  const frozen = new Promise<void>((resolve) => {
    thaw = resolve;
  });
  let isFrozen = true;
  const producer = cloud.producer({
    clock: cloud.instantClock,
    heads: {
      load: (...args) => cloud.heads.load(...args),
      registerSnapshot: (...args) => cloud.heads.registerSnapshot(...args),
      commit: async (...args) => {
        if (isFrozen) {
          isFrozen = false;
          await frozen;
        }
        return cloud.heads.commit(...args);
      },
    },
  });
  const zombie = producer.process([cloud.message(upsertCity(7, 'zombie'))], { remainingMs: () => 60_000 });
  await new Promise((resolve) => setImmediate(resolve));
  await cloud.rename('b', 'c');
  await cloud.snapshot();
  await cloud.clean();
  thaw();
  expect((await zombie).failed).toEqual([]);
  expect((await cloud.head()).version).toBe(before.version + 3);
  await cloud.requireReadable();
});
