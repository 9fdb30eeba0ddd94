import { limits } from '../limits.ts';
import type { Random } from '../ports.ts';

/** Full jitter: uniform below a bound that doubles with each attempt. Rivals that collided come back apart. */
export function commitBackoffMs(random: Random, attempt: number): number {
  return random.uniform() * Math.min(limits.commitBackoffCapMs, limits.commitBackoffBaseMs * 2 ** attempt);
}
