import { type BlobName, blobName } from '../blob/blob-names.ts';
import { DatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { BlobMetadata, BlobStore, DatasetId } from '../ports.ts';
import type { UpdatePlan } from './update-plan.ts';

/** Where blobs come from, and which of their optional parts are wanted. */
export interface BlobSource {
  readonly id: DatasetId;
  readonly blobs: BlobStore;
  /** Names of the optional parts to fetch beside each main blob. */
  readonly parts: readonly string[];
}

/** One blob with the parts that were asked for. */
export interface RetrievedBlob {
  readonly main: Uint8Array;
  readonly parts: ReadonlyMap<string, Uint8Array>;
  readonly metadata: BlobMetadata;
}

/** Names of the blobs of a plan, in the order in which they are applied: a snapshot first, if there is one. */
export function planBlobs(id: DatasetId, mapGeneration: number, plan: UpdatePlan): BlobName[] {
  if (plan.kind === 'none') return [];
  const names: BlobName[] = [];
  if (plan.kind === 'snapshot') {
    const { version, cid } = plan.snapshot;
    names.push({ kind: 'snapshot', id, mapGeneration, toVersion: version, cid });
  }
  for (const step of plan.deltas) {
    const { fromVersion, toVersion, toCid } = step;
    names.push({ kind: 'delta', id, mapGeneration, fromVersion, toVersion, cid: toCid });
  }
  return names;
}

/**
 * Fetches blobs and yields them in order. At most {@link limits.fetchConcurrencyMax} are under way or waiting, so memory
 * is bounded however long the chain is.
 */
export async function* retrieve(
  source: BlobSource,
  names: readonly BlobName[],
): AsyncGenerator<RetrievedBlob, void, undefined> {
  const ahead: Promise<RetrievedBlob>[] = [];
  let next = 0;
  while (next < names.length || ahead.length > 0) {
    while (next < names.length && ahead.length < limits.fetchConcurrencyMax) {
      const pending = retrieveBlob(source, names[next++] as BlobName);
      // Whoever awaits it gets the error; when an earlier blob fails first, nobody does.
      pending.catch(() => undefined);
      ahead.push(pending);
    }
    yield await (ahead.shift() as Promise<RetrievedBlob>);
  }
}

async function retrieveBlob(source: BlobSource, name: BlobName): Promise<RetrievedBlob> {
  const [main, ...parts] = await Promise.all([
    getBlob(source.blobs, blobName(name)),
    ...source.parts.map((part) => getBlob(source.blobs, blobName(name, part))),
  ]);
  if (main.metadata['cid'] !== name.cid) {
    throw new DatasetError('corrupt', 'a blob carries another commit id than its name', {
      name: blobName(name),
      cid: main.metadata['cid'] ?? null,
    });
  }
  return {
    main: main.bytes,
    parts: new Map(parts.map((part, index) => [source.parts[index] as string, part.bytes])),
    metadata: main.metadata,
  };
}

async function getBlob(
  blobs: BlobStore,
  name: string,
): Promise<{ bytes: Uint8Array; metadata: BlobMetadata }> {
  const blob = await blobs.get(name);
  if (blob === null) {
    throw new DatasetError('corrupt', 'a blob that the head names is missing', { name, missing: true });
  }
  return blob;
}
