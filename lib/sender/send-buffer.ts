import { limits } from '../limits.ts';

/** What becomes of a mutation when there is more than can be sent. */
export type Priority =
  /** Has the whole buffer, and goes before others that wait. */
  | 'high'
  /** Waits when the buffer is nearly full. */
  | 'normal'
  /** Refused (`unavailable`), at once, when the buffer is half full. */
  | 'low';

interface Waiter {
  readonly size: number;
  readonly enter: () => void;
}

/** Room for the bytes of mutations that were taken and not sent yet. Callers wait for it, or are turned away. */
export class SendBuffer {
  readonly #sizeMax: number;
  readonly #waiting: Readonly<Record<'high' | 'normal', Waiter[]>> = { high: [], normal: [] };
  #size = 0;

  /** @param sizeMax bytes */
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /** Null: there is room, and it is taken. A promise: resolves when it is. `shed`: too full for low priority. */
  enter(size: number, priority: Priority): Promise<void> | 'shed' | null {
    const isBehind = priority === 'high' ? this.#waiting.high.length > 0 : this.#waiterCount > 0;
    if (!isBehind && this.#hasRoom(size, priority)) {
      this.#size += size;
      return null;
    }
    if (priority === 'low') return 'shed';
    return new Promise((resolve) => this.#waiting[priority].push({ size, enter: resolve }));
  }

  leave(size: number): void {
    this.#size -= size;
    for (const priority of ['high', 'normal'] as const) {
      const waiting = this.#waiting[priority];
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        if (!this.#hasRoom(next.size, priority)) return;
        waiting.shift();
        this.#size += next.size;
        next.enter();
      }
    }
  }

  get #waiterCount(): number {
    return this.#waiting.high.length + this.#waiting.normal.length;
  }

  /** Into an empty buffer goes everything, or what is larger than it would wait for ever. */
  #hasRoom(size: number, priority: Priority): boolean {
    return this.#size === 0 || this.#size + size <= this.#sizeMax * shares[priority];
  }
}

const shares: Readonly<Record<Priority, number>> = {
  high: 1,
  normal: limits.sendBufferShareNormal,
  low: limits.sendBufferShareLow,
};
