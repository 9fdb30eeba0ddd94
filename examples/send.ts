import { messageBody } from 'serverless-hollow';
import { AwsMutationSink, sqsClient } from 'serverless-hollow/aws';
import { shop } from './dataset.ts';

const { MUTATION_QUEUE_URL: queueUrl = '' } = process.env;
const sink = new AwsMutationSink({ client: sqsClient(), queueUrl });

export async function soldOut(sku: string): Promise<void> {
  const body = messageBody(shop, [
    { op: 'patch', type: 'Product', key: { sku }, fields: { status: 'sold out' } },
  ]);
  await sink.send([{ body }]);
}
