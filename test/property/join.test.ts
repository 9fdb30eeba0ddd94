import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  coalesce,
  emptyKeyState,
  join,
  type KeyState,
  merge,
  visibleRecord,
} from '../../lib/producer/join.ts';
import type { JoinedMutation as Mutation } from '../../lib/producer/mutations.ts';
import { compareStamps } from '../../lib/producer/order-stamp.ts';
import { keyStateOfRecords, stampRecordOf } from '../../lib/producer/stamp-record.ts';
import type { PlainObject } from '../../lib/schema/plain-object.ts';
import { RecordKey } from '../../lib/schema/record-key.ts';

const key = new RecordKey([1]);
const stamp = fc.record({
  timestamp: fc.integer({ min: 0, max: 4 }),
  source: fc.constantFrom('a', 'b', 'ab', '\ud800'),
  sequence: fc.integer({ min: 0, max: 2 }),
});
const fieldValue = fc.oneof(
  fc.constantFrom<unknown>(null, -0, 0, '', { value: 'x' }),
  fc.integer(),
  fc.string(),
);
const fields = fc.dictionary(fc.constantFrom('x', 'y', 'z', 'b c'), fieldValue, {
  minKeys: 1,
  maxKeys: 3,
  noNullPrototype: true,
});

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc
    .record({ op: fc.constant('upsert' as const), stamp, value: fields })
    .map((m) => ({ ...m, type: 'T', key })),
  fc.record({ op: fc.constant('patch' as const), stamp, fields }).map((m) => ({ ...m, type: 'T', key })),
  fc.record({ op: fc.constant('delete' as const), stamp }).map((m) => ({ ...m, type: 'T', key })),
);

/** Mutations of one key, with a stamp each. */
const history = fc.uniqueArray(mutation, {
  selector: ({ stamp: { timestamp, source, sequence } }) => JSON.stringify([timestamp, source, sequence]),
  maxLength: 10,
});

/** The history as it could arrive: in any order, with repetitions, cut into batches anywhere. */
const arrival = history.chain((mutations) =>
  fc
    .tuple(
      fc.shuffledSubarray(mutations, { minLength: mutations.length }),
      mutations.length === 0 ? fc.constant([]) : fc.array(fc.constantFrom(...mutations), { maxLength: 6 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 4 })),
    )
    .chain(([once, again, sizes]) =>
      fc
        .shuffledSubarray([...once, ...again], { minLength: once.length + again.length })
        .map((deliveries) => {
          const batches: Mutation[][] = [];
          for (let i = 0; i < deliveries.length; ) {
            const size = sizes.next().value ?? 1;
            batches.push(deliveries.slice(i, i + size));
            i += size;
          }
          return { mutations, batches };
        }),
    ),
);

/** What should come out, said in the most naive way: replay by stamp. */
function replay(mutations: readonly Mutation[]): PlainObject | null {
  const ordered = mutations.toSorted((a, b) => compareStamps(a.stamp, b.stamp));
  const baseAt = ordered.findLastIndex(({ op }) => op !== 'patch');
  const base = ordered[baseAt];
  if (base?.op !== 'upsert') return null;
  const record: Record<string, unknown> = { ...base.value };
  for (const patch of ordered.slice(baseAt + 1))
    if (patch.op === 'patch') Object.assign(record, patch.fields);
  return record;
}

const bookkeeping = (state: KeyState): unknown => stampRecordOf(key, state);

/** What a commit keeps of a state: the record and the stamp record. */
function throughRecords(state: KeyState): KeyState {
  return state === emptyKeyState ? state : keyStateOfRecords(stampRecordOf(key, state), visibleRecord(state));
}

test('order, repetition, batches and commits between them change nothing; the result is that of a replay by stamp', () => {
  let visibleCount = 0;
  fc.assert(
    fc.property(arrival, ({ mutations, batches }) => {
      let state = emptyKeyState;
      for (const batch of batches) {
        for (const { change } of coalesce(batch)) state = merge(throughRecords(state), change);
      }
      const direct = mutations.reduce(join, emptyKeyState);
      expect(visibleRecord(state)).toEqual(replay(mutations));
      expect(visibleRecord(direct)).toEqual(replay(mutations));
      expect(bookkeeping(state)).toEqual(bookkeeping(direct));
      if (visibleRecord(state) !== null) visibleCount++;
    }),
    { numRuns: 3000 },
  );
  expect(visibleCount).toBeGreaterThan(500);
});

test('what is known already is recognised: the state comes back as the same object', () => {
  fc.assert(
    fc.property(arrival, ({ batches }) => {
      const all = batches.flat();
      const state = throughRecords(all.reduce(join, emptyKeyState));
      for (const { change } of coalesce(all)) expect(merge(state, change)).toBe(state);
      for (const one of all) expect(join(state, one)).toBe(state);
    }),
  );
});

test('merge is commutative, associative and idempotent', () => {
  const parts = fc.tuple(history, fc.nat({ max: 10 }), fc.nat({ max: 10 }));
  fc.assert(
    fc.property(parts, ([mutations, i, j]) => {
      const [from, to] = i < j ? [i, j] : [j, i];
      const [a, b, c] = [mutations.slice(0, to), mutations.slice(from), mutations.slice(from, to)].map(
        (slice) => slice.reduce(join, emptyKeyState),
      );
      if (a === undefined || b === undefined || c === undefined) throw new Error('three slices');
      expect(merge(a, b)).toEqual(merge(b, a));
      expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
      expect(merge(a, a)).toBe(a);
      expect(merge(a, emptyKeyState)).toBe(a);
      expect(merge(emptyKeyState, a)).toEqual(a);
    }),
    { numRuns: 1000 },
  );
});

test('keys do not touch each other', () => {
  const keyed = fc.tuple(fc.constantFrom('T', 'U'), fc.constantFrom(1, 2), mutation);
  fc.assert(
    fc.property(fc.array(keyed), (entries) => {
      const mutations = entries.map(([type, id, m]): Mutation => ({ ...m, type, key: new RecordKey([id]) }));
      const changes = coalesce(mutations);
      const named = changes.map((change) => `${change.type} ${change.key.text}`);
      expect(new Set(named)).toEqual(new Set(mutations.map(({ type, key: { text } }) => `${type} ${text}`)));
      expect(named).toHaveLength(new Set(named).size);
      for (const { type, key: own, change } of changes) {
        const ofKey = mutations.filter((m) => m.type === type && m.key.text === own.text);
        expect(change).toEqual(ofKey.reduce(join, emptyKeyState));
      }
    }),
  );
});
