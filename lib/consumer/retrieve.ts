import { type BlobName, blobName } from '../blob/blob-names.ts';
import { DatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { BlobMetadata, BlobReader, CommitEntry, DatasetId, StoredBlob } from '../ports.ts';
import type { UpdatePlan } from './update-plan.ts';

/** Where blobs come from, and which of their optional parts are wanted. */
export interface BlobSource {
  readonly id: DatasetId;
  readonly blobs: BlobReader;
  /** Where inline deltas are; without it they are read as copies, which come a little later. */
  readonly inline: BlobReader | null;
  /** Names of the optional parts to fetch beside each main blob. */
  readonly parts: readonly string[];
}

/** One blob with the parts that were asked for. */
export interface RetrievedBlob {
  readonly main: Uint8Array;
  readonly parts: ReadonlyMap<string, Uint8Array>;
  readonly metadata: BlobMetadata;
  readonly digests: BlobDigests;
}

/** SHA-256 of the main blob and of each of its parts, by name: 64 lower-case hex digits. */
export interface BlobDigests {
  readonly main: string;
  readonly parts: ReadonlyMap<string, string>;
}

/** A blob, and where it was committed. */
export interface PlannedBlob {
  readonly name: BlobName;
  readonly tier: CommitEntry['tier'];
}

/** The blobs of a plan, in the order in which they are applied: a snapshot first, if there is one. */
export function planBlobs(id: DatasetId, mapGeneration: number, plan: UpdatePlan): PlannedBlob[] {
  if (plan.kind === 'none') return [];
  const planned: PlannedBlob[] = [];
  if (plan.kind === 'snapshot') {
    const { version, cid } = plan.snapshot;
    const name: BlobName = { kind: 'snapshot', id, mapGeneration, toVersion: version, cid };
    planned.push({ name, tier: 's3' });
  }
  for (const step of plan.deltas) {
    const { fromVersion, toVersion, toCid, tier } = step;
    const name: BlobName = { kind: 'delta', id, mapGeneration, fromVersion, toVersion, cid: toCid };
    planned.push({ name, tier });
  }
  return planned;
}

/**
 * Fetches blobs and yields them in order. At most {@link limits.fetchConcurrencyMax} are under way or waiting, so memory
 * is bounded however long the chain is.
 */
export async function* retrieve(
  source: BlobSource,
  planned: readonly PlannedBlob[],
): AsyncGenerator<RetrievedBlob, void, undefined> {
  const ahead: Promise<RetrievedBlob>[] = [];
  let next = 0;
  while (next < planned.length || ahead.length > 0) {
    while (next < planned.length && ahead.length < limits.fetchConcurrencyMax) {
      const pending = retrieveBlob(source, planned[next++] as PlannedBlob);
      // Whoever awaits it gets the error; when an earlier blob fails first, nobody does.
      pending.catch(() => undefined);
      ahead.push(pending);
    }
    yield await (ahead.shift() as Promise<RetrievedBlob>);
  }
}

async function retrieveBlob(source: BlobSource, { name, tier }: PlannedBlob): Promise<RetrievedBlob> {
  const [main, ...parts] = await Promise.all([
    getBlob(source, blobName(name), tier),
    ...source.parts.map((part) => getBlob(source, blobName(name, part), tier)),
  ]);
  if (main.metadata['cid'] !== name.cid) {
    throw new DatasetError('corrupt', 'a blob carries another commit id than its name', {
      name: blobName(name),
      cid: main.metadata['cid'] ?? null,
    });
  }
  const byName = <T>(of: (part: StoredBlob) => T): ReadonlyMap<string, T> =>
    new Map(parts.map((part, index) => [source.parts[index] as string, of(part)]));
  return {
    main: main.bytes,
    parts: byName(({ bytes }) => bytes),
    metadata: main.metadata,
    digests: { main: main.sha256, parts: byName(({ sha256 }) => sha256) },
  };
}

async function getBlob(
  { blobs, inline }: BlobSource,
  name: string,
  tier: CommitEntry['tier'],
): Promise<StoredBlob> {
  const isInline = tier === 'inline';
  const blob = (isInline && inline !== null ? await inline.get(name) : null) ?? (await blobs.get(name));
  if (blob === null) {
    if (isInline && inline === null) {
      throw new DatasetError('unavailable', 'an inline delta has not been copied yet', { name });
    }
    throw new DatasetError('corrupt', 'a blob that the head names is missing', { name, missing: true });
  }
  return blob;
}
