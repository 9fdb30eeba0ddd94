import { expect, it } from 'vitest';
import { corpus } from './corpus.ts';
import { simulate } from './simulate.ts';

it.each(corpus)('holds: $why', { timeout: 30_000 }, async ({ scenario }) => {
  const { violation, commitCount } = await simulate({ scenario });
  expect(violation).toBeNull();
  expect(commitCount).toBeGreaterThan(0);
});
