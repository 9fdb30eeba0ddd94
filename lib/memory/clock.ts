import { assert } from '../assert.ts';
import type { Clock } from '../ports.ts';
import { nextTurn } from '../system-turn.ts';

interface Sleeper {
  readonly wakeAtMs: number;
  readonly wake: () => void;
}

/**
 * Time that stands still until a test moves it. Sleepers wake one by one, in order of time and then of arrival, and
 * all that a woken one can do without more time is done before the next one wakes: so a run is a function of its input.
 *
 * @example
 * const clock = new VirtualClock();
 * const done = clock.sleep(500);
 * await clock.advance(500);
 * await done;
 */
export class VirtualClock implements Clock {
  readonly #startMs: number;
  #elapsedMs = 0;
  #sleepers: Sleeper[] = []; // ascending by wakeAtMs; equal ones in order of arrival

  /** @param startMs wall clock at the start, epoch ms */
  constructor(startMs = 1_700_000_000_000) {
    this.#startMs = startMs;
  }

  nowMs(): number {
    // Sleeps have fractions of a ms, a wall clock has none.
    return this.#startMs + Math.floor(this.#elapsedMs);
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  /** How many wait for time to pass. */
  get sleeperCount(): number {
    return this.#sleepers.length;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    assert(ms >= 0, 'sleep: ms must not be negative');
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        wakeAtMs: this.#elapsedMs + ms,
        wake: () => {
          signal?.removeEventListener('abort', sleeper.wake);
          this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
          resolve();
        },
      };
      signal?.addEventListener('abort', sleeper.wake);
      const later = this.#sleepers.findIndex((other) => other.wakeAtMs > sleeper.wakeAtMs);
      this.#sleepers.splice(later === -1 ? this.#sleepers.length : later, 0, sleeper);
    });
  }

  /** Moves time forward by `ms` and wakes, in order, all whose time has come, also those who go to sleep on the way. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await nextTurn();
    for (;;) {
      const next = this.#sleepers[0];
      if (next === undefined || next.wakeAtMs > untilMs) break;
      await this.#wake(next);
    }
    this.#elapsedMs = untilMs;
  }

  /** Jumps to the next sleeper and wakes it; false if nobody sleeps. For running a simulation to its end. */
  async advanceToNext(): Promise<boolean> {
    await nextTurn();
    const next = this.#sleepers[0];
    if (next === undefined) return false;
    await this.#wake(next);
    return true;
  }

  async #wake(sleeper: Sleeper): Promise<void> {
    this.#elapsedMs = sleeper.wakeAtMs;
    sleeper.wake();
    await nextTurn();
  }
}
