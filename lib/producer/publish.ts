import { type BlobName, blobName } from '../blob/blob-names.ts';
import type { EncodedBlob } from '../blob/blob-parts.ts';
import type { BlobDigests } from '../consumer/retrieve.ts';
import { DatasetError } from '../errors.ts';
import type { BlobMetadata, BlobStore, PutOutcome } from '../ports.ts';
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
 * @returns the digests, if these very bytes are what is stored; null: it is another snapshotter's bytes of the same state
 * @throws DatasetError `corrupt`: the name is taken by something else
 */
export async function publish(
  blobs: BlobStore,
  name: BlobName,
  blob: EncodedBlob,
  facts: BlobFacts,
): Promise<BlobDigests | null> {
  const metadata = metadataOf(facts);
  const names = [...blob.parts.keys()];
  const [main, ...parts] = await Promise.all([
    putOnce(blobs, blobName(name), blob.main, metadata),
    ...Array.from(blob.parts, ([part, bytes]) => putOnce(blobs, blobName(name, part), bytes, metadata)),
  ]);
  const isOurs = [main, ...parts].every((outcome) => outcome.kind === 'stored' || outcome.isSame);
  if (!isOurs) return null;
  return {
    main: main.sha256,
    parts: new Map(parts.map(({ sha256 }, index) => [names[index] as string, sha256])),
  };
}

async function putOnce(
  blobs: BlobStore,
  name: string,
  bytes: Uint8Array,
  metadata: BlobMetadata,
): Promise<PutOutcome> {
  const outcome = await blobs.put(name, bytes, metadata);
  if (outcome.kind === 'stored') return outcome;
  // Our own earlier attempt, repeated by the transport, or another snapshotter's bytes of the same state. Those may
  // differ in widths, never in content, so the state's hashes decide; a delta has one writer and must be the very same.
  const isSame = Object.entries(metadata).every(([key, value]) => outcome.metadata[key] === value);
  const isDelta = metadata['fromcid'] !== undefined;
  if (isSame && (!isDelta || outcome.isSame)) return outcome;
  throw new DatasetError('corrupt', 'a blob name is taken by other content', { name, size: outcome.size });
}
