/** A worker thread: keeps each state that it is sent, and reads any of them when asked. */
import { parentPort } from 'node:worker_threads';
import { type DatasetState, openState } from '../../lib/consumer/dataset-state.ts';
import type { SharedVersion } from '../../lib/consumer/shared-version.ts';
import { readShelf, shelf } from './shared-shelf.ts';

export type ReaderRequest =
  | { readonly shared: SharedVersion }
  | { readonly read: number; readonly idMax: number };

const states: DatasetState<typeof shelf>[] = [];

parentPort?.on('message', (request: ReaderRequest) => {
  if ('shared' in request) {
    states.push(openState(request.shared, shelf));
    parentPort?.postMessage(states.length - 1);
    return;
  }
  const state = states[request.read];
  parentPort?.postMessage(state === undefined ? 'no such state' : readShelf(state, request.idMax));
});
