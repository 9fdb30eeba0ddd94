import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { type Failure, runBatch } from './batch.ts';
import { drawScenario } from './scenario.ts';
import { simulate } from './simulate.ts';

const seedCount = 2_000;

it(`holds every invariant for ${seedCount} seeds`, { timeout: 600_000 }, async () => {
  const batch = { first: 0, count: seedCount, mutant: null, untilFailure: true };
  const { totals, failures, coverage } = await runBatch(batch, Math.min(2, availableParallelism()));
  for (const failure of failures) throw new Error(describeFailure(failure));
  // A simulation in which nothing goes wrong proves nothing.
  expect(totals.seeds).toBe(seedCount);
  expect(totals.commits).toBeGreaterThan(4 * seedCount);
  expect(totals.conflicts).toBeGreaterThan(seedCount / 2);
  expect(totals.crashes).toBeGreaterThan(seedCount / 2);
  // What happens once in a run or less takes more seeds: docs/protocol.md has the table of a long run.
  const rare =
    /^(?:head\.(?:advance|floor|pin|unpin|serve|replace)|shelf\.|floor\.|late|quarantine|send|stream|inline\.|inbox\.)/;
  expect(coverage.missing().filter((cell) => !rare.test(cell))).toEqual([]);
});

it('replays a seed exactly, traced or not', { timeout: 60_000 }, async () => {
  const run = (seed: number) => simulate({ scenario: drawScenario(seed) });
  for (let seed = 0; seed < 15; seed++) {
    const [first, second] = [await run(seed), await run(seed)];
    expect(second).toEqual(first);
    const lines: string[] = [];
    const traced = await simulate({ scenario: drawScenario(seed), onLine: (line) => lines.push(line) });
    expect(traced.digest).toBe(first.digest);
    expect(lines.length).toBeGreaterThan(20);
  }
  expect((await run(0)).digest).not.toBe((await run(1)).digest);
});

function describeFailure({ seed, message, lastLines }: Failure): string {
  return `seed ${seed}: ${message}\nreplay: npm run sim -- --seed ${seed} --trace\n${lastLines.join('\n')}`;
}
