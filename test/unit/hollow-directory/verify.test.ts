import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyDelta } from '../../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../../lib/blob/decode-snapshot.ts';
import { encodeDelta, encodeReverseDelta } from '../../../lib/blob/encode-delta.ts';
import { encodeFirstSnapshot, encodeSnapshot } from '../../../lib/blob/encode-snapshot.ts';
import { evolveState } from '../../../lib/blob/evolve-state.ts';
import { nextHeaderTags } from '../../../lib/blob/header-tags.ts';
import { exportVersion } from '../../../lib/hollow-directory/export-version.ts';
import { HollowDirectory } from '../../../lib/hollow-directory/hollow-directory.ts';
import { verifyDirectory } from '../../../lib/hollow-directory/verify.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { ReadState } from '../../../lib/state/read-state.ts';
import { WriteState } from '../../../lib/state/write-state.ts';
import { dumpLines } from '../../../lib/tools/dump-state.ts';
import { readFixture } from '../../support/golden-fixtures.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  scratch = await temporaryDirectory();
});
afterEach(() => scratch.remove());

const file = (name: string): string => join(scratch.path, name);
const dumpOf = (state: ReadState): string => [...dumpLines(state)].join('\n');

async function problemsOf(): Promise<readonly string[]> {
  const { versions, problems } = await verifyDirectory(new HollowDirectory(scratch.path));
  return [...problems, ...versions.flatMap((version) => version.problems)];
}

const blobs = ['snapshot-1', 'snapshot-2', 'delta-1-2', 'reversedelta-2-1'] as const;

async function writeBlobs(): Promise<void> {
  for (const name of blobs)
    await writeFile(file(name), readFixture('tiny-worked-example', name) ?? new Uint8Array());
}

it('says of deltas that they could not be tried, where the version at their other end is gone', async () => {
  await writeBlobs();
  await rm(file('snapshot-1'));
  const { versions } = await verifyDirectory(new HollowDirectory(scratch.path));
  expect(versions).toMatchObject([
    { version: 2n, checked: ['snapshot'], unchecked: ['delta-1-2', 'reversedelta-2-1'], problems: [] },
  ]);
});

describe('a flipped bit', () => {
  beforeEach(writeBlobs);

  /** What a reader sees of the four blobs. */
  async function seen(): Promise<readonly string[]> {
    const [first, second, delta, reverse] = await Promise.all(blobs.map((name) => readFile(file(name))));
    if (!first || !second || !delta || !reverse) throw new Error('a blob is missing');
    const states = [decodeSnapshot(first), decodeSnapshot(second)] as const;
    const moved = [applyDelta(states[0], delta), applyDelta(states[1], reverse)];
    return [...states, ...moved.map(({ state }) => state)].map(dumpOf);
  }

  it.each([
    ['snapshot-2', 7],
    ['delta-1-2', 1],
    ['reversedelta-2-1', 1],
  ])('in %s is a finding wherever a reader could see it', async (name, step) => {
    expect(await problemsOf()).toEqual([]);
    const good = await readFile(file(name));
    const before = await seen();
    let foundCount = 0;
    for (let at = 0; at < good.length; at += step) {
      const bad = Uint8Array.from(good);
      bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
      await writeFile(file(name), bad);
      const problems = await problemsOf();
      if (problems.length === 0) expect(await seen(), `byte ${at}`).toEqual(before);
      else foundCount++;
    }
    expect(foundCount).toBeGreaterThan(30);
  });
});

it('a chain that goes on with another schema is whole: deltas do not lead to its snapshot', async () => {
  const schemas = ['A { int id; int gone; }', 'A { int id; string name; }'].map((text) =>
    DatasetSchema.of(parseSchemas(text)),
  );
  const [old, now] = schemas;
  if (old === undefined || now === undefined) throw new Error('no schemas');
  const options = { parts: new Map<string, readonly string[]>() };
  const begun = WriteState.restore(ReadState.empty(old)).begin();
  for (const id of [1, 2]) begun.add('A', { id, gone: id });
  const first = begun.transition();
  const snapshot = encodeFirstSnapshot(first, { ...options, tag: 1n, headerTags: nextHeaderTags(first, 1n) });
  await exportVersion(scratch.path, { version: 1n, from: null, snapshot });
  const writer = WriteState.restore(evolveState(decodeSnapshot(snapshot.main), now));
  const cycle = writer.begin({ mode: 'populate' });
  for (const id of [2, 3]) cycle.add('A', { id, name: 'x' });
  const transition = cycle.transition();
  const delta = encodeDelta(transition, { ...options, tag: 2n, headerTags: nextHeaderTags(transition, 2n) });
  const reverseDelta = encodeReverseDelta(transition, { ...options, tag: 2n });
  const { state } = applyDelta(writer.state, delta.main);
  const next = encodeSnapshot(state, options);
  await exportVersion(scratch.path, { version: 2n, from: 1n, delta, reverseDelta, snapshot: next });
  expect(await problemsOf()).toEqual([]);
  // A snapshot that is damaged does not have the schema that its header names.
  const damaged = Buffer.from(next.main);
  damaged[damaged.lastIndexOf('name')] = 'n'.charCodeAt(0) ^ 1;
  await writeFile(file('snapshot-2'), damaged);
  expect(await problemsOf()).toContain('the snapshot leads to another state than the deltas');
});
