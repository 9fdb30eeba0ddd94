import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { SharedArena } from '../../lib/bytes/shared-arena.ts';
import type { UniqueKeyIndex } from '../../lib/indexes/unique-key.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { shareReadState } from '../../lib/state/shared-state.ts';
import type { SharedProducts } from './look-up-worker.ts';

const times = 1_000_000;

/** How many times more look-ups two workers do in the same state than one of them alone. */
export async function sharedLookUps(state: ReadState, index: UniqueKeyIndex, count: number): Promise<number> {
  const arena = new SharedArena();
  const workerData: SharedProducts = { state: shareReadState(state, arena), index: index.share(arena) };
  const file = new URL('look-up-worker.mjs', import.meta.url);
  const workers = [new Worker(file, { workerData }), new Worker(file, { workerData })];
  const ask = async (asked: readonly Worker[]): Promise<number> => {
    const start = process.hrtime.bigint();
    await Promise.all(
      asked.map(async (worker) => {
        worker.postMessage({ times, count });
        const [sum] = await once(worker, 'message');
        if (sum <= 0) throw new Error('nothing was found');
      }),
    );
    return Number(process.hrtime.bigint() - start);
  };
  await ask(workers);
  const alone = await ask(workers.slice(0, 1));
  const both = await ask(workers);
  await Promise.all(workers.map((worker) => worker.terminate()));
  return (2 * alone) / both;
}
