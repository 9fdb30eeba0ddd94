import { type MessageAttributeValue, SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { DatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import { correlationIdAttribute, messageSize, type OutgoingMessage } from '../message-rules.ts';
import { awsError, kindOfCode } from './errors.ts';

/** The outcome of any batch call of SQS: the call succeeds even if every entry failed. */
interface BatchResult {
  readonly Successful?: readonly unknown[] | undefined;
  readonly Failed?:
    | readonly {
        readonly Code?: string | undefined;
        readonly Message?: string | undefined;
        readonly SenderFault?: boolean | undefined;
      }[]
    | undefined;
}

/**
 * Sends all messages (lib/message-rules.ts has checked them), in as few requests as sizes allow, one after the other.
 * Stops at the first failure; what was accepted before stays, so a repeat sends it twice.
 */
export async function sendBatches(
  client: SQSClient,
  queueUrl: string,
  messages: readonly OutgoingMessage[],
): Promise<void> {
  for (const batch of planBatches(messages)) {
    const Entries = batch.map((message, index) => ({
      Id: String(index),
      MessageBody: message.body,
      ...(message.correlationId === undefined
        ? {}
        : { MessageAttributes: attributesOf(message.correlationId) }),
    }));
    const result = await client
      .send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }))
      .catch((error: unknown) => {
        throw awsError(error, 'send messages');
      });
    checkBatch(result, batch.length, 'send messages');
  }
}

/** Splits so that no batch has too many entries or bytes. Order is kept. */
export function planBatches(messages: readonly OutgoingMessage[]): OutgoingMessage[][] {
  const batches: OutgoingMessage[][] = [];
  let batchSize = 0;
  for (const message of messages) {
    const size = messageSize(message);
    const last = batches.at(-1);
    if (
      last !== undefined &&
      last.length < limits.batchEntriesMax &&
      batchSize + size <= limits.messageSizeMax
    ) {
      last.push(message);
      batchSize += size;
    } else {
      batches.push([message]);
      batchSize = size;
    }
  }
  return batches;
}

/** Throws unless each of the `count` entries has succeeded; an entry without an outcome has not. */
export function checkBatch(result: BatchResult, count: number, doing: string): void {
  const failedCount = count - (result.Successful?.length ?? 0);
  if (failedCount === 0) return;
  const [first] = result.Failed ?? [];
  const code = first?.Code ?? 'no outcome';
  throw new DatasetError(
    kindOfCode(code, first?.SenderFault),
    `${doing}: ${failedCount} of ${count} failed, ${code}: ${first?.Message ?? ''}`,
    { code, failedCount, count },
  );
}

function attributesOf(correlationId: string): Record<string, MessageAttributeValue> {
  return { [correlationIdAttribute]: { DataType: 'String', StringValue: correlationId } };
}
