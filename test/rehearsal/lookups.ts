/** Readers: look-ups through the alias with the SDK, one after another, each repeated once when it fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { clientConfig } from '../../lib/local-cloud/environment.ts';
import type { Random } from '../../lib/ports.ts';

export interface Lookup {
  /** When it began, `performance.now()`. */
  readonly atMs: number;
  /** Of the function, that answered or failed. */
  readonly version: string;
  readonly hasFailed: boolean;
  /** It answered, and not with what is stored. */
  readonly isWrong: boolean;
  /** Of one that failed: whether it failed again when it was repeated at once. */
  readonly failedAtOnce: boolean;
  /** Of one that failed: whether it failed again when it was repeated after {@link LookupOptions.settled}. */
  failedLater: boolean;
}

export interface LookupOptions {
  readonly endpoint: string;
  /** Name of the function with the alias. */
  readonly functionName: string;
  /** Population by id of cities that do not change. */
  readonly cities: ReadonlyMap<number, number>;
  readonly random: Random;
  /** The end of the deployment, whatever its end is. */
  readonly settled: Promise<unknown>;
}

const answerSchema = z.object({ record: z.object({ population: z.int() }).nullable() });
/** Between two look-ups of one reader. */
const pauseMs = 10;

export class Lookups {
  readonly #options: LookupOptions;
  readonly #client: LambdaClient;
  readonly #later: Promise<void>[] = [];
  readonly all: Lookup[] = [];

  constructor(options: LookupOptions) {
    this.#options = options;
    this.#client = new LambdaClient(clientConfig(options.endpoint));
  }

  /** So many readers until the signal aborts; then until the last repetition has ended. */
  async run(readers: number, signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: readers }, () => this.#read(signal)));
    await Promise.all(this.#later);
    this.#client.destroy();
  }

  async #read(signal: AbortSignal): Promise<void> {
    const cities = [...this.#options.cities];
    while (!signal.aborted) {
      const city = cities[Math.floor(this.#options.random.uniform() * cities.length)];
      if (city !== undefined) await this.#lookUp(...city);
      await sleep(pauseMs);
    }
  }

  async #lookUp(cityId: number, population: number): Promise<void> {
    const atMs = performance.now();
    const { version, found } = await this.#ask(cityId);
    const hasFailed = found === undefined;
    const failedAtOnce = hasFailed && (await this.#ask(cityId)).found === undefined;
    const isWrong = !hasFailed && found !== population;
    const lookup = { atMs, version, hasFailed, isWrong, failedAtOnce, failedLater: false };
    this.all.push(lookup);
    if (hasFailed) this.#later.push(this.#repeatLater(cityId, lookup));
  }

  async #repeatLater(cityId: number, lookup: Lookup): Promise<void> {
    await this.#options.settled;
    lookup.failedLater = (await this.#ask(cityId)).found === undefined;
  }

  /** `found`: null when there is no such city, undefined when the function failed. */
  async #ask(cityId: number): Promise<{ version: string; found: number | null | undefined }> {
    const Payload = JSON.stringify({ type: 'City', key: { cityId } });
    const command = new InvokeCommand({ FunctionName: this.#options.functionName, Payload });
    const {
      ExecutedVersion: version = '',
      FunctionError,
      Payload: answer,
    } = await this.#client.send(command);
    if (FunctionError !== undefined) return { version, found: undefined };
    const { record } = answerSchema.parse(JSON.parse(answer?.transformToString() ?? ''));
    return { version, found: record?.population ?? null };
  }
}
