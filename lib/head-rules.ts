/**
 * What a write to the head requires and does, as pure decisions. `memory` and `local` run them inside their lock;
 * `aws` says the same as a condition expression; the contract suite holds all three to it.
 *
 * Every condition names the era, so that nothing which was planned before a restore applies after it. Each writer owns
 * its fields, so that writers of different kinds never disturb each other.
 */
import { DatasetError } from './errors.ts';
import { limits } from './limits.ts';
import {
  type CommitEntry,
  type CommitOutcome,
  type CommitProposal,
  type FloorRaise,
  type Head,
  headFormat,
  type Pin,
  type Serve,
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
  const snapshots = [...head.snapshots, ...ownSnapshot(proposal)];
  return { kind: 'committed', head: { ...head, snapshots, ...committedFields(proposal) } };
}

/** The outcome of {@link HeadStore.registerSnapshot} on this head. */
export function decideSnapshot(head: Head | null, era: number, snapshot: SnapshotEntry): CommitOutcome {
  if (head === null || head.era !== era || newestSnapshot(head).version >= snapshot.version) {
    return { kind: 'conflict', head };
  }
  const snapshots = [...head.snapshots, copyOfSnapshot(snapshot)];
  return { kind: 'committed', head: { ...head, snapshots, lastOperation: 'snapshot' } };
}

/** The outcome of {@link HeadStore.raiseFloor} on this head. */
export function decideFloor(head: Head | null, raise: FloorRaise): CommitOutcome {
  const fits =
    head !== null &&
    head.era === raise.era &&
    head.floor < raise.floor &&
    newestSnapshot(head).version === raise.snapshots.at(-1)?.version &&
    head.pinRevision === raise.pinRevision;
  if (!fits) return { kind: 'conflict', head };
  const snapshots = raise.snapshots.map(copyOfSnapshot);
  return { kind: 'committed', head: { ...head, floor: raise.floor, snapshots, lastOperation: 'floor' } };
}

/** The outcome of {@link HeadStore.putPin} on this head. */
export function decidePin(head: Head | null, era: number, name: string, pin: Pin): CommitOutcome {
  if (head === null || head.era !== era || head.floor > pin.snapshot.version)
    return { kind: 'conflict', head };
  const held = findPin(head, name);
  const fits =
    held === undefined
      ? Object.keys(head.pins).length < limits.pinsMax
      : held.version === pin.version && held.cid === pin.cid;
  return fits ? withPins(head, { ...head.pins, [name]: copyOfPin(pin) }) : { kind: 'conflict', head };
}

/** The outcome of {@link HeadStore.removePin} on this head. */
export function decideUnpin(head: Head | null, era: number, name: string): CommitOutcome {
  const fits =
    head !== null && head.era === era && findPin(head, name) !== undefined && head.serve.pin !== name;
  if (!fits) return { kind: 'conflict', head };
  const { [name]: _, ...pins } = head.pins;
  return withPins(head, pins);
}

/** The outcome of {@link HeadStore.setServe} on this head. */
export function decideServe(head: Head | null, era: number, serve: Serve): CommitOutcome {
  const fits =
    head !== null &&
    head.era === era &&
    head.serve.epoch === serve.epoch - 1 &&
    (serve.pin === null || findPin(head, serve.pin) !== undefined);
  if (!fits) return { kind: 'conflict', head };
  return { kind: 'committed', head: { ...head, serve: { ...serve }, lastOperation: 'serve' } };
}

/** The outcome of {@link HeadStore.replace} on this head. */
export function decideReplace(head: Head | null, expected: Head | null, next: Head): CommitOutcome {
  const fits =
    head === null || expected === null ? head === expected : writtenState(head) === writtenState(expected);
  return fits ? { kind: 'committed', head: structuredClone(next) } : { kind: 'conflict', head };
}

/** Where a cold reader starts. */
export function newestSnapshot(head: Head): SnapshotEntry {
  const newest = head.snapshots.at(-1);
  if (newest === undefined) throw new DatasetError('corrupt', 'head: no snapshot is registered');
  return newest;
}

/** The pin of that name; undefined if there is none. */
export function findPin(head: Head, name: string): Pin | undefined {
  return Object.hasOwn(head.pins, name) ? head.pins[name] : undefined;
}

/**
 * The head as consumers are to see it: itself, or the version of the pin that is to be served. Producers always work on
 * the head itself.
 *
 * @throws DatasetError `corrupt`: the pin that is to be served is not there
 */
export function servedHead(head: Head): Head {
  const name = head.serve.pin;
  if (name === null) return head;
  const pin = findPin(head, name);
  if (pin === undefined) throw new DatasetError('corrupt', 'head: the pin to be served is not there');
  const { version, cid, hashes, schemaId, snapshot, deltas } = pin;
  return {
    ...head,
    version,
    cid,
    hashes,
    schemaId,
    snapshots: [snapshot],
    recent: ringFrom(snapshot, deltas),
  };
}

/** The ring of a chain that begins with a snapshot: there is no delta to that version. */
export function ringFrom(
  { version, cid, hash }: SnapshotEntry,
  deltas: readonly CommitEntry[],
): readonly CommitEntry[] {
  return [{ version, cid, hash, size: 0, tier: 's3' }, ...deltas];
}

/** The head that a chain begins with. */
export function firstHead(proposal: CommitProposal): Head {
  if (proposal.snapshot === undefined) {
    throw new DatasetError('invalid', 'proposal: a first version needs its snapshot');
  }
  return {
    format: headFormat,
    era: 1,
    snapshots: ownSnapshot(proposal),
    floor: proposal.version,
    mapGeneration: proposal.mapGeneration,
    status: 'open',
    pins: {},
    pinRevision: 0,
    serve: { epoch: 0, pin: null },
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
    lastOperation: proposal.operation,
  };
}

function ownSnapshot({ snapshot }: CommitProposal): SnapshotEntry[] {
  return snapshot === undefined ? [] : [copyOfSnapshot(snapshot)];
}

function withPins(head: Head, pins: Head['pins']): CommitOutcome {
  return {
    kind: 'committed',
    head: { ...head, pins, pinRevision: head.pinRevision + 1, lastOperation: 'pin' },
  };
}

function copyOfSnapshot(snapshot: SnapshotEntry): SnapshotEntry {
  const { digests } = snapshot;
  return digests === undefined ? { ...snapshot } : { ...snapshot, digests: { ...digests } };
}

function copyOfPin(pin: Pin): Pin {
  const { hashes, snapshot, deltas } = pin;
  return {
    ...pin,
    hashes: { ...hashes },
    snapshot: copyOfSnapshot(snapshot),
    deltas: deltas.map((entry) => ({ ...entry })),
  };
}

/** Every write to a head changes one of these. */
function writtenState(head: Head): string {
  const { era, version, cid, status, floor, pinRevision, serve } = head;
  return [era, version, cid, status, newestSnapshot(head).version, floor, pinRevision, serve.epoch].join();
}
