import { SeededRandom } from '../../lib/memory/random.ts';
import type { Clock, Random } from '../../lib/ports.ts';
import type { World } from './world.ts';

/**
 * A process of the simulation. Crashed, nothing is ever delivered to it again: its promises stay open and its objects
 * are dropped. Frozen (a sandbox between two invocations), everything waits until it thaws.
 */
export class SimProcess {
  readonly name: string;
  readonly world: World;
  readonly random: Random;
  readonly #clock: SimClock;
  readonly #onCrash: () => void;
  #isAlive = true;
  #frozenUntilMs = 0;

  /** @param skewMs how far its wall clock is off */
  constructor(name: string, world: World, { skewMs, onCrash }: { skewMs: number; onCrash: () => void }) {
    this.name = name;
    this.world = world;
    this.#onCrash = onCrash;
    this.random = new SeededRandom(Math.floor(world.random.uniform() * 2 ** 48));
    this.#clock = new SimClock(this, skewMs);
  }

  get clock(): Clock {
    return this.#clock;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  crash(): void {
    if (!this.#isAlive) return;
    this.world.trace(() => `${this.name} CRASH`);
    this.#isAlive = false;
    this.#onCrash();
  }

  freeze(ms: number): void {
    this.world.trace(() => `${this.name} FREEZE ${ms.toFixed(0)}`);
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.world.nowMs + ms);
  }

  thaw(): void {
    this.#frozenUntilMs = 0;
  }

  /** The wall clock is set, by up to a minute. Time that was measured is not touched by it. */
  jumpClock(): void {
    const jumpMs = this.world.count(-60_000, 60_000);
    this.world.trace(() => `${this.name} CLOCK ${jumpMs}`);
    this.#clock.jump(jumpMs);
  }

  /** Runs `action` inside the process after `delayMs`, if it still lives then and when it is not frozen. */
  deliver(delayMs: number, action: () => void): void {
    this.world.schedule(delayMs, () => {
      if (!this.#isAlive) return;
      const waitMs = this.#frozenUntilMs - this.world.nowMs;
      if (waitMs > 0) this.deliver(Math.min(waitMs, 1_000), action);
      else action();
    });
  }
}

/** A wall clock that is off, and monotonic time that is not. */
class SimClock implements Clock {
  readonly #process: SimProcess;
  #skewMs: number;

  constructor(process: SimProcess, skewMs: number) {
    this.#process = process;
    this.#skewMs = Math.floor(skewMs);
  }

  nowMs(): number {
    return this.#process.world.wallMs + this.#skewMs;
  }

  monotonicMs(): number {
    return this.#process.world.nowMs;
  }

  /** Within two minutes of the truth: what is further off is not a clock. */
  jump(ms: number): void {
    this.#skewMs = Math.max(-120_000, Math.min(120_000, this.#skewMs + ms));
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    if (signal === undefined) return new Promise((resolve) => this.#process.deliver(ms, resolve));
    return new Promise((resolve) => {
      // Taken off again: a signal outlives thousands of sleeps, and looks at all its listeners for each new one.
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#process.deliver(ms, wake);
      signal.addEventListener('abort', wake);
    });
  }
}
