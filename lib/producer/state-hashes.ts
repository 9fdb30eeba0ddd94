import { assert } from '../assert.ts';
import type { LoadedHashes } from '../consumer/loaded-version.ts';
import type { StateHashes } from '../ports.ts';
import { toHex } from '../state/state-hash.ts';

/** The hashes of a state that was loaded with its bookkeeping, as the head and the blobs carry them. */
export function stateHashesOf({ data, bookkeeping }: LoadedHashes): StateHashes {
  assert(bookkeeping !== null, 'a producer loads the bookkeeping part');
  return { data: toHex(data), bookkeeping: toHex(bookkeeping) };
}
