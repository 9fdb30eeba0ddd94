import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyDelta } from '../../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../../lib/blob/decode-snapshot.ts';
import { readFileBytes } from '../../../lib/file-bytes.ts';
import { UniqueKeyIndex } from '../../../lib/indexes/unique-key.ts';
import type { ReadState } from '../../../lib/state/read-state.ts';
import type { StringCache } from '../../../lib/state/string-cache.ts';
import { applyAtScale } from '../apply-at-scale.ts';
import type { Peer } from '../peer.ts';
import { nextRandom } from '../products.ts';
import { ProductsProducer } from '../products-producer.ts';
import type { Records } from '../records.ts';
import { foldTime, slowdownByDeltas } from '../slowdown-by-deltas.ts';
import type { WritePath } from '../write-path.ts';

/** The engine by its index and columns. With `strings`, strings that were read are kept. */
export function createPeer<Item>(
  { type, fields, keyAt }: Records<Item>,
  strings: StringCache | null = null,
): Peer {
  let state: ReadState;
  let index: UniqueKeyIndex;
  let producer: ProductsProducer;
  let writePath: WritePath | null = null;
  let applyScaled: (() => number) | null = null;
  const fieldOf = (name: string): number =>
    state.objectType(type).schema.fields.findIndex((field) => field.name === name);
  const numbers = (name: string) => state.objectType(type).numericColumn(fieldOf(name));
  const texts = (name: string) => {
    const records = state.objectType(type);
    const field = fieldOf(name);
    const isInline = records.schema.fields[field]?.kind === 'STRING';
    return isInline
      ? records.textColumn(field)
      : records.referencedTextColumn(field, state.objectType('String'), 0);
  };
  return {
    async prepare({ directory }) {
      const { prepareStore } = await import('../consumer-start.ts');
      await prepareStore(directory);
    },
    async consumerStart({ directory, count }, verify) {
      const { startConsumer } = await import('../consumer-start.ts');
      return startConsumer(directory, type, { key: keyAt(count - 1), verify });
    },
    async load({ directory }) {
      const bytes = await readFileBytes(join(directory, 'snapshot-1'));
      const decoded = decodeSnapshot(bytes, undefined, undefined, 'taken');
      state = strings === null ? decoded : decoded.withStringCache(strings);
    },
    index(isLazy) {
      index = UniqueKeyIndex[isLazy ? 'of' : 'build'](state, type);
    },
    lookUp(times, count) {
      let sum = 0;
      for (let i = 0, random = 1; i < times; i++) {
        random = nextRandom(random);
        sum += index.find(keyAt((random >>> 8) % count));
      }
      return sum;
    },
    lookUpFields(times, count, isChained) {
      const [number, text, shared] = [numbers(fields.number), texts(fields.text), texts(fields.shared)];
      let sum = 0;
      for (let i = 0, random = 1; i < times; i++) {
        random = nextRandom(isChained ? random ^ (sum & 1) : random);
        const o = index.find(keyAt((random >>> 8) % count));
        sum += (number.at(o) ?? 0) + (text.at(o) ?? '').length + (shared.at(o) ?? '').length;
      }
      return sum;
    },
    scanFixed() {
      const others = numbers(fields.secondNumber).batches(0);
      let sum = 0;
      for (const first of numbers(fields.number).batches(0)) {
        const second = others.next().value as Float64Array;
        for (let k = 0; k < first.length; k++) sum += (first[k] as number) + (second[k] as number);
      }
      return sum;
    },
    scanStrings() {
      const records = state.objectType(type);
      const [first, second] = [numbers(fields.number), numbers(fields.secondNumber)];
      const third = fields.third.read(records, fieldOf(fields.third.name));
      const [text, secondText] = [texts(fields.text), texts(fields.secondText)];
      let sum = 0;
      for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
        sum += (first.at(o) ?? 0) + (second.at(o) ?? 0) + third(o);
        sum += (secondText.at(o) ?? '').length + (text.at(o) ?? '').length;
      }
      return sum;
    },
    deltas: () => slowdownByDeltas(state, index),
    fold: () => foldTime(state, index),
    apply({ directory }) {
      const { state: next, changes } = applyDelta(state, readFileSync(join(directory, 'delta-1-2')));
      index = index.apply(next, changes.get(type));
      state = next;
    },
    write({ directory, count }) {
      producer = new ProductsProducer(count);
      return producer.addAll(join(directory, 'snapshot-ours'));
    },
    async receive({ count }, revision) {
      // Loaded when it is asked for: a reader that starts cold has no producer in it.
      const { WritePath } = await import('../write-path.ts');
      writePath ??= new WritePath(count);
      writePath.prepare(revision);
    },
    mutate: () => writePath?.run() ?? 0,
    scale({ count }) {
      applyScaled ??= applyAtScale(count);
      return applyScaled();
    },
    async workers({ count }) {
      const { sharedLookUps } = await import('../shared-look-ups.ts');
      return sharedLookUps(state, index, count);
    },
    change: (revision) => producer.change(revision),
    produceChanges: (revision) => producer.produceChanges(revision),
  };
}
