import { describe, expect, it } from 'vitest';
import { mutants } from '../simulation/all-mutants.ts';
import { runBatch } from '../simulation/batch.ts';

/**
 * Those that take many more than others are run by `npm run sim -- --mutants`, which docs/protocol.md has the table of; those that
 * take a certain order, by test/simulation/exhaustive.test.ts.
 */
const seedsMax = 300;
const slow: ReadonlySet<string> = new Set(['cleanBeforeFloor', 'cleanUnreferenced', 'restoreLowersFloor']);

describe('a protocol that is wrong on purpose is caught', () => {
  const fast = Object.entries(mutants).filter(([name, { cast }]) => cast === undefined && !slow.has(name));

  it.each(fast)('%s', { timeout: 300_000 }, async (mutant, { caughtBy }) => {
    const batch = { first: 0, count: seedsMax, mutant, untilFailure: true };
    // In one thread: the seed that fails first is the same each time.
    const { failures } = await runBatch(batch, 1);
    expect(failures.length, `${mutant} survived ${seedsMax} seeds`).toBeGreaterThan(0);
    for (const { invariant } of failures) expect(caughtBy).toContain(invariant);
  });
});
