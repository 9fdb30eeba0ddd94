import { applyDelta } from '../../lib/blob/apply-delta.ts';
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
import { hashState, toHex } from '../../lib/state/state-hash.ts';
import type { Oracle, PlainRecord } from './oracle.ts';
import { findCovered, readRecords, requireNoPhantoms, requireSameRecords } from './records.ts';
import { Violation } from './world.ts';

const partName = 'bookkeeping';

/** A committed version as the checker replayed it. */
interface Replayed extends VersionRef {
  readonly hash: string;
  readonly state: ReadState;
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
 * S6 is checked after each write, so a fault surfaces where it is made and not where it hurts.
 */
export class Invariants {
  readonly #id: DatasetId;
  readonly #oracle: Oracle;
  readonly #stores: StoreView;
  readonly #log: Replayed[] = [];
  readonly #digests = new Map<string, string>();
  readonly #quarantined = new Set<string>();
  readonly #served = new Map<string, ServedRef>();
  readonly #soundSnapshots = new Set<string>();
  #head: Head | null = null;

  constructor(id: DatasetId, oracle: Oracle, stores: StoreView) {
    this.#id = id;
    this.#oracle = oracle;
    this.#stores = stores;
  }

  get head(): Head | null {
    return this.#head;
  }

  get commitCount(): number {
    return this.#log.length;
  }

  /** S8: no name ever has two contents. */
  afterBlob(name: string, digest: string): void {
    const before = this.#digests.get(name);
    if (before !== undefined && before !== digest) throw new Violation('S8', `${name} was overwritten`);
    this.#digests.set(name, digest);
    this.#requireReadable();
  }

  afterDeletion(): void {
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
  onAcknowledge(message: MutationMessage): void {
    const state = this.#log.at(-1)?.state ?? null;
    for (const mutation of this.#oracle.mutationsOf(message.id)) {
      if (state === null || !findCovered(state, mutation)) {
        throw new Violation(
          'S4',
          `message ${message.id} was acknowledged, mutation ${mutation.index} is nowhere`,
        );
      }
    }
    for (const { index } of this.#oracle.badOf(message.id)) {
      if (this.#quarantined.has(`${message.id} ${index}`)) continue;
      throw new Violation(
        'S4',
        `message ${message.id} was acknowledged, bad mutation ${index} is not in quarantine`,
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
    if (toHex(hashState(state, (type) => !isBookkeepingType(type))) !== entry.hash) {
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
    requireSameRecords(records, this.#oracle.finalRecords());
  }

  /** S1: versions without gaps, each from exactly the one before it. */
  #requireChain(before: Head | null, head: Head): void {
    const expected = (before?.version ?? 0) + 1;
    if (head.version !== expected)
      throw new Violation('S1', `version ${head.version} follows ${expected - 1}`);
    if (this.#log.some(({ cid }) => cid === head.cid)) throw new Violation('S1', `commit ${head.cid} twice`);
    const predecessor = head.recent.find(({ version }) => version === expected - 1);
    if (predecessor !== undefined && predecessor.cid !== before?.cid) {
      throw new Violation('S1', `version ${head.version} does not follow the commit before it`);
    }
  }

  /** S2: the delta leads from the state before to the hash that was committed, and every record was asked for. */
  #replay(head: Head): void {
    const before = this.#log.at(-1);
    const { era, version, cid } = head;
    const state = this.#guarded('S2', `version ${version} cannot be replayed`, () =>
      before === undefined
        ? this.#readSnapshot(head, head.snapshots[0] as SnapshotEntry)
        : this.#readDelta(head, before),
    );
    const data = toHex(hashState(state, (type) => !isBookkeepingType(type)));
    const bookkeeping = toHex(hashState(state, isBookkeepingType));
    if (data !== head.hashes.data || bookkeeping !== head.hashes.bookkeeping) {
      throw new Violation('S2', `version ${version} does not have the hash that was committed`);
    }
    requireNoPhantoms(state, this.#oracle);
    this.#log.push({ era, version, cid, hash: data, state });
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
    let before: { version: number; cid: string } = snapshot;
    for (let version = snapshot.version + 1; version <= head.version; version++) {
      const entry = head.recent.find((each) => each.version === version);
      if (entry === undefined) throw new Violation('S6', `the head does not list version ${version}`);
      if (entry.cid !== this.#log[version - 1]?.cid)
        throw new Violation('S6', `entry ${version} is of another commit`);
      this.#requireDelta(head, before, entry);
      before = entry;
    }
  }

  #requireSnapshot(head: Head, entry: SnapshotEntry): void {
    const committed = this.#log[entry.version - 1];
    if (committed?.cid !== entry.cid) throw new Violation('S6', `snapshot ${entry.version} is of no commit`);
    const name = {
      kind: 'snapshot',
      id: this.#id,
      mapGeneration: head.mapGeneration,
      toVersion: entry.version,
      cid: entry.cid,
    } as const;
    this.#requireBlob(blobName(name));
    this.#requireBlob(blobName(name, partName));
    if (this.#soundSnapshots.has(entry.cid)) return;
    const state = this.#guarded('S6', `snapshot ${entry.version} cannot be read`, () =>
      this.#readSnapshot(head, entry),
    );
    if (toHex(hashState(state, (type) => !isBookkeepingType(type))) !== committed.hash) {
      throw new Violation('S6', `snapshot ${entry.version} is of another state`);
    }
    this.#soundSnapshots.add(entry.cid);
  }

  #requireDelta(
    head: Head,
    from: { version: number; cid: string },
    to: { version: number; cid: string },
  ): void {
    const name = deltaName(this.#id, head, from.version, to);
    for (const full of [blobName(name), blobName(name, partName)]) {
      const { metadata } = this.#requireBlob(full);
      if (metadata['cid'] !== to.cid || metadata['fromcid'] !== from.cid) {
        throw new Violation('S6', `${full} belongs to another commit`);
      }
    }
  }

  #requireBlob(name: string): StoredBlob {
    const blob = this.#stores.blob(name);
    if (blob === null) throw new Violation('S6', `${name} is missing`);
    return blob;
  }

  #readSnapshot(head: Head, { version, cid }: SnapshotEntry): ReadState {
    const name = {
      kind: 'snapshot',
      id: this.#id,
      mapGeneration: head.mapGeneration,
      toVersion: version,
      cid,
    } as const;
    const part = this.#requireBlob(blobName(name, partName));
    return decodeSnapshot(this.#requireBlob(blobName(name)).bytes, new Map([[partName, part.bytes]]));
  }

  #readDelta(head: Head, before: Replayed): ReadState {
    const name = deltaName(this.#id, head, before.version, head);
    const part = this.#requireBlob(blobName(name, partName));
    return applyDelta(
      before.state,
      this.#requireBlob(blobName(name)).bytes,
      new Map([[partName, part.bytes]]),
    ).state;
  }

  #guarded<T>(invariant: string, message: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof Violation) throw error;
      throw new Violation(invariant, `${message}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
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

function deltaName(id: DatasetId, head: Head, fromVersion: number, to: { version: number; cid: string }) {
  const { mapGeneration } = head;
  return { kind: 'delta', id, mapGeneration, fromVersion, toVersion: to.version, cid: to.cid } as const;
}
