/** Hollow's blobs without a store: a writer makes versions, a reader follows them. */
import * as engine from 'serverless-hollow/engine';
import { type Product, shop } from './dataset.ts';

/** A chain of versions, as files that Java's readers could follow, too. */
export class ShopWriter {
  readonly #writer = engine.WriteState.restore(engine.ReadState.empty(shop.schema));
  #version = 0n;

  /** The next version has exactly these products. */
  write(products: readonly unknown[]): { delta: Uint8Array; snapshot: Uint8Array } {
    const cycle = this.#writer.begin({ mode: 'populate' });
    for (const product of products) {
      const result = shop.validator('Product')['~standard'].validate(product);
      if (result.issues) throw new Error(JSON.stringify(result.issues));
      cycle.add('Product', result.value);
    }
    const transition = cycle.transition();
    const headerTags = engine.nextHeaderTags(transition, ++this.#version);
    const [tag = 0n] = crypto.getRandomValues(new BigInt64Array(1)); // a random name of the state
    const parts = new Map<string, string[]>(); // no optional parts
    const delta = engine.encodeDelta(transition, { tag, headerTags, parts });
    const { state } = engine.applyDelta(this.#writer.state, delta.main);
    this.#writer.follow(state, transition);
    const snapshot = engine.encodeSnapshot(state, { parts, statistics: this.#writer.statistics });
    return { delta: delta.main, snapshot: snapshot.main };
  }
}

/** What a reader has at the end: a snapshot, and the deltas behind it. */
export function productOf(snapshot: Uint8Array, deltas: readonly Uint8Array[], sku: string): Product {
  const start = engine.decodeSnapshot(snapshot);
  const state = deltas.reduce((before, delta) => engine.applyDelta(before, delta).state, start);
  return engine.TypedState.of(state, shop).type('Product').get(sku);
}
