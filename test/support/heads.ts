/** Heads, proposals and entries that differ in every field, for tests that look at a head from outside. */
import { createHash } from 'node:crypto';
import type { CommitEntry, CommitProposal, DatasetId, Head, SnapshotEntry } from '../../lib/ports.ts';

let idCount = 0;

/** An id that no other test uses. */
export function freshId(): DatasetId {
  idCount += 1;
  return { tenant: 'acme', dataset: `cities-${process.pid}-${idCount}`, partition: idCount % 7 };
}

/** 32 hex digits that depend on the label only. */
export function hex128(label: string): string {
  return createHash('md5').update(label).digest('hex');
}

export function commitEntry(version: number, label = ''): CommitEntry {
  const name = `${version} ${label}`;
  return { version, cid: hex128(`cid ${name}`), hash: hex128(`hash ${name}`), size: version * 1_000_003 };
}

export function snapshotEntry(version: number, label = ''): SnapshotEntry {
  return { ...commitEntry(version, label), size: 7_000_000_000 + version };
}

/** Creates a chain at version 1. */
export function firstProposal(label = ''): CommitProposal {
  return {
    ...proposalOf(commitEntry(1, label), [commitEntry(1, label)]),
    expected: null,
    firstSnapshot: snapshotEntry(1, label),
  };
}

/** Follows `head`. */
export function nextProposal(head: Head, label = ''): CommitProposal {
  const entry = commitEntry(head.version + 1, label);
  const { era, version, cid, mapGeneration } = head;
  return { ...proposalOf(entry, [...head.recent, entry]), expected: { era, version, cid }, mapGeneration };
}

function proposalOf(entry: CommitEntry, recent: readonly CommitEntry[]): Omit<CommitProposal, 'expected'> {
  return {
    version: entry.version,
    cid: entry.cid,
    hashes: { data: entry.hash, bookkeeping: hex128(`bookkeeping ${entry.cid}`) },
    recent,
    schemaId: hex128(`schema ${entry.version}`).slice(16),
    mapGeneration: 3,
  };
}
