import { expect, it } from 'vitest';
import { type SimulationResult, simulate } from './simulate.ts';

const seedCount = 200;

it(`holds every invariant for ${seedCount} seeds`, { timeout: 120_000 }, async () => {
  const totals = { commits: 0, conflicts: 0, crashes: 0 };
  for (let seed = 0; seed < seedCount; seed++) {
    const result = await simulate({ seed });
    if (result.violation !== null) throw new Error(describeFailure(result));
    totals.commits += result.commitCount;
    totals.conflicts += result.conflictCount;
    totals.crashes += result.crashCount;
  }
  // A simulation in which nothing goes wrong proves nothing.
  expect(totals.commits).toBeGreaterThan(5 * seedCount);
  expect(totals.conflicts).toBeGreaterThan(seedCount / 2);
  expect(totals.crashes).toBeGreaterThan(seedCount / 2);
});

it('replays a seed exactly', { timeout: 60_000 }, async () => {
  for (let seed = 0; seed < 15; seed++) {
    const [first, second] = [await simulate({ seed }), await simulate({ seed })];
    expect(second).toEqual(first);
  }
  expect((await simulate({ seed: 0 })).digest).not.toBe((await simulate({ seed: 1 })).digest);
});

function describeFailure({ seed, violation, lastLines }: SimulationResult): string {
  const replay = `npm run sim -- --seed ${seed} --trace`;
  return `seed ${seed}: ${violation?.message}\nreplay: ${replay}\n${lastLines.join('\n')}`;
}
