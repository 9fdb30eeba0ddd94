import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ClaimPorts } from '../../lib/claim.ts';
import { PartitionedConsumer } from '../../lib/consumer/partitioned-consumer.ts';
import { DatasetError } from '../../lib/errors.ts';
import { BlobInbox } from '../../lib/inbox.ts';
import { limits } from '../../lib/limits.ts';
import { systemCodec } from '../../lib/local/system-codec.ts';
import { MemoryMutationQueue } from '../../lib/memory/mutation-queue.ts';
import { SeededRandom } from '../../lib/memory/random.ts';
import type { MutationSink } from '../../lib/ports.ts';
import type { Producer } from '../../lib/producer/producer.ts';
import type { Receipt } from '../../lib/receipt.ts';
import { defineDataset, type } from '../../lib/schema/builder.ts';
import { t } from '../../lib/schema/field-specs.ts';
import { Sender } from '../../lib/sender/sender.ts';
import { MemoryCloud, plentyOfTime } from '../support/memory-cloud.ts';

const parts = ['a', 'b', 'c', 'd', 'e'] as const;
const texts = { a: t.string(), b: t.string(), c: t.string(), d: t.string(), e: t.string() };
const notes = defineDataset(
  { Note: type({ id: t.int(), ...texts }, { primaryKey: ['id'] }) },
  { partitions: 2 },
);
/** More than a message holds: it goes by the inbox. */
const large = Object.fromEntries(parts.map((part) => [part, part.repeat(220_000)]));

const action = fc.oneof(
  { weight: 24, arbitrary: fc.record({ kind: fc.constant('send' as const), sender: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('large' as const), sender: fc.nat(1) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('restart' as const), sender: fc.nat(1) }) },
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 20, 200) }),
  },
  {
    weight: 20,
    arbitrary: fc.record({
      kind: fc.constant('produce' as const),
      partition: fc.nat(1),
      count: fc.integer({ min: 1, max: 3 }),
      /** A batch that was committed and is not acknowledged comes again. */
      isAcknowledged: fc.boolean(),
    }),
  },
);
const scenario = fc.record({
  actions: fc.array(action, { minLength: 20, maxLength: 50 }),
  seed: fc.nat(),
  /** Share of requests that fail, half of them although they were taken. */
  failing: fc.constantFrom(0, 0.3, 0.6),
});

/** Two senders, a queue and a producer for each of two partitions, and a consumer of both. */
class Scene {
  readonly #cloud = new MemoryCloud();
  readonly #random: SeededRandom;
  readonly #failing: number;
  readonly #queues: readonly MemoryMutationQueue[];
  readonly #producers: readonly Producer[];
  readonly #senders: Sender<typeof notes>[];
  readonly consumer: PartitionedConsumer<typeof notes>;
  /** Of each message that a queue said it had taken, by the note that is in it. */
  readonly receipts = new Map<number, Receipt>();
  readonly #closing: Promise<unknown>[] = [];
  #isCalm = false;
  #noteCount = 0;

  constructor(seed: number, failing: number) {
    this.#random = new SeededRandom(seed);
    this.#failing = failing;
    const { clock, heads, blobs, telemetry } = this.#cloud;
    const ports = { clock, random: this.#random, telemetry };
    this.#queues = [0, 1].map(() => new MemoryMutationQueue({ ...ports, visibilityMs: 100 }));
    this.#producers = [0, 1].map((partition) =>
      this.#cloud.producer({
        id: { dataset: 'notes', partition },
        schema: notes.schema,
        partitions: notes.partitions,
        claims: this.#claims(),
      }),
    );
    this.#senders = [this.#newSender(), this.#newSender()];
    const id = { dataset: 'notes' };
    this.consumer = new PartitionedConsumer({ ...ports, heads, blobs, dataset: notes, id });
  }

  get clock() {
    return this.#cloud.clock;
  }

  send(index: number, fields: object): void {
    const id = ++this.#noteCount;
    const sent = this.#senders[index]?.upsert('Note', { id, a: 'small', ...fields });
    sent
      ?.then(({ accepted }) => accepted)
      .then(
        (receipt) => this.receipts.set(id, receipt),
        () => undefined,
      );
  }

  /** What the old one has still in hand arrives, or not, while the new one is at work. */
  restart(index: number): void {
    this.#closing.push(this.#senders[index]?.close().catch(() => undefined) ?? Promise.resolve());
    this.#senders[index] = this.#newSender();
  }

  async produce(partition: number, count: number, isAcknowledged: boolean): Promise<void> {
    const queue = this.#queues[partition];
    const messages = (await queue?.receive(count, 0)) ?? [];
    const result = await this.#producers[partition]?.process(messages, plentyOfTime);
    expect(result?.failed).toEqual([]);
    if (isAcknowledged) await queue?.acknowledge(result?.acknowledged ?? []);
  }

  /** What is visible must be readable, now and whenever it is asked. */
  async look(): Promise<number> {
    await this.consumer.refresh().catch((error: unknown) => {
      expect(error).toMatchObject({ kind: 'unavailable' }); // nothing was committed yet
    });
    let count = 0;
    for (const [id, receipt] of this.receipts) {
      expect(receipt.partition).toBe(notes.partitionOf('Note', id));
      if (!this.consumer.has(receipt)) continue;
      expect(this.consumer.find('Note', id), `note ${id} of ${JSON.stringify(receipt)}`).toBeDefined();
      count += 1;
    }
    return count;
  }

  /** The queues fail no more, and everything comes in. */
  async settle(): Promise<void> {
    this.#isCalm = true;
    let isOver = false;
    const closed = [
      ...this.#closing,
      ...this.#senders.map((sender) => sender.close().catch(() => undefined)),
    ];
    const all = Promise.all(closed).finally(() => {
      isOver = true;
    });
    while (!isOver && (await this.clock.advanceToNext()));
    await all;
    for (const [partition, queue] of this.#queues.entries()) {
      while (queue.messageCount > 0) {
        await this.clock.advance(101);
        await this.produce(partition, limits.batchEntriesMax, true);
      }
    }
    expect(this.#cloud.quarantine.records()).toEqual([]);
  }

  #newSender(): Sender<typeof notes> {
    const { clock, telemetry } = this.#cloud;
    return new Sender({
      ...{ dataset: notes, clock, random: this.#random, telemetry, messageSizeMax: 400, lingerMs: 0 },
      sinks: this.#queues.map((queue) => this.#failingSink(queue)),
      claims: this.#claims(),
    });
  }

  #claims(): ClaimPorts {
    const id = { dataset: 'notes', partition: 0 };
    const inbox = new BlobInbox({ id, blobs: this.#cloud.blobs, random: this.#random });
    return { inbox, codec: systemCodec };
  }

  #failingSink(queue: MemoryMutationQueue): MutationSink {
    return {
      send: async (messages) => {
        const isFailing = !this.#isCalm && this.#random.uniform() < this.#failing;
        if (!isFailing || this.#random.uniform() < 0.5) await queue.send(messages);
        // What is denied is given up at once, so that numbers get lost.
        const kind = this.#random.uniform() < 0.5 ? 'unavailable' : 'denied';
        if (isFailing) throw new DatasetError(kind, 'no answer');
      },
    };
  }
}

it('a receipt is visible only where its mutation can be read, and in the end every one is', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ actions, seed, failing }) => {
      const scene = new Scene(seed, failing);
      for (const each of actions) {
        if (each.kind === 'send') scene.send(each.sender, {});
        else if (each.kind === 'large') scene.send(each.sender, large);
        else if (each.kind === 'restart') scene.restart(each.sender);
        else if (each.kind === 'pass') await scene.clock.advance(each.ms);
        else {
          await scene.produce(each.partition, each.count, each.isAcknowledged);
          await scene.look();
        }
      }
      await scene.settle();
      expect(await scene.look()).toBe(scene.receipts.size);
    }),
    { numRuns: 60 },
  );
});
