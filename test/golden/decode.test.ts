/** Java's blobs, read: every value, null, bucket, tag and checksum is what Java's own reader saw. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { stateChecksum } from '../../lib/state/checksum.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { hashState, updateHash } from '../../lib/state/state-hash.ts';
import {
  type ExpectedState,
  expectedSchema,
  fixtureCases,
  readExpected,
  readFixture,
} from '../support/golden-fixtures.ts';
import { seenTypes } from '../support/seen-state.ts';

interface Blob {
  readonly main: Uint8Array;
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

function readBlob(caseName: string, file: string): Blob | null {
  const main = readFixture(caseName, file);
  const part = readFixture(caseName, `${file}.part-extras`);
  return main && { main, parts: new Map(part === null ? [] : [['extras', part]]) };
}

function loadSnapshot(caseName: string, n: number): ReadState {
  const blob = readBlob(caseName, `snapshot-${n}`);
  if (blob === null) throw new Error(`no fixture ${caseName}/snapshot-${n}`);
  return decodeSnapshot(blob.main, blob.parts);
}

function expectSeen(state: ReadState, expected: ExpectedState): void {
  expect(String(state.tag)).toBe(expected.destinationTag);
  expect(Object.fromEntries(state.headerTags)).toEqual(expected.headerTags);
  expect(state.typeNames.toSorted()).toEqual(Object.keys(expected.types).toSorted());
  const seen = seenTypes(state);
  for (const [name, type] of Object.entries(expected.types)) {
    const { numShards: shardCount, checksum, records } = type;
    const asJava = { shardCount, count: Object.keys(records).length, checksum, records: withNulls(records) };
    // The matcher takes minutes for 100,000 records that are all equal.
    if (!isDeepStrictEqual(seen[name], asJava)) expect(seen[name], name).toEqual(asJava);
    expect(state.schema.get(name)).toEqual(expectedSchema(name, type));
  }
  expect(stateChecksum(state)).toBe(expected.checksum);
}

/**
 * Java fills a FLOAT or DOUBLE field that a delta does not have with ones, which it then reads as a NaN that no writer
 * makes. Here it is null (docs/format.md, "Applying a delta").
 */
function withNulls(records: ExpectedState['types'][string]['records']): unknown {
  const isFill = (value: unknown) => value === 'f:ffffffff' || value === 'd:ffffffffffffffff';
  return Object.fromEntries(
    Object.entries(records).map(([ordinal, record]) => [
      ordinal,
      Array.isArray(record) && record.some(isFill)
        ? record.map((value) => (isFill(value) ? null : value))
        : record,
    ]),
  );
}

/** Steps by the blob of that name, and checks the running hash against a full pass. */
function step(caseName: string, file: string, from: ReadState): ReadState {
  const blob = readBlob(caseName, file);
  if (blob === null) throw new Error(`no fixture ${caseName}/${file}`);
  const { state, changes } = applyDelta(from, blob.main, blob.parts);
  const updated = updateHash(
    hashState(from, () => true),
    from,
    state,
    changes,
    () => true,
  );
  expect(updated).toEqual(hashState(state, () => true));
  return state;
}

// The case `big` has 94,401 records in each of 5 states.
describe.each(fixtureCases)('%s', { timeout: 120_000 }, (caseName) => {
  const versions = Array.from({ length: 100 }, (_, i) => i + 1).filter(
    (n) => readFixture(caseName, `snapshot-${n}`) !== null,
  );
  const expectedOf = (n: number) => readExpected(caseName, `expected-${n}.json`) as ExpectedState;
  const onChain = (n: number) => readExpected(caseName, `expected-via-delta-${n}.json`) ?? expectedOf(n);
  const steppedBack = (n: number) => readExpected(caseName, `expected-via-reverse-${n}.json`) ?? onChain(n);
  const isSchemaStable = versions.every(
    (n) => readFixture(caseName, `expected-via-delta-${n}.json`) === null,
  );

  test('every snapshot', () => {
    for (const n of versions) {
      const state = loadSnapshot(caseName, n);
      const expected = expectedOf(n);
      expectSeen(state, expected);
      expect(String(state.originTag)).toBe(expected.originTag);
      for (const [name, type] of Object.entries(expected.types)) {
        expect(state.type(name).maxOrdinal).toBe(type.maxOrdinal);
      }
    }
    expect(versions.length).toBeGreaterThan(1);
  });

  test('along the deltas, which leave the states before as they were', () => {
    const chain = [loadSnapshot(caseName, 1)];
    for (const n of versions.slice(1)) {
      chain.push(step(caseName, `delta-${n - 1}-${n}`, chain.at(-1) as ReadState));
    }
    versions.forEach((n, i) => {
      expectSeen(chain[i] as ReadState, onChain(n));
    });
    if (!isSchemaStable) return;
    // All the way back, and forward again.
    const last = versions.length;
    let state = chain.at(-1) as ReadState;
    for (let n = last; n > 1; n--) {
      state = step(caseName, `reversedelta-${n}-${n - 1}`, state);
      expectSeen(state, expectedOf(n - 1));
    }
    for (let n = 2; n <= last; n++) state = step(caseName, `delta-${n - 1}-${n}`, state);
    expectSeen(state, expectedOf(last));
  });

  test('one step back from every state', () => {
    let onTheWay = loadSnapshot(caseName, 1);
    for (const n of versions.slice(0, -1)) {
      const from = isSchemaStable ? loadSnapshot(caseName, n) : onTheWay;
      onTheWay = step(caseName, `delta-${n}-${n + 1}`, from);
      if (readFixture(caseName, `reversedelta-${n + 1}-${n}`) === null) continue;
      expectSeen(step(caseName, `reversedelta-${n + 1}-${n}`, onTheWay), steppedBack(n));
    }
  });
});
