import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { mutants } from './all-mutants.ts';
import { type Failure, runBatch } from './batch.ts';
import { allCasts } from './casts.ts';
import { drill, quantile } from './drill.ts';
import { explore } from './exhaustive.ts';
import type { Mutant } from './mutants.ts';
import { drawScenario } from './scenario.ts';
import { describeScenario, shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

const usage = `npm run sim -- [--seed N] [--seeds N] [--mutant NAME] [--mutants] [--trace] [--shrink] [--coverage] [--exhaustive] [--drill]

  --seed N      first seed; alone: just this one
  --seeds N     so many seeds, on all cores
  --mutant NAME a protocol that is wrong on purpose: ${Object.keys(mutants).join(' ')}
  --mutants     for each of them, how many seeds it takes until it is caught, at most --seeds
  --trace       every event of the one seed
  --shrink      the one seed, which fails, as a story that is short enough to be read
  --coverage    how often each fault struck at each call
  --drill       the loss of the home of a chain: how long, and how much
  --exhaustive  every order of a small run with at most two deviations from the usual one
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '0' },
    seeds: { type: 'string', default: '1' },
    mutant: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    coverage: { type: 'boolean', default: false },
    drill: { type: 'boolean', default: false },
    exhaustive: { type: 'boolean', default: false },
  },
});
const [first, count] = [Number(values.seed), Number(values.seeds)];
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1) throw new Error(usage);
const mutant = values.mutant ?? null;
if (mutant !== null && mutants[mutant] === undefined) throw new Error(usage);

const write = (text: string): void => void process.stdout.write(text);

if (values.trace) await trace(first);
else if (values.drill) await drillAll();
else if (values.exhaustive) await exploreAll(2);
else if (values.mutants) await tabulateMutants();
else if (values.shrink) await shrinkSeed(first);
else await runSeeds();

function mutantOf(): Mutant {
  return mutant === null ? {} : (mutants[mutant] ?? {});
}

async function drillAll(): Promise<void> {
  for (const lagVersions of [0, 2, 8]) {
    const { recoveries, failure } = await drill(Math.max(count, 100), lagVersions);
    const outages = recoveries.map(({ outageMs }) => outageMs);
    const lost = recoveries.map(({ lostVersions }) => lostVersions);
    const ms = (share: number): string => quantile(outages, share).toFixed(0);
    write(
      `replica ${lagVersions} writes behind, ${recoveries.length} failovers: outage p50 ${ms(0.5)}, p95 ${ms(0.95)}, ` +
        `longest ${ms(1)} virtual ms; versions lost p50 ${quantile(lost, 0.5)}, most ${quantile(lost, 1)}; ` +
        `${failure ?? 'no violation'}\n`,
    );
    if (failure !== null) process.exitCode = 1;
  }
}

async function exploreAll(deviationsMax: number): Promise<void> {
  for (const cast of allCasts) {
    const startMs = performance.now();
    const { schedules, stepsMax, failure } = await explore(cast, deviationsMax);
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
    const bound = `at most ${deviationsMax} deviations in up to ${stepsMax} steps`;
    write(
      `${cast}: ${schedules} schedules, ${bound}, ${seconds} s: ${JSON.stringify(failure ?? 'no violation')}\n`,
    );
    if (failure !== null) process.exitCode = 1;
  }
}

/** A table in Markdown. */
async function tabulateMutants(): Promise<void> {
  write('| mutant | caught by | seeds |\n| --- | --- | ---: |\n');
  for (const [name, wrong] of Object.entries(mutants)) {
    const { caughtBy = [], cast } = wrong;
    if (cast !== undefined) {
      const { failure, schedules } = await explore(cast, 1, wrong);
      const isRight = caughtBy.includes(failure?.invariant ?? '');
      if (!isRight) process.exitCode = 1;
      write(`| ${name} | ${failure?.invariant ?? ''} | ${schedules} orders of ${cast} |\n`);
      continue;
    }
    const batch = { first, count: Math.max(count, 2_000), mutant: name, untilFailure: true };
    const { failures } = await runBatch(batch, 1);
    const [failure] = failures;
    const isRight = failure !== undefined && caughtBy.includes(failure.invariant);
    if (!isRight) process.exitCode = 1;
    const seeds = failure === undefined ? `survived ${batch.count}` : String(failure.seed - first + 1);
    write(`| ${name} | ${failure?.invariant ?? ''}${isRight ? '' : ' (not foreseen)'} | ${seeds} |\n`);
  }
}

async function shrinkSeed(seed: number): Promise<void> {
  const failed = await simulate({ scenario: drawScenario(seed), mutant: mutantOf() });
  if (failed.violation === null) return write(`seed ${seed}: every invariant held\n`);
  const { result, runs } = await shrink(failed, mutantOf());
  const isStep = (line: string): boolean => !/ (?:receive|head\.load)  ?\S* ?applied$/.test(line);
  write(
    `${describeScenario(result.scenario)} (${runs} runs)\n${result.lastLines.filter(isStep).join('\n')}\n`,
  );
  process.exitCode = 1;
}

async function trace(seed: number): Promise<void> {
  const result = await simulate({
    scenario: drawScenario(seed),
    mutant: mutantOf(),
    onLine: (line) => write(`${line}\n`),
  });
  write(`${result.violation?.message ?? 'every invariant held'}, digest ${result.digest}\n`);
  if (result.violation !== null) process.exitCode = 1;
}

async function runSeeds(): Promise<void> {
  const startMs = performance.now();
  const perSecond = (seeds: number): string => (seeds / ((performance.now() - startMs) / 1_000)).toFixed(1);
  const workerCount = Math.min(availableParallelism(), Math.ceil(count / 50));
  const { totals, failures, coverage } = await runBatch(
    { first, count, mutant, untilFailure: mutant !== null },
    workerCount,
    {
      onProgress: (seeds) => write(`${seeds} of ${count} seeds, ${perSecond(seeds)}/s\n`),
      onFailure: print,
    },
  );
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
  if (values.coverage) write(coverage.table());
  write(
    `${totals.seeds} seeds from ${first} in ${seconds} s on ${workerCount} cores (${perSecond(totals.seeds)}/s): ` +
      `${totals.events} events, ${totals.commits} commits, ${totals.conflicts} lost races, ${totals.crashes} crashes, ` +
      `${failures.length} violations\n`,
  );
  if (failures.length > 0) process.exitCode = 1;
}

function print({ seed, message, lastLines }: Failure): void {
  const which = mutant === null ? '' : ` --mutant ${mutant}`;
  write(
    `\nseed ${seed}: ${message}\n${lastLines.join('\n')}\nreplay: npm run sim -- --seed ${seed}${which} --trace\n`,
  );
}
