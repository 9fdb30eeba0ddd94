import { expect, test, vi } from 'vitest';
import { applyDelta } from '../../../lib/blob/apply-delta.ts';
import { encodeDelta } from '../../../lib/blob/encode-delta.ts';
import { SharedArena } from '../../../lib/bytes/shared-arena.ts';
import { UniqueKeyIndex } from '../../../lib/indexes/unique-key.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { ObjectTypeState } from '../../../lib/state/object-type-state.ts';
import { ReadState } from '../../../lib/state/read-state.ts';
import { WriteState } from '../../../lib/state/write-state.ts';

const schema = DatasetSchema.of(parseSchemas('Place @PrimaryKey(id) { int id; }'));
const options = { headerTags: new Map<string, string>(), parts: new Map<string, string[]>() };

/** A state whose only record lies at this ordinal: all before it were there once, and are removed. */
function stateWithOneRecordAt(ordinal: number): ReadState {
  const writer = WriteState.restore(ReadState.empty(schema));
  const first = writer.begin();
  for (let id = 0; id < ordinal; id++) first.add('Place', { id });
  const made = applyDelta(writer.state, encodeDelta(first.transition(), { tag: 1n, ...options }).main);
  writer.advance(made.state, made.changes);
  const second = writer.begin();
  for (let o = 0; o < ordinal; o++) second.remove('Place', o);
  second.add('Place', { id: -1 });
  return applyDelta(writer.state, encodeDelta(second.transition(), { tag: 2n, ...options }).main).state;
}

test('a delta of one record far out makes an index of an empty type no bigger than its one record', () => {
  const ordinal = 4_000;
  const state = stateWithOneRecordAt(ordinal);
  const empty = UniqueKeyIndex.build(ReadState.empty(schema), 'Place');
  const change = { removed: new Int32Array(0), added: Int32Array.of(ordinal) };

  const index = empty.apply(state, change);

  expect(index.find(-1)).toBe(ordinal);
  const { live, table } = index.share(new SharedArena());
  // Eight buckets, as of any small table.
  expect(table?.entries.byteLength).toBe(64);
  expect(live?.byteLength).toBe(4);
});

test('a delta of keys far from all others makes no index bigger than a table of its records', () => {
  const writer = WriteState.restore(ReadState.empty(schema));
  const stateWith = (ids: number[], tag: bigint) => {
    const cycle = writer.begin();
    for (const id of ids) cycle.add('Place', { id });
    const made = applyDelta(writer.state, encodeDelta(cycle.transition(), { tag, ...options }).main);
    writer.advance(made.state, made.changes);
    return made;
  };
  let index = UniqueKeyIndex.build(stateWith([0, 1, 2], 1n).state, 'Place');
  let [count, tag] = [3, 2n];
  for (let id = 4; id < 2 ** 31; id *= 2, count++) {
    const { state, changes } = stateWith([id], tag++);
    index = index.apply(state, changes.get('Place'));
    const { array, table } = index.share(new SharedArena());
    expect(Math.max(array?.entries.length ?? 0, table?.entries.length ?? 0)).toBeLessThanOrEqual(
      3 * count + 64,
    );
  }
  for (let id = 4; id < 2 ** 31; id *= 2) expect(index.find(id)).toBeGreaterThanOrEqual(0);
});

/** Far apart, keys are in a table. */
const spreads = [
  { where: 'an array', spread: 1 },
  { where: 'a table', spread: 1000 },
];

/** Places 0 to 99, and what follows them: each chain replaces all of the first ten by others. */
function branches(spread = 1) {
  const writer = WriteState.restore(ReadState.empty(schema));
  const first = writer.begin();
  for (let id = 0; id < 100; id++) first.add('Place', { id: id * spread });
  const { state } = applyDelta(writer.state, encodeDelta(first.transition(), { tag: 1n, ...options }).main);
  const branch = (id: number) => {
    const from = WriteState.restore(state);
    const cycle = from.begin();
    for (let o = 0; o < 10; o++) {
      cycle.remove('Place', o);
      cycle.add('Place', { id: (id + o) * spread });
    }
    return applyDelta(state, encodeDelta(cycle.transition(), { tag: BigInt(id), ...options }).main);
  };
  return { state, branch };
}

function idsFound(index: UniqueKeyIndex, spread = 1): number[] {
  return Array.from({ length: 400 }, (_, id) => id).filter((id) => index.find(id * spread) >= 0);
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test.for(spreads)(
  'two states that follow one each find their own, and the one before does, whatever was added to $where they share',
  ({ spread }) => {
    const { state, branch } = branches(spread);
    const index = UniqueKeyIndex.build(state, 'Place');
    const [left, right] = [branch(200), branch(300)];
    const leftIndex = index.apply(left.state, left.changes.get('Place'));
    const rightIndex = index.apply(right.state, right.changes.get('Place'));
    const again = index.apply(left.state, left.changes.get('Place'));

    expect(idsFound(index, spread)).toEqual(numbers(0, 100));
    expect(idsFound(leftIndex, spread)).toEqual([...numbers(10, 100), ...numbers(200, 210)]);
    expect(idsFound(rightIndex, spread)).toEqual([...numbers(10, 100), ...numbers(300, 310)]);
    expect(idsFound(again, spread)).toEqual(idsFound(leftIndex, spread));
  },
);

test('the first look-ups go over the keys, and when they have done so for long the index is built, once', () => {
  const { state, branch } = branches();
  const passes = vi.spyOn(ObjectTypeState.prototype, 'findRaw');
  const batches = vi.spyOn(ObjectTypeState.prototype, 'listPopulated');
  const index = UniqueKeyIndex.of(state, 'Place');
  expect(index.find(99)).toBe(99);
  expect(index.find(100)).toBe(-1);
  const next = branch(200);
  const following = index.apply(next.state, next.changes.get('Place'));
  expect(idsFound(following)).toEqual([...numbers(10, 100), ...numbers(200, 210)]);
  expect(idsFound(index)).toEqual(numbers(0, 100));
  // Two over all records; two more in the one state, and in the other 20, each of which ends one record later. Then the index of
  // each is built: a batch of keys, and the same batch to be filled in.
  expect(passes.mock.calls.length).toBe(2 + 2 + 20);
  expect(batches.mock.calls.length).toBe(4);
  const shared = UniqueKeyIndex.of(state, 'Place').share(new SharedArena());
  expect(idsFound(UniqueKeyIndex.open(state, shared))).toEqual(numbers(0, 100));
});

test.for(spreads)(
  'an index of another thread is followed without adding to $where that it shares; the owner may go on adding',
  ({ spread }) => {
    const { state, branch } = branches(spread);
    const index = UniqueKeyIndex.build(state, 'Place');
    const shared = index.share(new SharedArena());
    const opened = UniqueKeyIndex.open(state, shared);
    const entries = (spread === 1 ? shared.array?.entries : shared.table?.entries) as Int32Array;
    const before = entries.slice();
    const [left, right] = [branch(200), branch(300)];

    const openedNext = opened.apply(right.state, right.changes.get('Place'));
    expect(entries).toEqual(before);
    const next = index.apply(left.state, left.changes.get('Place'));

    // What is added to a table is there for all who have it; an array never changes.
    if (spread === 1) expect(entries).toEqual(before);
    else expect(entries).not.toEqual(before);
    expect(idsFound(opened, spread)).toEqual(numbers(0, 100));
    expect(idsFound(openedNext, spread)).toEqual([...numbers(10, 100), ...numbers(300, 310)]);
    expect(idsFound(next, spread)).toEqual([...numbers(10, 100), ...numbers(200, 210)]);
    const openedAgain = UniqueKeyIndex.open(left.state, next.share(new SharedArena()));
    expect(idsFound(openedAgain, spread)).toEqual(idsFound(next, spread));
  },
);

test('an index stays the very same as long as no delta touches what it reads, be it along a reference', () => {
  const two = DatasetSchema.of(
    parseSchemas('Place @PrimaryKey(id.value) { Id id; } Id { int value; } Note @PrimaryKey(id) { int id; }'),
  );
  const next = (
    writer: WriteState,
    tag: bigint,
    change: (cycle: ReturnType<WriteState['begin']>) => void,
  ) => {
    const cycle = writer.begin();
    change(cycle);
    const made = applyDelta(writer.state, encodeDelta(cycle.transition(), { tag, ...options }).main);
    writer.advance(made.state, made.changes);
    return made;
  };
  const writer = WriteState.restore(ReadState.empty(two));
  const { state } = next(writer, 1n, (cycle) => cycle.add('Place', { id: { value: 7 } }));
  const index = UniqueKeyIndex.build(state, 'Place');

  const noted = next(writer, 2n, (cycle) => cycle.add('Note', { id: 1 }));
  expect(index.apply(noted.state, noted.changes.get('Place'))).toBe(index);
  const renamed = next(writer, 3n, (cycle) => cycle.add('Id', { value: 8 }));
  const later = index.apply(renamed.state, renamed.changes.get('Place'));
  expect(later).not.toBe(index);
  expect(later.find(7)).toBe(0);
});
