import { describe, expect, it, vi } from 'vitest';
import { applyDelta } from '../../../lib/blob/apply-delta.ts';
import { encodeDelta, encodeReverseDelta } from '../../../lib/blob/encode-delta.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { ListTypeState } from '../../../lib/state/list-type-state.ts';
import { MapTypeState } from '../../../lib/state/map-type-state.ts';
import { ObjectTypeState } from '../../../lib/state/object-type-state.ts';
import { ReadState } from '../../../lib/state/read-state.ts';
import { SetTypeState } from '../../../lib/state/set-type-state.ts';
import { WriteState } from '../../../lib/state/write-state.ts';
import { noParts, noTags, step } from '../../support/writer-model.ts';

const schema = DatasetSchema.of(
  parseSchemas(`
    City @PrimaryKey(id) { int id; String name; Tags tags; Streets streets; Ratings ratings; }
    String { string value; }
    Tags Set<String> @HashKey(value);
    Streets List<String>;
    Ratings Map<String, Streets> @HashKey(value);
  `),
);

const city = (id: number, text: string) => ({
  id,
  name: `city ${id}`,
  tags: [`${text} ${id}`, 'shared'],
  streets: [`street ${id}`, 'shared'],
  ratings: { [`${text} ${id}`]: [`street ${id}`], shared: [] },
});

/** A writer over a state of `count` cities, half of them from a second version. */
function populated(count: number): WriteState {
  const writer = WriteState.restore(ReadState.empty(schema));
  for (const half of [0, 1]) {
    const cycle = writer.begin();
    for (let id = half; id < count; id += 2) cycle.add('City', city(id, 'old'));
    const { state, changes } = step(writer, cycle, BigInt(half + 1));
    writer.advance(state, changes);
  }
  return writer;
}

/** Records that the writer reads, or visits as populated, from the cycle's begin to the end of its advance. */
function visitsOfOneCycle(count: number): number {
  const writer = populated(count);
  const spies = [ObjectTypeState, ListTypeState, SetTypeState, MapTypeState].flatMap(({ prototype }) => [
    vi.spyOn(prototype, 'writeRecord'),
    vi.spyOn(prototype, 'nextPopulated'),
    vi.spyOn(prototype, 'populatedWords'),
  ]);
  const visits = () => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);

  const cycle = writer.begin();
  cycle.add('City', city(5, 'new'));
  cycle.remove('City', 5);
  cycle.add('City', city(count, 'new'));
  cycle.remove('City', 2);
  const transition = cycle.transition();
  const delta = encodeDelta(transition, { tag: 9n, headerTags: noTags, parts: noParts });
  encodeReverseDelta(transition, { tag: 9n, parts: noParts });
  const beforeApply = visits();
  const { state, changes } = applyDelta(writer.state, delta.main);
  const apply = visits() - beforeApply;
  writer.advance(state, changes);
  const all = visits() - apply;
  vi.restoreAllMocks();
  return all;
}

describe('a cycle', () => {
  it('visits as many records in a large dataset as in a small one', () => {
    const small = visitsOfOneCycle(20);
    expect(small).toBeGreaterThan(10);
    expect(visitsOfOneCycle(2000)).toBe(small);
  });
});
