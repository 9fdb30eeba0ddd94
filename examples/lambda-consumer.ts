import { Consumer, type Telemetry } from 'serverless-hollow';
import { AwsBlobStore, AwsHeadStore, dynamoDbClient, s3Client } from 'serverless-hollow/aws';
import { systemClock, systemRandom } from 'serverless-hollow/local';
import { shop } from './dataset.ts';

const { HOLLOW_TABLE: table = '', HOLLOW_BUCKET: bucket = '' } = process.env;
const telemetry: Telemetry = {
  log: (level, message, fields) => console.log(JSON.stringify({ level, message, ...fields })),
  record: () => undefined,
};

// Outside the handler: loaded once, kept warm.
const consumer = new Consumer({
  dataset: shop,
  id: { dataset: 'shop', partition: 0 },
  heads: new AwsHeadStore({ client: dynamoDbClient(), table }),
  blobs: new AwsBlobStore({ client: s3Client(), bucket }),
  clock: systemClock,
  random: systemRandom,
  telemetry,
});

export async function handler({ sku }: { readonly sku: string }): Promise<object> {
  await consumer.refresh(); // one read of the head; nothing more if nothing is new
  const product = consumer.find('Product', sku);
  return { name: product?.name ?? null, amsterdam: product?.stock?.get('amsterdam') ?? 0 };
}
