import { StringCache } from '../../../lib/state/string-cache.ts';
import type { Peer } from '../peer.ts';
import type { Records } from '../records.ts';
import { createPeer as createOurs } from './ours.ts';

const bytes = 36 * 2 ** 20;

/** {@link createOurs} with a cache of 36 MiB of text, room for all titles. */
export function createPeer<Item>(records: Records<Item>): Peer {
  return createOurs(records, new StringCache(bytes));
}
