import { rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exportVersion } from '../../../lib/hollow-directory/export-version.ts';
import { followHollow, type HollowVersion } from '../../../lib/hollow-directory/follow.ts';
import { HollowDirectory } from '../../../lib/hollow-directory/hollow-directory.ts';
import { dumpLines } from '../../../lib/tools/dump-state.ts';
import { expectedToDump } from '../../support/expected-to-dump.ts';
import { readExpected, readFixture } from '../../support/golden-fixtures.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const chain = 'ordinal-reuse';
const lastVersion = 25;
const blobOf = (name: string) => {
  const main = readFixture(chain, name);
  if (main === null) throw new Error(name);
  return { main, parts: new Map<string, Uint8Array>() };
};

let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
let directory: HollowDirectory;

/** Java's chain; snapshots only at 1, 10 and 20. Version v of the fixture is 10 v here, so that there are gaps. */
beforeEach(async () => {
  scratch = await temporaryDirectory();
  directory = new HollowDirectory(scratch.path);
  for (let v = 1; v <= lastVersion; v++) {
    await exportVersion(scratch.path, {
      version: BigInt(v * 10),
      from: v === 1 ? null : BigInt(v * 10 - 10),
      ...(v > 1 && {
        delta: blobOf(`delta-${v - 1}-${v}`),
        reverseDelta: blobOf(`reversedelta-${v}-${v - 1}`),
      }),
      ...([1, 10, 20].includes(v) && { snapshot: blobOf(`snapshot-${v}`) }),
    });
  }
});
afterEach(() => scratch.remove());

const file = (name: string): string => join(scratch.path, name);

function expectAt(found: HollowVersion | null, version: bigint): void {
  expect(found?.version).toBe(version);
  const expected = readExpected(chain, `expected-${version / 10n}.json`);
  if (found !== null && expected !== null)
    expect([...dumpLines(found.state)]).toEqual(expectedToDump(expected));
}

describe('following a directory', () => {
  it('starts at the nearest snapshot and goes on by deltas', async () => {
    expectAt(await followHollow(directory, null, 150n), 150n);
    expectAt(await followHollow(directory, null, 2n ** 63n - 1n), 250n);
    expect(await followHollow(directory, null, 9n)).toBeNull();
  });

  it('goes forward and back without touching a snapshot', async () => {
    const start = await followHollow(directory, null, 30n);
    for (const version of [10, 100, 200]) await rm(file(`snapshot-${version}`));
    const forward = await followHollow(directory, start, 250n);
    expectAt(forward, 250n);
    expectAt(await followHollow(directory, forward, 30n), 30n);
    expectAt(start, 30n);
  });

  it('never goes beyond the desired version', async () => {
    const start = await followHollow(directory, null, 30n);
    expectAt(await followHollow(directory, start, 49n), 40n);
    expectAt(await followHollow(directory, await followHollow(directory, null, 60n), 49n), 40n);
  });

  it('takes a snapshot where the deltas end', async () => {
    const start = await followHollow(directory, null, 30n);
    await rm(file('delta-50-60'));
    expectAt(await followHollow(directory, start, 120n), 120n);
    expectAt(await followHollow(directory, start, 90n), 50n);
    await rm(file('reversedelta-220-210'));
    const ahead = await followHollow(directory, null, 250n);
    expectAt(await followHollow(directory, ahead, 130n), 130n);
  });

  it('goes around a damaged delta, and says so when there is no way around', async () => {
    const start = await followHollow(directory, null, 30n);
    await truncate(file('delta-40-50'), 100);
    expectAt(await followHollow(directory, start, 120n), 120n);
    for (const version of [10, 100, 200]) await truncate(file(`snapshot-${version}`), 50);
    await expect(followHollow(directory, start, 120n)).rejects.toMatchObject({ kind: 'corrupt' });
    expectAt(start, 30n);
  });

  it('stays where it is when there is nothing', async () => {
    const start = await followHollow(directory, null, 30n);
    await rm(scratch.path, { recursive: true });
    expect(await followHollow(directory, start, 40n)).toBe(start);
    expect(await followHollow(directory, null, 40n)).toBeNull();
  });
});
