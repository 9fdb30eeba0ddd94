/**
 * Rehearses deployments: the synthesized templates and the built bundles in the local cloud, under load of reads and
 * writes, with new versions that are good, that a check can see are bad, and that no check can see are bad.
 * `npm run rehearse -- --seed 7`
 *
 *   scenarios.ts      what is deployed          expectations.ts   what must come of it      summary.ts   the table
 *   rehearsal.ts      the cloud and its load    lookups.ts        readers                   alarm-clock.ts  CloudWatch
 *   next-assembly.ts  the next template         versions/         the next bundles
 */
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readAssembly } from '../../lib/local-cloud/assembly.ts';
import { defaultMinuteMs, Rehearsal } from './rehearsal.ts';
import { buildVersions, type Scenario, scenariosOf } from './scenarios.ts';
import { type Played, tableOf } from './summary.ts';
import { writeAssemblies } from './write-assemblies.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    /** Only scenarios with this in their name. */
    only: { type: 'string', default: '' },
  },
});
const seed = Number(values.seed);
const line = (text: string): void => void process.stdout.write(`${text}\n`);
line(
  `rehearsal: seed ${seed}; a minute of the template is ${defaultMinuteMs / 1_000} s here, 1 s is ${60_000 / defaultMinuteMs} s`,
);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const startMs = performance.now();
const assemblies = mkdtempSync(join(tmpdir(), 'hollow-rehearsal-'));
const played: Played[] = [];
try {
  const all = scenariosOf(await buildVersions()).filter(({ name }) => name.includes(values.only));
  const stages = [...new Set(all.map(({ stage }) => stage))];
  await writeAssemblies(assemblies, stages);
  for (const stage of stages)
    await play(
      stage,
      all.filter((scenario) => scenario.stage === stage),
    );
} finally {
  rmSync(assemblies, { recursive: true, force: true });
}

async function play(stage: string, scenarios: readonly Scenario[]): Promise<void> {
  const rehearsal = await Rehearsal.start(readAssembly(assemblies, `serverless-hollow-${stage}`), seed);
  try {
    for (const [index, scenario] of scenarios.entries()) {
      line(`${stage}: ${scenario.name} …`);
      const rolled = await rehearsal.roll(scenario.change, `Next${index}`);
      const problems = await scenario.judge(rolled, rehearsal);
      played.push({ scenario, rolled, problems });
      for (const reason of [...rolled.findings, rolled.refusal ?? 'deployed']) line(`  ${reason}`);
    }
  } finally {
    await rehearsal.stop();
  }
}

line(`\n${tableOf(played).join('\n')}`);
let problemCount = 0;
for (const { scenario, problems } of played) {
  for (const problem of problems) line(`PROBLEM: ${scenario.name}: ${problem}`);
  problemCount += problems.length;
}
line(`\n${played.length} scenarios in ${((performance.now() - startMs) / 1_000).toFixed(0)} s, seed ${seed}`);
process.exitCode = problemCount === 0 && played.length > 0 ? 0 : 1;
