import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type Failure, runBatch } from './batch.ts';
import { mutants } from './mutants.ts';
import { drawScenario } from './scenario.ts';
import { simulate } from './simulate.ts';

const usage = `npm run sim -- [--seed N] [--seeds N] [--mutant NAME] [--trace] [--coverage]

  --seed N      first seed; alone: just this one
  --seeds N     so many seeds, on all cores
  --mutant NAME a protocol that is wrong on purpose: ${Object.keys(mutants).join(' ')}
  --trace       every event of the one seed
  --coverage    how often each fault struck at each call
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '0' },
    seeds: { type: 'string', default: '1' },
    mutant: { type: 'string' },
    trace: { type: 'boolean', default: false },
    coverage: { type: 'boolean', default: false },
  },
});
const [first, count] = [Number(values.seed), Number(values.seeds)];
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1) throw new Error(usage);
const mutant = values.mutant ?? null;
if (mutant !== null && mutants[mutant] === undefined) throw new Error(usage);

if (values.trace) await trace(first);
else await runSeeds();

async function trace(seed: number): Promise<void> {
  const result = await simulate({
    scenario: drawScenario(seed),
    mutant: mutant === null ? {} : (mutants[mutant] ?? {}),
    onLine: (line) => void process.stdout.write(`${line}\n`),
  });
  process.stdout.write(`${result.violation?.message ?? 'every invariant held'}, digest ${result.digest}\n`);
  if (result.violation !== null) process.exitCode = 1;
}

async function runSeeds(): Promise<void> {
  const startMs = performance.now();
  const perSecond = (seeds: number): string => (seeds / ((performance.now() - startMs) / 1_000)).toFixed(1);
  const workerCount = Math.min(availableParallelism(), Math.ceil(count / 50));
  const { totals, failures, coverage } = await runBatch(
    { first, count, mutant, untilFailure: mutant !== null },
    workerCount,
    (seeds) => process.stdout.write(`${seeds} of ${count} seeds, ${perSecond(seeds)}/s\n`),
  );
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
  for (const failure of failures) print(failure);
  if (values.coverage) process.stdout.write(coverage.table());
  process.stdout.write(
    `${totals.seeds} seeds from ${first} in ${seconds} s on ${workerCount} cores (${perSecond(totals.seeds)}/s): ` +
      `${totals.events} events, ${totals.commits} commits, ${totals.conflicts} lost races, ${totals.crashes} crashes, ` +
      `${failures.length} violations\n`,
  );
  if (failures.length > 0) process.exitCode = 1;
}

function print({ seed, message, lastLines }: Failure): void {
  const which = mutant === null ? '' : ` --mutant ${mutant}`;
  process.stdout.write(
    `\nseed ${seed}: ${message}\n${lastLines.join('\n')}\nreplay: npm run sim -- --seed ${seed}${which} --trace\n`,
  );
}
