import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { DatasetError } from '../lib/errors.ts';
import { limits } from '../lib/limits.ts';
import { correlationIdAttribute } from '../lib/message-rules.ts';
import type { MutationMessage } from '../lib/ports.ts';
import { composeProducer, lambdaHandler } from './runtime.ts';

const { producer, telemetry, currentSettings } = composeProducer();

/**
 * A batch of the mutation queue. The answer is an exact list: what is not named in it is deleted from the queue, so
 * everything is named that the producer did not say is in.
 */
export const handler = lambdaHandler<SQSEvent, SQSBatchResponse>(telemetry, async (event, context) => {
  const messages = event.Records.map(decodeRecord);
  telemetry.logger.appendKeys({ correlationIds: correlationIdsOf(messages) });
  const deadline = { remainingMs: () => context.getRemainingTimeInMillis() };
  const { isPaused, messagesPerCommitMax: size } = await currentSettings();
  const isIn = new Set<MutationMessage>();
  for (let from = 0; from < messages.length && !isPaused; from += size) {
    const { acknowledged } = await producer.process(messages.slice(from, from + size), deadline);
    for (const message of acknowledged) isIn.add(message);
  }
  return {
    batchItemFailures: messages.flatMap((message) =>
      isIn.has(message) ? [] : { itemIdentifier: message.id },
    ),
  };
});

function decodeRecord({
  messageId,
  body,
  receiptHandle,
  attributes,
  messageAttributes,
}: SQSRecord): MutationMessage {
  const sentAtMs = Number(attributes.SentTimestamp);
  const receiveCount = Number(attributes.ApproximateReceiveCount);
  if (!(sentAtMs > 0) || !(receiveCount > 0)) {
    // Without its time of sending a mutation has no place in the order. Failing the batch loses nothing.
    throw new DatasetError('invalid', 'this is not an event of SQS: a record has no attributes', {
      messageId,
    });
  }
  // Longer ones come from senders that did not use our sink; logs need no more of them.
  const correlationId = messageAttributes[correlationIdAttribute]?.stringValue?.slice(
    0,
    limits.correlationIdSizeMax,
  );
  const delivery = { id: messageId, body, receipt: receiptHandle, sentAtMs, receiveCount };
  return correlationId === undefined ? delivery : { ...delivery, correlationId };
}

function correlationIdsOf(messages: readonly MutationMessage[]): readonly string[] {
  const ids = new Set(messages.flatMap(({ correlationId }) => correlationId ?? []));
  return [...ids].slice(0, limits.correlationIdsMax);
}
