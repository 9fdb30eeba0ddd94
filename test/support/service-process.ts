/** The long-lived consumer as it is deployed: the built bundle as a process of its own, talked to over HTTP. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startGuarded } from '../../lib/local-cloud/child-guard.ts';
import { eventually } from './eventually.ts';
import type { LogLine, TestCloud } from './test-cloud.ts';

const bundle = join(import.meta.dirname, '..', '..', 'dist', 'consumer-service', 'index.mjs');

export interface ServiceAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export interface ServiceProcess {
  readonly processId: number;
  readonly port: number;
  /** What it has printed so far. */
  readonly log: readonly LogLine[];
  get(path: string): Promise<ServiceAnswer>;
  /** Sends SIGTERM and resolves with the exit code; null: it had to be ended, or another signal ended it. */
  stop(): Promise<number | null>;
}

/** Resolves when it listens, whatever it has loaded. */
export async function startService({ cloud, output }: TestCloud): Promise<ServiceProcess> {
  const log: LogLine[] = [];
  const program = startGuarded(process.execPath, ['--enable-source-maps', bundle], {
    environment: {
      ...cloud.environment,
      HOLLOW_DATASET: 'cities',
      HOLLOW_TABLE: output('TableName'),
      HOLLOW_BUCKET: output('BucketName'),
      HOLLOW_ANNOUNCEMENT_QUEUE_URL: output('AnnouncementQueueUrl'),
      PORT: '0',
    },
    onOutput: (input) =>
      createInterface({ input }).on('line', (line) => log.push({ ...JSON.parse(line), source: 'service' })),
  });
  let url = '';
  try {
    url = await eventually(() => {
      const listening = log.find(({ message }) => message === 'listening');
      if (typeof listening?.['url'] === 'string') return listening['url'];
      throw new Error(`the service does not listen: ${program.errors()}`);
    });
  } catch (error) {
    await program.stop();
    throw error;
  }
  return {
    processId: findProcessId(program.process.pid ?? -1),
    port: Number(new URL(url).port),
    log,
    async get(path) {
      const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(5_000) });
      return { status: answer.status, headers: answer.headers, body: await answer.json() };
    },
    async stop() {
      await program.stop();
      return program.exited;
    },
  };
}

/** The program itself; between it and us is the shell of the guard. */
function findProcessId(guardId: number): number {
  const children = readFileSync(`/proc/${guardId}/task/${guardId}/children`, 'utf8')
    .split(' ')
    .filter(Boolean);
  const found = children.find((id) => readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(bundle));
  if (found === undefined) throw new Error('the service has no process');
  return Number(found);
}
