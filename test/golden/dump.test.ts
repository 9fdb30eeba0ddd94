/** `hollow dump` on Java's blobs against what Java's reader saw in them. */
import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { dumpLines } from '../../lib/tools/dump-state.ts';
import { expectedToDump } from '../support/expected-to-dump.ts';
import { fixtureCases, readExpected, readFixture } from '../support/golden-fixtures.ts';

const blob = (chain: string, name: string) => {
  const part = readFixture(chain, `${name}.part-extras`);
  return { main: readFixture(chain, name), parts: new Map(part === null ? [] : [['extras', part]]) };
};
const load = (chain: string, name: string) => {
  const { main, parts } = blob(chain, name);
  if (main === null) throw new Error(`${chain}/${name}`);
  return { main, parts };
};
const known = new Map<string, readonly string[]>();
/** Of the first of these files that there is. */
const expected = (chain: string, ...names: readonly string[]): readonly string[] => {
  for (const name of names) {
    const path = `${chain}/${name}`;
    const state = known.has(path) ? null : readExpected(chain, name);
    if (state !== null) known.set(path, expectedToDump(state).map(asNull));
    const lines = known.get(path);
    if (lines !== undefined) return lines;
  }
  throw new Error(`${chain}: none of ${names.join()}`);
};
/** Java reads a FLOAT that its schema has and the delta has not as a NaN of all ones; for us it is null. */
const asNull = (line: string): string => line.replaceAll('"ffffffff"', 'null');
const expectLines = (state: ReadState, wanted: readonly string[]): void => {
  const lines = [...dumpLines(state)];
  const differsAt = wanted.findIndex((line, i) => line !== lines[i]);
  expect({ line: differsAt, is: lines[differsAt] }).toEqual({ line: -1, is: undefined });
  expect(lines.length).toBe(wanted.length);
};
const lastOf = (chain: string): number => {
  let version = 1;
  while (blob(chain, `snapshot-${version + 1}`).main !== null) version++;
  return version;
};

describe('dump', () => {
  it.each(fixtureCases)('%s: every snapshot', (chain) => {
    for (let version = 1; version <= lastOf(chain); version++) {
      const { main, parts } = load(chain, `snapshot-${version}`);
      expect([...dumpLines(decodeSnapshot(main, parts))]).toEqual(
        expected(chain, `expected-${version}.json`),
      );
    }
  });

  it.each(fixtureCases)('%s: the chain of deltas, and each reverse delta', (chain) => {
    const first = load(chain, 'snapshot-1');
    let state = decodeSnapshot(first.main, first.parts);
    for (let version = 1; version < lastOf(chain); version++) {
      const next = version + 1;
      const forward = load(chain, `delta-${version}-${next}`);
      const back = load(chain, `reversedelta-${next}-${version}`);
      state = applyDelta(state, forward.main, forward.parts).state;
      expectLines(state, expected(chain, `expected-via-delta-${next}.json`, `expected-${next}.json`));
      const before = applyDelta(state, back.main, back.parts).state;
      const seenBack = [`expected-via-reverse-${version}.json`, `expected-via-delta-${version}.json`];
      expectLines(before, expected(chain, ...seenBack, `expected-${version}.json`));
    }
  });
});
