import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import { UniqueKeyIndex } from '../../lib/indexes/unique-key.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { changeEvery, nextRandom, productOf } from './products.ts';

/** Of 1 % each: as many as there can be below the twentieth at which they are folded into a new base. */
const deltaCount = 5;
/** With so many the state has been folded twice, and the index's table, which has room for a quarter more, was built anew. */
const foldedDeltaCount = 27;
const turns = 15;
const lookUps = 200_000;

/** A chain of deltas on a loaded state, each of which changes another hundredth of the products. */
class Deltas {
  state: ReadState;
  index: UniqueKeyIndex;
  readonly #writer: WriteState;
  #revision = 0;

  constructor(state: ReadState, index: UniqueKeyIndex) {
    this.state = state;
    this.index = index;
    this.#writer = WriteState.restore(state);
  }

  /** The ns that the reader's part took: the delta applied to the state, and the index. */
  applyNext(): number {
    const revision = ++this.#revision;
    const { count } = this.state.objectType('Product');
    const cycle = this.#writer.begin();
    for (let id = revision; id < count; id += changeEvery) {
      cycle.remove('Product', this.index.find(id));
      cycle.add('Product', productOf(id, revision));
    }
    const options = { tag: BigInt(1_000 + revision), headerTags: new Map(), parts: new Map() };
    const { main } = encodeDelta(cycle.transition(), options);
    const start = process.hrtime.bigint();
    const { state, changes } = applyDelta(this.state, main);
    const index = this.index.apply(state, changes.get('Product'));
    const ns = Number(process.hrtime.bigint() - start);
    this.#writer.advance(state, changes);
    this.state = state;
    this.index = index;
    return ns;
  }
}

/** How many times longer the same look-ups (a key, and a number of its record) take with all these deltas on top. */
export function slowdownByDeltas(first: ReadState, firstIndex: UniqueKeyIndex): number {
  const { count } = first.objectType('Product');
  const deltas = new Deltas(first, firstIndex);
  for (let k = 0; k < deltaCount; k++) deltas.applyNext();
  // The first one's table has what the deltas added by now.
  const loadedIndex = UniqueKeyIndex.build(first, 'Product');
  const [before, after]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < turns; turn++) {
    before.push(timeOf(first, loadedIndex, count));
    after.push(timeOf(deltas.state, deltas.index, count));
  }
  return Math.min(...after) / Math.min(...before);
}

/** How long the longest of the deltas takes, in ns: the one in which state and index are folded. */
export function foldTime(first: ReadState, firstIndex: UniqueKeyIndex): number {
  const deltas = new Deltas(first, firstIndex);
  let longest = 0;
  for (let k = 0; k < foldedDeltaCount; k++) longest = Math.max(longest, deltas.applyNext());
  return longest;
}

let sink = 0;

function timeOf(state: ReadState, index: UniqueKeyIndex, count: number): number {
  const records = state.objectType('Product');
  const prices = records.numericColumn(records.schema.fields.findIndex(({ name }) => name === 'price'));
  const start = process.hrtime.bigint();
  for (let i = 0, random = 1; i < lookUps; i++) {
    random = nextRandom(random);
    sink += prices.at(index.find((random >>> 8) % count)) ?? 0;
  }
  return Number(process.hrtime.bigint() - start);
}
