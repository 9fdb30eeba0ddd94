import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import { encodeSnapshot } from '../../lib/blob/encode-snapshot.ts';
import { UniqueKeyIndex } from '../../lib/indexes/unique-key.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import type { KeyPart } from '../../lib/schema/record-key.ts';
import type { CycleOptions } from '../../lib/state/cycle.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { recordView } from '../support/record-view.ts';

const schema = DatasetSchema.of(
  parseSchemas(`
    Row @PrimaryKey(i, l, d, f, b, y, s, box) {
      int i; long l; double d; float f; boolean b; bytes y; string s; String box; int payload;
    }
    Small @PrimaryKey(id) { int id; int payload; }
    Text @PrimaryKey(id) { String id; int payload; }
    Wide @PrimaryKey(id) { long id; int payload; }
    String { string value; }
  `),
);

type Row = Record<string, unknown> & { readonly payload?: number };

/** Follows a chain of its own, with an index that is never rebuilt from outside. */
class Chain {
  state = ReadState.empty(schema);
  index: UniqueKeyIndex;
  readonly #writer = WriteState.restore(this.state);
  readonly #type: string;

  /** @param first `of`: an index that look-ups build */
  constructor(type: string, first: 'build' | 'of' = 'build') {
    this.#type = type;
    this.index = UniqueKeyIndex[first](this.state, type);
  }

  /** Replaces everything that is at `removed` by `added`. */
  step(removed: readonly number[], added: readonly Row[], options: CycleOptions = {}): void {
    const cycle = this.#writer.begin(options);
    for (const ordinal of removed) cycle.remove(this.#type, ordinal);
    for (const row of added) cycle.add(this.#type, row);
    const header = { tag: this.state.tag + 1n, headerTags: new Map(), parts: new Map() };
    const { state, changes } = applyDelta(this.state, encodeDelta(cycle.transition(), header).main);
    this.#writer.advance(state, changes);
    this.index = this.index.apply(state, changes.get(this.#type));
    this.state = state;
  }
}

/** The keys of a type: strings, or numbers close together, far apart, or long. */
const keys = fc.constantFrom<readonly [type: string, keyOf: (n: number) => string | number]>(
  ['Text', (n) => `name ${n}`],
  ['Small', (n) => n - 100],
  ['Small', (n) => 2 * n - 2 ** 31 + 7_000],
  ['Wide', (n) => n],
  ['Wide', (n) => (n === 299 ? 2 ** 40 : n)],
  ['Small', (n) => n * 7],
  ['Wide', (n) => n * 2 ** 30],
);

describe('UniqueKeyIndex', () => {
  it('finds by compound keys of every kind, and nothing by a key that differs in one part', () => {
    const row = fc.record({
      i: fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }),
      l: fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }),
      d: fc.double(),
      f: fc.float(),
      b: fc.boolean(),
      y: fc.uint8Array({ maxLength: 5 }),
      s: fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)), maxLength: 5 }),
      box: fc.string({ maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 10 }), (rows) => {
        const chain = new Chain('Row');
        chain.step([], rows);
        for (const { i, l, d, f, b, y, s, box } of rows) {
          const key: KeyPart[] = [i, l, d, f, b, y, s, box];
          const ordinal = chain.index.findByKey(key);
          expect(recordView(chain.state, 'Row', ordinal).toObject()).toMatchObject({ i, s, box });
          expect(chain.index.findByKey([i, l, d, f, b, y, s, box])).toBe(ordinal);
          if (Number.isSafeInteger(Number(l)))
            expect(chain.index.findByKey([i, Number(l), d, f, b, y, s, box])).toBe(ordinal);
          const others: KeyPart[] = [
            i ^ 1,
            l ^ 1n,
            d === 1 ? 2 : 1,
            f === 1 ? 2 : 1,
            !b,
            Uint8Array.of(...y, 1),
            `${s}x`,
            `${box}x`,
          ];
          others.forEach((other, at) => {
            const changed = key.with(at, other);
            const isThere = rows.some((each) =>
              isSameKey([each.i, each.l, each.d, each.f, each.b, each.y, each.s, each.box], changed),
            );
            expect(chain.index.findByKey(changed) >= 0).toBe(isThere);
          });
        }
      }),
      { numRuns: 20 },
    );
  });

  it('agrees with a Map along a chain of deltas; old indexes stay right for their states', () => {
    const step = fc.record({
      remove: fc.array(fc.nat(300), { maxLength: 10 }),
      add: fc.oneof(
        { weight: 10, arbitrary: fc.array(fc.nat(300), { maxLength: 10 }) },
        {
          weight: 1,
          arbitrary: fc.integer({ min: 500, max: 1500 }).map((n) => Array.from({ length: n }, (_, i) => i)),
        },
        // Far from what is there, on either side.
        { weight: 1, arbitrary: fc.constantFrom([-50, -1], [1_700], [-3_000], [40_000]) },
      ),
    });
    fc.assert(
      fc.property(
        keys,
        fc.constantFrom('build', 'of'),
        fc.array(step, { minLength: 1, maxLength: 25 }),
        ([type, keyOf], first, steps) => {
          const chain = new Chain(type, first);
          let model = new Map<number, number>();
          const history: [UniqueKeyIndex, ReadState, ReadonlyMap<number, number>][] = [];
          steps.forEach(({ remove, add }, n) => {
            const removed = new Set([...remove, ...add].filter((key) => model.has(key)));
            const ordinals = [...removed].map((key) => chain.index.find(keyOf(key)));
            const added = [...new Set(add)];
            chain.step(
              ordinals,
              added.map((key) => ({ id: keyOf(key), payload: n })),
            );
            model = new Map(model);
            for (const key of removed) model.delete(key);
            for (const key of added) model.set(key, n);
            history.push([chain.index, chain.state, model]);
          });
          for (const [index, state, expected] of history) {
            const unbuilt = UniqueKeyIndex.of(state, type);
            const asked = [...Array.from({ length: 370 }, (_, n) => n - 60), 1_499, 1_700, -3_000, 40_000];
            for (const key of asked) {
              const ordinal = index.find(keyOf(key));
              expect(unbuilt.find(keyOf(key))).toBe(ordinal);
              const payload = ordinal < 0 ? undefined : recordView(state, type, ordinal)['payload'];
              expect(payload).toBe(expected.get(key));
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('finds the lowest ordinal of several records with one key, whatever was indexed first', () => {
    const chain = new Chain('Small');
    chain.step(
      [],
      [
        { id: 1, payload: 0 },
        { id: 2, payload: 0 },
      ],
    );
    chain.step([], [{ id: 2, payload: 1 }]);
    expect(chain.index.find(2)).toBe(1);
    chain.step([0], []);
    chain.step([], [{ id: 2, payload: 2 }]);
    expect(chain.state.type('Small').isPopulated(0)).toBe(true);
    expect(chain.index.find(2)).toBe(0);
    expect(UniqueKeyIndex.build(chain.state, 'Small').find(2)).toBe(0);
    expect(UniqueKeyIndex.of(chain.state, 'Small').find(2)).toBe(0);
    chain.step([0], []);
    expect(chain.index.find(2)).toBe(1);
    chain.step([1], []);
    expect(chain.index.find(2)).toBe(2);
  });

  it('finds, of records with one key that come and go, those that an index built anew finds', () => {
    // Two keys that are at few ordinals in turn, behind enough others that the table is not built anew all the time.
    const others = 60;
    const step = fc.record({
      remove: fc.array(fc.integer({ min: others, max: others + 4 }), { maxLength: 4 }),
      add: fc.array(fc.constantFrom(others, others + 1), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(keys, fc.array(step, { minLength: 5, maxLength: 30 }), ([type, keyOf], steps) => {
        const chain = new Chain(type);
        let payload = 0;
        const rowOf = (n: number) => ({ id: keyOf(n), payload: payload++ });
        chain.step(
          [],
          Array.from({ length: others }, (_, n) => rowOf(n)),
        );
        for (const { remove, add } of steps) {
          const records = chain.state.objectType(type);
          const removed = [...new Set(remove)].filter((ordinal) => records.isPopulated(ordinal));
          chain.step(removed, add.map(rowOf));
          const built = UniqueKeyIndex.build(chain.state, type);
          for (let n = 0; n < others + 2; n++) expect(chain.index.find(keyOf(n))).toBe(built.find(keyOf(n)));
        }
      }),
      { numRuns: 80 },
    );
  });

  it('is built over many batches of records, in shards and out of them, without those that lack a part of their key', () => {
    const count = 3_000;
    const lacksKey = (n: number) => n % 1_000 === 7;
    const rows = Array.from({ length: count }, (_, n) => ({
      i: n,
      l: BigInt(n) << 30n,
      d: n / 8,
      f: lacksKey(n) ? null : n / 4,
      b: n % 2 === 0,
      y: Uint8Array.of(n),
      s: `s${n}`,
      box: `box ${n % 5}`,
    }));
    for (const shardCount of [1, 4]) {
      const chain = new Chain('Row');
      chain.step([], rows, { shardCounts: new Map([['Row', shardCount]]) });
      const snapshot = encodeSnapshot(chain.state, { parts: new Map() });
      const loaded = decodeSnapshot(snapshot.main);
      expect(loaded.objectType('Row').shardCount).toBe(shardCount);
      const built = UniqueKeyIndex.build(loaded, 'Row');
      for (const n of [0, 1_006, 1_007, 2_999]) {
        const { i, l, d, f, b, y, s, box } = rows[n] as (typeof rows)[number];
        const unbuilt = UniqueKeyIndex.of(loaded, 'Row');
        expect(unbuilt.findByKey([i, l, d, f ?? 0, b, y, s, box])).toBe(
          built.findByKey([i, l, d, f ?? 0, b, y, s, box]),
        );
      }
      for (const { i, l, d, f, b, y, s, box } of rows) {
        const found = built.findByKey([i, l, d, f ?? 0, b, y, s, box]);
        expect(found).toBe(chain.index.findByKey([i, l, d, f ?? 0, b, y, s, box]));
        expect(found >= 0).toBe(f !== null);
        if (f !== null) expect(loaded.objectType('Row').readInt(found, 0)).toBe(i);
      }
    }
  });

  it('finds short numbers without a table as with one: at the edge of widths, next to long ones and to null', () => {
    const short = fc.oneof(fc.integer({ min: -9, max: 9 }), fc.integer());
    const id = fc.oneof(
      { weight: 5, arbitrary: short },
      // Their low halves are those of short ones.
      { weight: 1, arbitrary: fc.nat(20).map((n) => BigInt(n) + 2n ** 32n) },
      { weight: 1, arbitrary: fc.constant(null) },
    );
    const ids = fc.uniqueArray(id, { minLength: 1, maxLength: 90, selector: String });
    fc.assert(
      fc.property(
        fc.constantFrom('Small', 'Wide'),
        fc.constantFrom(1, 4),
        ids,
        ids,
        fc.array(fc.nat(80)),
        (type, shards, first, second, gone) => {
          const chain = new Chain(type);
          const rows = (all: typeof first) =>
            all.filter((each) => type === 'Wide' || typeof each !== 'bigint').map((each) => ({ id: each }));
          chain.step([], rows(first), { shardCounts: new Map([[type, shards]]) });
          const records = chain.state.objectType(type);
          chain.step(
            [...new Set(gone)].filter((o) => records.isPopulated(o)),
            [],
          );
          const snapshot = encodeSnapshot(chain.state, { parts: new Map() });
          chain.step([], rows(second));
          for (const state of [decodeSnapshot(snapshot.main), chain.state]) {
            const built = UniqueKeyIndex.build(state, type);
            const asked = [...first, ...second, ...Array.from({ length: 70 }, (_, k) => k - 35), 2 ** 31 - 1];
            for (const each of asked) {
              if (each === null) continue;
              expect(UniqueKeyIndex.of(state, type).find(each)).toBe(built.find(each));
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('stays right where most of its keys change again and again, and all of them move on', () => {
    for (const spread of [1, 50]) {
      const chain = new Chain('Small');
      const before: [UniqueKeyIndex, number][] = [];
      for (let from = 0; from < 6_000; from += 400) {
        const gone =
          from === 0
            ? []
            : Array.from({ length: 400 }, (_, n) => chain.index.find((from - 400 + n) * spread));
        const added = from === 0 ? 1_000 : 400;
        const first = from === 0 ? 0 : from + 600;
        chain.step(
          gone,
          Array.from({ length: added }, (_, n) => ({ id: (first + n) * spread, payload: from })),
        );
        before.push([chain.index, from]);
      }
      for (const [index, from] of before) {
        for (let n = 0; n < 7_000; n++)
          expect(index.find(n * spread) >= 0).toBe(n >= from && n < from + 1_000);
        expect(index.find(-1)).toBe(-1);
      }
    }
  });

  it('finds LONGs close together by number and by bigint, and nothing by what only has their hash', () => {
    const chain = new Chain('Wide');
    chain.step(
      [],
      Array.from({ length: 10 }, (_, n) => ({ id: n - 5 })),
    );
    for (let n = -5; n < 5; n++) {
      expect(chain.state.objectType('Wide').readLong(chain.index.find(n), 0)).toBe(BigInt(n));
      expect(chain.index.find(BigInt(n))).toBe(chain.index.find(n));
    }
    for (const wrong of ['0', true, 0.5, 2 ** 32, 2n ** 32n, 5n, -6n, 2 ** 31 - 1, -(2 ** 31)])
      expect(chain.index.find(wrong)).toBe(-1);
  });

  it('tells apart LONGs that are one as doubles', () => {
    const chain = new Chain('Wide');
    const ids = [2n ** 53n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 62n + 1n, -(2n ** 53n), -(2n ** 53n) - 1n];
    chain.step(
      [],
      ids.map((id) => ({ id })),
    );
    for (const id of ids) expect(chain.state.objectType('Wide').readLong(chain.index.find(id), 0)).toBe(id);
    expect(chain.index.find(2 ** 53)).toBe(-1);
  });

  it('refuses types without a key and keys of another length', () => {
    const chain = new Chain('Small');
    expect(() => UniqueKeyIndex.build(chain.state, 'String')).toThrow(
      expect.objectContaining({ kind: 'invalid' }),
    );
    expect(() => chain.index.findByKey([1, 2])).toThrow(/1 parts, not 2/);
    expect(() => chain.index.findByKey([])).toThrow(expect.objectContaining({ kind: 'invalid' }));
    chain.step([], [{ id: 0, payload: 0 }]);
    for (const wrong of ['0', 0n, false, Uint8Array.of(0), 0.5, -0.5, 2 ** 32])
      expect(chain.index.find(wrong)).toBe(-1);
  });
});

function isSameKey(a: readonly KeyPart[], b: readonly KeyPart[]): boolean {
  return a.every((part, i) => {
    const other = b[i];
    return part instanceof Uint8Array
      ? other instanceof Uint8Array && String(part) === String(other)
      : Object.is(part, other);
  });
}
