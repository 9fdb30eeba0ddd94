import { healthBounds } from '../health-rules.ts';
import type { Clock, ServedRef } from '../ports.ts';
import { RateWindow } from '../rate-window.ts';

/** How a producer is: what a long-lived one answers its supervisor with, after {@link judgeHealth} has judged it. */
export interface ProducerHealth {
  /** The version whose state is kept warm; null: none. */
  readonly version: ServedRef | null;
  /** Since a batch went in whole, or the queue said that it has nothing, ms; null: never. */
  readonly idleMs: number | null;
  /** For `judgeHealth`: {@link healthBounds.producerIdleMsMax}. */
  readonly idleMsMax: number;
  /** Share of batches, lately, of which something has to come again, 0 to 1 (lib/rate-window.ts). */
  readonly errorRate: number;
}

/** What a producer remembers of how its batches went. */
export class Activity {
  readonly #clock: Clock;
  readonly #outcomes = new RateWindow();
  #activeAtMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An empty queue is activity too: an idle dataset is a healthy one. */
  sawNothing(): void {
    this.#activeAtMs = this.#clock.monotonicMs();
  }

  ended(failed: boolean): void {
    const nowMs = this.#clock.monotonicMs();
    this.#outcomes.add(failed, nowMs);
    if (!failed) this.#activeAtMs = nowMs;
  }

  health(version: ServedRef | null): ProducerHealth {
    const nowMs = this.#clock.monotonicMs();
    return {
      version,
      idleMs: this.#activeAtMs === null ? null : nowMs - this.#activeAtMs,
      idleMsMax: healthBounds.producerIdleMsMax,
      errorRate: this.#outcomes.rate(nowMs),
    };
  }
}
