/** A worker thread with a state and index of another thread: looks random ids up when asked, and says the sum. */
import { parentPort, workerData } from 'node:worker_threads';
import { type SharedIndex, UniqueKeyIndex } from '../../lib/indexes/unique-key.ts';
import { openReadState, type SharedReadState } from '../../lib/state/shared-state.ts';
import { nextRandom } from './products.ts';

export interface SharedProducts {
  readonly state: SharedReadState;
  readonly index: SharedIndex;
}

const { state, index } = workerData as SharedProducts;
const opened = UniqueKeyIndex.open(openReadState(state), index);

parentPort?.on('message', ({ times, count }: { readonly times: number; readonly count: number }) => {
  let sum = 0;
  for (let i = 0, random = 1; i < times; i++) {
    random = nextRandom(random);
    sum += opened.find((random >>> 8) % count);
  }
  parentPort?.postMessage(sum);
});
