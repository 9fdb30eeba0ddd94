/**
 * A DynamoDB stream event source mapping: one poller per shard, which hands batches of matching records to the function,
 * in order. A batch that fails comes again, from its first failed record if the function reports one, until it is in or
 * its retries are used up; then it goes on behind it, and the failure destination is told where.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventPattern } from './events/event-pattern.ts';
import { Counts } from './http.ts';
import { type FunctionReference, type LambdaService, parseReference } from './lambda/lambda-service.ts';
import { succeededIds } from './mappings/batch-response.ts';
import { type StreamRecord, StreamsClient } from './streams-client.ts';

export interface StreamMappingConfig {
  readonly streamArn: string;
  /** Name or ARN, with or without qualifier. */
  readonly functionReference: string;
  readonly batchSize: number;
  readonly startingPosition: 'LATEST' | 'TRIM_HORIZON';
  /** A record matches one of them; none: every record does. */
  readonly patterns: readonly EventPattern[];
  readonly reportsBatchItemFailures: boolean;
  /** After the first attempt. Lambda's default, -1, is for ever. */
  readonly retriesMax: number;
  /** Queue that is told of batches that were given up. */
  readonly onFailureArn: string | undefined;
}

export interface StreamMappingPorts {
  readonly lambda: LambdaService;
  readonly endpoint: string;
  sendToQueue(arn: string, body: string): Promise<void>;
}

const pollMs = 200;
const retryMsBase = 100;
const retryMsMax = 5_000;

export class StreamMapping {
  readonly #config: StreamMappingConfig;
  readonly #ports: StreamMappingPorts;
  readonly #client: StreamsClient;
  readonly #reference: FunctionReference;
  readonly #stopping = new AbortController();
  readonly #pollers = new Map<string, Promise<void>>();
  #watching: Promise<void> = Promise.resolve();
  /** Finished batches: `succeeded`, `partial` (some records come again), `failed` (all do), `given up`. */
  readonly batches = new Counts();

  constructor(config: StreamMappingConfig, ports: StreamMappingPorts) {
    this.#config = config;
    this.#ports = ports;
    this.#client = new StreamsClient(ports.endpoint);
    this.#reference = parseReference(config.functionReference);
  }

  /** Resolves when everything from now on will be seen. */
  async start(): Promise<void> {
    this.#ports.lambda.get(this.#reference.name).resolve(this.#reference.qualifier);
    await this.#follow(this.#config.startingPosition);
    this.#watching = this.#watchShards();
  }

  /** Resolves when no batch is being worked on. The functions must still be running. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
    await Promise.all(this.#pollers.values());
  }

  /** A shard that appears later is read from its beginning, wherever the mapping was told to start. */
  async #watchShards(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#pause(pollMs * 5);
      await this.#follow('TRIM_HORIZON').catch(() => {}); // asked again soon
    }
  }

  async #follow(position: 'LATEST' | 'TRIM_HORIZON'): Promise<void> {
    for (const shardId of await this.#client.shardIds(this.#config.streamArn)) {
      if (this.#pollers.has(shardId)) continue;
      const iterator = await this.#client.iterator(this.#config.streamArn, shardId, position);
      this.#pollers.set(shardId, this.#poll(iterator));
    }
  }

  async #poll(first: string): Promise<void> {
    let iterator: string | null = first;
    while (iterator !== null && !this.#stopping.signal.aborted) {
      try {
        const { records, next } = await this.#client.records(iterator, this.#config.batchSize);
        await this.#work(records.filter((record) => this.#isWanted(record)));
        iterator = next;
        if (records.length === 0) await this.#pause(pollMs);
      } catch {
        await this.#pause(pollMs); // the table does not answer
      }
    }
  }

  #isWanted(record: StreamRecord): boolean {
    const { patterns } = this.#config;
    return patterns.length === 0 || patterns.some((matches) => matches(record));
  }

  /** What is stopped in between is not read again: a stand-in keeps no place. The sweep and the polls cover it. */
  async #work(batch: readonly StreamRecord[]): Promise<void> {
    let rest = batch;
    for (let attempt = 0; rest.length > 0 && !this.#stopping.signal.aborted; attempt++) {
      const { retriesMax } = this.#config;
      if (retriesMax >= 0 && attempt > retriesMax) return this.#giveUp(rest);
      if (attempt > 0) await this.#pause(Math.min(retryMsMax, retryMsBase * 2 ** attempt));
      const left = await this.#invoke(rest);
      this.batches.add(left.length === 0 ? 'succeeded' : left.length < rest.length ? 'partial' : 'failed');
      rest = left;
    }
  }

  /** Of the records, those from the first that failed on. */
  async #invoke(records: readonly StreamRecord[]): Promise<readonly StreamRecord[]> {
    const { streamArn, reportsBatchItemFailures } = this.#config;
    const event = { Records: records.map((record) => ({ ...record, eventSourceARN: streamArn })) };
    try {
      const result = await this.#ports.lambda.invoke(this.#reference, Buffer.from(JSON.stringify(event)));
      if (result.kind !== 'success') return records;
      const ids = records.map(({ dynamodb }) => dynamodb.SequenceNumber);
      const done = new Set(succeededIds(ids, result.payload.toString(), reportsBatchItemFailures));
      const failedAt = ids.findIndex((id) => !done.has(id));
      return failedAt < 0 ? [] : records.slice(failedAt);
    } catch {
      return records; // throttled
    }
  }

  async #giveUp(records: readonly StreamRecord[]): Promise<void> {
    this.batches.add('given up');
    const { onFailureArn, streamArn } = this.#config;
    if (onFailureArn === undefined) return;
    const numbers = records.map(({ dynamodb }) => dynamodb.SequenceNumber);
    const DDBStreamBatchInfo = {
      streamArn,
      startSequenceNumber: numbers.at(0),
      endSequenceNumber: numbers.at(-1),
      batchSize: numbers.length,
    };
    const body = { requestContext: { condition: 'RetryAttemptsExhausted' }, DDBStreamBatchInfo };
    await this.#ports.sendToQueue(onFailureArn, JSON.stringify(body));
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}
