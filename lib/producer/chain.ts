import { newestSnapshot } from '../head-rules.ts';
import { limits } from '../limits.ts';
import type { CommitEntry, CommitProposal, Head, SnapshotEntry, StateHashes } from '../ports.ts';

/** Bounds of a chain. Tests shrink them; the defaults are {@link limits}. */
export interface ChainBounds {
  readonly recentEntriesMin: number;
  readonly chainLengthForSnapshot: number;
  readonly chainLengthMax: number;
}

export const defaultChainBounds: ChainBounds = {
  recentEntriesMin: limits.recentEntriesMin,
  chainLengthForSnapshot: limits.chainLengthForSnapshot,
  chainLengthMax: limits.chainLengthMax,
};

/** The version that a cycle wants to commit. */
export interface NextVersion {
  readonly version: number;
  readonly cid: string;
  readonly hashes: StateHashes;
  readonly schemaId: string;
  /** Bytes of the delta, parts included; 0 for a first version. */
  readonly size: number;
  /** Default `s3`. */
  readonly tier?: CommitEntry['tier'];
}

/** What an entry of the head says beyond which version it is. */
export type SnapshotFacts = Pick<SnapshotEntry, 'size' | 'writtenAtMs' | 'digests'>;

/** What to propose on top of `head`. Pure. */
export function planNextCommit(head: Head, next: NextVersion, bounds: ChainBounds): CommitProposal {
  return {
    expected: { era: head.era, version: head.version, cid: head.cid },
    version: next.version,
    cid: next.cid,
    hashes: next.hashes,
    recent: trimRecent([...head.recent, entryOf(next)], newestSnapshot(head).version, bounds),
    schemaId: next.schemaId,
    mapGeneration: head.mapGeneration,
    operation: 'commit',
  };
}

/**
 * What to propose for an advance of the schema. It is a snapshot like a first version, and no delta leads to it: that is
 * what its size of 0 says.
 */
export function planSchemaCommit(
  head: Head,
  next: NextVersion,
  snapshot: SnapshotFacts,
  bounds: ChainBounds,
): CommitProposal {
  const { version, cid, hashes } = next;
  return {
    ...planNextCommit(head, next, bounds),
    recent: trimRecent([...head.recent, entryOf(next)], version, bounds),
    snapshot: { version, cid, hash: hashes.data, ...snapshot },
    operation: 'schema',
  };
}

/** What to propose for the first version of a chain: there is nothing to be a delta from, so it is a snapshot. */
export function planFirstCommit(next: NextVersion, snapshot: SnapshotFacts): CommitProposal {
  const { version, cid, hashes } = next;
  return {
    expected: null,
    version,
    cid,
    hashes,
    recent: [entryOf(next)],
    schemaId: next.schemaId,
    mapGeneration: firstMapGeneration,
    snapshot: { version, cid, hash: hashes.data, ...snapshot },
    operation: 'commit',
  };
}

/** Generation of the partition map that a new chain belongs to. */
export const firstMapGeneration = 1;

/** Deltas that a cold reader applies. */
export function chainLength(head: Head): number {
  return head.version - newestSnapshot(head).version;
}

/**
 * The ring keeps every entry a cold reader needs, that is from the newest registered snapshot on, and a few more for
 * readers that lag. A snapshot registered meanwhile is only newer, so trimming by an old one is safe within an era.
 */
function trimRecent(
  entries: readonly CommitEntry[],
  snapshotVersion: number,
  bounds: ChainBounds,
): readonly CommitEntry[] {
  const lagging = entries.length - bounds.recentEntriesMin;
  return entries.filter((entry, index) => entry.version >= snapshotVersion || index >= lagging);
}

function entryOf({ version, cid, hashes, size, tier = 's3' }: NextVersion): CommitEntry {
  return { version, cid, hash: hashes.data, size, tier };
}
