import { env } from 'node:process';

/** The seed of a suite that has one: its own, or that of INTEROP_SEED. Suites say it in their titles. */
export function suiteSeed(own: number): number {
  return Number(env['INTEROP_SEED'] ?? own);
}

/** Random numbers from a seed (mulberry32): the same seed, the same run. */
export class Seeded {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** Uniform in [0, bound). */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }
}
