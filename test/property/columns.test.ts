import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import { encodeSnapshot } from '../../lib/blob/encode-snapshot.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import type { Column, NumberColumn } from '../../lib/state/column.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import { recordColumn } from '../../lib/state/record.ts';
import { StringCache } from '../../lib/state/string-cache.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { recordView } from '../support/record-view.ts';

const schema = DatasetSchema.of(
  parseSchemas(`
    Row { int number; int small; long wide; double d; float f; string text; String shared; boolean flag; Other other; }
    Other { int a; string b; }
    String { string value; }
  `),
);
const fields = ['number', 'small', 'wide', 'd', 'f', 'text', 'shared', 'flag'];

const text = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[ -~]{0,30}$/) },
  { weight: 2, arbitrary: fc.constantFrom('Köln', 'ß', '東京', 'a'.repeat(5000)) },
  { weight: 1, arbitrary: fc.constant(null) },
);
const row = fc.record({
  number: fc.option(fc.integer({ min: -(2 ** 31) + 1 })),
  // Of few bits, so that a whole column of them is read by steps.
  small: fc.option(fc.integer({ min: -50, max: 50 })),
  wide: fc.option(fc.maxSafeInteger()),
  // Null and NaN are not the same.
  d: fc.option(fc.oneof(fc.double(), fc.constant(Number.NaN))),
  f: fc.option(fc.oneof(fc.float(), fc.constant(Number.NaN))),
  text,
  shared: text,
  flag: fc.option(fc.boolean()),
});
const steps = fc.array(
  fc.record({ remove: fc.array(fc.nat(400), { maxLength: 40 }), add: fc.array(row, { maxLength: 150 }) }),
  { minLength: 1, maxLength: 6 },
);

type Step = { readonly remove: readonly number[]; readonly add: readonly Record<string, unknown>[] };

/** The states of a chain: the first is decoded from a snapshot, the others have deltas on top of it. */
function statesOf(
  [first, ...later]: readonly Step[],
  cache: StringCache | null = null,
  shardCount = 1,
): ReadState[] {
  const restored = WriteState.restore(ReadState.empty(schema));
  const made = next(restored, first ?? { remove: [], add: [] }, shardCount);
  const snapshot = encodeSnapshot(made, { parts: new Map(), statistics: restored.statistics });
  const decoded = decodeSnapshot(snapshot.main);
  const writer = WriteState.restore(cache === null ? decoded : decoded.withStringCache(cache));
  return [writer.state, ...later.map((step) => next(writer, step))];
}

function next(writer: WriteState, { remove, add }: Step, shardCount?: number): ReadState {
  const cycle = writer.begin(shardCount === undefined ? {} : { shardCounts: new Map([['Row', shardCount]]) });
  const rows = writer.state.objectType('Row');
  for (const ordinal of new Set(remove)) if (rows.isPopulated(ordinal)) cycle.remove('Row', ordinal);
  for (const value of add) cycle.add('Row', value);
  const options = { tag: writer.state.tag + 1n, headerTags: new Map(), parts: new Map() };
  const { state, changes } = applyDelta(writer.state, encodeDelta(cycle.transition(), options).main);
  writer.advance(state, changes);
  return state;
}

function requireSame(state: ReadState, field: string, order: (ordinals: number[]) => number[]): void {
  const rows = state.objectType('Row');
  const ordinals: number[] = [];
  for (let o = rows.nextPopulated(0); o >= 0; o = rows.nextPopulated(o + 1)) ordinals.push(o);
  const expected = ordinals.map((o) => recordView(state, 'Row', o)[field]);
  const column: Column<unknown> = recordColumn(state, { type: 'Row', field }, null);
  expect([...column]).toEqual(expected);
  const byOrdinal = new Map(ordinals.map((o, i) => [o, expected[i]]));
  for (const o of order(ordinals)) expect(column.at(o)).toEqual(byOrdinal.get(o));
  expect(column.at(-1)).toBeNull();
  expect(column.at(rows.maxOrdinal + 1)).toBeNull();
}

describe('columns', () => {
  it('read what records read, in order, backwards and at random, with deltas on top, with strings cached or not', () => {
    const chain = fc.record({ steps, cached: fc.boolean(), seed: fc.nat() });
    fc.assert(
      fc.property(chain, ({ steps: all, cached, seed }) => {
        const states = statesOf(all, cached ? new StringCache(2 ** 20) : null);
        // Each state once more after all of them: neither the columns nor the cache may mix them up.
        for (const state of [...states, ...states]) {
          for (const field of fields) {
            requireSame(state, field, (o) => o.toReversed());
            requireSame(state, field, (o) =>
              o.toSorted((a, b) => ((a * 7919 + seed) % 101) - ((b * 7919 + seed) % 101)),
            );
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it('copy numbers into an array, with what is asked for in place of null', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(1, 4), (all, shardCount) => {
        const states = statesOf(all, null, shardCount);
        expect(states[0]?.objectType('Row').shardCount).toBe(shardCount);
        for (const state of states) {
          for (const field of ['number', 'small', 'wide', 'd', 'f']) {
            const column = recordColumn(state, { type: 'Row', field }, null) as NumberColumn<number | null>;
            const values = [...column].map((value) => value ?? -7);
            expect([...column.toArray(-7)]).toEqual(values);
            expect(Array.from(column.batches(-7), (batch) => [...batch]).flat()).toEqual(values);
          }
          const column = recordColumn(state, { type: 'Row', field: 'number' }, null) as NumberColumn<
            number | null
          >;
          expect([...column.toArray()]).toEqual([...column].map((value) => value ?? Number.NaN));
        }
      }),
      { numRuns: 20 },
    );
  });

  it('tell null from NaN', () => {
    const numbers = [Number.NaN, null, -0, 1.5];
    const [state] = statesOf([{ remove: [], add: numbers.map((number) => ({ d: number, f: number })) }]);
    for (const field of ['d', 'f']) {
      const column = recordColumn(state as ReadState, { type: 'Row', field }, null);
      expect([...column]).toEqual(numbers);
    }
  });

  it('of references keep some texts, and do not mix them up', () => {
    // More than are kept, some of them too long to be.
    const texts = Array.from({ length: 1_000 }, (_, i) => `${i} `.repeat(i % 40 === 0 ? 30 : 1));
    const rows = Array.from({ length: 3_000 }, (_, i) => ({
      number: i,
      shared: i % 11 === 0 ? null : texts[(i * 7) % (i % 2 === 0 ? 5 : texts.length)],
    }));
    const changed = rows.slice(0, 9).map((row) => ({ ...row, number: -1 }));
    const states = statesOf([
      { remove: [], add: rows },
      { remove: [1, 3, 5], add: changed },
    ]);
    expect(states.map((state) => state.objectType('Row').count)).toEqual([3_000, 3_006]);
    for (const state of states) {
      requireSame(state, 'shared', (ordinals) => ordinals.toReversed());
      requireSame(state, 'shared', (ordinals) =>
        ordinals.toSorted((a, b) => ((a * 7919) % 3001) - ((b * 7919) % 3001)),
      );
    }
  });

  it('come in pieces of the same records, whether their ordinals have gaps or not', () => {
    const rows = Array.from({ length: 9_000 }, (_, number) => ({ number, small: number % 7 }));
    const gaps = [
      { remove: [], add: rows },
      { remove: [5, 4_095, 8_999], add: [] },
    ];
    for (const state of statesOf(gaps)) {
      const column = (field: string) =>
        recordColumn(state, { type: 'Row', field }, null) as NumberColumn<number | null>;
      const sizes: number[] = [];
      const smalls = column('small').batches();
      for (const numbers of column('number').batches()) {
        const small = smalls.next().value ?? new Float64Array();
        sizes.push(numbers.length);
        expect(small.length).toBe(numbers.length);
        expect(numbers.every((number, k) => number % 7 === small[k])).toBe(true);
      }
      expect(smalls.next().done).toBe(true);
      expect(sizes.reduce((a, b) => a + b)).toBe(column('number').toArray().length);
      expect(sizes.length).toBe(3);
    }
  });

  it('of references give records, and of fields that are not there say so', () => {
    const chain = [{ remove: [], add: [{ number: 1, other: { a: 2, b: 'x' } }] }];
    const [state] = statesOf(chain);
    if (state === undefined) throw new Error('one step makes one state');
    const column = recordColumn(state, { type: 'Row', field: 'other' }, null);
    expect(column.at(0)).toMatchObject({ a: 2, b: 'x' });
    expect(() => recordColumn(state, { type: 'Row', field: 'nothing' }, null)).toThrow(
      /no field 'nothing'.*number/,
    );
    expect(() => new StringCache(0)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });
});
