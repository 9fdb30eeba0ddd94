import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import { applyToIndexes, indexesOf, type LoadedState } from '../../lib/consumer/loaded-version.ts';
import type { MutationMessage } from '../../lib/ports.ts';
import { bookkeepingTypesOf, withBookkeeping } from '../../lib/producer/bookkeeping-schema.ts';
import { takeIn } from '../../lib/producer/intake.ts';
import { planBatch, populate } from '../../lib/producer/plan.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import type { CycleTransition } from '../../lib/state/transition.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { productOf, productSchema, products } from './products.ts';

const schema = withBookkeeping(DatasetSchema.of(parseSchemas(productSchema)));
const parts = new Map([['bookkeeping', bookkeepingTypesOf(schema)]]);
const headerTags = new Map<string, string>();
const options = { parts, indexedTypes: null };
const hashes = { data: [0, 0, 0, 0], bookkeeping: null } as const;
const messageCount = 10_000;
const firstSentAtMs = 1_700_000_000_000;

/**
 * The producer's work from the messages of SQS to the delta, without the stores: JSON, validation, stamps, join with
 * what is there, dedup, plan, encoding. Bookkeeping included, one upsert per message.
 */
export class WritePath {
  readonly #writer = WriteState.restore(ReadState.empty(schema));
  readonly #count: number;
  #base: LoadedState;
  #messages: readonly MutationMessage[] = [];
  #delta: ReturnType<typeof encodeDelta> | null = null;
  #transition: CycleTransition;
  #tag = 1n;

  /** With that many products and their order stamps. */
  constructor(count: number) {
    const cycle = this.#writer.begin();
    this.#count = count;
    for (const product of products(count)) {
      cycle.add('Product', product);
      const source = `message-${product.id % 100}`;
      const stamp = { timestamp: firstSentAtMs, source, sequence: 0, deleted: false, patches: null };
      cycle.add('OrderStampOfProduct', { key0: product.id, ...stamp });
    }
    const { state } = this.#writer;
    this.#base = { state, indexes: indexesOf(state, options), hashes };
    this.#transition = cycle.transition();
    this.#delta = encodeDelta(this.#transition, { tag: this.#tag, headerTags, parts });
  }

  /** Follows the last delta and makes the next messages: not part of what is measured. */
  prepare(revision: number): void {
    if (this.#delta !== null) {
      const from = this.#base.state;
      const { state, changes } = applyDelta(from, this.#delta.main, this.#delta.parts);
      this.#writer.follow(state, this.#transition);
      const indexes = applyToIndexes(this.#base.indexes, { from, to: state, changes });
      this.#base = { state, indexes, hashes };
      this.#delta = null;
    }
    this.#messages = Array.from({ length: messageCount }, (_, i): MutationMessage => {
      const id = (i * 97 + revision) % this.#count;
      const body = JSON.stringify({ op: 'upsert', type: 'Product', value: productOf(id, revision) });
      const sentAtMs = firstSentAtMs + revision * 1000 + i;
      return { id: `message-${revision}-${i >> 7}`, body, sentAtMs, receiveCount: 1, receipt: '' };
    });
  }

  /** The bytes of the delta. */
  run(): number {
    const intake = takeIn(schema, this.#messages, Date.now());
    const cycle = this.#writer.begin();
    populate(cycle, planBatch(this.#base, intake));
    this.#transition = cycle.transition();
    this.#delta = encodeDelta(this.#transition, { tag: ++this.#tag, headerTags, parts });
    return this.#delta.main.length;
  }
}
