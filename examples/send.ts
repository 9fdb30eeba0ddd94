import type { Consumer } from 'serverless-hollow';
import { AwsMutationSink, sqsClient } from 'serverless-hollow/aws';
import { systemClock, systemRandom } from 'serverless-hollow/local';
import { Sender, type SenderOptions } from 'serverless-hollow/sender';
import { shop } from './dataset.ts';

const { MUTATION_QUEUE_URL: queueUrl = '' } = process.env;
const telemetry: SenderOptions<typeof shop>['telemetry'] = {
  log: (level, message, fields) => console.log(JSON.stringify({ level, message, ...fields })),
  record: () => undefined,
};

const sender = new Sender({
  dataset: shop,
  sinks: new AwsMutationSink({ client: sqsClient(), queueUrl }), // of several partitions: one for each, in order
  clock: systemClock,
  random: systemRandom,
  telemetry,
});

interface Delivery {
  readonly sku: string;
  readonly name: string;
  readonly price: number;
}

export async function delivered(deliveries: AsyncIterable<Delivery>): Promise<void> {
  for await (const { sku, name, price } of deliveries) {
    await sender.upsert('Product', { sku, name, price, status: 'active' }); // waits only while the buffer is full
  }
  await sender.flush(); // all of it is in the queue; rejects if some of it is not
}

/** Resolves when `consumer` can show it; false: not in time. */
export async function soldOut(
  sku: string,
  requestId: string,
  consumer: Consumer<typeof shop>,
): Promise<boolean> {
  const options = { priority: 'high', correlationId: requestId } as const;
  const { accepted } = await sender.patch('Product', { sku }, { status: 'sold out' }, options);
  const receipt = await accepted; // this one is in the queue
  return consumer.waitFor(receipt, 5_000); // true: what this consumer serves has it
}

export async function shutDown(): Promise<void> {
  await sender.close();
}
