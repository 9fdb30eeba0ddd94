import { applyDelta, type StateChanges } from '../../lib/blob/apply-delta.ts';
import { blobName } from '../../lib/blob/blob-names.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import type { LoadedVersion } from '../../lib/consumer/loaded-version.ts';
import { compareVersions } from '../../lib/consumer/update-plan.ts';
import type {
  Announcement,
  DatasetId,
  Head,
  MutationMessage,
  QuarantineEntry,
  ServedRef,
  SnapshotEntry,
  StoredBlob,
  VersionRef,
} from '../../lib/ports.ts';
import { isBookkeepingType } from '../../lib/producer/bookkeeping-schema.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { hashState, type StateHash, toHex, updateHash } from '../../lib/state/state-hash.ts';
import type { Oracle, PlainRecord } from './oracle.ts';
import { RecordLog, readRecords, requireSameRecords } from './records.ts';
import { Violation } from './world.ts';

const partName = 'bookkeeping';

/** A committed version as the checker replayed it. */
interface Replayed extends VersionRef {
  readonly state: ReadState;
  readonly data: StateHash;
  readonly bookkeeping: StateHash;
  /** `data` as text. */
  readonly hash: string;
  /** Names of its delta's files; null: it has none, being a first version. */
  readonly deltaNames: readonly string[] | null;
}

/** Looks at the stores directly, without faults. */
export interface StoreView {
  blob(name: string): StoredBlob | null;
}

/**
 * Watches every write and holds it against what must be true:
 *
 *   S1  versions have no gaps, each names the commit before it, a commit id is used once
 *   S2  each delta leads to the committed hashes, and every record comes from accepted mutations
 *   S3  in the end the state is the join of all that was accepted
 *   S4  what leaves the queue is in a committed version or in quarantine
 *   S5  only committed versions are announced and served, and no reader goes back
 *   S6  a cold reader gets to the head, at any time
 *   S8  no blob name has two contents
 *   S10 era, version, snapshot and floor only rise
 *   L1, L2  without faults the queue gets empty and every reader gets to the head (simulate.ts)
 *
 * S6 is checked after each write that could break it, so a fault surfaces where it is made and not where it hurts. What
 * was found sound is not read again: a blob that is there stays there unless something deletes or overwrites it, and both
 * are told to the checker.
 */
export class Invariants {
  readonly #id: DatasetId;
  readonly #oracle: Oracle;
  readonly #stores: StoreView;
  readonly #log: Replayed[] = [];
  readonly #cids = new Set<string>();
  readonly #records: RecordLog;
  readonly #contents = new Map<string, Uint8Array>();
  readonly #quarantined = new Set<string>();
  readonly #served = new Map<string, ServedRef>();
  readonly #soundSnapshots = new Set<string>();
  #head: Head | null = null;

  constructor(id: DatasetId, oracle: Oracle, stores: StoreView) {
    this.#id = id;
    this.#oracle = oracle;
    this.#stores = stores;
    this.#records = new RecordLog(oracle);
  }

  get head(): Head | null {
    return this.#head;
  }

  get commitCount(): number {
    return this.#log.length;
  }

  /** S8: no name ever has two contents. */
  afterBlob(name: string, bytes: Uint8Array): void {
    const before = this.#contents.get(name);
    if (before === undefined) this.#contents.set(name, bytes.slice());
    else if (!isEqual(before, bytes)) throw new Violation('S8', `${name} was overwritten`);
  }

  afterDeletion(_name: string): void {
    this.#requireReadable();
  }

  afterHead(head: Head): void {
    const before = this.#head;
    requireMonotone(before, head);
    this.#head = head;
    if (before === null || head.cid !== before.cid || head.version !== before.version) {
      this.#requireChain(before, head);
      this.#replay(head);
    }
    this.#requireReadable();
  }

  /** S4: what leaves the queue is in some committed version, or in quarantine. */
  onAcknowledge({ id }: MutationMessage): void {
    for (const mutation of this.#oracle.mutationsOf(id)) {
      if (this.#records.covers(mutation)) continue;
      throw new Violation('S4', `message ${id} was acknowledged, mutation ${mutation.index} is nowhere`);
    }
    for (const index of this.#oracle.badOf(id)) {
      if (this.#quarantined.has(`${id} ${index}`)) continue;
      throw new Violation(
        'S4',
        `message ${id} was acknowledged, bad mutation ${index} is not in quarantine`,
      );
    }
  }

  onQuarantine(entries: readonly QuarantineEntry[]): void {
    for (const { messageId, index } of entries) this.#quarantined.add(`${messageId} ${index}`);
  }

  /** S5: nothing is announced that is not committed. */
  onAnnounce(announcement: Announcement): void {
    const entry = this.#log[announcement.version - 1];
    if (entry?.cid !== announcement.cid || entry.era !== announcement.era) {
      throw new Violation('S5', `version ${announcement.version} was announced before it was committed`);
    }
  }

  /** S5: what is served was committed, and no process goes back. */
  onServe(reader: string, loaded: LoadedVersion): void {
    const { ref, state } = loaded;
    const entry = this.#log[ref.version - 1];
    if (entry?.cid !== ref.cid || entry.era !== ref.era) {
      throw new Violation('S5', `${reader} serves version ${ref.version}, which nobody committed`);
    }
    if (toHex(hashState(state, isDataType)) !== entry.hash) {
      throw new Violation('S5', `${reader} serves another state than version ${ref.version}`);
    }
    const before = this.#served.get(reader);
    if (before !== undefined && compareVersions(ref, before) < 0) {
      throw new Violation('S5', `${reader} went back from version ${before.version} to ${ref.version}`);
    }
    this.#served.set(reader, ref);
  }

  /** S3: everything that was accepted is in, once, and nothing else. */
  requireComplete(): void {
    const state = this.#log.at(-1)?.state;
    const records: Map<string, PlainRecord> = state === undefined ? new Map() : readRecords(state);
    requireSameRecords('S2', this.#records.records, records);
    requireSameRecords('S3', records, this.#oracle.finalRecords());
  }

  /** S1: versions without gaps, each from exactly the one before it. */
  #requireChain(before: Head | null, head: Head): void {
    const expected = (before?.version ?? 0) + 1;
    if (head.version !== expected)
      throw new Violation('S1', `version ${head.version} follows ${expected - 1}`);
    if (this.#cids.has(head.cid)) throw new Violation('S1', `commit ${head.cid} twice`);
    this.#cids.add(head.cid);
    const predecessor = head.recent.at(-2);
    if (predecessor !== undefined && predecessor.cid !== before?.cid) {
      throw new Violation('S1', `version ${head.version} does not follow the commit before it`);
    }
  }

  /** S2: the delta leads from the state before to the hash that was committed, and every record was asked for. */
  #replay(head: Head): void {
    const before = this.#log.at(-1) ?? null;
    const { era, version, cid } = head;
    const next = guarded('S2', `version ${version} cannot be replayed`, () =>
      before === null ? this.#firstVersion(head) : this.#nextVersion(head, before),
    );
    const { state, data, bookkeeping, changes, deltaNames } = next;
    const hash = toHex(data);
    if (hash !== head.hashes.data || toHex(bookkeeping) !== head.hashes.bookkeeping) {
      throw new Violation('S2', `version ${version} does not have the hash that was committed`);
    }
    this.#records.advance(before?.state ?? null, state, changes);
    this.#log.push({ era, version, cid, state, data, bookkeeping, hash, deltaNames });
  }

  #firstVersion(head: Head): Omit<Replayed, keyof VersionRef | 'hash'> & { changes: StateChanges | null } {
    const state = this.#readSnapshot(head, head.snapshots[0] as SnapshotEntry);
    const data = hashState(state, isDataType);
    return {
      state,
      data,
      bookkeeping: hashState(state, isBookkeepingType),
      changes: null,
      deltaNames: null,
    };
  }

  #nextVersion(
    head: Head,
    before: Replayed,
  ): Omit<Replayed, keyof VersionRef | 'hash'> & { changes: StateChanges | null } {
    const { mapGeneration, version: toVersion, cid } = head;
    const { version: fromVersion } = before;
    const name = { kind: 'delta', id: this.#id, mapGeneration, fromVersion, toVersion, cid } as const;
    const deltaNames = [blobName(name), blobName(name, partName)];
    const [main, part] = deltaNames.map((each) => this.#requireBlob(each)) as [StoredBlob, StoredBlob];
    for (const { metadata } of [main, part]) {
      if (metadata['cid'] !== cid || metadata['fromcid'] !== before.cid) {
        throw new Violation('S6', `the delta to version ${toVersion} belongs to another commit`);
      }
    }
    const { state, changes } = applyDelta(before.state, main.bytes, new Map([[partName, part.bytes]]));
    const update = (hash: StateHash, includes: (type: string) => boolean): StateHash =>
      updateHash(hash, before.state, state, changes, includes);
    return {
      state,
      data: update(before.data, isDataType),
      bookkeeping: update(before.bookkeeping, isBookkeepingType),
      changes,
      deltaNames,
    };
  }

  /** S6: a cold reader that starts now gets to the head. */
  #requireReadable(): void {
    const head = this.#head;
    if (head === null) return;
    const snapshot = head.snapshots.at(-1);
    if (snapshot === undefined) throw new Violation('S6', 'no snapshot is registered');
    if (head.floor > snapshot.version || snapshot.version > head.version) {
      throw new Violation('S6', `floor ${head.floor}, snapshot ${snapshot.version}, version ${head.version}`);
    }
    this.#requireSnapshot(head, snapshot);
    const first = head.version - head.recent.length + 1;
    for (let version = snapshot.version + 1; version <= head.version; version++) {
      const entry = head.recent[version - first];
      const committed = this.#log[version - 1];
      if (entry === undefined) throw new Violation('S6', `the head does not list version ${version}`);
      if (entry.version !== version || entry.cid !== committed?.cid)
        throw new Violation('S6', `entry ${version} is of another commit`);
      for (const name of committed.deltaNames ?? []) this.#requireBlob(name);
    }
  }

  #requireSnapshot(head: Head, entry: SnapshotEntry): void {
    const committed = this.#log[entry.version - 1];
    if (committed?.cid !== entry.cid) throw new Violation('S6', `snapshot ${entry.version} is of no commit`);
    if (this.#soundSnapshots.has(entry.cid)) {
      for (const name of this.#snapshotNames(head, entry)) this.#requireBlob(name);
      return;
    }
    const state = guarded('S6', `snapshot ${entry.version} cannot be read`, () =>
      this.#readSnapshot(head, entry),
    );
    const isSound =
      toHex(hashState(state, isDataType)) === committed.hash &&
      toHex(hashState(state, isBookkeepingType)) === toHex(committed.bookkeeping);
    if (!isSound) throw new Violation('S6', `snapshot ${entry.version} is of another state`);
    this.#soundSnapshots.add(entry.cid);
  }

  #requireBlob(name: string): StoredBlob {
    const blob = this.#stores.blob(name);
    if (blob === null) throw new Violation('S6', `${name} is missing`);
    return blob;
  }

  #snapshotNames({ mapGeneration }: Head, { version, cid }: SnapshotEntry): readonly [string, string] {
    const name = { kind: 'snapshot', id: this.#id, mapGeneration, toVersion: version, cid } as const;
    return [blobName(name), blobName(name, partName)];
  }

  #readSnapshot(head: Head, entry: SnapshotEntry): ReadState {
    const [main, part] = this.#snapshotNames(head, entry);
    return decodeSnapshot(
      this.#requireBlob(main).bytes,
      new Map([[partName, this.#requireBlob(part).bytes]]),
    );
  }
}

function guarded<T>(invariant: string, message: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Violation) throw error;
    throw new Violation(invariant, `${message}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function isDataType(type: string): boolean {
  return !isBookkeepingType(type);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** S10. */
function requireMonotone(before: Head | null, head: Head): void {
  if (before === null) return;
  const newest = (of: Head): number => of.snapshots.at(-1)?.version ?? 0;
  const isForward =
    (head.era > before.era || (head.era === before.era && head.version >= before.version)) &&
    newest(head) >= newest(before) &&
    head.floor >= before.floor &&
    head.mapGeneration >= before.mapGeneration &&
    (before.status === 'open' || head.status === 'sealed');
  if (!isForward) throw new Violation('S10', `the head went back after version ${before.version}`);
}
