/**
 * Lambda without Docker. The folder, from the inside out:
 *   bootstrap.ts        the runtime inside a process        runtime-api.ts     what that runtime talks to
 *   sandbox.ts          a process, its clock and its death  lambda-function.ts versions, aliases, pool, concurrency
 *   lambda-service.ts   (this file) functions by name       async-invoker.ts   invocations in the background
 *   invoke-api.ts       the Invoke operation over HTTP      function-log.ts    what functions print
 */
import { DatasetError } from '../../errors.ts';
import { systemRandom } from '../../local/system-random.ts';
import { type AsyncConfig, AsyncInvoker, type AsyncPolicy, defaultAsyncConfig } from './async-invoker.ts';
import type { FunctionLog } from './function-log.ts';
import {
  type FunctionConfig,
  type FunctionPorts,
  type Invoked,
  LambdaFunction,
  notFound,
} from './lambda-function.ts';

/** A function as callers name it: name, `name:qualifier`, or an ARN of either. */
export interface FunctionReference {
  readonly name: string;
  readonly qualifier: string | undefined;
}

/** AWS::Lambda::Permission: who may invoke, besides those with credentials. */
export interface Permission {
  readonly function: FunctionReference;
  /** A service, such as `events.amazonaws.com`. */
  readonly principal: string;
  /** What of that service; undefined: all of it. */
  readonly sourceArn: string | undefined;
}

export class LambdaService {
  readonly #ports: FunctionPorts;
  readonly #async: AsyncInvoker;
  readonly #functions = new Map<string, LambdaFunction>();
  readonly #asyncConfigs = new Map<string, AsyncConfig>();
  readonly #permissions: Permission[] = [];

  constructor(log: FunctionLog, policy: AsyncPolicy, more: Partial<FunctionPorts> = {}) {
    this.#ports = { log, random: systemRandom, onInvoked: () => {}, ...more };
    this.#async = new AsyncInvoker(policy);
  }

  /** Finished asynchronous invocations by outcome: `succeeded`, `failed`, `stopped`. */
  asyncOutcomes(): ReadonlyMap<string, number> {
    return this.#async.outcomes.all();
  }

  /** Creates the function, or gives its `$LATEST` new code and settings. */
  putFunction(config: FunctionConfig): LambdaFunction {
    const existing = this.#functions.get(config.functionName);
    if (existing !== undefined) {
      existing.update(config);
      return existing;
    }
    const created = new LambdaFunction(config, this.#ports);
    this.#functions.set(config.functionName, created);
    return created;
  }

  putAsyncConfig(reference: FunctionReference, config: AsyncConfig): void {
    this.get(reference.name).resolve(reference.qualifier);
    this.#asyncConfigs.set(keyOf(reference), config);
  }

  addPermission(permission: Permission): void {
    this.get(permission.function.name).resolve(permission.function.qualifier);
    this.#permissions.push(permission);
  }

  get names(): readonly string[] {
    return [...this.#functions.keys()];
  }

  /** Kind `invalid` when there is no such function. */
  get(name: string): LambdaFunction {
    const found = this.#functions.get(name);
    if (found === undefined) throw notFound(name);
    return found;
  }

  /** Synchronous invocation. Throws ThrottledError, or kind `invalid` when there is no such function or qualifier. */
  async invoke(reference: FunctionReference, payload: Buffer): Promise<Invoked> {
    return this.get(reference.name).invoke(payload, reference.qualifier);
  }

  /** Asynchronous invocation: kind `invalid` when there is no such function; what happens later is not the caller's. */
  invokeLater(reference: FunctionReference, payload: Buffer): void {
    const target = this.get(reference.name);
    target.resolve(reference.qualifier);
    this.#async.accept({
      config: this.#asyncConfigs.get(keyOf(reference)) ?? defaultAsyncConfig,
      arn: `${target.arn}:${reference.qualifier ?? '$LATEST'}`,
      payload,
      invoke: () => this.invoke(reference, payload),
    });
  }

  /** Kind `denied` unless a permission lets this source of this service invoke the function. */
  checkPermission(reference: FunctionReference, principal: string, sourceArn: string): void {
    const allowed = this.#permissions.some(
      (permission) =>
        keyOf(permission.function) === keyOf(reference) &&
        permission.principal === principal &&
        (permission.sourceArn === undefined || permission.sourceArn === sourceArn),
    );
    if (!allowed) throw new DatasetError('denied', `${sourceArn} may not invoke ${keyOf(reference)}`);
  }

  async stop(): Promise<void> {
    const background = this.#async.stop();
    await Promise.all([...this.#functions.values()].map((each) => each.stop()));
    await background;
  }
}

function keyOf({ name, qualifier }: FunctionReference): string {
  return qualifier === undefined ? name : `${name}:${qualifier}`;
}

/** `qualifier` beside the name, as the Invoke API has it, wins over one inside it. */
export function parseReference(text: string, qualifier?: string): FunctionReference {
  const parts = text.split(':');
  const [name = '', inner] = parts[0] === 'arn' ? parts.slice(6) : parts.length > 2 ? parts.slice(2) : parts;
  return { name, qualifier: qualifier ?? inner };
}
