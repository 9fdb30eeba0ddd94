import { healthBounds } from './health-rules.ts';

/** Parts of the window that are forgotten one at a time. */
const slotCount = 10;

/** Share of operations that failed lately. Its size does not grow with their number. */
export class RateWindow {
  readonly #slotMs = healthBounds.errorWindowMs / slotCount;
  readonly #totals = new Float64Array(slotCount);
  readonly #failures = new Float64Array(slotCount);
  #newest = 0;

  /** @param nowMs monotonic */
  add(failed: boolean, nowMs: number): void {
    const slot = this.#moveTo(nowMs);
    this.#totals[slot] = (this.#totals[slot] ?? 0) + 1;
    if (failed) this.#failures[slot] = (this.#failures[slot] ?? 0) + 1;
  }

  /** 0 to 1; 0 while there are too few operations to speak of a rate. */
  rate(nowMs: number): number {
    this.#moveTo(nowMs);
    const total = sum(this.#totals);
    return total < healthBounds.operationsMin ? 0 : sum(this.#failures) / total;
  }

  /** Forgets what has left the window. */
  #moveTo(nowMs: number): number {
    const now = Math.max(this.#newest, Math.floor(nowMs / this.#slotMs));
    for (let i = Math.max(this.#newest + 1, now - slotCount + 1); i <= now; i++) {
      this.#totals[i % slotCount] = 0;
      this.#failures[i % slotCount] = 0;
    }
    this.#newest = now;
    return now % slotCount;
  }
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
