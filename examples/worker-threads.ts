import { parentPort, type Worker } from 'node:worker_threads';
import {
  Consumer,
  type ConsumerSource,
  type DatasetState,
  openState,
  type SharedVersion,
} from 'serverless-hollow';
import { shop } from './dataset.ts';

/** In the main thread: loads once, and hands each version to the workers. */
export async function lead(source: ConsumerSource, workers: readonly Worker[]): Promise<void> {
  const consumer = new Consumer({ ...source, dataset: shop, memory: 'shared' });
  const hand = () => {
    const shared = consumer.state.share(); // says where the records and indexes are; copies none of them
    for (const worker of workers) worker.postMessage(shared);
  };
  consumer.onChange(hand);
  await consumer.refresh();
  consumer.start([]);
}

/** In each worker: the same reads on the same memory. */
export function serve(answer: (state: DatasetState<typeof shop>) => void): void {
  parentPort?.on('message', (shared: SharedVersion) => {
    answer(openState(shared, shop));
  });
}
