import { expect, it } from 'vitest';
import { mutants } from './all-mutants.ts';
import { allCasts } from './casts.ts';
import { explore } from './exhaustive.ts';

/** `npm run sim -- --exhaustive` goes on to two deviations; docs/protocol.md has its counts. */
it.each(allCasts)('every order with one deviation: %s', { timeout: 120_000 }, async (cast) => {
  const { schedules, failure } = await explore(cast, 1);
  expect(failure).toBeNull();
  expect(schedules).toBeGreaterThan(40);
});

const explored = Object.entries(mutants).filter(([, { cast }]) => cast !== undefined);

/** What needs a race of three around one write: a seed would take thousands of tries. */
it.each(explored)('one deviation catches %s', { timeout: 120_000 }, async (_, mutant) => {
  const { failure } = await explore(mutant.cast ?? 'upkeep', 1, mutant);
  expect(mutant.caughtBy).toContain(failure?.invariant);
});
