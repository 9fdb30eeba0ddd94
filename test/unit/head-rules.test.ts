import { expect, test } from 'vitest';
import { checkHead } from '../../lib/head-checks.ts';
import { decideCommit, decideSnapshot, firstHead } from '../../lib/head-rules.ts';
import type { CommitProposal, Head, SnapshotDigests, SnapshotEntry } from '../../lib/ports.ts';
import { commitEntry, firstProposal, nextProposal, snapshotEntry } from '../support/heads.ts';

const head = firstHead(firstProposal());

test('a sealed chain takes no commit, but still takes snapshots', () => {
  const sealed: Head = { ...head, ...tipOf(2), status: 'sealed' };
  expect(decideCommit(sealed, nextProposal(sealed))).toEqual({ kind: 'conflict', head: sealed });
  expect(decideSnapshot(sealed, 1, snapshotEntry(2)).kind).toBe('committed');
});

test('nothing of a proposal or a snapshot that a caller changes later is kept', () => {
  const proposal = nextProposal(head);
  const recent = [...proposal.recent];
  const hashes = { ...proposal.hashes };
  const outcome = decideCommit(head, { ...proposal, recent, hashes });
  recent.push(commitEntry(9));
  hashes.data = 'changed';
  expect(outcome.head).toMatchObject({ recent: proposal.recent, hashes: proposal.hashes });
  const digests = { main: 'a'.repeat(64), bookkeeping: 'b'.repeat(64), bookkeepingHash: 'c'.repeat(32) };
  const { head: next } = decideSnapshot(head, 1, { ...snapshotEntry(2), digests });
  digests.main = 'changed';
  expect(next?.snapshots.at(-1)?.digests?.main).toBe('a'.repeat(64));
});

test('a head that keeps every rule passes, also with a gap below the newest snapshot', () => {
  expect(checkHead(head)).toBe(head);
  const far: Head = {
    ...head,
    ...tipOf(40),
    recent: [39, 40].map((version) => commitEntry(version)),
    snapshots: [snapshotEntry(1), snapshotEntry(38)],
  };
  expect(checkHead(far)).toBe(far);
});

test.each<[string, Partial<Head>]>([
  ['era', { era: 0 }],
  ['version', { version: 0 }],
  ['cid', { cid: 'A'.repeat(32) }],
  ['hashes.data', { hashes: { data: '', bookkeeping: head.hashes.bookkeeping } }],
  ['hashes.bookkeeping', { hashes: { data: head.hashes.data, bookkeeping: 'x' } }],
  ['schemaId', { schemaId: '' }],
  ['recent must end', { recent: [] }],
  ['recent must end', { recent: [commitEntry(1, 'other')] }],
  ['recent must ascend', { ...tipOf(3), recent: [commitEntry(1), commitEntry(1), commitEntry(3)] }],
  ['recent size', { recent: [{ ...commitEntry(1), size: -1 }] }],
  ['snapshots must ascend', { ...tipOf(2), snapshots: [snapshotEntry(2), snapshotEntry(2)] }],
  ['snapshots: hash', { snapshots: [{ ...snapshotEntry(1), hash: '' }] }],
  ['snapshots: digests', { ...tipOf(2), snapshots: [withDigests({ main: 'ab' })] }],
  ['snapshots: digests', { ...tipOf(2), snapshots: [withDigests({ bookkeeping: 'G'.repeat(64) })] }],
  ['snapshots: digests.bookkeepingHash', { ...tipOf(2), snapshots: [withDigests({ bookkeepingHash: '' })] }],
  ['no snapshot', { snapshots: [] }],
  ['a snapshot is above', { snapshots: [snapshotEntry(1), snapshotEntry(2)] }],
  ['below the floor', { floor: 2 }],
  ['reach back', { ...tipOf(3), recent: [commitEntry(3)] }],
])('a head with a wrong %s is corrupt', (message, change) => {
  expect(() => checkHead({ ...head, ...change })).toThrow(
    expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining(message) }),
  );
});

function withDigests(change: Partial<SnapshotDigests>): SnapshotEntry {
  const { digests, ...entry } = snapshotEntry(2);
  if (digests === undefined) throw new Error('an even version has digests');
  return { ...entry, digests: { ...digests, ...change } };
}

/** The commit's fields of a head at that version. */
function tipOf(version: number): Pick<CommitProposal, 'version' | 'cid' | 'recent' | 'hashes'> {
  const entry = commitEntry(version);
  const recent = Array.from({ length: version }, (_, index) => commitEntry(index + 1));
  return {
    version,
    cid: entry.cid,
    recent,
    hashes: { data: entry.hash, bookkeeping: head.hashes.bookkeeping },
  };
}
