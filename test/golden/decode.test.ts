import { describe, expect, test } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
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

/** What is in a case that cannot be read yet. */
const unreadable: Readonly<Record<string, RegExp>> = {
  big: /LIST/,
  collections: /LIST/,
  'empty-types': /LIST/,
  'ordinal-reuse': /LIST/,
  'pojo-object-mapper': /LIST/,
  reshard: /LIST/,
  'schema-evolution': /SET/,
  'shards-1': /LIST/,
  'shards-2': /LIST/,
  'shards-8': /LIST/,
  'shards-8-focus-holes': /LIST/,
  'tiny-worked-example': /SET/,
};

interface Blob {
  readonly main: Uint8Array;
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

function readBlob(caseName: string, file: string): Blob | null {
  const main = readFixture(caseName, file);
  const part = readFixture(caseName, `${file}.part-extras`);
  return main && { main, parts: new Map(part === null ? [] : [['extras', part]]) };
}

function requireBlob(caseName: string, file: string): Blob {
  const blob = readBlob(caseName, file);
  if (blob === null) throw new Error(`no fixture ${caseName}/${file}`);
  return blob;
}

function expectSeen(state: ReadState, expected: ExpectedState): void {
  expect(String(state.tag)).toBe(expected.destinationTag);
  expect(Object.fromEntries(state.headerTags)).toEqual(expected.headerTags);
  expect(state.typeNames.toSorted()).toEqual(Object.keys(expected.types).toSorted());
  const seen = seenTypes(state);
  for (const [name, type] of Object.entries(expected.types)) {
    expect(seen[name], name).toEqual({
      shardCount: type.numShards,
      count: Object.keys(type.records).length,
      records: type.records,
    });
    expect(state.schema.get(name)).toEqual(expectedSchema(name, type));
  }
}

const readable = fixtureCases.filter((name) => unreadable[name] === undefined);

describe.each(readable)('%s', (caseName) => {
  const states = Array.from({ length: 100 }, (_, i) => i + 1).filter(
    (n) => readExpected(caseName, `expected-${n}.json`) !== null,
  );

  test('every snapshot reads as Java reads it', () => {
    for (const n of states) {
      const { main, parts } = requireBlob(caseName, `snapshot-${n}`);
      const state = decodeSnapshot(main, parts);
      const expected = readExpected(caseName, `expected-${n}.json`) as ExpectedState;
      expectSeen(state, expected);
      expect(String(state.originTag)).toBe(expected.originTag);
      for (const [name, type] of Object.entries(expected.types)) {
        expect(state.type(name).maxOrdinal).toBe(type.maxOrdinal);
      }
    }
    expect(states.length).toBeGreaterThan(1);
  });

  test('the chain of deltas leads through the same states, and leaves the ones before as they were', () => {
    const first = requireBlob(caseName, 'snapshot-1');
    const chain = [decodeSnapshot(first.main, first.parts)];
    let hash = hashState(chain[0] as ReadState, () => true);
    for (const n of states.slice(1)) {
      const { main, parts } = requireBlob(caseName, `delta-${n - 1}-${n}`);
      const from = chain.at(-1) as ReadState;
      const { state, changes } = applyDelta(from, main, parts);
      hash = updateHash(hash, from, state, changes, () => true);
      expect(hash).toEqual(hashState(state, () => true));
      chain.push(state);
    }
    states.forEach((n, i) => {
      expectSeen(chain[i] as ReadState, readExpected(caseName, `expected-${n}.json`) as ExpectedState);
    });
  });
});

test.each(Object.entries(unreadable))('%s is refused by name', (caseName, feature) => {
  const { main } = requireBlob(caseName, 'snapshot-1');
  expect(() => decodeSnapshot(main)).toThrow(
    expect.objectContaining({ kind: 'incompatible', message: expect.stringMatching(feature) }),
  );
});
