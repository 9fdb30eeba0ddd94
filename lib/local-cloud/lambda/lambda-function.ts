/** A function: its versions, each with its own pool of warm sandboxes, its aliases, and one limit of concurrency. */
import { randomUUID } from 'node:crypto';
import { DatasetError } from '../../errors.ts';
import type { Random } from '../../ports.ts';
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

/** Where an alias leads. */
export interface Route {
  readonly version: string;
  /** Another version that takes a part of the invocations (`weight`, 0 to 1), each by chance. */
  readonly canary?: { readonly version: string; readonly weight: number };
}

/** An invocation that has ended. */
export interface InvocationRecord {
  readonly functionName: string;
  readonly qualifier: string | undefined;
  readonly executedVersion: string;
  readonly isError: boolean;
}

export interface FunctionPorts {
  readonly log: FunctionLog;
  /** Chooses between the versions of an alias. */
  readonly random: Pick<Random, 'uniform'>;
  readonly onInvoked: (invocation: InvocationRecord) => void;
}

/** More invocations at once than the function may have: HTTP 429. */
export class ThrottledError extends Error {
  override readonly name = 'TooManyRequestsException';
}

const latest = '$LATEST';

export class LambdaFunction {
  readonly #ports: FunctionPorts;
  #config: FunctionConfig;
  readonly #versions = new Map<string, VersionConfig>();
  readonly #aliases = new Map<string, Route>();
  readonly #idle = new Map<string, Sandbox[]>();
  readonly #sandboxes = new Set<Sandbox>();
  #published = 0;
  #running = 0;
  #starts = 0;
  #stopped = false;

  constructor(config: FunctionConfig, ports: FunctionPorts) {
    this.#ports = ports;
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
    for (const sandbox of this.#idle.get(latest)?.splice(0) ?? []) this.#end(sandbox);
  }

  /** Fixes code and settings of `$LATEST` under the next number. */
  publishVersion(): string {
    this.#published += 1;
    const version = String(this.#published);
    this.#versions.set(version, { ...this.#config, version });
    return version;
  }

  /** Forgets a version that no alias leads to; its sandboxes end with what they are doing. */
  deleteVersion(version: string): void {
    for (const [alias, { version: main, canary }] of this.#aliases) {
      if (version === main || version === canary?.version) {
        throw new DatasetError('invalid', `alias ${alias} leads to ${this.arn}:${version}`);
      }
    }
    this.#versions.delete(version);
    for (const sandbox of this.#idle.get(version)?.splice(0) ?? []) this.#end(sandbox);
  }

  putAlias(alias: string, route: Route): void {
    for (const version of [route.version, route.canary?.version ?? route.version]) {
      if (!this.#versions.has(version)) throw notFound(`${this.arn}:${version}`);
    }
    this.#aliases.set(alias, route);
  }

  /** Kind `invalid` when there is no such alias. */
  routeOf(alias: string): Route {
    const route = this.#aliases.get(alias);
    if (route === undefined) throw notFound(`${this.arn}:${alias}`);
    return route;
  }

  /** The version that a qualifier (version, alias or nothing) means for one invocation. Kind `invalid` if there is none. */
  resolve(qualifier: string | undefined): string {
    const name = qualifier ?? latest;
    const { version, canary } = this.#aliases.get(name) ?? { version: name };
    if (canary !== undefined && this.#ports.random.uniform() < canary.weight) return canary.version;
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
      const { functionName } = this.#config;
      const isError = result.kind === 'error';
      this.#ports.onInvoked({ functionName, qualifier, executedVersion, isError });
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
    const sandbox = await Sandbox.start(config, this.#ports.log);
    this.#sandboxes.add(sandbox);
    if (this.#stopped) await sandbox.stop();
    return sandbox;
  }

  #end(sandbox: Sandbox): void {
    void sandbox.stop().then(() => this.#sandboxes.delete(sandbox));
  }

  #giveBack(version: string, sandbox: Sandbox): void {
    const isCurrent = sandbox.config === this.#versions.get(version); // else it was updated or deleted meanwhile
    if (!sandbox.alive || this.#stopped || !isCurrent) return this.#end(sandbox);
    const idle = this.#idle.get(version) ?? [];
    idle.push(sandbox);
    this.#idle.set(version, idle);
  }
}

export function notFound(what: string): DatasetError {
  return new DatasetError('invalid', `Function not found: ${what}`);
}
