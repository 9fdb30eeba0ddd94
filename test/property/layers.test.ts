/** Chains long and big enough to be folded, over records of every kind: what is read is always what was written. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import { hashState, updateHash } from '../../lib/state/state-hash.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { recordView } from '../support/record-view.ts';
import { seenTypes } from '../support/seen-state.ts';

const schema = DatasetSchema.of(
  parseSchemas(`
    Row @PrimaryKey(id) {
      int id; int i; long l; boolean b; float f; double d; string s; bytes y; Leaf leaf; L list; S set; M map;
    }
    Leaf { string value; }
    L List<Leaf>;
    S Set<Leaf>;
    M Map<Leaf, Leaf>;
  `),
);

const leaf = fc.nat(40).map((n) => `leaf ${n}${'é'.repeat(n % 3)}`);
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const row = fc.record({
  i: orNull(fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 })),
  l: orNull(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n })),
  b: orNull(fc.boolean()),
  f: orNull(fc.float()),
  d: orNull(fc.double()),
  s: orNull(fc.string({ maxLength: 20 })),
  y: orNull(fc.uint8Array({ maxLength: 10 })),
  leaf: orNull(leaf),
  list: orNull(fc.array(leaf, { maxLength: 4 })),
  set: orNull(fc.uniqueArray(leaf, { maxLength: 9 })),
  map: orNull(fc.uniqueArray(fc.tuple(leaf, leaf), { maxLength: 4, selector: ([key]) => key })),
});

type Row = typeof row extends fc.Arbitrary<infer R> ? R : never;

/** LONG reads as a number where it is safe. */
type ReadRow = Omit<Row, 'l'> & { readonly id: number; readonly l: number | bigint | null };

/** What the values of a row read as. */
function shown(id: number, { set, map, ...rest }: Row): unknown {
  const sorted = (values: readonly unknown[] | null) =>
    values?.map((value) => JSON.stringify(value)).sort() ?? null;
  return JSON.stringify({ id, ...rest, set: sorted(set), map: sorted(map) }, printable);
}

function printable(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return Object.is(value, -0) || Number.isNaN(value) || Math.abs(Number(value)) === Infinity
    ? `n ${Object.is(value, -0)} ${String(value)}`
    : value;
}

function rowsOf(state: ReadState): Map<number, unknown> {
  const rows = state.objectType('Row');
  const seen = new Map<number, unknown>();
  for (let o = rows.nextPopulated(0); o >= 0; o = rows.nextPopulated(o + 1)) {
    const { id, ...plain } = recordView(state, 'Row', o).toObject() as ReadRow;
    seen.set(id, shown(id, { ...plain, l: plain.l === null ? null : BigInt(plain.l) }));
  }
  return seen;
}

describe('a chain of deltas', () => {
  it.each([
    ['of 80 small steps: overlays are packed', 80, 4, 3],
    ['of a few big ones: everything goes into a new base', 6, 700, 1],
  ])('%s', (_, stepCount, rowsMax, numRuns) => {
    const steps = fc.array(
      fc.array(fc.tuple(fc.nat(rowsMax * 2), orNull(row)), {
        minLength: Math.ceil(rowsMax / 2),
        maxLength: rowsMax,
        size: 'max',
      }),
      {
        minLength: stepCount,
        maxLength: stepCount,
        size: 'max',
      },
    );
    fc.assert(
      fc.property(steps, (mutations) => {
        let state = ReadState.empty(schema);
        let hash = hashState(state, () => true);
        const writer = WriteState.restore(state);
        const ordinals = new Map<number, number>();
        const model = new Map<number, unknown>();
        const history: { state: ReadState; rows: Map<number, unknown> }[] = [];
        for (const step of mutations) {
          const cycle = writer.begin();
          for (const [id, value] of new Map(step)) {
            const before = ordinals.get(id);
            const after = value === null ? undefined : cycle.add('Row', { id, ...value });
            if (before !== undefined && before !== after) cycle.remove('Row', before);
            if (value === null || after === undefined) {
              ordinals.delete(id);
              model.delete(id);
            } else {
              ordinals.set(id, after);
              model.set(id, shown(id, value));
            }
          }
          const options = { tag: state.tag + 1n, headerTags: new Map(), parts: new Map() };
          const { state: next, changes } = applyDelta(state, encodeDelta(cycle.transition(), options).main);
          hash = updateHash(hash, state, next, changes, () => true);
          writer.advance(next, changes);
          history.push({ state, rows: rowsOf(state) });
          state = next;
          expect(rowsOf(state)).toEqual(model);
        }
        expect(hash).toEqual(hashState(state, () => true));
        for (const { state: old, rows } of history) expect(rowsOf(old)).toEqual(rows);
        expect(Object.keys(seenTypes(state))).toHaveLength(5);
      }),
      // Shrinking such chains takes minutes.
      { numRuns, endOnFailure: true },
    );
  });
});
