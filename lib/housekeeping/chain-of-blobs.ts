import { type BlobName, blobFolder, blobName, parseBlobName } from '../blob/blob-names.ts';
import { bookkeepingPart } from '../consumer/loaded-version.ts';
import { DatasetError } from '../errors.ts';
import type { BlobShelf, BlobStore, CommitEntry, DatasetId, SnapshotEntry } from '../ports.ts';
import { type BlobFacts, blobFactsOf } from '../producer/blob-facts.ts';

export interface BlobPorts {
  readonly blobs: BlobStore;
  readonly shelf: BlobShelf;
}

/** A way to a version that blobs alone tell of. */
export interface BlobChain {
  readonly tip: BlobFacts;
  readonly version: number;
  readonly snapshot: SnapshotEntry;
  /** From the snapshot to the version; empty when the snapshot is of the very version. */
  readonly deltas: readonly CommitEntry[];
}

export interface FoundBlobs {
  readonly deltas: readonly FoundBlob[];
  readonly snapshots: readonly FoundBlob[];
  /** The greatest era in which a delta was made; 0: there is none. */
  readonly era: number;
}

interface FoundBlob {
  readonly version: number;
  readonly facts: BlobFacts;
  /** Bytes, main blob and parts together. */
  readonly size: number;
}

/** Everything of a chain from `floor` on. Reads each blob once: that is bounded by the retention. */
export async function findBlobs(
  ports: BlobPorts,
  id: DatasetId,
  at: { readonly mapGeneration: number; readonly floor: number },
): Promise<FoundBlobs> {
  const find = async (kind: 'delta' | 'snapshot'): Promise<FoundBlob[]> => {
    const found: FoundBlob[] = [];
    for await (const { name, parts } of listBlobs(ports.shelf, blobFolder(id, at.mapGeneration, kind))) {
      // Whoever wrote it died on the way, and nothing ever named it: a version is named when all of it is there.
      if (!parts.includes(bookkeepingPart)) continue;
      if (name.toVersion < at.floor) continue;
      const blob = await readBlob(ports.blobs, name, parts);
      if (blob !== null) found.push(blob);
    }
    return found;
  };
  const deltas = await find('delta');
  const era = Math.max(0, ...deltas.map(({ facts }) => facts.from?.era ?? 0));
  return { deltas, snapshots: await find('snapshot'), era };
}

/**
 * The newest version that the blobs tell of, and the way to it. Within the newest era that is the one that no other was
 * made from. If its commit was lost, that does no harm: its messages are still in the queue, and already in.
 *
 * @param cid names the version to go to; null: the newest
 * @throws DatasetError `refused`: none, or several of which only one can have been committed; or no way leads there
 */
export function chainOf({ deltas, snapshots, era }: FoundBlobs, cid: string | null): BlobChain {
  const candidates =
    cid === null ? newestOf(deltas, snapshots, era) : [...deltas, ...snapshots].filter(isOf(cid));
  const cids = [...new Set(candidates.map(({ facts }) => facts.cid))];
  const [tip] = candidates;
  if (tip === undefined || cids.length > 1) {
    const found = candidates.map(({ version, facts }) => `${version} ${facts.cid}`).join(', ');
    throw new DatasetError('refused', `which version is the newest cannot be told from the blobs: ${found}`, {
      candidates: found,
    });
  }
  const path: FoundBlob[] = [];
  for (let at = { version: tip.version, cid: tip.facts.cid }; ; ) {
    const snapshot = snapshots.find((each) => each.version === at.version && each.facts.cid === at.cid);
    if (snapshot !== undefined) return { ...wayOver(snapshot, path), tip: tip.facts, version: tip.version };
    const delta = deltas.find((each) => each.version === at.version && each.facts.cid === at.cid);
    if (delta === undefined || delta.facts.from === null) {
      throw new DatasetError('refused', `the blobs of version ${at.version} are missing`, { ...at });
    }
    path.unshift(delta);
    at = { version: at.version - 1, cid: delta.facts.from.cid };
  }
}

function newestOf(deltas: readonly FoundBlob[], snapshots: readonly FoundBlob[], era: number): FoundBlob[] {
  const inEra = deltas.filter(({ facts }) => facts.from?.era === era);
  const nodes = inEra.length > 0 ? inEra : snapshots;
  const version = Math.max(...nodes.map((each) => each.version));
  return nodes.filter((each) => each.version === version);
}

function isOf(cid: string): (blob: FoundBlob) => boolean {
  return ({ facts }) => facts.cid === cid;
}

function wayOver(snapshot: FoundBlob, path: readonly FoundBlob[]): Pick<BlobChain, 'snapshot' | 'deltas'> {
  return {
    snapshot: { ...entryOf(snapshot), writtenAtMs: 0 },
    deltas: path.map((delta) => ({ ...entryOf(delta), tier: 's3' as const })),
  };
}

function entryOf({ version, facts, size }: FoundBlob): Omit<CommitEntry, 'tier'> {
  return { version, cid: facts.cid, hash: facts.hashes.data, size };
}

/** Main blobs of a folder, each with the names of its parts. A part's name follows the main blob's. */
async function* listBlobs(
  shelf: BlobShelf,
  folder: string,
): AsyncGenerator<{ name: BlobName; parts: string[] }, void, undefined> {
  let current: { name: BlobName; parts: string[] } | null = null;
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<BlobShelf['list']>> = await shelf.list(folder, after);
    for (const text of page.names) {
      const parsed = parseBlobName(text);
      if (parsed === null) continue;
      if (parsed.part !== null) {
        // The part of a main blob that was never written is nobody's.
        if (current !== null && blobName(current.name) === blobName(parsed.name))
          current.parts.push(parsed.part);
        continue;
      }
      if (current !== null) yield current;
      current = { name: parsed.name, parts: [] };
    }
    after = page.next;
  } while (after !== null);
  if (current !== null) yield current;
}

/** Null: it has gone meanwhile. */
async function readBlob(
  blobs: BlobStore,
  name: BlobName,
  parts: readonly string[],
): Promise<FoundBlob | null> {
  const main = await blobs.get(blobName(name));
  if (main === null) return null;
  let size = main.bytes.length;
  for (const part of parts) size += (await blobs.get(blobName(name, part)))?.bytes.length ?? 0;
  return { version: name.toVersion, facts: blobFactsOf(blobName(name), main.metadata), size };
}
