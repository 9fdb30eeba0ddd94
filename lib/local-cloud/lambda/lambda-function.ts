/** A function: its versions, each with its own pool of warm sandboxes, its aliases, and one limit of concurrency. */
import { randomUUID } from 'node:crypto';
import { DatasetError } from '../../errors.ts';
import type { FunctionLog } from './function-log.ts';
import type { InvocationResult } from './runtime-api.ts';
import { Sandbox, type VersionConfig } from './sandbox.ts';

/** What the template says of a function; a version is a copy of it. */
export type FunctionConfig = Omit<VersionConfig, 'version'> & {
  readonly arn: string;
  /** Invocations at once; more are throttled. */
  readonly concurrencyMax: number;
};

/** Answer to an invocation. */
export interface Invoked extends InvocationResult {
  readonly requestId: string;
  readonly executedVersion: string;
}

/** More invocations at once than the function may have: HTTP 429. */
export class ThrottledError extends Error {
  override readonly name = 'TooManyRequestsException';
}

const latest = '$LATEST';

export class LambdaFunction {
  readonly #log: FunctionLog;
  #config: FunctionConfig;
  readonly #versions = new Map<string, VersionConfig>();
  readonly #aliases = new Map<string, string>();
  readonly #idle = new Map<string, Sandbox[]>();
  readonly #sandboxes = new Set<Sandbox>();
  #running = 0;
  #starts = 0;
  #stopped = false;

  constructor(config: FunctionConfig, log: FunctionLog) {
    this.#log = log;
    this.#config = config;
    this.update(config);
  }

  get arn(): string {
    return this.#config.arn;
  }

  get timeoutSeconds(): number {
    return this.#config.timeoutSeconds;
  }

  /** Sandboxes started so far: cold starts. */
  get starts(): number {
    return this.#starts;
  }

  /** Processes alive now. */
  get processIds(): readonly number[] {
    return [...this.#sandboxes].map((sandbox) => sandbox.processId).filter((id) => id !== undefined);
  }

  /** New code or settings for `$LATEST`; its warm sandboxes are dropped. */
  update(config: FunctionConfig): void {
    this.#config = config;
    this.#versions.set(latest, { ...config, version: latest });
    for (const sandbox of this.#idle.get(latest)?.splice(0) ?? []) void sandbox.stop();
  }

  /** Fixes code and settings of `$LATEST` under the next number. */
  publishVersion(): string {
    const version = String(this.#versions.size);
    this.#versions.set(version, { ...this.#config, version });
    return version;
  }

  putAlias(alias: string, version: string): void {
    if (!this.#versions.has(version)) throw notFound(`${this.arn}:${version}`);
    this.#aliases.set(alias, version);
  }

  /** The version that a qualifier (version, alias or nothing) means now. Kind `invalid` if there is none. */
  resolve(qualifier: string | undefined): string {
    const name = qualifier ?? latest;
    const version = this.#aliases.get(name) ?? name;
    if (!this.#versions.has(version)) throw notFound(`${this.arn}:${name}`);
    return version;
  }

  /** Runs one invocation in a warm sandbox, or in a new one. Throws ThrottledError beyond the limit. */
  async invoke(payload: Buffer, qualifier: string | undefined): Promise<Invoked> {
    const executedVersion = this.resolve(qualifier);
    if (this.#running >= this.#config.concurrencyMax) throw new ThrottledError('Rate Exceeded.');
    this.#running += 1;
    try {
      const sandbox = await this.#takeSandbox(executedVersion);
      const requestId = randomUUID();
      const arn = qualifier === undefined ? this.arn : `${this.arn}:${qualifier}`;
      const result = await sandbox.invoke(payload, arn, requestId);
      this.#giveBack(executedVersion, sandbox);
      return { ...result, requestId, executedVersion };
    } finally {
      this.#running -= 1;
    }
  }

  /** Sends a signal to every process of the function, busy or idle: crash tests. The number of processes. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): number {
    for (const sandbox of this.#sandboxes) sandbox.kill(signal);
    return this.#sandboxes.size;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#sandboxes].map((sandbox) => sandbox.stop()));
    this.#sandboxes.clear();
  }

  async #takeSandbox(version: string): Promise<Sandbox> {
    const idle = this.#idle.get(version) ?? [];
    for (let sandbox = idle.pop(); sandbox !== undefined; sandbox = idle.pop()) {
      if (sandbox.alive) return sandbox;
      this.#sandboxes.delete(sandbox);
    }
    const config = this.#versions.get(version);
    if (config === undefined || this.#stopped) throw notFound(`${this.arn}:${version}`);
    this.#starts += 1;
    const sandbox = await Sandbox.start(config, this.#log);
    this.#sandboxes.add(sandbox);
    if (this.#stopped) await sandbox.stop();
    return sandbox;
  }

  #giveBack(version: string, sandbox: Sandbox): void {
    if (!sandbox.alive || this.#stopped) {
      this.#sandboxes.delete(sandbox);
      return;
    }
    const idle = this.#idle.get(version) ?? [];
    idle.push(sandbox);
    this.#idle.set(version, idle);
  }
}

export function notFound(what: string): DatasetError {
  return new DatasetError('invalid', `Function not found: ${what}`);
}
