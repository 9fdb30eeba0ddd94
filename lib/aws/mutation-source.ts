import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { DatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import { checkReceive, correlationIdAttribute } from '../message-rules.ts';
import type { MutationMessage, MutationSource } from '../ports.ts';
import { longPoll } from './clients.ts';
import { awsError } from './errors.ts';
import { checkBatch } from './sqs-batches.ts';

export interface AwsMutationSourceOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
}

/**
 * Reads a standard queue, for producers that poll themselves (in Lambda the event source mapping does). At most ten
 * messages a call; the wait is rounded up to whole seconds and ends at twenty.
 */
export class AwsMutationSource implements MutationSource {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor(options: AwsMutationSourceOptions) {
    this.#client = options.client;
    this.#queueUrl = options.queueUrl;
  }

  /** What SQS had given when the signal aborted comes again. */
  async receive(
    messagesMax: number,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<readonly MutationMessage[]> {
    checkReceive(messagesMax, waitMs);
    const { waitSeconds, requestOptions } = longPoll(waitMs);
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#queueUrl,
      MaxNumberOfMessages: Math.min(messagesMax, limits.batchEntriesMax),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['SentTimestamp', 'ApproximateReceiveCount'],
      MessageAttributeNames: [correlationIdAttribute],
    });
    const ending = signal === undefined ? {} : { abortSignal: signal };
    const result = await this.#client
      .send(command, { ...requestOptions, ...ending })
      .catch((error: unknown) => {
        if (signal?.aborted) return { Messages: [] };
        throw awsError(error, 'receive messages');
      });
    return (result.Messages ?? []).map(decodeMessage);
  }

  /** Tries every batch, also after one failed: each message that is deleted is one less to come again. */
  async acknowledge(messages: readonly MutationMessage[]): Promise<void> {
    const failures: DatasetError[] = [];
    for (let at = 0; at < messages.length; at += limits.batchEntriesMax) {
      const batch = messages.slice(at, at + limits.batchEntriesMax);
      const Entries = batch.map((message, index) => ({ Id: String(index), ReceiptHandle: message.receipt }));
      try {
        const result = await this.#client.send(
          new DeleteMessageBatchCommand({ QueueUrl: this.#queueUrl, Entries }),
        );
        checkBatch(result, batch.length, 'acknowledge messages');
      } catch (error) {
        failures.push(awsError(error, 'acknowledge messages'));
      }
    }
    const [first] = failures;
    if (first !== undefined) throw first;
  }
}

function decodeMessage(message: Message): MutationMessage {
  const { MessageId: id, Body: body, ReceiptHandle: receipt, Attributes: attributes } = message;
  const sentAtMs = Number(attributes?.SentTimestamp);
  const receiveCount = Number(attributes?.ApproximateReceiveCount);
  if (
    id === undefined ||
    body === undefined ||
    receipt === undefined ||
    !(sentAtMs > 0) ||
    !(receiveCount > 0)
  ) {
    throw new DatasetError('unavailable', 'receive messages: an answer without the fields it was asked for');
  }
  // Longer ones come from senders that did not use our sink; logs need no more of them.
  const correlationId = message.MessageAttributes?.[correlationIdAttribute]?.StringValue?.slice(
    0,
    limits.correlationIdSizeMax,
  );
  const delivery = { id, body, sentAtMs, receiveCount, receipt };
  return correlationId === undefined ? delivery : { ...delivery, correlationId };
}
