/**
 * One execution environment: a process with a runtime in it, its Runtime API, and the clock that ends it. It serves one
 * invocation at a time; once it has timed out, crashed or failed to start it is gone, and the pool starts another.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { localCredentials, localRegion } from '../environment.ts';
import type { FunctionLog } from './function-log.ts';
import { errorResult, type Invocation, type InvocationResult, RuntimeApi } from './runtime-api.ts';

/** Code and settings of one version of a function. */
export interface VersionConfig {
  readonly functionName: string;
  /** `$LATEST` or a number. */
  readonly version: string;
  /** Directory that holds the handler's file. */
  readonly codeDirectory: string;
  /** `file.export`. */
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memorySizeMb: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly logFormat: 'Text' | 'JSON';
  readonly logGroup: string;
}

/** Of the initialization before the first invocation. Lambda's own. */
const initMsMax = 10_000;

export class Sandbox {
  readonly #config: VersionConfig;
  readonly #api = new RuntimeApi();
  readonly #logStream: string;
  #process: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #alive = true;

  private constructor(config: VersionConfig) {
    this.#config = config;
    this.#logStream = `local/[${config.version}]${randomUUID().replaceAll('-', '')}`;
  }

  static async start(config: VersionConfig, log: FunctionLog): Promise<Sandbox> {
    const sandbox = new Sandbox(config);
    const address = await sandbox.#api.listen();
    sandbox.#spawn(address, log);
    return sandbox;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get config(): VersionConfig {
    return this.#config;
  }

  get processId(): number | undefined {
    return this.#process?.pid;
  }

  /** Never rejects: time-outs and crashes are results. */
  async invoke(payload: Buffer, invokedArn: string, requestId: string): Promise<InvocationResult> {
    const initError = await this.#within(initMsMax, requestId, this.#api.ready);
    if (initError !== null) {
      this.#alive = false;
      this.kill('SIGKILL');
      return initError;
    }
    const { timeoutSeconds } = this.#config;
    const invocation: Invocation = {
      requestId,
      payload,
      deadlineMs: Date.now() + timeoutSeconds * 1000,
      invokedArn,
      traceId: `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomUUID().replaceAll('-', '').slice(8)};Sampled=0`,
    };
    return this.#within(timeoutSeconds * 1000, requestId, this.#api.invoke(invocation));
  }

  /** Ends the process; whoever waits for a result of it gets an error. */
  kill(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async stop(): Promise<void> {
    this.kill('SIGKILL');
    await this.#exited;
  }

  async #within<T>(limitMs: number, requestId: string, work: Promise<T>): Promise<T | InvocationResult> {
    const timer = setTimeout(() => {
      this.#alive = false;
      const seconds = (limitMs / 1000).toFixed(2);
      const message = `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`;
      this.#api.fail(errorResult('Sandbox.Timedout', message));
      this.kill('SIGKILL');
    }, limitMs);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }

  #spawn(address: string, log: FunctionLog): void {
    const { functionName, codeDirectory, handler, memorySizeMb } = this.#config;
    const oldSpaceMb = Math.floor(memorySizeMb * 0.9); // as Lambda's own Node runtime sets it
    const bootstrap = join(import.meta.dirname, 'bootstrap.ts');
    const child = spawn(
      process.execPath,
      [`--max-old-space-size=${oldSpaceMb}`, bootstrap, address, codeDirectory, handler],
      {
        env: environmentOf(this.#config, { address, logStream: this.#logStream }),
        cwd: codeDirectory,
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true,
      },
    );
    this.#process = child;
    child.stdin.on('error', () => {});
    log.follow(functionName, child.stdout, this.#logStream);
    log.follow(functionName, child.stderr, this.#logStream);
    this.#exited = new Promise((resolve) => {
      const ended = (reason: string) => {
        this.#alive = false;
        this.#api.fail(errorResult('Runtime.ExitError', `Error: Runtime exited with error: ${reason}`));
        void this.#api.close().then(resolve);
      };
      child.once('exit', (code, signal) =>
        ended(signal === null ? `exit status ${code}` : `signal: ${signal}`),
      );
      child.once('error', (error) => ended(error.message));
    });
  }
}

/** What Lambda sets, then what the template sets. */
function environmentOf(
  config: VersionConfig,
  { address, logStream }: { address: string; logStream: string },
): Record<string, string> {
  const { functionName, version, codeDirectory } = config;
  return {
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(config.memorySizeMb),
    AWS_LAMBDA_LOG_GROUP_NAME: config.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: logStream,
    AWS_LAMBDA_LOG_FORMAT: config.logFormat,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_RUNTIME_API: address,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
    AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:2000',
    AWS_REGION: localRegion,
    AWS_DEFAULT_REGION: localRegion,
    AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
    LAMBDA_TASK_ROOT: codeDirectory,
    LAMBDA_RUNTIME_DIR: import.meta.dirname,
    _HANDLER: config.handler,
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    PATH: '/usr/local/bin:/usr/bin:/bin',
    ...config.environment,
  };
}
