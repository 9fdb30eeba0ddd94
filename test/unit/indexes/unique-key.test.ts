import { expect, test } from 'vitest';
import { applyDelta } from '../../../lib/blob/apply-delta.ts';
import { encodeDelta } from '../../../lib/blob/encode-delta.ts';
import { SharedArena } from '../../../lib/bytes/shared-arena.ts';
import { UniqueKeyIndex } from '../../../lib/indexes/unique-key.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
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
  const { gone, tables } = index.share(new SharedArena());
  expect(gone?.byteLength ?? 0).toBe(0);
  // An empty table and one with room for one record, buckets of 8 bytes.
  expect(tables.map(({ entries }) => entries.byteLength)).toStrictEqual([16, 16]);
});
