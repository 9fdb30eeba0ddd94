import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import { UniqueKeyIndex } from '../../lib/indexes/unique-key.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { productOf, productSchema, products } from './products.ts';

const options = { headerTags: new Map<string, string>(), parts: new Map<string, string[]>() };
const changeCount = 10_000;
const turns = 15;

/** Applies a delta, index included; the ns it took. */
type Apply = () => number;

/** Makes both states once; each call says how many times longer the same changes take in all products than in a tenth. */
export function applyAtScale(count: number): () => number {
  const tenth = Math.floor(count / 10);
  const ids = new Set(Array.from({ length: changeCount }, (_, i) => (i * 7919) % tenth));
  const [small, large] = [applyOver(tenth, ids), applyOver(count, ids)];
  return () => {
    const times: [number[], number[]] = [[], []];
    for (let turn = 0; turn < turns; turn++) {
      times[0].push(small());
      times[1].push(large());
    }
    return median(times[1]) / median(times[0]);
  };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[turns >> 1] ?? Number.NaN;
}

function applyOver(count: number, ids: ReadonlySet<number>): Apply {
  const writer = WriteState.restore(ReadState.empty(DatasetSchema.of(parseSchemas(productSchema))));
  const first = writer.begin();
  for (const product of products(count)) first.add('Product', product);
  const made = applyDelta(writer.state, encodeDelta(first.transition(), { tag: 1n, ...options }).main);
  writer.advance(made.state, made.changes);
  const index = UniqueKeyIndex.build(made.state, 'Product');
  const cycle = writer.begin();
  for (const id of ids) {
    cycle.remove('Product', index.find(id));
    cycle.add('Product', productOf(id, 1));
  }
  const { main } = encodeDelta(cycle.transition(), { tag: 2n, ...options });
  return () => {
    const start = process.hrtime.bigint();
    const { state, changes } = applyDelta(made.state, main);
    index.apply(state, changes.get('Product'));
    return Number(process.hrtime.bigint() - start);
  };
}
