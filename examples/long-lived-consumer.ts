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

/** What part of all prices together is this one's. */
export function shareOfPrices(consumer: Consumer<typeof shop>, sku: string): number {
  const products = consumer.state.type('Product');
  const price = products.column('price'); // once, not for each record
  let sum = 0;
  for (const each of price.toArray(0)) sum += each; // all of them, 0 for null
  const o = products.ordinalOf(sku); // -1: there is none
  const share = o < 0 ? 0 : (price.at(o) ?? 0) / sum;
  return share;
}
