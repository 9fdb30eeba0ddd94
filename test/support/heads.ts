/** Heads, proposals and entries that differ in every field, for tests that look at a head from outside. */
import { createHash } from 'node:crypto';
import { newestSnapshot } from '../../lib/head-rules.ts';
import type { CommitEntry, CommitProposal, DatasetId, Head, Pin, SnapshotEntry } from '../../lib/ports.ts';

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
  const size = version * 1_000_003;
  return { version, cid: hex128(`cid ${name}`), hash: hex128(`hash ${name}`), size, tier: tierOf(version) };
}

/** Of an odd version it has no digests, as those of older releases. */
export function snapshotEntry(version: number, label = ''): SnapshotEntry {
  const { cid, hash } = commitEntry(version, label);
  const writtenAtMs = 1_760_000_000_000 + version;
  const entry = { version, cid, hash, size: 7_000_000_000 + version, writtenAtMs };
  if (version % 2 === 1) return entry;
  const [main, bookkeeping] = [`main ${cid}`, `bookkeeping ${cid}`].map((blob) => hex128(blob).repeat(2));
  return {
    ...entry,
    digests: { main: main ?? '', bookkeeping: bookkeeping ?? '', bookkeepingHash: hex128(`stamps ${cid}`) },
  };
}

/** Of the newest version of `head`, over its newest snapshot. */
export function pinOf(head: Head, expiresAtMs: number | null = null): Pin {
  const snapshot = newestSnapshot(head);
  const deltas = head.recent.filter(({ version }) => version > snapshot.version);
  const { version, cid, hashes, schemaId } = head;
  return { version, cid, hashes, schemaId, snapshot, deltas, expiresAtMs };
}

/** Creates a chain at version 1. */
export function firstProposal(label = ''): CommitProposal {
  return {
    ...proposalOf(commitEntry(1, label), [commitEntry(1, label)]),
    expected: null,
    snapshot: snapshotEntry(1, label),
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
    operation: 'commit',
  };
}

function tierOf(version: number): CommitEntry['tier'] {
  return version % 3 === 0 ? 'inline' : 's3';
}
