import { Consumer, type ConsumerSource } from 'serverless-hollow';
import { AwsAnnouncementWatcher, sqsClient } from 'serverless-hollow/aws';
import { shop } from './dataset.ts';

export async function follow(source: ConsumerSource, queueUrl: string): Promise<Consumer<typeof shop>> {
  const consumer = new Consumer({ ...source, dataset: shop });
  await consumer.refresh(); // rejects if the first load fails; after that what is loaded stays readable
  const { telemetry } = source;
  consumer.start([new AwsAnnouncementWatcher({ client: sqsClient(), queueUrl, telemetry })]);
  consumer.onChange(({ to }) => telemetry.log('info', 'shop moved on', { version: to.ref.version }));
  return consumer;
}

export function cheapest(consumer: Consumer<typeof shop>, tag: string): string | null {
  const { state } = consumer; // one version for the whole loop, whatever is refreshed meanwhile
  let best: { readonly sku: string; readonly price: number } | null = null;
  for (const { sku, price, tags } of state.type('Product')) {
    if (price !== null && tags?.has(tag) && (best === null || price < best.price)) best = { sku, price };
  }
  return best?.sku ?? null;
}
