import { expect, it } from 'vitest';
import { explore } from './exhaustive.ts';

/** `npm run sim -- --exhaustive` goes on to two deviations; docs/protocol.md has its counts. */
it.each(['upkeep', 'restore'] as const)(
  'every order with one deviation: %s',
  { timeout: 120_000 },
  async (cast) => {
    const { schedules, failure } = await explore(cast, 1);
    expect(failure).toBeNull();
    expect(schedules).toBeGreaterThan(80);
  },
);
