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
  readonly clock: Clock;
  readonly random: Random;
  readonly #onCrash: () => void;
  #isAlive = true;
  #frozenUntilMs = 0;

  constructor(name: string, world: World, onCrash: () => void) {
    this.name = name;
    this.world = world;
    this.#onCrash = onCrash;
    this.random = new SeededRandom(Math.floor(world.random.uniform() * 2 ** 48));
    this.clock = new SimClock(this, world.between(-200, 200));
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  crash(): void {
    if (!this.#isAlive) return;
    this.world.trace(`${this.name} CRASH`);
    this.#isAlive = false;
    this.#onCrash();
  }

  freeze(ms: number): void {
    this.world.trace(`${this.name} FREEZE ${ms.toFixed(0)}`);
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.world.nowMs + ms);
  }

  thaw(): void {
    this.#frozenUntilMs = 0;
  }

  /** Runs `action` inside the process after `delayMs`, if it still lives then and when it is not frozen. */
  deliver(delayMs: number, label: string, action: () => void): void {
    this.world.schedule(delayMs, label, () => {
      if (!this.#isAlive) return;
      const waitMs = this.#frozenUntilMs - this.world.nowMs;
      if (waitMs > 0) this.deliver(Math.min(waitMs, 1_000), label, action);
      else action();
    });
  }
}

/** Wall clocks are off by a little, and differently in each process. */
class SimClock implements Clock {
  readonly #process: SimProcess;
  readonly #skewMs: number;

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

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      this.#process.deliver(ms, 'wake', resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
