import { toHex } from '../hex.ts';
import { checkMessages, checkReceive, type OutgoingMessage } from '../message-rules.ts';
import type { Clock, MutationMessage, MutationSink, MutationSource, Random } from '../ports.ts';

interface QueuedMessage {
  readonly id: string;
  readonly body: string;
  readonly correlationId: string | undefined;
  readonly sentAtMs: number;
  receiveCount: number;
  /** Clock.monotonicMs from which the message may be delivered (again). */
  visibleAtMs: number;
  receipt: string;
}

export interface MemoryMutationQueueOptions {
  readonly clock: Clock;
  /** Draws ids and the order of delivery: a standard queue promises none. */
  readonly random: Random;
  /** A message that was delivered and not acknowledged comes again after this long. */
  readonly visibilityMs: number;
}

/** A standard queue inside one process. Like SQS at its worst it honours only the receipt of the latest delivery. */
export class MemoryMutationQueue implements MutationSource, MutationSink {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #visibilityMs: number;
  readonly #messages = new Map<string, QueuedMessage>();
  readonly #arrivals = new Set<AbortController>();

  constructor(options: MemoryMutationQueueOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#visibilityMs = options.visibilityMs;
  }

  /** Messages that were accepted and not yet acknowledged, visible or not. */
  get messageCount(): number {
    return this.#messages.size;
  }

  async send(messages: readonly OutgoingMessage[]): Promise<void> {
    checkMessages(messages);
    for (const message of messages) {
      const id = toHex(this.#random.bytes(16));
      this.#messages.set(id, {
        id,
        body: message.body,
        correlationId: message.correlationId,
        sentAtMs: this.#clock.nowMs(),
        receiveCount: 0,
        visibleAtMs: 0,
        receipt: '',
      });
    }
    for (const arrival of this.#arrivals) arrival.abort();
    this.#arrivals.clear();
  }

  async receive(
    messagesMax: number,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<readonly MutationMessage[]> {
    checkReceive(messagesMax, waitMs);
    const deadlineMs = this.#clock.monotonicMs() + waitMs;
    for (;;) {
      if (signal?.aborted) return [];
      const messages = this.#takeVisible(messagesMax);
      const nowMs = this.#clock.monotonicMs();
      if (messages.length > 0 || nowMs >= deadlineMs) return messages;
      const arrival = new AbortController();
      this.#arrivals.add(arrival);
      const woken = signal === undefined ? arrival.signal : AbortSignal.any([arrival.signal, signal]);
      await this.#clock.sleep(Math.min(deadlineMs, this.#nextVisibleMs()) - nowMs, woken);
      this.#arrivals.delete(arrival);
    }
  }

  async acknowledge(messages: readonly MutationMessage[]): Promise<void> {
    for (const message of messages) {
      if (this.#messages.get(message.id)?.receipt === message.receipt) this.#messages.delete(message.id);
    }
  }

  #takeVisible(messagesMax: number): MutationMessage[] {
    const nowMs = this.#clock.monotonicMs();
    const visible = [...this.#messages.values()].filter((message) => message.visibleAtMs <= nowMs);
    const taken: MutationMessage[] = [];
    while (taken.length < messagesMax && visible.length > 0) {
      const [message] = visible.splice(Math.floor(this.#random.uniform() * visible.length), 1);
      if (message !== undefined) taken.push(this.#deliver(message, nowMs));
    }
    return taken;
  }

  #deliver(message: QueuedMessage, nowMs: number): MutationMessage {
    message.receiveCount += 1;
    message.visibleAtMs = nowMs + this.#visibilityMs;
    message.receipt = `${message.id}#${message.receiveCount}`;
    const { id, body, sentAtMs, receiveCount, receipt, correlationId } = message;
    const delivery = { id, body, sentAtMs, receiveCount, receipt };
    return correlationId === undefined ? delivery : { ...delivery, correlationId };
  }

  #nextVisibleMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const message of this.#messages.values()) nextMs = Math.min(nextMs, message.visibleAtMs);
    return nextMs;
  }
}
