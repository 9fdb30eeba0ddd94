import type { DynamoDBBatchResponse, DynamoDBRecord } from 'aws-lambda';
import * as z from 'zod';
import { decodeHeadImage } from '../lib/aws/head-image.ts';
import { isDatasetError } from '../lib/errors.ts';
import { composeOutbox, lambdaHandler } from './runtime.ts';

const { outbox, id, telemetry } = composeOutbox();

const streamSchema = z.object({ Records: z.array(z.custom<DynamoDBRecord>()) });

/** Changes of the heads' table, in order: announces each chain's newest. Anything else, say a schedule: a sweep. */
export const handler = lambdaHandler<unknown, DynamoDBBatchResponse>(telemetry, async (event) => {
  const stream = streamSchema.safeParse(event);
  if (stream.success) return tellAll(stream.data.Records);
  await outbox.sweep(id);
  return { batchItemFailures: [] };
});

async function tellAll(records: readonly DynamoDBRecord[]): Promise<DynamoDBBatchResponse> {
  for (const { dynamodb } of records) {
    try {
      const image = dynamodb?.NewImage === undefined ? null : decodeHeadImage(dynamodb.NewImage);
      const committedAtMs = (dynamodb?.ApproximateCreationDateTime ?? 0) * 1_000;
      if (image !== null) await outbox.tell(image.id, image.head, committedAtMs);
    } catch (error) {
      if (!isDatasetError(error)) throw error;
      telemetry.log('warn', 'a change was not announced', { error, kind: error.kind });
      // What can never be announced must not hold up what can; the poll of consumers covers it.
      const isHopeless = error.kind === 'corrupt' || error.kind === 'incompatible';
      if (!isHopeless) return { batchItemFailures: [{ itemIdentifier: dynamodb?.SequenceNumber ?? '' }] };
    }
  }
  return { batchItemFailures: [] };
}
