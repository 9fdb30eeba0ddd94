import { limits } from '../limits.ts';

/**
 * Bounds the repeats of all partitions together: when everything fails, a sender must not send several times what it would
 * send otherwise. Each repeat takes one; each request that succeeds brings back a part of one.
 */
export class RetryBudget {
  #left: number = limits.sendRetriesMax;

  /** False: spent. */
  take(): boolean {
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  earn(): void {
    this.#left = Math.min(limits.sendRetriesMax, this.#left + 1 / limits.sendsPerRetry);
  }
}
