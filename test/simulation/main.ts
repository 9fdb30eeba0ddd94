import { parseArgs } from 'node:util';
import { mutants } from './mutants.ts';
import { simulate } from './simulate.ts';

const usage = 'npm run sim -- [--seed N] [--count N] [--trace] [--mutant name]';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '0' },
    count: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    mutant: { type: 'string' },
  },
});
const first = Number(values.seed);
const count = Number(values.count);
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count)) throw new Error(usage);

const mutant = values.mutant === undefined ? {} : mutants[values.mutant];
if (mutant === undefined) throw new Error(`${usage}\nmutants: ${Object.keys(mutants).join(' ')}`);

const startMs = performance.now();
const totals = { events: 0, commits: 0, conflicts: 0, crashes: 0, violations: 0 };
for (let seed = first; seed < first + count; seed++) {
  const onLine = (line: string): void => void process.stdout.write(`${line}\n`);
  const result = await simulate({ seed, mutant, ...(values.trace ? { onLine } : {}) });
  totals.events += result.eventCount;
  totals.commits += result.commitCount;
  totals.conflicts += result.conflictCount;
  totals.crashes += result.crashCount;
  if (result.violation === null) continue;
  totals.violations += 1;
  process.exitCode = 1;
  process.stdout.write(`\nseed ${seed}: ${result.violation.message}\n`);
  if (!values.trace) process.stdout.write(`${result.lastLines.join('\n')}\n`);
}
const seconds = (performance.now() - startMs) / 1_000;
process.stdout.write(
  `${count} seeds from ${first} in ${seconds.toFixed(1)} s (${(count / seconds).toFixed(1)}/s): ${JSON.stringify(totals)}\n`,
);
