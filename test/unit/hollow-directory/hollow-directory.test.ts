import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadAnnouncedVersion } from '../../../lib/hollow-directory/announced-version.ts';
import { exportVersion, hollowVersionOf } from '../../../lib/hollow-directory/export-version.ts';
import { HollowDirectory } from '../../../lib/hollow-directory/hollow-directory.ts';

const blob = (text: string, parts: Readonly<Record<string, string>> = {}) => ({
  main: Buffer.from(text),
  parts: new Map(Object.entries(parts).map(([name, content]) => [name, Buffer.from(content)] as const)),
});
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

let path = '';
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'hollow-directory-'));
});
afterEach(() => rm(path, { recursive: true, force: true }));

describe('a directory in Hollow layout', () => {
  it('holds what was exported, and nothing else', async () => {
    await exportVersion(path, { version: 1n, from: null, header: Buffer.from('h'), snapshot: blob('s1') });
    await exportVersion(path, { version: 2n, from: 1n, delta: blob('d'), reverseDelta: blob('r') });
    expect((await readdir(path)).toSorted()).toEqual([
      'announced.version',
      'delta-1-2',
      'header-1',
      'reversedelta-2-1',
      'snapshot-1',
    ]);
    expect(await loadAnnouncedVersion(path)).toBe(2n);
  });

  it('may be exported to again with the same outcome', async () => {
    const first = { version: 1n, from: null, snapshot: blob('s1', { extras: 'e' }) };
    await exportVersion(path, first);
    await exportVersion(path, first);
    expect((await readdir(path)).toSorted()).toEqual([
      'announced.version',
      'snapshot-1',
      'snapshot_extras-1',
    ]);
  });

  it('gives the greatest snapshot that is not above the desired version, by number and not by text', async () => {
    for (const version of [9n, 10n, 20261123113054001n]) {
      await exportVersion(path, { version, from: null, snapshot: blob(`s${version}`) });
    }
    const directory = new HollowDirectory(path);
    expect(await directory.findSnapshot(8n)).toBeNull();
    expect((await directory.findSnapshot(9n))?.version).toBe(9n);
    expect((await directory.findSnapshot(11n))?.version).toBe(10n);
    expect((await directory.findSnapshot(2n ** 63n - 1n))?.version).toBe(20261123113054001n);
    expect(text((await directory.findSnapshot(20261123113054000n))?.main)).toBe('s10');
  });

  it('gives the deltas that start exactly from a version', async () => {
    await exportVersion(path, { version: 12n, from: 1n, delta: blob('1>12'), reverseDelta: blob('12>1') });
    const directory = new HollowDirectory(path);
    expect(await directory.findDelta(12n)).toBeNull();
    expect(await directory.findReverseDelta(1n)).toBeNull();
    const forward = await directory.findDelta(1n);
    expect([forward?.version, text(forward?.main)]).toEqual([12n, '1>12']);
    const back = await directory.findReverseDelta(12n);
    expect([back?.version, text(back?.main)]).toEqual([1n, '12>1']);
  });

  it('takes the newest of several deltas from one version: failed cycles leave theirs behind', async () => {
    await exportVersion(path, { version: 3n, from: 1n, delta: blob('failed') });
    await exportVersion(path, { version: 2n, from: 1n, delta: blob('retried') });
    await utimes(join(path, 'delta-1-3'), 1_000, 1_000);
    await utimes(join(path, 'delta-1-2'), 2_000, 2_000);
    expect((await new HollowDirectory(path).findDelta(1n))?.version).toBe(2n);
  });

  it('brings the parts that are asked for, and misses those that should be there', async () => {
    await exportVersion(path, { version: 1n, from: null, snapshot: blob('s', { extras: 'e', other: 'o' }) });
    const found = await new HollowDirectory(path, ['extras']).findSnapshot(1n);
    expect([...(found?.parts ?? [])].map(([name, bytes]) => [name, text(bytes)])).toEqual([['extras', 'e']]);
    await expect(new HollowDirectory(path, ['lost']).findSnapshot(1n)).rejects.toMatchObject({
      kind: 'corrupt',
    });
  });

  it('is empty while it does not exist', async () => {
    const nowhere = join(path, 'nowhere');
    expect(await new HollowDirectory(nowhere).findSnapshot(1n)).toBeNull();
    expect(await loadAnnouncedVersion(nowhere)).toBeNull();
  });

  it('says what is wrong with an announcement', async () => {
    await writeFile(join(path, 'announced.version'), 'soon');
    await expect(loadAnnouncedVersion(path)).rejects.toMatchObject({ kind: 'corrupt' });
  });

  it('cannot be made where a file stands', async () => {
    await writeFile(join(path, 'file'), '');
    const exported = { version: 1n, from: null, snapshot: blob('s') };
    await expect(exportVersion(join(path, 'file'), exported)).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

describe('the number of a version', () => {
  it('is the version in the first era, and never again that of an earlier era', () => {
    expect(hollowVersionOf({ era: 1, version: 5 })).toBe(5n);
    expect(hollowVersionOf({ era: 2, version: 5 })).toBe(1_099_511_627_781n);
  });
});
