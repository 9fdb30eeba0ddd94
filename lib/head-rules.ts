/**
 * What a write to the head requires and does, as pure decisions. `memory` and `local` run them inside their lock;
 * `aws` says the same as a condition expression; the contract suite holds all three to it.
 */
import { DatasetError } from './errors.ts';
import { hex128Pattern } from './field-reader.ts';
import {
  type CommitEntry,
  type CommitOutcome,
  type CommitProposal,
  type Head,
  headFormat,
  type SnapshotEntry,
} from './ports.ts';

/** The outcome of {@link HeadStore.commit} on this head. Nothing is kept of `proposal` that a caller could change later. */
export function decideCommit(head: Head | null, proposal: CommitProposal): CommitOutcome {
  const { expected } = proposal;
  if (expected === null) {
    return head === null ? { kind: 'committed', head: firstHead(proposal) } : { kind: 'conflict', head };
  }
  const fits =
    head !== null &&
    head.era === expected.era &&
    head.version === expected.version &&
    head.cid === expected.cid &&
    head.mapGeneration === proposal.mapGeneration &&
    head.status === 'open';
  if (!fits) return { kind: 'conflict', head };
  return { kind: 'committed', head: { ...head, ...committedFields(proposal) } };
}

/** The outcome of {@link HeadStore.registerSnapshot} on this head. */
export function decideSnapshot(head: Head | null, era: number, snapshot: SnapshotEntry): CommitOutcome {
  if (head === null || head.era !== era || newestSnapshot(head).version >= snapshot.version) {
    return { kind: 'conflict', head };
  }
  const snapshots = [...head.snapshots, { ...snapshot }];
  return { kind: 'committed', head: { ...head, snapshots, lastOperation: 'snapshot' } };
}

/** Where a cold reader starts. */
export function newestSnapshot(head: Head): SnapshotEntry {
  const newest = head.snapshots.at(-1);
  if (newest === undefined) throw new DatasetError('corrupt', 'head: no snapshot is registered');
  return newest;
}

/** Refuses (`invalid`) a proposal that would break the head. The store never has to undo one. */
export function checkProposal(proposal: CommitProposal): void {
  const problem = proposalProblem(proposal);
  if (problem !== null) throw new DatasetError('invalid', `proposal: ${problem}`);
}

/** Refuses (`invalid`) a snapshot that cannot be one. */
export function checkSnapshot(snapshot: SnapshotEntry): void {
  const problem = entryProblem(snapshot);
  if (problem !== null) throw new DatasetError('invalid', `snapshot: ${problem}`);
}

/** Refuses (`corrupt`) a stored head that breaks what {@link Head} promises, before anyone builds a plan on it. */
export function checkHead(head: Head): Head {
  const problem = headProblem(head);
  if (problem !== null) throw new DatasetError('corrupt', `head: ${problem}`, { version: head.version });
  return head;
}

/** Refuses (`incompatible`) a head that a later version of this library wrote. */
export function checkHeadFormat(format: number): void {
  if (format !== headFormat) {
    throw new DatasetError('incompatible', `head: format ${format} is unknown here`, {
      format,
      known: headFormat,
    });
  }
}

/** The head that a chain begins with. */
export function firstHead(proposal: CommitProposal): Head {
  if (proposal.firstSnapshot === undefined) {
    throw new DatasetError('invalid', 'proposal: a first version needs its first snapshot');
  }
  return {
    format: headFormat,
    era: 1,
    snapshots: [{ ...proposal.firstSnapshot }],
    floor: proposal.version,
    mapGeneration: proposal.mapGeneration,
    status: 'open',
    ...committedFields(proposal),
  };
}

type CommittedField = 'version' | 'cid' | 'hashes' | 'recent' | 'schemaId' | 'lastOperation';

/** The fields that a commit owns. All others belong to other writers and stay. */
function committedFields(proposal: CommitProposal): Pick<Head, CommittedField> {
  return {
    version: proposal.version,
    cid: proposal.cid,
    hashes: { ...proposal.hashes },
    recent: proposal.recent.map((entry) => ({ ...entry })),
    schemaId: proposal.schemaId,
    lastOperation: 'commit',
  };
}

function proposalProblem(proposal: CommitProposal): string | null {
  const { expected, firstSnapshot } = proposal;
  if (expected !== null && proposal.version !== expected.version + 1)
    return 'version must follow the expected one';
  if (expected !== null && firstSnapshot !== undefined) return 'only a first version brings a first snapshot';
  if (expected === null) {
    if (firstSnapshot === undefined) return 'a first version needs its first snapshot';
    if (firstSnapshot.version !== proposal.version || firstSnapshot.cid !== proposal.cid) {
      return 'the first snapshot must be of the first version';
    }
    const problem = entryProblem(firstSnapshot);
    if (problem !== null) return `first snapshot: ${problem}`;
  }
  return tipProblem(proposal);
}

function headProblem(head: Head): string | null {
  if (!isCount(head.era, 1)) return 'era must be from 1';
  let before = 0;
  for (const snapshot of head.snapshots) {
    const problem = entryProblem(snapshot);
    if (problem !== null) return `snapshots: ${problem}`;
    if (snapshot.version <= before) return 'snapshots must ascend';
    before = snapshot.version;
  }
  const oldest = head.snapshots[0];
  if (oldest === undefined) return 'no snapshot is registered';
  if (!isCount(head.floor, 0) || head.floor > oldest.version) return 'a snapshot is below the floor';
  if (before > head.version) return 'a snapshot is above the version';
  if ((head.recent[0]?.version ?? 0) > before + 1) return 'recent does not reach back to the newest snapshot';
  return tipProblem(head);
}

/** What is true of a head's newest version and of a proposal's. */
function tipProblem(tip: Pick<Head, CommittedField> | CommitProposal): string | null {
  if (!isCount(tip.version, 1)) return 'version must be from 1';
  if (!hex128Pattern.test(tip.cid)) return 'cid must be 32 hex digits';
  if (!hex128Pattern.test(tip.hashes.data)) return 'hashes.data must be 32 hex digits';
  if (!hex128Pattern.test(tip.hashes.bookkeeping)) return 'hashes.bookkeeping must be 32 hex digits';
  if (tip.schemaId === '') return 'schemaId is empty';
  const last = tip.recent.at(-1);
  if (
    last === undefined ||
    last.version !== tip.version ||
    last.cid !== tip.cid ||
    last.hash !== tip.hashes.data
  ) {
    return 'recent must end with this version';
  }
  const first = tip.version - tip.recent.length + 1;
  for (const [index, entry] of tip.recent.entries()) {
    if (entry.version !== first + index) return 'recent must ascend without gaps';
    const problem = entryProblem(entry);
    if (problem !== null) return `recent: ${problem}`;
  }
  return null;
}

function entryProblem(entry: CommitEntry | SnapshotEntry): string | null {
  if (!isCount(entry.version, 1)) return 'version must be from 1';
  if (!hex128Pattern.test(entry.cid)) return 'cid must be 32 hex digits';
  if (!hex128Pattern.test(entry.hash)) return 'hash must be 32 hex digits';
  return isCount(entry.size, 0) ? null : 'size must be from 0';
}

function isCount(value: number, min: number): boolean {
  return Number.isSafeInteger(value) && value >= min;
}
