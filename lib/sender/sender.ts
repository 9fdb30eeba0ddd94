/**
 * Sending mutations, beside the layers: what applications put into the queues.
 *
 *   sender.ts           the application's side: checks, stamps, routes (this file)
 *   lane.ts             the way to one partition's queue: one request at a time, repeats
 *   send-buffer.ts      bounds what waits; priorities
 *   packet-of.ts        checked mutations as text, and their partition
 *   packer.ts           mutations into messages, messages into requests
 *   message-numbers.ts  numbers of messages, for receipts
 *   retry-budget.ts     repeats, and bounds them
 *   message-body.ts     typed mutations as the text of a message
 */
import { assert } from '../assert.ts';
import type { ClaimPorts } from '../claim.ts';
import { DatasetError } from '../errors.ts';
import { toHex } from '../hex.ts';
import { limits } from '../limits.ts';
import type { Clock, MutationSink, Random, Telemetry } from '../ports.ts';
import type { Receipt } from '../receipt.ts';
import type { AnyDataset } from '../schema/builder.ts';
import type { InputOf, KeyedNameOf, KeyPathsOf } from '../schema/record-of.ts';
import { Lane } from './lane.ts';
import type {
  AmountsOf,
  AnyMutation,
  IfAbsent,
  IfVersion,
  MutationInput,
  Order,
  PatchInput,
} from './mutation-input.ts';
import { aloneSize, type Packet } from './packer.ts';
import { fitPacket, packetOf } from './packet-of.ts';
import { RetryBudget } from './retry-budget.ts';
import type { Priority } from './send-buffer.ts';

/** UTF-16 code units: with the digits after it, it must fit a stamp. */
const nameSizeMax = 64;

export interface SenderOptions<D extends AnyDataset> {
  readonly dataset: D;
  /** The queue of each partition, in order; of a dataset in one piece just the one. */
  readonly sinks: MutationSink | readonly MutationSink[];
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Where mutations go that are too large for a message. Default: nowhere, and they are `rejected`. */
  readonly claims?: ClaimPorts;
  /** Begins the source of order stamps, so that people can read who wrote last; some random digits follow. Default `sender`. */
  readonly name?: string;
  /** How long the first mutation waits for others to travel with, ms. Default {@link limits.sendLingerMs}. */
  readonly lingerMs?: number;
  /** Bytes up to which messages are filled. Default, and at most, {@link limits.messageSizeMax}. */
  readonly messageSizeMax?: number;
  /** Bytes of mutations held for one partition before callers wait. Default {@link limits.sendBufferSizeMax}. */
  readonly bufferSizeMax?: number;
}

export interface SendOptions {
  /** What becomes of it when the buffer is full. Default `normal`. */
  readonly priority?: Priority;
  /** Comes out again in logs and announcements. Mutations with different ones travel in different messages. */
  readonly correlationId?: string;
  /** Default: this sender's clock, its source, and a number that counts up. */
  readonly order?: Order;
}

/** Of a mutation that is done only if something holds; else it goes to quarantine. */
export interface ConditionOptions<Condition> extends SendOptions {
  readonly condition?: Condition;
  /** By this it is known again, however often it is sent. Default: one of this sender. */
  readonly opId?: string;
}

/** A mutation that is on its way. */
export interface Sent {
  readonly partition: number;
  /**
   * Resolves when the queue has taken it, durably; rejects when it was given back. Need not be waited for. By the receipt a
   * consumer tells whether what it serves has it.
   *
   * @example
   * const receipt = await accepted;
   * await consumer.waitFor(receipt, 5_000);   // true: read it
   */
  readonly accepted: Promise<Receipt>;
}

/**
 * Sends mutations to a dataset: checks them against its types, gives them an order, packs them into few large messages and
 * sends these to the queues of their partitions, again if need be. Every mutation is either in a queue or told as an error,
 * of its {@link Sent} and of the next {@link flush}.
 *
 * Each call resolves when the sender has taken the mutation, which is at once as long as there is room: so a loop that
 * awaits its calls goes as fast as the queues, and no faster. Calls of one sender for one key win over each other in the
 * order in which they were made, whatever comes out of the queue first.
 *
 * @example
 * const sender = new Sender({ dataset: cities, sinks: sink, clock, random, telemetry });
 * for (const city of changed) await sender.upsert('City', city);
 * await sender.patch('City', { id: 1 }, { population: 5 });
 * await sender.delete('City', { id: 3 }, { priority: 'high' });
 * await sender.close();   // rejects if anything was not sent
 */
export class Sender<D extends AnyDataset> {
  /** Of the order stamps that this sender gives. */
  readonly source: string;
  readonly #dataset: D;
  readonly #clock: Clock;
  readonly #budget: RetryBudget;
  readonly #claims: ClaimPorts | null;
  readonly #lanes: readonly Lane[];
  /** Calls whose mutations are on their way into the inbox. */
  readonly #claiming = new Set<Promise<unknown>>();
  #stampedAtMs = 0;
  #sequence = 0;
  #isClosed = false;
  #unsentCount = 0;
  #unsentError: DatasetError | null = null;

  /** @throws DatasetError `invalid`: not one queue for each partition, or a bound that cannot be */
  constructor(options: SenderOptions<D>) {
    const { dataset, clock, random, telemetry, name = 'sender' } = options;
    const sinks: readonly MutationSink[] = 'send' in options.sinks ? [options.sinks] : options.sinks;
    const { count } = dataset.partitions;
    if (sinks.length !== count) {
      throw new DatasetError(
        'invalid',
        `a dataset of ${count} partitions has ${count} sinks, not ${sinks.length}`,
      );
    }
    const { lingerMs = limits.sendLingerMs, messageSizeMax = limits.messageSizeMax } = options;
    const { bufferSizeMax = limits.sendBufferSizeMax } = options;
    if (
      !(lingerMs >= 0 && messageSizeMax > 0 && messageSizeMax <= limits.messageSizeMax && bufferSizeMax > 0)
    ) {
      const problem = `lingerMs from 0, messageSizeMax to ${limits.messageSizeMax}, bufferSizeMax above 0`;
      throw new DatasetError('invalid', problem, { lingerMs, messageSizeMax, bufferSizeMax });
    }
    if (name === '' || name.length > nameSizeMax) {
      throw new DatasetError('invalid', `the name of a sender has 1 to ${nameSizeMax} characters`);
    }
    this.source = `${name}-${toHex(random.bytes(8))}`;
    this.#dataset = dataset;
    this.#clock = clock;
    this.#budget = new RetryBudget({ clock, random, telemetry });
    this.#claims = options.claims ?? null;
    const onUnsent = (mutationCount: number, error: DatasetError): void => {
      this.#unsentCount += mutationCount;
      this.#unsentError ??= error;
    };
    const common = {
      budget: this.#budget,
      clock,
      random,
      telemetry,
      onUnsent,
      lingerMs,
      messageSizeMax,
      bufferSizeMax,
    };
    this.#lanes = sinks.map((sink, partition) => new Lane({ ...common, sink, partition }));
  }

  /**
   * Makes the record what `value` says: fields that it does not name become null.
   *
   * @throws DatasetError `rejected`: names the field; `unavailable`: shed for its low priority; `invalid`: closed
   */
  upsert<Name extends KeyedNameOf<D>>(
    type: Name,
    value: InputOf<D, Name>,
    options?: ConditionOptions<IfAbsent | IfVersion>,
  ): Promise<Sent> {
    return this.#sendOne({ op: 'upsert', type, value }, options);
  }

  /**
   * Sets some fields of a record, if and when it is there.
   *
   * @throws DatasetError as {@link upsert}
   */
  patch<Name extends KeyedNameOf<D>>(
    type: Name,
    key: KeyPathsOf<D, Name>,
    fields: PatchInput<D, Name>['fields'],
    options?: ConditionOptions<IfVersion>,
  ): Promise<Sent> {
    return this.#sendOne({ op: 'patch', type, key, fields }, options);
  }

  /** @throws DatasetError as {@link upsert} */
  delete<Name extends KeyedNameOf<D>>(
    type: Name,
    key: KeyPathsOf<D, Name>,
    options?: ConditionOptions<IfVersion>,
  ): Promise<Sent> {
    return this.#sendOne({ op: 'delete', type, key }, options);
  }

  /**
   * Adds to some fields of a record, if and when it is there: once, however often it has to be sent. With an `opId` of the
   * application it counts once also when the application sends it again, after a crash for example.
   *
   * @throws DatasetError as {@link upsert}
   * @example
   * await sender.increment('City', { id: 1 }, { population: 3 }, { opId: `birth-${registrationNumber}` });
   */
  increment<Name extends KeyedNameOf<D>>(
    type: Name,
    key: KeyPathsOf<D, Name>,
    fields: AmountsOf<D, Name>,
    options?: SendOptions & { readonly opId?: string },
  ): Promise<Sent> {
    return this.#sendOne({ op: 'increment', type, key, fields }, options);
  }

  /**
   * Mutations of which no version ever shows a part: all of them or none. They have to be of one partition.
   *
   * @throws DatasetError as {@link upsert}; `invalid`: of several partitions; `rejected`: too large for one message
   * @example
   * await sender.atomic([
   *   { op: 'increment', type: 'Account', key: { customer: 7, id: 1 }, fields: { cents: -500 } },
   *   { op: 'increment', type: 'Account', key: { customer: 7, id: 2 }, fields: { cents: 500 } },
   * ]);
   */
  atomic(mutations: readonly MutationInput<D>[], options: SendOptions = {}): Promise<Sent> {
    return this.#send(mutations, options, true);
  }

  /**
   * Resolves when everything that was given before is in its queue.
   *
   * @throws DatasetError of the first mutation that was given back since the last flush, with how many they are
   */
  async flush(): Promise<void> {
    while (this.#claiming.size > 0) await Promise.allSettled(this.#claiming);
    await Promise.all(this.#lanes.map((lane) => lane.flush()));
    const error = this.#unsentError;
    if (error === null) return;
    const count = this.#unsentCount;
    this.#unsentCount = 0;
    this.#unsentError = null;
    throw new DatasetError(
      error.kind,
      `${count} mutations were not sent: ${error.message}`,
      { count },
      error,
    );
  }

  /** {@link flush}, and takes nothing more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
  }

  #sendOne(mutation: AnyMutation, options: ConditionOptions<unknown> = {}): Promise<Sent> {
    const { condition, opId } = options;
    const conditional = condition === undefined ? mutation : { ...mutation, condition };
    return this.#send([opId === undefined ? conditional : { ...conditional, opId }], options, false);
  }

  async #send(mutations: readonly AnyMutation[], options: SendOptions, isAtomic: boolean): Promise<Sent> {
    if (this.#isClosed) throw new DatasetError('invalid', 'the sender is closed');
    const { priority = 'normal', correlationId } = options;
    const stamped = mutations.map((mutation) => this.#stamp(mutation, options.order));
    const { partition, packet } = packetOf(this.#dataset, stamped, { correlationId, isAtomic });
    const lane = this.#lanes[partition];
    assert(lane !== undefined, 'there is a lane for each partition');
    const isLarge = aloneSize(packet) > limits.messageSizeMax;
    const { sent } = await (isLarge ? this.#putClaim(lane, packet, priority) : lane.put(packet, priority));
    return { partition, accepted: sent };
  }

  #putClaim(lane: Lane, packet: Packet, priority: Priority): ReturnType<Lane['put']> {
    const putting = this.#budget
      .run(() => fitPacket(packet, this.#claims))
      .then((claim) => lane.put(claim, priority))
      .finally(() => this.#claiming.delete(putting));
    this.#claiming.add(putting);
    return putting;
  }

  /** Everything that makes a mutation the same when it is sent again. */
  #stamp(mutation: AnyMutation, given: Order | undefined): AnyMutation {
    const own = this.#nextOrder();
    const order = mutation.order ?? given ?? own;
    const isOperation = mutation.op === 'increment' || mutation.condition !== undefined;
    if (!isOperation || mutation.opId !== undefined) return { ...mutation, order };
    return { ...mutation, order, opId: `${own.source}/${own.sequence}` };
  }

  /** Later than all before it, also when the clock was set back. */
  #nextOrder(): Order {
    this.#stampedAtMs = Math.max(this.#stampedAtMs, this.#clock.nowMs());
    this.#sequence += 1;
    return { timestamp: this.#stampedAtMs, source: this.source, sequence: this.#sequence };
  }
}
