import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DatasetError } from '../../../lib/errors.ts';
import { servedHead } from '../../../lib/head-rules.ts';
import { loadAnnouncedVersion } from '../../../lib/hollow-directory/announced-version.ts';
import { hollowVersionOf } from '../../../lib/hollow-directory/export-version.ts';
import { followHollow } from '../../../lib/hollow-directory/follow.ts';
import { HollowDirectory } from '../../../lib/hollow-directory/hollow-directory.ts';
import { HollowExport, type HollowExportOptions } from '../../../lib/hollow-directory/hollow-export.ts';
import { verifyDirectory } from '../../../lib/hollow-directory/verify.ts';
import { pinVersion } from '../../../lib/housekeeping/pins.ts';
import { rollback, serve } from '../../../lib/housekeeping/rollback.ts';
import type { Announcer, BlobStore, Head, HeadReader } from '../../../lib/ports.ts';
import { dumpLines } from '../../../lib/tools/dump-state.ts';
import { inspectBlob } from '../../../lib/tools/inspect-blob.ts';
import { MemoryCloud, plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** Snapshots at the versions 1, 4, 7, …; a reader that lags by more than five finds no deltas. */
const chainBounds = { recentEntriesMin: 5, chainLengthForSnapshot: 3, chainLengthMax: 8 };

let cloud: MemoryCloud;
let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
let commitCount = 0;
beforeEach(async () => {
  cloud = new MemoryCloud();
  scratch = await temporaryDirectory();
  commitCount = 0;
});
afterEach(() => scratch.remove());

const newExport = (more: Partial<HollowExportOptions> = {}): HollowExport => {
  const { id, heads, blobs, announcements: next } = cloud;
  return new HollowExport({ directory: scratch.path, id, heads, blobs, next, ...more });
};
/** `count` versions, of which the announcer hears. */
const commit = async (count: number, announcer: Announcer = newExport()): Promise<void> => {
  const producer = cloud.producer({ announcer, chainBounds });
  for (let i = 0; i < count; i++) {
    const n = ++commitCount;
    const mutations = [
      upsertCity(n, `city ${n % 4}`, n * 1000),
      upsertCity(n - 2, `moved ${n}`),
      { op: 'delete', type: 'City', key: { cityId: n - 3 } },
    ];
    const { failed } = await producer.process([cloud.message({ mutations })], plentyOfTime);
    expect(failed).toEqual([]);
  }
};
const silent = { announce: () => Promise.resolve() };
const headOf = async (): Promise<Head> => {
  const head = await cloud.heads.load(cloud.id, 'strong');
  if (head === null) throw new Error('no head');
  return head;
};
const files = async (): Promise<Map<string, Buffer>> => {
  const names = (await readdir(scratch.path)).toSorted();
  const bytes = await Promise.all(names.map((name) => readFile(join(scratch.path, name))));
  return new Map(names.map((name, i) => [name, bytes[i] as Buffer]));
};
const portsOf = (announcer: Announcer) => {
  const { heads, blobs, telemetry, instantClock: clock } = cloud;
  return { heads, blobs, clock, telemetry, announcer };
};
const pin = (version: number) => pinVersion(portsOf(silent), cloud.id, { name: `v${version}`, version });
/** What readers of the directory see is what consumers of the chain see. */
const expectServed = async (): Promise<void> => {
  const announced = await loadAnnouncedVersion(scratch.path);
  expect(announced).toBe(hollowVersionOf(servedHead(await headOf())));
  const found = await followHollow(new HollowDirectory(scratch.path), null, announced ?? -1n);
  const consumer = cloud.consumer();
  await consumer.refresh();
  expect(found?.version).toBe(announced);
  expect([...dumpLines(found?.state ?? consumer.state.read)]).toEqual([...dumpLines(consumer.state.read)]);
};
const problems = async (): Promise<readonly string[]> => {
  const verified = await verifyDirectory(new HollowDirectory(scratch.path));
  return [...verified.problems, ...verified.versions.flatMap((version) => version.problems)];
};

describe('an export in Hollow layout', () => {
  it('has every version, forward and back, and the snapshots of the chain', async () => {
    await commit(12);
    const { versions, ...directory } = await verifyDirectory(new HollowDirectory(scratch.path));
    expect(directory).toEqual({ announced: 12n, problems: [] });
    expect(versions.map(({ version }) => version)).toEqual(
      Array.from({ length: 12 }, (_, i) => BigInt(i + 1)),
    );
    for (const { version, checked, problems: found } of versions) {
      expect(found).toEqual([]);
      const ways = version === 1n ? ['snapshot'] : ['delta', 'reverse delta'];
      expect(checked).toEqual(expect.arrayContaining(ways));
    }
    const snapshots = versions.filter(({ checked }) => checked.includes('snapshot'));
    expect(snapshots.map(({ version }) => version)).toEqual([1n, 4n, 7n, 10n]);
    await expectServed();
  });

  it('has a header for each version, and no bookkeeping anywhere', async () => {
    await commit(4);
    const names = [...(await files()).keys()];
    expect(names.filter((name) => name.startsWith('header'))).toEqual([1, 2, 3, 4].map((v) => `header-${v}`));
    for (const [name, bytes] of await files()) {
      if (name === 'announced.version') continue;
      const { header } = inspectBlob(bytes);
      const types = header.schemas.map((schema) => schema.name).toSorted();
      expect(types).toEqual(['City', 'String']);
    }
  });

  it('tells the next announcer, also when it fails itself', async () => {
    const heard: number[] = [];
    const next = { announce: async ({ version }: { version: number }) => void heard.push(version) };
    await commit(2, newExport({ next }));
    const blobs: BlobStore = { put: unavailable, get: unavailable };
    await commit(1, newExport({ next, blobs }));
    expect(heard).toEqual([1, 2, 3]);
    expect(cloud.telemetry.sum('AnnouncementsFailed')).toBe(1);
    expect(await loadAnnouncedVersion(scratch.path)).toBe(2n);
    await commit(1, newExport({ next }));
    expect(await problems()).toEqual([]);
    await expectServed();
  });

  it('announces nothing that is not there, wherever it fails, and goes on from there', async () => {
    await commit(7, silent);
    for (let failAt = 1; failAt < 40; failAt++) {
      await rm(scratch.path, { recursive: true, force: true });
      let calls = 0;
      const get: BlobStore['get'] = (name) => (++calls === failAt ? unavailable() : cloud.blobs.get(name));
      const own = newExport({ blobs: { put: unavailable, get } });
      const isDone = await own.catchUp().then(
        () => true,
        () => false,
      );
      expect(await problems()).toEqual([]);
      const announced = await loadAnnouncedVersion(scratch.path);
      if (announced !== null) {
        const found = await followHollow(new HollowDirectory(scratch.path), null, announced);
        expect(found?.version).toBe(announced);
      }
      await own.catchUp();
      expect(await problems()).toEqual([]);
      await expectServed();
      if (isDone) return;
    }
    throw new Error('never got through');
  });

  it.each(['header-3', 'delta-2-3', 'reversedelta-3-2', 'snapshot-1'])(
    'does not announce a version whose %s cannot be written',
    async (name) => {
      if (name !== 'snapshot-1') await commit(1);
      await commit(2, silent);
      await mkdir(join(scratch.path, name, 'in the way'), { recursive: true });
      const own = newExport();
      await expect(own.catchUp()).rejects.toMatchObject({ kind: 'unavailable' });
      expect(await loadAnnouncedVersion(scratch.path)).toBe(name === 'snapshot-1' ? null : 2n);
      await rm(join(scratch.path, name), { recursive: true });
      await own.catchUp();
      expect(await problems()).toEqual([]);
      await expectServed();
    },
  );

  it('catches up what a crash left out, byte for byte', async () => {
    await commit(8);
    const whole = await files();
    // The chain's ring reaches back to its version 4.
    for (let announced = 4; announced < 8; announced++) {
      for (const name of whole.keys()) {
        const versions = name.match(/\d+/g)?.map(Number) ?? [];
        // A file or two of the next version are there already.
        const isLeftOver = /^(header|delta)/.test(name) && versions.at(-1) === announced + 1;
        if (!isLeftOver && Math.max(...versions) > announced)
          await rm(join(scratch.path, name), { force: true });
      }
      await writeFile(join(scratch.path, 'announced.version'), String(announced));
      await newExport().catchUp();
      const now = await files();
      expect([...now.keys()]).toEqual([...whole.keys()]);
      for (const [name, bytes] of now) expect(bytes.equals(whole.get(name) ?? Buffer.of())).toBe(true);
    }
    await expectServed();
  });

  it('has a gap where the chain keeps no deltas, and a snapshot behind it', async () => {
    await commit(2);
    await commit(18, silent);
    await commit(2);
    expect(await problems()).toEqual([]);
    const names = [...(await files()).keys()];
    expect(names).not.toContain('delta-2-3');
    await expectServed();
  });

  it('is kept by several processes at once', async () => {
    await commit(3, silent);
    const both = [newExport(), newExport(), newExport()];
    await Promise.all(both.map((each) => each.catchUp()));
    for (let i = 0; i < 6; i++) {
      await commit(1 + (i % 2), silent);
      await Promise.all(both.slice(i % 3).map((each) => each.catchUp()));
      expect(await problems()).toEqual([]);
      await expectServed();
    }
    expect([...(await files()).keys()].filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('goes back to the pin that is to be served, stays there, and goes on when it is not', async () => {
    const own = newExport();
    await commit(6, own);
    await pin(4);
    await serve(portsOf(own), cloud.id, 'v4');
    expect(await loadAnnouncedVersion(scratch.path)).toBe(4n);
    const back = await followHollow(new HollowDirectory(scratch.path), null, 6n).then((newest) =>
      followHollow(new HollowDirectory(scratch.path), newest, 4n),
    );
    expect(back?.version).toBe(4n);
    const names = [...(await files()).keys()];
    await commit(2, own);
    await newExport().catchUp();
    expect([...(await files()).keys()]).toEqual(names);
    await expectServed();
    await serve(portsOf(own), cloud.id, null);
    expect(await loadAnnouncedVersion(scratch.path)).toBe(8n);
    await expectServed();
    expect(await problems()).toEqual([]);
  });

  it('follows a rollback: the pin, then a newer version with its records', async () => {
    const own = newExport();
    await commit(4, own);
    await pin(4);
    await commit(2, own);
    const heard: (bigint | null)[] = [];
    const announcer: Announcer = {
      announce: async (announcement) => {
        await own.announce(announcement);
        heard.push(await loadAnnouncedVersion(scratch.path));
      },
    };
    const producer = cloud.producer({ announcer, chainBounds, clock: cloud.instantClock });
    await rollback({ ...portsOf(announcer), producer }, cloud.id, 'v4', plentyOfTime);
    expect(heard).toEqual([4n, 4n, 7n]);
    await expectServed();
    expect(await problems()).toEqual([]);
  });

  it('exports a pin that is older than the directory, and goes on from the head', async () => {
    await commit(2, silent);
    await pin(2);
    await commit(18, silent);
    const own = newExport();
    await own.catchUp();
    expect([...(await files()).keys()]).not.toContain('snapshot-1');
    await serve(portsOf(own), cloud.id, 'v2');
    await expectServed();
    await serve(portsOf(own), cloud.id, null);
    await expectServed();
    await commit(2, own);
    expect(await problems()).toEqual([]);
    await expectServed();
  });

  it('ends at what is to be served, whatever several processes do meanwhile', async () => {
    await commit(5, silent);
    await pin(4);
    await pin(5);
    const all = [newExport(), newExport(), newExport()];
    for (const order of ['v4', null, 'v5', 'v4', null]) {
      await commit(1, silent);
      await Promise.all([serve(portsOf(silent), cloud.id, order), ...all.map((each) => each.catchUp())]);
      await Promise.all(all.map((each) => each.catchUp()));
      expect(await problems()).toEqual([]);
      await expectServed();
    }
  });

  it('goes on in another era of the chain, above all versions before', async () => {
    await commit(5);
    const load: HeadReader['load'] = async () => ({ ...(await headOf()), era: 2 });
    await newExport({ heads: { load } }).catchUp();
    const announced = await loadAnnouncedVersion(scratch.path);
    expect(announced).toBe(2n ** 40n + 5n);
    const found = await followHollow(new HollowDirectory(scratch.path), null, announced ?? 0n);
    expect(found?.version).toBe(announced);
    expect(await problems()).toEqual([]);
    await expect(newExport().catchUp()).rejects.toMatchObject({ kind: 'corrupt' });
  });
});

function unavailable(): Promise<never> {
  return Promise.reject(new DatasetError('unavailable', 'a test says so'));
}
