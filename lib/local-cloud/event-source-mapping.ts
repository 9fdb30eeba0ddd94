/**
 * An SQS event source mapping: pollers that receive a batch, invoke the function with it and delete what succeeded. What
 * did not stays invisible until the queue's visibility timeout has passed, and comes again. The folder mappings/ has the
 * two shapes: the event and the answer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { limits } from '../limits.ts';
import { clientConfig } from './environment.ts';
import { Counts } from './http.ts';
import { ThrottledError } from './lambda/lambda-function.ts';
import { type FunctionReference, type LambdaService, parseReference } from './lambda/lambda-service.ts';
import { succeededIds } from './mappings/batch-response.ts';
import { encodeSqsEvent } from './mappings/sqs-event.ts';
import { queueUrlOf } from './sqs-client.ts';

export interface MappingConfig {
  readonly queueArn: string;
  /** Name or ARN, with or without qualifier. */
  readonly functionReference: string;
  readonly batchSize: number;
  /** How long a batch is gathered after its first message. */
  readonly windowSeconds: number;
  readonly concurrencyMax: number;
  readonly reportsBatchItemFailures: boolean;
}

/** Pollers of a mapping without a maximum concurrency. Lambda starts with 5 and adds more under load. */
export const defaultConcurrency = 5;

/** Of the batch's event, in bytes: the payload limit of a synchronous invocation. */
const batchSizeBytesMax = 6 * 1_048_576;
/** Room for a record's fields beside its body. */
const recordOverheadBytes = 2_048;
const pollSeconds = 20;

export class EventSourceMapping {
  readonly #config: MappingConfig;
  readonly #lambda: LambdaService;
  readonly #client: SQSClient;
  readonly #queueUrl: string;
  readonly #reference: FunctionReference;
  readonly #stopping = new AbortController();
  #workers: Promise<void>[] = [];
  #visibilityMs = 30_000;
  /** Finished batches: `succeeded`, `partial` (some messages come again), `failed` (all do). */
  readonly batches = new Counts();

  constructor(config: MappingConfig, lambda: LambdaService, sqsEndpoint: string) {
    this.#config = config;
    this.#lambda = lambda;
    this.#client = new SQSClient(clientConfig(sqsEndpoint));
    this.#queueUrl = queueUrlOf(sqsEndpoint, config.queueArn);
    this.#reference = parseReference(config.functionReference);
  }

  /** Refuses, as Lambda does, a queue that would show a message again while the function may still work on it. */
  async start(): Promise<void> {
    const attributes = await this.#client.send(
      new GetQueueAttributesCommand({ QueueUrl: this.#queueUrl, AttributeNames: ['VisibilityTimeout'] }),
    );
    const visibilitySeconds = Number(attributes.Attributes?.['VisibilityTimeout']);
    const target = this.#lambda.get(this.#reference.name);
    target.resolve(this.#reference.qualifier);
    if (target.timeoutSeconds > visibilitySeconds) {
      throw new Error(
        `event source mapping: queue visibility timeout ${visibilitySeconds} s is less than the function's timeout`,
      );
    }
    this.#visibilityMs = visibilitySeconds * 1000;
    this.#workers = Array.from({ length: this.#config.concurrencyMax }, () => this.#work());
  }

  /** Resolves when no batch is being worked on. The functions must still be running. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#workers);
    this.#client.destroy();
  }

  async #work(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        const batch = await this.#receiveBatch();
        for (const part of splitBySize(batch)) await this.#process(part);
      } catch {
        await this.#pause(200); // the queue does not answer; messages come again by themselves
      }
    }
  }

  /** A failed or aborted poll ends the batch; what it already has is worked on. */
  async #receiveBatch(): Promise<readonly Message[]> {
    const { batchSize, windowSeconds } = this.#config;
    const batch = await this.#receive(Math.min(batchSize, limits.batchEntriesMax), pollSeconds);
    const windowEndMs = performance.now() + windowSeconds * 1000;
    while (batch.length > 0 && batch.length < batchSize && sizeOf(batch) < batchSizeBytesMax) {
      const leftMs = windowEndMs - performance.now();
      if (leftMs <= 0) break;
      const countMax = Math.min(batchSize - batch.length, limits.batchEntriesMax);
      const more = await this.#receive(countMax, Math.min(Math.floor(leftMs / 1000), pollSeconds));
      batch.push(...more);
      if (more.length === 0) await this.#pause(Math.min(leftMs, 50));
      if (this.#stopping.signal.aborted) break;
    }
    return batch;
  }

  async #receive(countMax: number, waitSeconds: number): Promise<Message[]> {
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#queueUrl,
      MaxNumberOfMessages: countMax,
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    try {
      const answer = await this.#client.send(command, { abortSignal: this.#stopping.signal });
      return answer.Messages ?? [];
    } catch (error) {
      if (this.#stopping.signal.aborted) return [];
      throw error;
    }
  }

  async #process(batch: readonly Message[]): Promise<void> {
    const answer = await this.#invoke(encodeSqsEvent(batch, this.#config.queueArn));
    const ids = batch.map((message) => message.MessageId ?? '');
    const done = answer === null ? [] : succeededIds(ids, answer, this.#config.reportsBatchItemFailures);
    if (done.length === 0) this.batches.add('failed');
    else this.batches.add(done.length < batch.length ? 'partial' : 'succeeded');
    await this.#delete(batch.filter((message) => done.includes(message.MessageId ?? '')));
  }

  /** The function's answer; null after a function error. Throttled invocations are repeated while the messages are ours. */
  async #invoke(event: Buffer): Promise<string | null> {
    const giveUpMs = performance.now() + this.#visibilityMs / 2;
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
      try {
        const result = await this.#lambda.invoke(this.#reference, event);
        return result.kind === 'success' ? result.payload.toString() : null;
      } catch (error) {
        if (!(error instanceof ThrottledError) || performance.now() > giveUpMs) return null;
        await this.#pause(pauseMs);
      }
    }
  }

  async #delete(messages: readonly Message[]): Promise<void> {
    for (let i = 0; i < messages.length; i += limits.batchEntriesMax) {
      const Entries = messages
        .slice(i, i + limits.batchEntriesMax)
        .map((message, index) => ({ Id: String(index), ReceiptHandle: message.ReceiptHandle ?? '' }));
      await this.#client.send(new DeleteMessageBatchCommand({ QueueUrl: this.#queueUrl, Entries }));
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}

function sizeOf(batch: readonly Message[]): number {
  return batch.reduce(
    (size, message) => size + Buffer.byteLength(message.Body ?? '') + recordOverheadBytes,
    0,
  );
}

/** One event holds at most {@link batchSizeBytesMax}: larger batches become several. */
function splitBySize(batch: readonly Message[]): readonly (readonly Message[])[] {
  const parts: Message[][] = [];
  let last: Message[] = [];
  for (const message of batch) {
    if (last.length === 0 || sizeOf([...last, message]) > batchSizeBytesMax) parts.push((last = []));
    last.push(message);
  }
  return parts;
}
