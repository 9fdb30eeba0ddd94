/**
 * The real producer and consumer between memory adapters that take as long as AWS, on a virtual clock: the same numbers on
 * every machine, whatever else it does. What a producer computes is slept as well, by what was measured for it.
 */
import { Consumer } from '../../../lib/consumer/consumer.ts';
import { limits } from '../../../lib/limits.ts';
import { MemoryBlobStore } from '../../../lib/memory/blob-store.ts';
import { VirtualClock } from '../../../lib/memory/clock.ts';
import { MemoryHeadStore } from '../../../lib/memory/head-store.ts';
import { MemoryMutationQueue } from '../../../lib/memory/mutation-queue.ts';
import { MemoryQuarantine } from '../../../lib/memory/quarantine.ts';
import { SeededRandom } from '../../../lib/memory/random.ts';
import { MemoryTelemetry } from '../../../lib/memory/telemetry.ts';
import type { DatasetId } from '../../../lib/ports.ts';
import { Producer } from '../../../lib/producer/producer.ts';
import { defineDataset, type } from '../../../lib/schema/builder.ts';
import { t } from '../../../lib/schema/field-specs.ts';
import { Calls } from './calls.ts';
import { cpuMs, Delays, latencies } from './latencies.ts';
import { SlowAnnouncements, slowBlobs, slowHeads, slowInline } from './slow-ports.ts';

const fields = { id: t.long(), name: t.string(), price: t.double(), stock: t.int() };
const lambdaMemoryGb = 1.769;
const keysPerPartition = 5_000;

function datasetOf(partitions: number) {
  return defineDataset({ Product: type(fields, { primaryKey: ['id'] }) }, { partitions });
}

export interface Scenario {
  readonly seed: number;
  readonly partitions: number;
  /** To each partition: pollers of its queue, each with a function of its own. */
  readonly producers: number;
  readonly recordsPerMessage: number;
  /** To each partition, at random moments; null: there is always more than producers take. */
  readonly messagesPerSecond: number | null;
  readonly durationMs: number;
  /** Small deltas are committed as items of the table. */
  readonly isInline?: boolean;
}

export interface CommitPathResult {
  /** Of each message, ms, ascending: from the queue's acceptance to the commit, and to where a consumer serves it. */
  readonly toCommitMs: readonly number[];
  readonly toVisibleMs: readonly number[];
  /** From the handler's start to the commit. */
  readonly handlerMs: readonly number[];
  readonly records: number;
  readonly recordsPerSecond: number;
  readonly commits: number;
  readonly conflicts: number;
  /** Messages that went back to the queue, because every round of their batch was lost to others. */
  readonly returned: number;
  readonly calls: Calls;
}

/** @throws if a message was set aside: then the numbers would mean nothing */
export async function runCommitPath(scenario: Scenario): Promise<CommitPathResult> {
  const bench = new Bench(scenario);
  const done = bench.run();
  let isDone = false;
  const finished = done.finally(() => {
    isDone = true;
  });
  while (!isDone && (await bench.clock.advanceToNext()));
  return finished;
}

class Bench {
  readonly clock = new VirtualClock();
  readonly #scenario: Scenario;
  readonly #random: SeededRandom;
  readonly #delays: Delays;
  readonly #calls = new Calls();
  readonly #heads = new MemoryHeadStore();
  readonly #blobs = new MemoryBlobStore();
  readonly #inline = new MemoryBlobStore();
  readonly #telemetry = new MemoryTelemetry();
  readonly #quarantine = new MemoryQuarantine();
  readonly #bus: SlowAnnouncements;
  readonly #dataset: ReturnType<typeof datasetOf>;
  readonly #lanes: readonly Lane[];
  readonly #handlerMs: number[] = [];
  #records = 0;
  #returned = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#random = new SeededRandom(scenario.seed);
    this.#delays = new Delays(this.clock, new SeededRandom(scenario.seed + 1_000_000));
    this.#bus = new SlowAnnouncements(this.#delays, this.#calls);
    this.#dataset = datasetOf(scenario.partitions);
    this.#lanes = Array.from({ length: scenario.partitions }, (_, partition) => this.#createLane(partition));
    for (let id = 0; this.#lanes.some(({ keys }) => keys.length < keysPerPartition); id++) {
      this.#lanes[this.#dataset.partitionOf('Product', id)]?.keys.push(id);
    }
  }

  async run(): Promise<CommitPathResult> {
    const stop = new AbortController();
    for (const { consumer } of this.#lanes) consumer.start([this.#bus]);
    const senders = this.#lanes.map((lane) => this.#send(lane));
    const pollers = this.#lanes.flatMap((lane) =>
      Array.from({ length: this.#scenario.producers }, () => this.#poll(lane, stop.signal)),
    );
    const startMs = this.clock.monotonicMs();
    await Promise.all(senders);
    while (this.#lanes.some(({ queue }) => queue.messageCount > 0)) await this.clock.sleep(10);
    while (this.#lanes.some((lane) => !lane.isVisible)) await this.clock.sleep(100);
    stop.abort();
    await Promise.all([...pollers, ...this.#lanes.map(({ consumer }) => consumer.stop())]);
    if (this.#quarantine.records().length > 0) throw new Error('the bench sends what breaks a rule');
    const { durationMs } = this.#scenario;
    const ascending = (a: number, b: number): number => a - b;
    return {
      toCommitMs: this.#lanes.flatMap((lane) => lane.toCommitMs).toSorted(ascending),
      toVisibleMs: this.#lanes.flatMap((lane) => lane.toVisibleMs()).toSorted(ascending),
      handlerMs: this.#handlerMs.toSorted(ascending),
      records: this.#records,
      recordsPerSecond: (this.#takenUntil(startMs + durationMs) / durationMs) * 1_000,
      commits: this.#telemetry.sum('Commits'),
      conflicts: this.#telemetry.sum('CommitConflicts'),
      returned: this.#returned,
      calls: this.#calls,
    };
  }

  /** Records that were committed until then. */
  #takenUntil(atMs: number): number {
    const counts = this.#lanes.map((lane) => lane.takenUntil(atMs));
    return counts.reduce((sum, count) => sum + count, 0) * this.#scenario.recordsPerMessage;
  }

  #createLane(partition: number): Lane {
    const id = { dataset: 'bench', partition };
    const random = new SeededRandom(this.#scenario.seed * 1_000 + partition);
    const ports = { clock: this.clock, random, telemetry: new MemoryTelemetry() };
    const consumer = new Consumer({
      ...ports,
      id,
      heads: slowHeads(this.#heads, this.#delays, null),
      blobs: slowBlobs(this.#blobs, this.#delays, null),
      ...this.#inlineOf(null),
    });
    const queue = new MemoryMutationQueue({ clock: this.clock, random, visibilityMs: 180_000 });
    return new Lane(id, queue, consumer, this.clock);
  }

  #inlineOf(calls: Calls | null) {
    return this.#scenario.isInline === true ? { inline: slowInline(this.#inline, this.#delays, calls) } : {};
  }

  async #send(lane: Lane): Promise<void> {
    const { messagesPerSecond, durationMs } = this.#scenario;
    const untilMs = this.clock.monotonicMs() + durationMs;
    while (this.clock.monotonicMs() < untilMs) {
      if (messagesPerSecond === null) {
        // Four batches ahead of every poller.
        const wanted = 4 * limits.batchEntriesMax * this.#scenario.producers;
        while (lane.queue.messageCount < wanted) await this.#sendOne(lane);
        await this.clock.sleep(5);
      } else {
        await this.clock.sleep((-Math.log(1 - this.#random.uniform()) / messagesPerSecond) * 1_000);
        await this.#sendOne(lane);
      }
    }
  }

  async #sendOne({ queue, keys }: Lane): Promise<void> {
    const { recordsPerMessage } = this.#scenario;
    const mutations = Array.from({ length: recordsPerMessage }, () => {
      const id = keys[Math.floor(this.#random.uniform() * keysPerPartition)] ?? 0;
      const stock = Math.floor(this.#random.uniform() * 1_000);
      const value = { id, name: `Product ${id % 500}`, price: stock / 10, stock };
      return { op: 'upsert', type: 'Product', value };
    });
    const body = JSON.stringify({ mutations });
    this.#calls.sqs(body.length);
    this.#records += recordsPerMessage;
    await queue.send([{ body }]);
  }

  /** An event source mapping's poller and the function that it calls. */
  async #poll(lane: Lane, signal: AbortSignal): Promise<void> {
    const producer = new Producer({
      id: lane.id,
      schema: this.#dataset.schema,
      partitions: this.#dataset.partitions,
      heads: slowHeads(this.#heads, this.#delays, this.#calls, (_, version) => lane.onCommit(version)),
      blobs: slowBlobs(this.#blobs, this.#delays, this.#calls),
      ...this.#inlineOf(this.#calls),
      announcer: this.#bus,
      quarantine: this.#quarantine,
      clock: this.clock,
      random: new SeededRandom(Math.floor(this.#random.uniform() * 2 ** 32)),
      telemetry: this.#telemetry,
    });
    while (!signal.aborted) {
      const messages = await lane.queue.receive(limits.batchEntriesMax, 50);
      if (messages.length === 0) continue;
      this.#calls.sqs(messages.reduce((sum, { body }) => sum + body.length, 0));
      await this.#delays.wait(latencies.sqsToLambda);
      const startMs = this.clock.monotonicMs();
      await this.clock.sleep(cpuMs.batch + cpuMs.record * messages.length * this.#scenario.recordsPerMessage);
      const deadline = { remainingMs: () => startMs + 30_000 - this.clock.monotonicMs() };
      const { acknowledged, failed } = await producer.process(messages, deadline);
      const isBack = new Set(failed.map(({ message }) => message));
      this.#returned += failed.length;
      const version = producer.version?.version ?? 0;
      if (failed.length === 0) this.#handlerMs.push((lane.committedAtMs.get(version) ?? 0) - startMs);
      for (const message of messages) if (!isBack.has(message)) lane.onTaken(message.sentAtMs, version);
      this.#calls.invocations += 1;
      this.#calls.gbSeconds += ((this.clock.monotonicMs() - startMs) / 1_000) * lambdaMemoryGb;
      await this.#delays.wait(latencies.sqsDelete);
      this.#calls.sqs(0);
      await lane.queue.acknowledge(acknowledged);
    }
  }
}

/** One partition, and when what happened in it. */
class Lane {
  readonly id: DatasetId;
  readonly queue: MemoryMutationQueue;
  readonly consumer: Consumer;
  readonly keys: number[] = [];
  readonly toCommitMs: number[] = [];
  /** By version. */
  readonly committedAtMs = new Map<number, number>();
  readonly #clock: VirtualClock;
  /** Swaps of the consumer, ascending. */
  readonly #served: { readonly version: number; readonly atMs: number }[] = [];
  readonly #taken: { readonly sentMs: number; readonly version: number }[] = [];

  constructor(id: DatasetId, queue: MemoryMutationQueue, consumer: Consumer, clock: VirtualClock) {
    this.id = id;
    this.queue = queue;
    this.consumer = consumer;
    this.#clock = clock;
    consumer.onChange(({ to }) => {
      this.#served.push({ version: to.ref.version, atMs: clock.monotonicMs() });
    });
  }

  get isVisible(): boolean {
    return (this.consumer.version?.version ?? 0) >= Math.max(0, ...this.committedAtMs.keys());
  }

  onCommit(version: number): void {
    this.committedAtMs.set(version, this.#clock.monotonicMs());
  }

  onTaken(sentAtMs: number, version: number): void {
    const sentMs = sentAtMs - this.#clock.nowMs() + this.#clock.monotonicMs();
    this.#taken.push({ sentMs, version });
    this.toCommitMs.push((this.committedAtMs.get(version) ?? 0) - sentMs);
  }

  takenUntil(atMs: number): number {
    return this.#taken.filter(({ version }) => (this.committedAtMs.get(version) ?? 0) <= atMs).length;
  }

  toVisibleMs(): readonly number[] {
    return this.#taken.map(({ sentMs, version }) => {
      const swap = this.#served.find((each) => each.version >= version);
      if (swap === undefined) throw new Error(`version ${version} was never served`);
      return swap.atMs - sentMs;
    });
  }
}
