import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalBlobStore } from '../../../lib/local/blob-store.ts';
import { LocalHeadStore } from '../../../lib/local/head-store.ts';
import { systemClock } from '../../../lib/local/system-clock.ts';
import { runHollowCaptured } from '../../support/captured-terminal.ts';
import { MemoryCloud, plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

describe('the commands for the chain of a dataset', () => {
  let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
  const cloud = new MemoryCloud();
  beforeEach(async () => {
    scratch = await temporaryDirectory();
  });
  afterEach(() => scratch.remove());

  const commit = async (name: string, snapshotToo = false): Promise<void> => {
    const heads = new LocalHeadStore(join(scratch.path, 'heads.sqlite'));
    const blobs = new LocalBlobStore(join(scratch.path, 'blobs'));
    const bounds = { recentEntriesMin: 8, chainLengthForSnapshot: 1, chainLengthMax: 8 };
    const producer = cloud.producer({
      ...{ heads, blobs, clock: systemClock },
      ...(snapshotToo ? { chainBounds: bounds } : {}),
    });
    const message = cloud.message(upsertCity(1, name), { sentAtMs: systemClock.nowMs() });
    const { failed } = await producer.process([message], plentyOfTime);
    heads.close();
    expect(failed).toEqual([]);
  };
  const served = async (): Promise<unknown> => {
    const heads = new LocalHeadStore(join(scratch.path, 'heads.sqlite'));
    const consumer = cloud.consumer({ heads, blobs: new LocalBlobStore(join(scratch.path, 'blobs')) });
    await consumer.refresh();
    heads.close();
    return consumer.get('City', 1)['name'];
  };
  const hollow = async (...args: readonly string[]) => {
    const { exitCode, output, error } = await runHollowCaptured(...args, '--local', scratch.path);
    return exitCode === 0 ? output : `${exitCode} ${error}`;
  };

  it('pin, serve, roll back and unpin', async () => {
    await commit('good');
    expect(await hollow('pin', 'cities', 'release')).toBe("version 1 is pinned as 'release'\n");
    await commit('broken');
    expect(await hollow('serve', 'cities', 'release')).toBe("consumers serve pin 'release' (epoch 1)\n");
    expect(await served()).toBe('good');
    expect(await hollow('unpin', 'cities', 'release')).toMatch(/^4 hollow: refused/);
    expect(await hollow('serve', 'cities')).toBe('consumers serve the newest version (epoch 2)\n');
    expect(await served()).toBe('broken');
    expect(await hollow('rollback', 'cities', 'release')).toBe(
      "version 3 has the records of pin 'release': 1 were changed for it\n",
    );
    expect(await served()).toBe('good');
    expect(await hollow('unpin', 'cities', 'release')).toBe("there is no pin 'release' any more\n");
  });

  it('gc says what it would do, and does it', async () => {
    await commit('a');
    await commit('b', true);
    const dry = await hollow('gc', 'cities', '--dry-run', '--retain', '0', '--retain-hours', '0');
    expect(dry.split('\n').at(-2)).toBe('floor 2: 4 blobs would be deleted');
    expect(dry).toContain('d/cities/1/0/delta/');
    expect(await hollow('gc', 'cities')).toBe('floor 1: 0 blobs deleted\n');
    expect(await hollow('gc', 'cities', '--retain', '0', '--retain-hours', '0')).toBe(
      'floor 2: 4 blobs deleted\n',
    );
    expect(await served()).toBe('b');
    expect(await hollow('gc', 'cities', '--retain', 'x')).toMatch(/^2 /);
  });

  it('restore begins an era, recover makes a head from blobs alone', async () => {
    await commit('a');
    await commit('b');
    expect(await hollow('restore', 'cities')).toBe('era 2 begins at version 2, floor 1\n');
    expect(await hollow('recover', 'cities')).toMatch(/^4 hollow: refused/);
    await commit('c');
    await rename(join(scratch.path, 'heads.sqlite'), join(scratch.path, 'lost.sqlite'));
    expect(await hollow('recover', 'cities')).toMatch(
      /^era 3 begins at version 3, data hash [0-9a-f]{32}\n$/,
    );
    expect(await served()).toBe('c');
  });

  it('say it as JSON, too', async () => {
    const said = async (...args: readonly string[]): Promise<unknown> =>
      JSON.parse(await hollow(...args, '--json'));
    await commit('a');
    await commit('b', true);
    expect(await said('pin', 'cities', 'release')).toEqual({ pin: 'release', version: 2 });
    expect(await said('serve', 'cities', 'release')).toEqual({ pin: 'release', epoch: 1 });
    expect(await said('serve', 'cities')).toEqual({ pin: null, epoch: 2 });
    expect(await said('rollback', 'cities', 'release')).toEqual({
      pin: 'release',
      version: 2,
      recordCount: 0,
    });
    expect(await said('unpin', 'cities', 'release')).toEqual({ pin: 'release' });
    expect(await said('gc', 'cities', '--dry-run', '--retain', '0', '--retain-hours', '0')).toMatchObject({
      isDryRun: true,
      floor: 2,
      isComplete: true,
    });
    const restored = { era: 2, version: 2, floor: 1, droppedPins: [] };
    expect(await said('restore', 'cities')).toEqual(restored);
    await commit('c');
    await rename(join(scratch.path, 'heads.sqlite'), join(scratch.path, 'lost.sqlite'));
    expect(await said('recover', 'cities')).toMatchObject({ era: 3, version: 3 });
    const refused = await hollow('recover', 'cities', '--json');
    expect(JSON.parse(refused.slice(2))).toMatchObject({ error: { kind: 'refused' } });
  });

  it('want to know where', async () => {
    expect((await runHollowCaptured('gc', 'cities')).exitCode).toBe(2);
    expect((await runHollowCaptured('gc', 'cities', '--table', 'heads')).exitCode).toBe(2);
    expect(
      (await runHollowCaptured('pin', 'cities', 'a', '--local', scratch.path, '--bucket', 'b')).exitCode,
    ).toBe(2);
    expect((await runHollowCaptured('pin', '../x', 'a', '--local', scratch.path)).exitCode).toBe(2);
  });
});
