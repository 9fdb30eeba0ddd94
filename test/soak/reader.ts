/** The consumer service as a process of its own, killed and started again; its versions must only ever rise. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LocalCloud } from '../../lib/local-cloud/cloud.ts';
import { freePort } from '../../lib/local-cloud/http.ts';

const bundle = join(import.meta.dirname, '..', '..', 'dist', 'consumer-service', 'index.mjs');

export class Reader {
  readonly #cloud: LocalCloud;
  readonly problems: string[] = [];
  starts = 0;
  #process: ChildProcess | null = null;
  #url = '';
  #isRestarting = false;

  constructor(cloud: LocalCloud) {
    this.#cloud = cloud;
    process.once('exit', () => this.#process?.kill('SIGKILL'));
  }

  async start(): Promise<void> {
    const port = await freePort();
    const { outputs, environment } = this.#cloud;
    const child = spawn(process.execPath, ['--enable-source-maps', bundle], {
      env: {
        PATH: '/usr/local/bin:/usr/bin:/bin',
        ...environment,
        HOLLOW_DATASET: 'cities',
        HOLLOW_TABLE: outputs['TableName'] ?? '',
        HOLLOW_BUCKET: outputs['BucketName'] ?? '',
        HOLLOW_ANNOUNCEMENT_QUEUE_URL: outputs['AnnouncementQueueUrl'] ?? '',
        PORT: String(port),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = child;
    this.#url = `http://127.0.0.1:${port}`;
    this.starts += 1;
    let last = [0, 0];
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.includes('"serving a new version"')) return;
      const { era, version }: { readonly era: number; readonly version: number } = JSON.parse(line);
      const isNewer = era > (last[0] ?? 0) || (era === last[0] && version > (last[1] ?? 0));
      if (!isNewer) this.problems.push(`a consumer went from ${last.join('/')} to ${era}/${version}`);
      last = [era, version];
    });
    child.once('exit', (code) => {
      if (this.#process !== child) return;
      this.#process = null;
      if (code !== null) this.problems.push(`the consumer service ended with ${code}`);
    });
  }

  /** Kills it and starts another one, unless somebody is at it. */
  async restart(): Promise<void> {
    if (this.#isRestarting) return;
    this.#isRestarting = true;
    await this.kill();
    await this.start();
    this.#isRestarting = false;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Null: it does not answer, or has nothing yet. */
  async version(): Promise<number | null> {
    try {
      const answer = await fetch(`${this.#url}/datasets/cities`, { signal: AbortSignal.timeout(5_000) });
      if (answer.status !== 200) return null;
      const { version }: { readonly version: number } = JSON.parse(await answer.text());
      return version;
    } catch {
      return null;
    }
  }
}
