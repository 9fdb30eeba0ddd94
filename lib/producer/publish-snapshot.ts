import type { BlobName } from '../blob/blob-names.ts';
import { encodeSnapshot } from '../blob/encode-snapshot.ts';
import { bookkeepingPart } from '../consumer/loaded-version.ts';
import type { StateHashes } from '../ports.ts';
import type { ReadState } from '../state/read-state.ts';
import type { SnapshotFacts } from './chain.ts';
import type { ProducerContext } from './context.ts';
import { checkSnapshot } from './integrity.ts';
import { blobSize, publish } from './publish.ts';

/** A state that is to be stored as a snapshot, and what is known of it. */
export interface SnapshotContent {
  readonly state: ReadState;
  readonly hashes: StateHashes;
  readonly schemaId: string;
}

/**
 * Encodes a state, decodes that again and holds it against the state's hashes, and stores it. So the digests that
 * are returned stand for these hashes: readers compare bytes, and do without a pass over all records.
 *
 * @throws DatasetError `corrupt`: the name is taken by something else
 */
export async function publishSnapshot(
  context: Pick<ProducerContext, 'blobs' | 'clock' | 'parts'>,
  name: BlobName & { readonly kind: 'snapshot' },
  { state, hashes, schemaId }: SnapshotContent,
): Promise<SnapshotFacts> {
  const { blobs, clock, parts } = context;
  const snapshot = encodeSnapshot(state, { parts });
  checkSnapshot(snapshot, hashes, context);
  const stored = await publish(blobs, name, snapshot, { cid: name.cid, from: null, schemaId, hashes });
  const facts = { size: blobSize(snapshot), writtenAtMs: clock.nowMs() };
  const bookkeeping = stored?.parts.get(bookkeepingPart);
  if (stored === null || bookkeeping === undefined) return facts;
  return { ...facts, digests: { main: stored.main, bookkeeping, bookkeepingHash: hashes.bookkeeping } };
}
