import { type BlobName, blobName } from '../blob/blob-names.ts';
import type { EncodedBlob } from '../blob/blob-parts.ts';
import { DatasetError } from '../errors.ts';
import type { BlobMetadata, BlobStore } from '../ports.ts';
import { type BlobFacts, metadataOf } from './blob-facts.ts';

/** Bytes of the main blob and its parts together. */
export function blobSize(blob: EncodedBlob): number {
  let size = blob.main.length;
  for (const part of blob.parts.values()) size += part.length;
  return size;
}

/**
 * Stores a blob and its parts, so that a commit or a registration may name them. Resolves only when all are stored.
 * Harmless if nobody ever names them.
 *
 * @throws DatasetError `corrupt`: the name is taken by something else
 */
export async function publish(
  blobs: BlobStore,
  name: BlobName,
  blob: EncodedBlob,
  facts: BlobFacts,
): Promise<void> {
  const metadata = metadataOf(facts);
  const puts: [string, Uint8Array][] = [[blobName(name), blob.main]];
  for (const [part, bytes] of blob.parts) puts.push([blobName(name, part), bytes]);
  await Promise.all(puts.map(([full, bytes]) => putOnce(blobs, full, bytes, metadata)));
}

async function putOnce(
  blobs: BlobStore,
  name: string,
  bytes: Uint8Array,
  metadata: BlobMetadata,
): Promise<void> {
  const outcome = await blobs.put(name, bytes, metadata);
  if (outcome.kind === 'stored') return;
  // Our own earlier attempt, repeated by the transport, or another snapshotter's bytes of the same state. Those may
  // differ in widths, never in content, so the state's hashes decide; a delta has one writer and must be the very same.
  const isSame = Object.entries(metadata).every(([key, value]) => outcome.metadata[key] === value);
  const isDelta = metadata['fromcid'] !== undefined;
  if (isSame && (!isDelta || outcome.size === bytes.length)) return;
  throw new DatasetError('corrupt', 'a blob name is taken by other content', { name, size: outcome.size });
}
