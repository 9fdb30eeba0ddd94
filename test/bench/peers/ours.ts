import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyDelta } from '../../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../../lib/blob/decode-snapshot.ts';
import { encodeDelta } from '../../../lib/blob/encode-delta.ts';
import { encodeFirstSnapshot } from '../../../lib/blob/encode-snapshot.ts';
import { readFileBytes } from '../../../lib/file-bytes.ts';
import { UniqueKeyIndex } from '../../../lib/indexes/unique-key.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { ReadState } from '../../../lib/state/read-state.ts';
import type { StringCache } from '../../../lib/state/string-cache.ts';
import { WriteState } from '../../../lib/state/write-state.ts';
import { applyAtScale } from '../apply-at-scale.ts';
import type { Peer } from '../peer.ts';
import { changedProducts, nextRandom, productBatches, productSchema } from '../products.ts';
import type { Records } from '../records.ts';
import { foldTime, slowdownByDeltas } from '../slowdown-by-deltas.ts';
import type { WritePath } from '../write-path.ts';

const schema = DatasetSchema.of(parseSchemas(productSchema));
const options = { headerTags: new Map<string, string>(), parts: new Map<string, string[]>() };

/** The engine by its index and columns. With `strings`, strings that were read are kept. */
export function createPeer<Item>(
  { type, fields, keyAt }: Records<Item>,
  strings: StringCache | null = null,
): Peer {
  let state: ReadState;
  let index: UniqueKeyIndex;
  let writer: WriteState;
  let writePath: WritePath | null = null;
  let applyScaled: (() => number) | null = null;
  const fieldOf = (name: string): number =>
    state.objectType(type).schema.fields.findIndex((field) => field.name === name);
  const numbers = (name: string) => state.objectType(type).intColumn(fieldOf(name));
  const texts = (name: string) => {
    const records = state.objectType(type);
    const field = fieldOf(name);
    const isInline = records.schema.fields[field]?.kind === 'STRING';
    return isInline
      ? records.textColumn(field)
      : records.referencedTextColumn(field, state.objectType('String'), 0);
  };
  let written: { index: UniqueKeyIndex; tag: bigint; count: number };
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
    lookUpFields(times, count) {
      const [number, text, shared] = [numbers(fields.number), texts(fields.text), texts(fields.shared)];
      let sum = 0;
      for (let i = 0, random = 1; i < times; i++) {
        random = nextRandom(random);
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
      const watch = new Stopwatch();
      writer = watch.time(() => WriteState.restore(ReadState.empty(schema)));
      const cycle = writer.begin();
      for (const batch of productBatches(count)) watch.time(() => cycle.addAll('Product', batch));
      const next = watch.time(() => {
        const transition = cycle.transition();
        const snapshot = encodeFirstSnapshot(transition, { tag: 1n, ...options });
        writeFileSync(join(directory, 'snapshot-ours'), snapshot.main);
        // And ready for the next cycle.
        const state = decodeSnapshot(snapshot.main, undefined, undefined, 'taken');
        writer.follow(state, transition);
        return UniqueKeyIndex.build(state, 'Product');
      });
      written = { index: next, tag: 1n, count };
      return watch.ns;
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
    change(revision) {
      const products = changedProducts(written.count, revision);
      const watch = new Stopwatch();
      watch.time(() => {
        const cycle = writer.begin();
        for (const { id } of products) cycle.remove('Product', written.index.find(id));
        cycle.addAll('Product', products);
        const tag = written.tag + 1n;
        const transition = cycle.transition();
        const delta = encodeDelta(transition, { tag, ...options });
        const { state: next, changes } = applyDelta(writer.state, delta.main);
        writer.follow(next, transition);
        written = { ...written, tag, index: written.index.apply(next, changes.get('Product')) };
      });
      return watch.ns;
    },
  };
}

/** Adds up the time that some of the steps take. */
class Stopwatch {
  ns = 0;

  time<T>(step: () => T): T {
    const start = process.hrtime.bigint();
    const result = step();
    this.ns += Number(process.hrtime.bigint() - start);
    return result;
  }
}
