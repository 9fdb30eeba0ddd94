import { writeFileSync } from 'node:fs';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { encodeDelta, encodeReverseDelta } from '../../lib/blob/encode-delta.ts';
import { encodeFirstSnapshot } from '../../lib/blob/encode-snapshot.ts';
import { UniqueKeyIndex } from '../../lib/indexes/unique-key.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import type { Transition } from '../../lib/state/transition.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { changedProducts, type Product, productBatches, productSchema } from './products.ts';

const schema = DatasetSchema.of(parseSchemas(productSchema));
const options = { headerTags: new Map<string, string>(), parts: new Map<string, string[]>() };

/** A producer of the products, from its first snapshot on. Its cycles say how long they took, in ns; making products does not count. */
export class ProductsProducer {
  /** Of the last cycle that made one. */
  reverseDelta = new Uint8Array(0);
  readonly #count: number;
  readonly #writer = WriteState.restore(ReadState.empty(schema));
  #index = UniqueKeyIndex.build(this.#writer.state, 'Product');
  #tag = 1n;

  constructor(count: number) {
    this.#count = count;
  }

  get state(): ReadState {
    return this.#writer.state;
  }

  /** All products at revision 0, and their snapshot in that file. */
  addAll(file: string): number {
    const watch = new Stopwatch();
    const cycle = this.#writer.begin();
    for (const batch of productBatches(this.#count)) watch.time(() => cycle.addAll('Product', batch));
    watch.time(() => {
      const transition = cycle.transition();
      const snapshot = encodeFirstSnapshot(transition, { tag: this.#tag, ...options });
      writeFileSync(file, snapshot.main);
      // And ready for the next cycle.
      const state = decodeSnapshot(snapshot.main, undefined, undefined, 'taken');
      this.#writer.follow(state, transition);
      this.#index = UniqueKeyIndex.build(state, 'Product');
    });
    return watch.ns;
  }

  /** A cycle that changes every hundredth. */
  change(revision: number): number {
    const products = changedProducts(this.#count, revision);
    const watch = new Stopwatch();
    watch.time(() => this.#replace(products));
    return watch.ns;
  }

  /**
   * As {@link change}, and what else Java's incremental producer does: of mutations of one product the last counts, and
   * there is a {@link reverseDelta}.
   */
  produceChanges(revision: number): number {
    const products = changedProducts(this.#count, revision);
    const watch = new Stopwatch();
    watch.time(() => {
      const lastOfEach = new Map(products.map((product) => [product.id, product]));
      this.#replace([...lastOfEach.values()], (transition) => {
        this.reverseDelta = encodeReverseDelta(transition, { tag: this.#tag, ...options }).main;
      });
    });
    return watch.ns;
  }

  /** @param encodeMore what else to write, while the transition is at hand */
  #replace(products: readonly Product[], encodeMore?: (transition: Transition) => void): void {
    const cycle = this.#writer.begin();
    for (const { id } of products) {
      const ordinal = this.#index.find(id);
      if (ordinal >= 0) cycle.remove('Product', ordinal);
    }
    cycle.addAll('Product', products);
    this.#tag++;
    const transition = cycle.transition();
    const delta = encodeDelta(transition, { tag: this.#tag, ...options });
    encodeMore?.(transition);
    const { state: next, changes } = applyDelta(this.#writer.state, delta.main);
    this.#writer.follow(next, transition);
    this.#index = this.#index.apply(next, changes.get('Product'));
  }
}

/** Adds up the time that some of the steps take. */
class Stopwatch {
  ns = 0;

  time(step: () => void): void {
    const start = process.hrtime.bigint();
    step();
    this.ns += Number(process.hrtime.bigint() - start);
  }
}
