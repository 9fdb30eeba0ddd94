/**
 * Lambda without Docker. The folder, from the inside out:
 *   bootstrap.ts        the runtime inside a process        runtime-api.ts   what that runtime talks to
 *   sandbox.ts          a process, its clock and its death   lambda-function.ts versions, aliases, pool, concurrency
 *   lambda-service.ts   (this file) functions by name, asynchronous invocations
 *   invoke-api.ts       the Invoke operation over HTTP       function-log.ts  what functions print
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Counts } from '../http.ts';
import type { FunctionLog } from './function-log.ts';
import {
  type FunctionConfig,
  type Invoked,
  LambdaFunction,
  notFound,
  ThrottledError,
} from './lambda-function.ts';

/** A function as callers name it: name, `name:qualifier`, or an ARN of either. */
export interface FunctionReference {
  readonly name: string;
  readonly qualifier: string | undefined;
}

export interface AsyncPolicy {
  /** Pauses before the second and third attempt. Lambda waits 60 s and 120 s. */
  readonly retryPausesMs: readonly number[];
  /** Pause after a throttled attempt, which costs none. Lambda backs off from 1 s to 5 min for up to 6 h. */
  readonly throttlePauseMs: number;
}

const localAsyncPolicy: AsyncPolicy = { retryPausesMs: [1000, 2000], throttlePauseMs: 100 };

export class LambdaService {
  readonly #log: FunctionLog;
  readonly #policy: AsyncPolicy;
  readonly #functions = new Map<string, LambdaFunction>();
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Finished asynchronous invocations: `succeeded`, `failed` (given up after the last attempt), `stopped`. */
  readonly asyncOutcomes = new Counts();

  constructor(log: FunctionLog, policy: AsyncPolicy = localAsyncPolicy) {
    this.#log = log;
    this.#policy = policy;
  }

  /** Creates the function, or gives its `$LATEST` new code and settings. */
  putFunction(config: FunctionConfig): LambdaFunction {
    const existing = this.#functions.get(config.functionName);
    if (existing !== undefined) {
      existing.update(config);
      return existing;
    }
    const created = new LambdaFunction(config, this.#log);
    this.#functions.set(config.functionName, created);
    return created;
  }

  find(name: string): LambdaFunction | undefined {
    return this.#functions.get(name);
  }

  get names(): readonly string[] {
    return [...this.#functions.keys()];
  }

  /** Synchronous invocation. Throws ThrottledError, or kind `invalid` when there is no such function or qualifier. */
  invoke(reference: FunctionReference, payload: Buffer): Promise<Invoked> {
    return this.#get(reference).invoke(payload, reference.qualifier);
  }

  /** Accepts an asynchronous invocation: it runs in the background and is repeated twice if the function fails. */
  invokeLater(reference: FunctionReference, payload: Buffer): void {
    this.#get(reference).resolve(reference.qualifier);
    const run = this.#runLater(reference, payload).then((outcome) => {
      this.asyncOutcomes.add(outcome);
      this.#running.delete(run);
    });
    this.#running.add(run);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#functions.values()].map((each) => each.stop()));
    await Promise.all(this.#running);
  }

  #get({ name }: FunctionReference): LambdaFunction {
    const found = this.#functions.get(name);
    if (found === undefined) throw notFound(name);
    return found;
  }

  async #runLater(reference: FunctionReference, payload: Buffer): Promise<string> {
    const pauses = [...this.#policy.retryPausesMs];
    for (;;) {
      const outcome = await this.#attempt(reference, payload);
      if (outcome === 'succeeded') return outcome;
      const pauseMs = outcome === 'throttled' ? this.#policy.throttlePauseMs : pauses.shift();
      if (pauseMs === undefined) return 'failed';
      await sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
      if (this.#stopping.signal.aborted) return 'stopped';
    }
  }

  async #attempt(
    reference: FunctionReference,
    payload: Buffer,
  ): Promise<'succeeded' | 'failed' | 'throttled'> {
    try {
      const { kind } = await this.invoke(reference, payload);
      return kind === 'success' ? 'succeeded' : 'failed';
    } catch (error) {
      return error instanceof ThrottledError ? 'throttled' : 'failed';
    }
  }
}

/** `qualifier` beside the name, as the Invoke API has it, wins over one inside it. */
export function parseReference(text: string, qualifier?: string): FunctionReference {
  const parts = text.split(':');
  const [name = '', inner] = parts[0] === 'arn' ? parts.slice(6) : parts.length > 2 ? parts.slice(2) : parts;
  return { name, qualifier: qualifier ?? inner };
}
