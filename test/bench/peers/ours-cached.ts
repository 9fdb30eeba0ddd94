import { StringCache } from '../../../lib/state/string-cache.ts';
import type { Peer } from '../peer.ts';
import type { Records } from '../records.ts';
import { createPeer as createOurs } from './ours.ts';

const entries = 2 ** 19;

/** {@link createOurs} with a cache of half a million strings. */
export function createPeer<Item>(records: Records<Item>): Peer {
  return createOurs(records, new StringCache(entries));
}
