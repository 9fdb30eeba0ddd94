import type { MutationMessage, MutationSource } from '../../lib/ports.ts';
import type { Effort } from './effort.ts';
import type { Carrier } from './network.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

interface QueuedMessage {
  readonly id: string;
  readonly body: string;
  readonly sentAtMs: number;
  /** Receipts of another send of the message say nothing about this one. */
  readonly sendCount: number;
  visibleAtMs: number;
  receiveCount: number;
}

interface Waiter {
  readonly process: SimProcess;
  readonly wake: () => void;
}

/** Virtual time after which a delivery that was not acknowledged is repeated. */
const visibilityMs = 10_000;

/** A standard queue at its worst: any order, more than once, receipts that may or may not be honoured. */
export class SimQueue {
  readonly #world: World;
  readonly #network: Carrier;
  readonly #effort: Effort;
  readonly #onAcknowledge: (message: MutationMessage) => void;
  readonly #messages = new Map<string, QueuedMessage>();
  #waiters: Waiter[] = [];
  #sentCount = 0;

  constructor(
    world: World,
    network: Carrier,
    effort: Effort,
    onAcknowledge: (message: MutationMessage) => void,
  ) {
    this.#world = world;
    this.#network = network;
    this.#effort = effort;
    this.#onAcknowledge = onAcknowledge;
  }

  get messageCount(): number {
    return this.#messages.size;
  }

  /** @returns the message as it will be delivered */
  accept(body: string): MutationMessage {
    const id = `m${String(++this.#sentCount).padStart(4, '0')}`;
    const message: QueuedMessage = {
      id,
      body,
      sentAtMs: this.#world.wallMs,
      sendCount: 1,
      visibleAtMs: 0,
      receiveCount: 0,
    };
    this.#messages.set(id, message);
    this.#wakeAll();
    return { ...message, receipt: '' };
  }

  /** Of its latest delivery. */
  receiptOf(id: string): string {
    const message = this.#messages.get(id);
    return message === undefined ? '' : receiptOf(message);
  }

  /** From the archive: as it was accepted first. */
  acceptAgain({ id, body, sentAtMs }: MutationMessage): void {
    const sendCount = ++this.#sentCount;
    this.#effort.forget(id);
    this.#messages.set(id, { id, body, sentAtMs, sendCount, visibleAtMs: 0, receiveCount: 0 });
    this.#wakeAll();
  }

  sourceOf(process: SimProcess): MutationSource {
    const network = this.#network;
    return {
      receive: async (messagesMax, waitMs) => {
        await this.#whenVisible(process, waitMs);
        return network.request({
          from: process,
          site: 'receive',
          detail: () => '',
          apply: async () => this.#receive(messagesMax),
        });
      },
      acknowledge: (messages) =>
        network.request({
          from: process,
          site: 'acknowledge',
          detail: () => messages.map(({ id }) => id).join(),
          apply: async () => this.#acknowledge(messages),
        }),
    };
  }

  /** A poller waits at the queue, so an idle one costs nothing. */
  #whenVisible(process: SimProcess, waitMs: number): Promise<void> {
    if (this.#hasVisible()) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter = { process, wake: resolve };
      this.#waiters.push(waiter);
      process.deliver(waitMs, () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve();
      });
    });
  }

  #hasVisible(): boolean {
    for (const message of this.#messages.values()) {
      if (message.visibleAtMs <= this.#world.nowMs) return true;
    }
    return false;
  }

  #wakeAll(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { process, wake } of waiters) process.deliver(this.#world.between(1, 50), wake);
  }

  #receive(messagesMax: number): MutationMessage[] {
    const world = this.#world;
    const visible = [...this.#messages.values()].filter((message) => message.visibleAtMs <= world.nowMs);
    const taken: MutationMessage[] = [];
    const wanted = world.count(1, messagesMax);
    while (taken.length < wanted && visible.length > 0) {
      const [message] = visible.splice(world.count(0, visible.length - 1), 1);
      if (message === undefined) break;
      const isTwice = this.#network.strikes('receive', 'deliverTwice');
      const hiddenMs = isTwice ? world.between(0, 200) : visibilityMs;
      message.visibleAtMs = world.nowMs + hiddenMs;
      message.receiveCount += 1;
      this.#effort.onDelivery(message.id);
      world.schedule(hiddenMs, () => {
        if (this.#messages.get(message.id) === message) this.#wakeAll();
      });
      const { id, body, sentAtMs, receiveCount } = message;
      taken.push({ id, body, sentAtMs, receiveCount, receipt: receiptOf(message) });
    }
    return taken;
  }

  #acknowledge(messages: readonly MutationMessage[]): void {
    for (const message of messages) {
      const queued = this.#messages.get(message.id);
      if (queued === undefined) continue;
      this.#onAcknowledge(message);
      // An old receipt may or may not delete.
      const isLatest = message.receipt === receiptOf(queued);
      const isOfThisSend = message.receipt.startsWith(`${queued.sendCount}#`);
      if (isLatest || (isOfThisSend && this.#world.chance(0.5))) this.#messages.delete(message.id);
    }
  }
}

function receiptOf({ sendCount, receiveCount }: QueuedMessage): string {
  return `${sendCount}#${receiveCount}`;
}
