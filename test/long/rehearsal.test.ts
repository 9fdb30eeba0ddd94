/** The short form of `npm run rehearse`: deploy-check end to end, with both answers, and a rollback by alarm. */
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAssembly } from '../../lib/local-cloud/assembly.ts';
import { Rehearsal, type Rolled } from '../rehearsal/rehearsal.ts';
import { buildVersions, type Scenario, scenariosOf } from '../rehearsal/scenarios.ts';
import { writeAssemblies } from '../rehearsal/write-assemblies.ts';

const seed = randomInt(2 ** 31);
/** Of the template: more than `npm run rehearse` takes, as other suites may run beside this one. */
const minuteMs = 10_000;
let directory: string;
let scenarios: readonly Scenario[];
let rehearsal: Rehearsal;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hollow-rehearsal-'));
  scenarios = scenariosOf(await buildVersions());
  await writeAssemblies(directory, ['staging']);
  rehearsal = await Rehearsal.start(readAssembly(directory, 'serverless-hollow-staging'), seed, minuteMs);
});

afterAll(async () => {
  await rehearsal?.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function play(name: string): Promise<Rolled> {
  const scenario = scenarios.find((each) => each.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  const rolled = await rehearsal.roll(scenario.change, name.replaceAll(/\W/g, ''));
  expect(await scenario.judge(rolled, rehearsal), `seed ${seed}`).toEqual([]);
  return rolled;
}

test('a version that the check can see is bad gets no traffic', async () => {
  const { deployments } = await play('a consumer that reads one field wrong');
  expect(deployments.map(({ hooks }) => hooks)).toEqual([{ BeforeAllowTraffic: 'Failed' }]);
});

test('a version that fails unseen passes the check, and an alarm takes it back', async () => {
  const { deployments } = await play('a consumer that fails a fifth in a way no check sees');
  expect(deployments.map(({ hooks }) => hooks)).toEqual([{ BeforeAllowTraffic: 'Succeeded' }]);
});
