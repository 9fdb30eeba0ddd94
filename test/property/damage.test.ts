/** Whatever is wrong with a blob: a DatasetError or some state that can be read through, in bounded time and memory. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { isDatasetError } from '../../lib/errors.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { hashState } from '../../lib/state/state-hash.ts';
import { readFixture } from '../support/golden-fixtures.ts';
import { recordView } from '../support/record-view.ts';
import { seenTypes } from '../support/seen-state.ts';

const cases = ['all-field-types', 'nulls', 'header-tags', 'tiny-worked-example', 'collections', 'shards-8'];

/** Where to, and what to do there; positions are shares of the size, so that all blobs are hit all over. */
const damage = fc.record({
  at: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
  kind: fc.constantFrom('flip', 'set', 'cut', 'insert'),
  byte: fc.nat(255),
});

function damaged(
  bytes: Uint8Array,
  { at, kind, byte }: { at: number; kind: string; byte: number },
): Uint8Array {
  // Snapshots end in kilobytes of zeros: two thirds of the hits go to the first fifth.
  const share = at < 2 / 3 ? at * 0.3 : at;
  const position = Math.floor(share * bytes.length);
  if (kind === 'cut') return bytes.slice(0, position);
  if (kind === 'insert') return Uint8Array.of(...bytes.slice(0, position), byte, ...bytes.slice(position));
  const copy = Uint8Array.from(bytes);
  copy[position] = kind === 'flip' ? (copy[position] as number) ^ (1 << (byte & 7)) : byte;
  return copy;
}

function readThrough(state: ReadState): void {
  hashState(state, () => true);
  seenTypes(state);
  for (const name of state.typeNames) {
    const type = state.type(name);
    for (let o = type.nextPopulated(0); o >= 0; o = type.nextPopulated(o + 1)) {
      if (type.kind === 'OBJECT') recordView(state, name, o).toJSON();
    }
  }
}

/** Runs what must end well or with a DatasetError; true if it ended well. */
function survives(run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (isDatasetError(error)) return false;
    throw error;
  }
}

describe.each(cases)('%s', (caseName) => {
  const snapshot = readFixture(caseName, 'snapshot-1') as Uint8Array;
  const delta = readFixture(caseName, 'delta-1-2') as Uint8Array;

  it('a damaged snapshot', () => {
    let refused = 0;
    fc.assert(
      fc.property(damage, (hit) => {
        if (!survives(() => readThrough(decodeSnapshot(damaged(snapshot, hit))))) refused++;
      }),
      { numRuns: 200 },
    );
    expect(refused).toBeGreaterThan(20);
  });

  it('a damaged delta', () => {
    const from = decodeSnapshot(snapshot);
    const before = hashState(from, () => true);
    let refused = 0;
    fc.assert(
      fc.property(damage, (hit) => {
        if (!survives(() => readThrough(applyDelta(from, damaged(delta, hit)).state))) refused++;
      }),
      { numRuns: 200 },
    );
    expect(refused).toBeGreaterThan(20);
    expect(hashState(from, () => true)).toEqual(before);
  });

  it('every prefix', () => {
    const from = decodeSnapshot(snapshot);
    const step = Math.ceil(delta.length / 500);
    for (let size = 0; size < delta.length; size += step) {
      expect(survives(() => applyDelta(from, delta.subarray(0, size)))).toBe(false);
    }
  });
});

it('random bytes behind a sound start', () => {
  const snapshot = readFixture('all-field-types', 'snapshot-1') as Uint8Array;
  fc.assert(
    fc.property(fc.nat(600), fc.uint8Array({ maxLength: 200 }), (size, noise) => {
      survives(() => readThrough(decodeSnapshot(Uint8Array.of(...snapshot.subarray(0, size), ...noise))));
    }),
    { numRuns: 200 },
  );
});
