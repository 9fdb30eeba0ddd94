/**
 * `npm run test:moto`: the contracts of the ports on AWS once more, on moto, which others have written from AWS's
 * documentation. A second opinion on our reading of it, and on the emulators of test/contract.
 *
 *   main.ts           this file: starts moto, runs the contracts, compares with what is known
 *   moto-server.ts    installs moto into an environment of its own and starts it on loopback
 *   adapters.test.ts  the contracts on moto           requirements.txt  its version and all it needs
 *   known-differences.ts  cases in which moto is not as AWS
 *
 * Exit code 0: every case passes but the known ones, and those fail. When moto cannot run here it is 0, too,
 * and that is said loudly; with MOTO_REQUIRED set it is a failure.
 */
import { env } from 'node:process';
import { type Reporter, startVitest } from 'vitest/node';
import { sayNotRun } from '../support/emulators.ts';
import { knownDifferences } from './known-differences.ts';
import { type MotoServer, startMoto } from './moto-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    readonly motoEndpoint: string;
  }
}

/** Cases that fail and are not known, with their errors; all the rest is said at the end. */
const failureReporter: Reporter = {
  onTestCaseResult(test) {
    const { state, errors = [] } = test.result();
    if (state !== 'failed' || knownDifferences.has(test.fullName)) return;
    write(`FAILED: ${test.fullName}`);
    for (const { stack, message } of errors) write(stack ?? message);
  },
};

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Names of cases by outcome. */
async function runContracts({ endpoint }: MotoServer): Promise<Map<string, string[]>> {
  const vitest = await startVitest('test', [], {
    config: false, // it is no project of the main one: moto has to run first
    include: ['test/moto/**/*.test.ts'],
    setupFiles: ['test/support/setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    run: true,
    watch: false,
    reporters: [failureReporter],
    provide: { motoEndpoint: endpoint },
  });
  const outcomes = new Map<string, string[]>([
    ['passed', []],
    ['failed', []],
    ['skipped', []],
  ]);
  for (const testModule of vitest.state.getTestModules()) {
    for (const test of testModule.children.allTests()) outcomes.get(test.result().state)?.push(test.fullName);
  }
  await vitest.close();
  return outcomes;
}

function judge(outcomes: ReadonlyMap<string, readonly string[]>): boolean {
  const { passed = [], failed = [], skipped = [] } = Object.fromEntries(outcomes);
  const known = [...knownDifferences].filter(
    ([name, { isRace }]) => failed.includes(name) || (isRace && passed.includes(name)),
  );
  const unknown = failed.filter((name) => !knownDifferences.has(name));
  const gone = [...knownDifferences.keys()].filter((name) => !known.some(([each]) => each === name));
  write('\nKnown: here moto is not as AWS');
  for (const [name, { reason }] of known)
    write(`  ${failed.includes(name) ? 'fails' : 'passes this time'}: ${name}\n    ${reason}`);
  for (const name of unknown) write(`FAILED, and not known: ${name}`);
  for (const name of gone) write(`LISTED in known-differences.ts, but it does not fail: ${name}`);
  const problemCount = unknown.length + gone.length + skipped.length;
  const knownCount = failed.length - unknown.length;
  write(`\n      Tests  ${problemCount} failed | ${passed.length} passed; ${knownCount} fail as known`);
  return passed.length > 0 && problemCount === 0;
}

const moto = await startMoto();
if (typeof moto === 'string') {
  sayNotRun('contracts of the ports on moto', moto);
  process.exitCode = env['MOTO_REQUIRED'] === undefined ? 0 : 1;
} else {
  try {
    process.exitCode = judge(await runContracts(moto)) ? 0 : 1;
  } finally {
    await moto.stop();
  }
}
