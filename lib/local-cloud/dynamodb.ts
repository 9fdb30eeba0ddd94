/** DynamoDB: dynoxide, a native program over SQLite, behind the counting proxy. */
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatasetError } from '../errors.ts';
import { type GuardedProgram, startGuarded } from './child-guard.ts';
import { startCountingProxy } from './counting-proxy.ts';
import type { LocalService } from './environment.ts';
import { freePort } from './http.ts';

export interface DynamoDbOptions {
  /** Where the tables are kept. Absent: in memory. */
  readonly directory?: string;
  readonly port?: number;
}

const startAttemptsMax = 3;
const readyMsMax = 10_000;

export async function startDynamoDb(
  options: DynamoDbOptions = {},
): Promise<LocalService & { processId: number }> {
  const program = findProgram();
  const storage =
    options.directory === undefined ? [] : ['--db-path', join(options.directory, 'dynamodb.db')];
  if (options.directory !== undefined) mkdirSync(options.directory, { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    // The program cannot choose its own port. Another process may take this one first: then the start is repeated.
    const upstreamPort = await freePort();
    const address = ['--host', '127.0.0.1', '--port', String(upstreamPort)];
    const child = startGuarded(program, ['serve', ...address, ...storage]);
    if (await isReady(child, upstreamPort)) {
      const proxy = await startCountingProxy(upstreamPort, options.port);
      return {
        endpoint: proxy.endpoint,
        processId: child.process.pid ?? -1,
        requests: () => proxy.requests(),
        async stop() {
          await proxy.close();
          await child.stop();
        },
      };
    }
    await child.stop();
    if (attempt === startAttemptsMax) {
      throw new DatasetError('unavailable', `DynamoDB stand-in does not start: ${child.errors().trim()}`);
    }
  }
}

/** Each platform's program is a package of its own, an optional dependency; so far there is one. */
function findProgram(): string {
  const name = `@dynoxide/${process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    return join(dirname(require.resolve(`${name}/package.json`)), 'dynoxide');
  } catch (cause) {
    throw new DatasetError(
      'unavailable',
      `The local cloud needs a DynamoDB stand-in, and the package ${name} is not installed. It exists for ` +
        'linux-x64 only so far: run there (a Linux container or virtual machine will do), after `npm ci`.',
      { platform: process.platform, arch: process.arch },
      cause,
    );
  }
}

async function isReady(child: GuardedProgram, port: number): Promise<boolean> {
  let ended = false;
  void child.exited.then(() => {
    ended = true;
  });
  const headers = {
    'x-amz-target': 'DynamoDB_20120810.ListTables',
    'content-type': 'application/x-amz-json-1.0',
    authorization:
      'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
    'x-amz-date': '20260101T000000Z',
  };
  for (const end = performance.now() + readyMsMax; performance.now() < end && !ended; ) {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: '{}' }).catch(
      () => null,
    );
    await answer?.arrayBuffer();
    if (answer?.status === 200 && !ended) return true;
    await sleep(10);
  }
  return false;
}
