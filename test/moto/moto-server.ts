import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startGuarded } from '../../lib/local-cloud/child-guard.ts';
import { freePort } from '../../lib/local-cloud/http.ts';

const requirements = join(import.meta.dirname, 'requirements.txt');
const environment = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'moto');
const installMsMax = 300_000;
const readyMsMax = 60_000;

export interface MotoServer {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Starts moto on loopback, installed before if it is not yet. A text says why that cannot be done here. */
export async function startMoto(): Promise<MotoServer | string> {
  const problem = await install();
  if (problem !== null) return problem;
  const port = await freePort();
  const program = startGuarded(join(environment, 'bin', 'python'), [
    '-m',
    'moto.server',
    ...['-H', '127.0.0.1', '-p', String(port)],
  ]);
  const endpoint = `http://127.0.0.1:${port}`;
  for (const endMs = performance.now() + readyMsMax; performance.now() < endMs; ) {
    const answer = await fetch(`${endpoint}/moto-api/data.json`).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return { endpoint, stop: () => program.stop() };
    await sleep(50);
  }
  await program.stop();
  return `moto does not start: ${program.errors().trim()}`;
}

/** Null: it is there, in the versions of requirements.txt. */
async function install(): Promise<string | null> {
  const wanted = readFileSync(requirements, 'utf8');
  const installed = join(environment, 'installed.txt');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === wanted) return null;
  if (spawnSync('python3', ['-m', 'venv', '--help']).status !== 0) return 'python3 with venv is missing';
  rmSync(environment, { recursive: true, force: true });
  const run = promisify(execFile);
  try {
    await run('python3', ['-m', 'venv', environment], { timeout: installMsMax });
    const pip = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--requirement',
      requirements,
    ];
    await run(join(environment, 'bin', 'python'), pip, { timeout: installMsMax });
    writeFileSync(installed, wanted);
    return null;
  } catch (error) {
    return `pip cannot install ${requirements}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
