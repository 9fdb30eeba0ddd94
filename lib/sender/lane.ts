import { DatasetError, isDatasetError } from '../errors.ts';
import type { Clock, MutationSink, Telemetry } from '../ports.ts';
import { type PackedMessage, Packer, type Packet } from './packer.ts';
import type { RetryBudget } from './retry-budget.ts';
import { type Priority, SendBuffer } from './send-buffer.ts';

export interface LaneOptions {
  readonly sink: MutationSink;
  readonly budget: RetryBudget;
  readonly clock: Clock;
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
  readonly succeed: () => void;
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
  /** Of everything that was given to {@link put} and is neither sent nor given back. */
  readonly #pending = new Set<Promise<unknown>>();
  #isRunning = false;
  #flushCount = 0;
  #nap = new AbortController();

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#buffer = new SendBuffer(options.bufferSizeMax);
    this.#packer = new Packer(options.messageSizeMax);
  }

  /**
   * Resolves when the buffer has taken the packet, to what resolves when the queue has.
   *
   * @throws DatasetError `unavailable`: shed
   */
  async put(packet: Packet, priority: Priority): Promise<{ readonly sent: Promise<void> }> {
    const room = this.#buffer.enter(packet.size, priority);
    if (room === 'shed') {
      this.#options.telemetry.record('MutationsShed', packet.mutationCount);
      throw new DatasetError('unavailable', 'shed: the buffer has no room for low priority');
    }
    const { promise: sent, resolve: succeed, reject: fail } = Promise.withResolvers<void>();
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
      await this.#deliver(this.#packer.takeBatch());
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
    const { telemetry, clock } = this.#options;
    const packets = messages.flatMap((message) => message.packets);
    const mutationCount = packets.reduce((sum, packet) => sum + packet.mutationCount, 0);
    const error = await this.#send(messages);
    if (error === null) {
      telemetry.record('MessagesSent', messages.length);
      telemetry.record('MutationsSent', mutationCount);
      const [oldest] = packets;
      if (oldest !== undefined) telemetry.record('SendDurationMs', clock.monotonicMs() - oldest.takenAtMs);
    } else {
      this.#options.onUnsent(mutationCount, error);
      telemetry.record('MutationsUnsent', mutationCount);
      telemetry.log('error', 'mutations were not sent', { error, mutationCount });
    }
    for (const packet of packets) {
      if (error === null) packet.succeed();
      else packet.fail(error);
      this.#buffer.leave(packet.size);
    }
  }

  /** Null: the queue has them, some of them perhaps twice. */
  async #send(messages: readonly PackedMessage<Sending>[]): Promise<DatasetError | null> {
    const { sink, budget } = this.#options;
    const bodies = messages.map(({ packets: _, ...message }) => message);
    try {
      await budget.run(() => sink.send(bodies));
      return null;
    } catch (error) {
      if (isDatasetError(error)) return error;
      return new DatasetError('invalid', 'the sink failed with what is no DatasetError', {}, error);
    }
  }
}
