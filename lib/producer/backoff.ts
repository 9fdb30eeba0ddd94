import { limits } from '../limits.ts';
import type { Random } from '../ports.ts';

/** After a failure. Full jitter: uniform below a bound that doubles with each attempt. */
export function commitBackoffMs(random: Random, attempt: number): number {
  return random.uniform() * Math.min(limits.commitBackoffCapMs, limits.commitBackoffBaseMs * 2 ** attempt);
}

/**
 * After a lost race. It does not grow: every conflict means that a rival got on, so nothing is overloaded, and a loser
 * that waits longer the more often it lost would starve behind a rival that commits batch after batch.
 */
export function conflictPauseMs(random: Random): number {
  return random.uniform() * limits.conflictPauseMsMax;
}
