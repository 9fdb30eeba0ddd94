/** What must be true of a head and of what is written to it. Rules about who may write when are in head-rules.ts. */
import { namePattern } from './dataset-id.ts';
import { DatasetError } from './errors.ts';
import { hex128Pattern, hex256Pattern } from './field-reader.ts';
import { limits } from './limits.ts';
import {
  type CommitEntry,
  type CommitProposal,
  type FloorRaise,
  type Head,
  headFormat,
  type Pin,
  type Serve,
  type SnapshotDigests,
  type SnapshotEntry,
} from './ports.ts';

/** Refuses (`invalid`) a proposal that would break the head. The store never has to undo one. */
export function checkProposal(proposal: CommitProposal): void {
  demand('proposal', proposalProblem(proposal));
}

/** Refuses (`invalid`) a snapshot that cannot be one. */
export function checkSnapshot(snapshot: SnapshotEntry): void {
  demand('snapshot', snapshotProblem(snapshot));
}

/** Refuses (`invalid`) a floor that is no snapshot's, or that forgets one above it. */
export function checkFloorRaise(raise: FloorRaise): void {
  const problem = snapshotsProblem(raise.snapshots);
  demand(
    'floor',
    problem ?? (raise.snapshots[0]?.version === raise.floor ? null : 'must be the first snapshot that stays'),
  );
}

/** Refuses (`invalid`) a pin that is no read plan. */
export function checkPin(name: string, pin: Pin): void {
  demand('pin', pinProblem(name, pin));
}

/** Refuses (`invalid`) a name that no pin can have. */
export function checkPinName(name: string): void {
  demand('pin', pinNameProblem(name));
}

/** Refuses (`invalid`) an order that cannot be one. */
export function checkServe(serve: Serve): void {
  demand('serve', serveProblem(serve));
}

/** Refuses (`invalid`) to replace a head by a broken one, or within an era. */
export function checkReplacement(expected: Head | null, head: Head): void {
  if (head.format !== headFormat) demand('head', 'must be of this format');
  if (expected !== null && head.era <= expected.era) demand('head', 'a replaced head begins a new era');
  demand('head', headProblem(head));
}

/** Refuses (`corrupt`) a stored head that breaks what {@link Head} promises, before anyone builds a plan on it. */
export function checkHead(head: Head): Head {
  const problem = headProblem(head);
  if (problem !== null) throw new DatasetError('corrupt', `head: ${problem}`, { version: head.version });
  return head;
}

/** Refuses (`incompatible`) a head that another version of this library wrote. */
export function checkHeadFormat(format: number): void {
  if (format !== headFormat) {
    throw new DatasetError('incompatible', `head: format ${format} is unknown here`, {
      format,
      known: headFormat,
    });
  }
}

function demand(what: string, problem: string | null): void {
  if (problem !== null) throw new DatasetError('invalid', `${what}: ${problem}`);
}

function proposalProblem(proposal: CommitProposal): string | null {
  const { expected, snapshot, operation } = proposal;
  if (expected !== null && proposal.version !== expected.version + 1)
    return 'version must follow the expected one';
  if (snapshot === undefined) {
    if (expected === null) return 'a first version needs its snapshot';
    if (operation === 'schema') return 'an advance of the schema needs a snapshot';
    return tipProblem(proposal);
  }
  if (snapshot.version !== proposal.version || snapshot.cid !== proposal.cid) {
    return 'the snapshot must be of the proposed version';
  }
  return snapshotProblem(snapshot) ?? tipProblem(proposal);
}

function headProblem(head: Head): string | null {
  if (!isCount(head.era, 1)) return 'era must be from 1';
  const problem = snapshotsProblem(head.snapshots);
  if (problem !== null) return problem;
  const [oldest] = head.snapshots;
  const newest = head.snapshots.at(-1);
  if (oldest === undefined || newest === undefined) return 'no snapshot is registered';
  if (!isCount(head.floor, 0) || head.floor > oldest.version) return 'a snapshot is below the floor';
  if (newest.version > head.version) return 'a snapshot is above the version';
  if ((head.recent[0]?.version ?? 0) > newest.version + 1)
    return 'recent does not reach back to the newest snapshot';
  return tipProblem(head) ?? pinsProblem(head);
}

function snapshotsProblem(snapshots: readonly SnapshotEntry[]): string | null {
  let before = 0;
  for (const snapshot of snapshots) {
    const problem = snapshotProblem(snapshot);
    if (problem !== null) return `snapshots: ${problem}`;
    if (snapshot.version <= before) return 'snapshots must ascend';
    before = snapshot.version;
  }
  return before === 0 ? 'no snapshot is registered' : null;
}

function pinsProblem({ pins, pinRevision, serve }: Head): string | null {
  if (!isCount(pinRevision, 0)) return 'pinRevision must be from 0';
  for (const [name, pin] of Object.entries(pins)) {
    const problem = pinProblem(name, pin);
    if (problem !== null) return `pins: ${problem}`;
  }
  if (serve.pin !== null && !Object.hasOwn(pins, serve.pin)) return 'serve names a pin that is not there';
  return isCount(serve.epoch, 0) ? null : 'serve.epoch must be from 0';
}

function serveProblem({ epoch, pin }: Serve): string | null {
  if (!isCount(epoch, 1)) return 'epoch must be from 1';
  return pin === null ? null : pinNameProblem(pin);
}

function pinNameProblem(name: string): string | null {
  return namePattern.test(name) ? null : `name must match ${namePattern.source}`;
}

function pinProblem(name: string, pin: Pin): string | null {
  const { snapshot, deltas, hashes, expiresAtMs } = pin;
  if (!hex128Pattern.test(hashes.bookkeeping)) return 'hashes.bookkeeping must be 32 hex digits';
  if (pin.schemaId === '') return 'schemaId is empty';
  if (deltas.length > limits.pinDeltasMax) return `more than ${limits.pinDeltasMax} deltas`;
  if (expiresAtMs !== null && !isCount(expiresAtMs, 0)) return 'expiresAtMs must be from 0';
  const problem =
    pinNameProblem(name) ?? snapshotProblem(snapshot) ?? chainProblem(deltas, snapshot.version + 1);
  if (problem !== null) return problem;
  const { version, cid, hash } = deltas.at(-1) ?? snapshot;
  const isReached = version === pin.version && cid === pin.cid && hash === pin.hashes.data;
  return isReached ? null : 'the plan must lead to the version';
}

/** What is true of a head's newest version and of a proposal's. */
function tipProblem(tip: Pick<Head, 'version' | 'cid' | 'hashes' | 'recent' | 'schemaId'>): string | null {
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
  const problem = chainProblem(tip.recent, tip.version - tip.recent.length + 1);
  return problem === null ? null : `recent ${problem}`;
}

function chainProblem(entries: readonly CommitEntry[], first: number): string | null {
  for (const [index, entry] of entries.entries()) {
    if (entry.version !== first + index) return 'must ascend without gaps';
    const problem = entryProblem(entry);
    if (problem !== null) return problem;
  }
  return null;
}

function snapshotProblem(snapshot: SnapshotEntry): string | null {
  const problem =
    entryProblem(snapshot) ?? (isCount(snapshot.writtenAtMs, 0) ? null : 'writtenAtMs must be from 0');
  return problem ?? (snapshot.digests === undefined ? null : digestsProblem(snapshot.digests));
}

function digestsProblem({ main, bookkeeping, bookkeepingHash }: SnapshotDigests): string | null {
  if (!hex256Pattern.test(main) || !hex256Pattern.test(bookkeeping)) return 'digests must be 64 hex digits';
  return hex128Pattern.test(bookkeepingHash) ? null : 'digests.bookkeepingHash must be 32 hex digits';
}

function entryProblem(entry: Pick<CommitEntry, 'version' | 'cid' | 'hash' | 'size'>): string | null {
  if (!isCount(entry.version, 1)) return 'version must be from 1';
  if (!hex128Pattern.test(entry.cid)) return 'cid must be 32 hex digits';
  if (!hex128Pattern.test(entry.hash)) return 'hash must be 32 hex digits';
  return isCount(entry.size, 0) ? null : 'size must be from 0';
}

function isCount(value: number, min: number): boolean {
  return Number.isSafeInteger(value) && value >= min;
}
