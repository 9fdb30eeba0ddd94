import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import type { UniqueKeyIndex } from '../../lib/indexes/unique-key.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { changeEvery, nextRandom, productOf } from './products.ts';

/** Of 1 % each: together they stay below the quarter at which they are folded into a new base. */
const deltaCount = 24;
const turns = 15;
const lookUps = 200_000;

/** How many times longer the same look-ups (a key, and a number of its record) take with all these deltas on top. */
export function slowdownByDeltas(first: ReadState, firstIndex: UniqueKeyIndex): number {
  const { count } = first.objectType('Product');
  const writer = WriteState.restore(first);
  let index = firstIndex;
  for (let revision = 1; revision <= deltaCount; revision++) {
    const cycle = writer.begin();
    for (let id = revision; id < count; id += changeEvery) {
      cycle.remove('Product', index.find(id));
      cycle.add('Product', productOf(id, revision));
    }
    const options = { tag: BigInt(1_000 + revision), headerTags: new Map(), parts: new Map() };
    const { state, changes } = applyDelta(writer.state, encodeDelta(cycle.transition(), options).main);
    writer.advance(state, changes);
    index = index.apply(state, changes.get('Product'));
  }
  const [before, after]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < turns; turn++) {
    before.push(timeOf(first, firstIndex, count));
    after.push(timeOf(writer.state, index, count));
  }
  return Math.min(...after) / Math.min(...before);
}

let sink = 0;

function timeOf(state: ReadState, index: UniqueKeyIndex, count: number): number {
  const records = state.objectType('Product');
  const prices = records.intColumn(records.schema.fields.findIndex(({ name }) => name === 'price'));
  const start = process.hrtime.bigint();
  for (let i = 0, random = 1; i < lookUps; i++) {
    random = nextRandom(random);
    sink += prices.at(index.find((random >>> 8) % count)) ?? 0;
  }
  return Number(process.hrtime.bigint() - start);
}
