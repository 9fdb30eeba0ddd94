/**
 * LAYER 6, consumer: one process's copy of a dataset, kept fresh.
 *
 *   update-plan.ts    from what I have and what the head says: what to fetch, as a value (this file)
 *   retrieve.ts       fetches the blobs of a plan, in order, some at once
 *   loaded.ts         what readers hold: one immutable version with its indexes and hashes
 *   advance.ts        a plan carried out: fetch, apply, verify against the head
 *   refresh.ts        head -> plan -> advance, with another path when blobs turn out bad
 *   watch.ts          when to refresh: hints, and a poll for the hints that got lost
 *   consumer.ts       the Consumer: identity, lookups, listeners, health
 *   dataset-state.ts  one version as users see it: types by name; type-records.ts: find, get, iterate, typed
 *
 * A producer goes the same way up to `advance`, with the bookkeeping part.
 */
import { DatasetError } from '../errors.ts';
import type { CommitEntry, Head, ServedRef, SnapshotEntry } from '../ports.ts';

/** One delta to apply: from exactly (fromVersion, fromCid) to (toVersion, toCid). */
export interface DeltaStep {
  readonly fromVersion: number;
  readonly fromCid: string;
  readonly toVersion: number;
  readonly toCid: string;
  /** Data hash of the state it leads to. */
  readonly hash: string;
  readonly size: number;
  readonly tier: CommitEntry['tier'];
}

export type UpdatePlan =
  /** `current`: I am there. `newer`: the head that was read is older than what I have; never go back. */
  | { readonly kind: 'none'; readonly reason: 'current' | 'newer' }
  /** No deltas at all: same state under a new era or epoch. */
  | { readonly kind: 'deltas'; readonly to: ServedRef; readonly deltas: readonly DeltaStep[] }
  | {
      readonly kind: 'snapshot';
      readonly to: ServedRef;
      readonly snapshot: SnapshotEntry;
      readonly deltas: readonly DeltaStep[];
    };

export interface UpdatePlanOptions {
  /** After a blob on the delta path was missing or bad: start over from the newest snapshot. */
  readonly forceSnapshot?: boolean;
}

/**
 * Orders versions: by era, then epoch, then version. An era is a life of the table and an epoch an order of what to
 * serve, so a higher one wins even with a lower version.
 */
export function compareVersions(a: ServedRef, b: ServedRef): number {
  return a.era - b.era || a.epoch - b.epoch || a.version - b.version;
}

/**
 * What to fetch to get from `mine` to `head`. Pure.
 *
 * Deltas are taken only when my very version (number and commit id) is on the head's chain and not below its floor:
 * below it deltas may be deleted at any time although the ring still lists them, and the number alone may mean another
 * state after a restore. Which version to serve is not decided here: a consumer plans to `servedHead(head)`.
 */
export function planUpdate(mine: ServedRef | null, head: Head, options: UpdatePlanOptions = {}): UpdatePlan {
  const to: ServedRef = { era: head.era, epoch: head.serve.epoch, version: head.version, cid: head.cid };
  if (mine !== null) {
    const order = compareVersions(mine, to);
    if (order > 0) return { kind: 'none', reason: 'newer' };
    if (order === 0 && mine.cid === head.cid) return { kind: 'none', reason: 'current' };
    if (options.forceSnapshot !== true && mine.version >= head.floor && isOnChain(mine, head)) {
      return { kind: 'deltas', to, deltas: deltaSteps(head, mine.version, mine.cid) };
    }
  }
  const snapshot = head.snapshots.findLast((entry) => entry.version <= head.version);
  if (snapshot === undefined || snapshot.version < head.floor) {
    throw unreadable(head, 'it registers no snapshot');
  }
  return { kind: 'snapshot', to, snapshot, deltas: deltaSteps(head, snapshot.version, snapshot.cid) };
}

function isOnChain(mine: ServedRef, head: Head): boolean {
  const isMine = (entry: { version: number; cid: string }): boolean =>
    entry.version === mine.version && entry.cid === mine.cid;
  // A snapshot that was registered is on the chain even when the ring no longer reaches back to its own entry.
  return head.recent.some(isMine) || (head.snapshots.some(isMine) && reachesBackTo(head, mine.version + 1));
}

function reachesBackTo(head: Head, version: number): boolean {
  const oldest = head.recent[0];
  return version > head.version || (oldest !== undefined && oldest.version <= version);
}

function deltaSteps(head: Head, version: number, cid: string): DeltaStep[] {
  const steps: DeltaStep[] = [];
  let from = { version, cid };
  for (const entry of head.recent) {
    if (entry.version < version) continue;
    if (entry.version === version) {
      if (entry.cid !== cid) throw unreadable(head, `version ${version} has two commit ids`);
      continue;
    }
    if (entry.version !== from.version + 1) throw unreadable(head, `entry ${from.version + 1} is missing`);
    steps.push(stepTo(entry, from));
    from = entry;
  }
  if (from.version !== head.version || from.cid !== head.cid) {
    throw unreadable(head, `its entries end at version ${from.version}`);
  }
  return steps;
}

function stepTo(entry: CommitEntry, from: { version: number; cid: string }): DeltaStep {
  return {
    fromVersion: from.version,
    fromCid: from.cid,
    toVersion: entry.version,
    toCid: entry.cid,
    hash: entry.hash,
    size: entry.size,
    tier: entry.tier,
  };
}

function unreadable(head: Head, why: string): DatasetError {
  return new DatasetError('corrupt', `the head of version ${head.version} has no readable path: ${why}`, {
    era: head.era,
    version: head.version,
    floor: head.floor,
  });
}
