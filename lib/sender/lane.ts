import { DatasetError, isDatasetError } from '../errors.ts';
import type { Clock, MutationSink, Random, Telemetry } from '../ports.ts';
import type { Receipt } from '../receipt.ts';
import { MessageNumbers } from './message-numbers.ts';
import { type PackedMessage, Packer, type Packet } from './packer.ts';
import type { RetryBudget } from './retry-budget.ts';
import { type Priority, SendBuffer } from './send-buffer.ts';

export interface LaneOptions {
  readonly partition: number;
  readonly sink: MutationSink;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Told before those who wait for the mutations are. */
  readonly onUnsent: (mutationCount: number, error: DatasetError) => void;
  readonly lingerMs: number;
  readonly messageSizeMax: number;
  readonly bufferSizeMax: number;
}

/** A packet on its way. */
interface Sending extends Packet {
  readonly takenAtMs: number;
  readonly succeed: (receipt: Receipt) => void;
  readonly fail: (error: DatasetError) => void;
}

/**
 * The way to the queue of one partition: a buffer, a packer, and one request at a time. While a request is under way, what
 * comes meanwhile is packed for the next one, so that messages grow with the load by themselves.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #buffer: SendBuffer;
  readonly #packer: Packer<Sending>;
  readonly #numbers: MessageNumbers;
  /** Of everything that was given to {@link put} and is neither sent nor given back. */
  readonly #pending = new Set<Promise<unknown>>();
  #isRunning = false;
  #flushCount = 0;
  #nap = new AbortController();

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#buffer = new SendBuffer(options.bufferSizeMax);
    this.#packer = new Packer(options.messageSizeMax);
    this.#numbers = new MessageNumbers(options.random);
  }

  /**
   * Resolves when the buffer has taken the packet, to what resolves when the queue has.
   *
   * @throws DatasetError `unavailable`: shed
   */
  async put(packet: Packet, priority: Priority): Promise<{ readonly sent: Promise<Receipt> }> {
    const room = this.#buffer.enter(packet.size, priority);
    if (room === 'shed') {
      this.#options.telemetry.record('MutationsShed', packet.mutationCount);
      throw new DatasetError('unavailable', 'shed: the buffer has no room for low priority');
    }
    const { promise: sent, resolve: succeed, reject: fail } = Promise.withResolvers<Receipt>();
    this.#pending.add(sent);
    const forget = (): boolean => this.#pending.delete(sent);
    // Who does not ask what became of it learns of a failure from flush.
    sent.then(forget, forget);
    if (room !== null) await room;
    this.#packer.add({ ...packet, takenAtMs: this.#options.clock.monotonicMs(), succeed, fail });
    if (this.#packer.hasFullBatch) this.#nap.abort();
    if (!this.#isRunning) void this.#run();
    return { sent };
  }

  /** Resolves when everything that was put before is sent or given back. */
  async flush(): Promise<void> {
    this.#flushCount += 1;
    this.#nap.abort();
    await Promise.allSettled([...this.#pending]);
    this.#flushCount -= 1;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let { oldest } = this.#packer; oldest !== null; oldest = this.#packer.oldest) {
      await this.#linger(oldest.takenAtMs);
      await this.#deliver(this.#packer.takeBatch(() => this.#numbers.next()));
    }
    this.#isRunning = false;
  }

  /** Lets more come, unless there is enough, somebody waits for the end, or the last request took long enough for it. */
  async #linger(takenAtMs: number): Promise<void> {
    const { clock, lingerMs } = this.#options;
    const restMs = takenAtMs + lingerMs - clock.monotonicMs();
    if (restMs <= 0 || this.#packer.hasFullBatch || this.#flushCount > 0) return;
    this.#nap = new AbortController();
    await clock.sleep(restMs, this.#nap.signal);
  }

  async #deliver(messages: readonly PackedMessage<Sending>[]): Promise<void> {
    const { telemetry, clock, partition } = this.#options;
    const packets = messages.flatMap((message) => message.packets);
    const mutationCount = packets.reduce((sum, packet) => sum + packet.mutationCount, 0);
    const error = await this.#send(messages);
    if (error === null) {
      telemetry.record('MessagesSent', messages.length);
      telemetry.record('MutationsSent', mutationCount);
      const [oldest] = packets;
      if (oldest !== undefined) telemetry.record('SendDurationMs', clock.monotonicMs() - oldest.takenAtMs);
    } else {
      this.#numbers.restart();
      this.#options.onUnsent(mutationCount, error);
      telemetry.record('MutationsUnsent', mutationCount);
      telemetry.log('error', 'mutations were not sent', { error, mutationCount });
    }
    for (const { packets: own, progress } of messages) {
      for (const packet of own) {
        if (error === null) packet.succeed({ partition, ...progress });
        else packet.fail(error);
        this.#buffer.leave(packet.size);
      }
    }
  }

  /** Null: the queue has them, some of them perhaps twice. */
  async #send(messages: readonly PackedMessage<Sending>[]): Promise<DatasetError | null> {
    const { sink, budget } = this.#options;
    const bodies = messages.map(({ packets: _, progress: __, ...message }) => message);
    try {
      await budget.run(() => sink.send(bodies));
      return null;
    } catch (error) {
      if (isDatasetError(error)) return error;
      return new DatasetError('invalid', 'the sink failed with what is no DatasetError', {}, error);
    }
  }
}
