import { parseBlobName } from '../../lib/blob/blob-names.ts';
import type { LoadedVersion } from '../../lib/consumer/loaded-version.ts';
import { compareVersions } from '../../lib/consumer/update-plan.ts';
import { servedHead } from '../../lib/head-rules.ts';
import type {
  Announcement,
  CommitEntry,
  DatasetId,
  Head,
  MutationMessage,
  QuarantineEntry,
  ServedRef,
  SnapshotEntry,
} from '../../lib/ports.ts';
import type { ChainBounds } from '../../lib/producer/chain.ts';
import type { MessageProgress } from '../../lib/receipt.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { hashState, toHex } from '../../lib/state/state-hash.ts';
import { schemaIds } from './bundles.ts';
import { isSchemaLost, requireForward } from './head-order.ts';
import { requireSmall } from './head-size.ts';
import type { Accepted, Oracle, PlainRecord } from './oracle.ts';
import { RecordLog, readRecords, requireSameRecords } from './records.ts';
import { isDataType, Replayer, type StoreView, Timeline } from './timeline.ts';
import { isOfNewSchema } from './traffic.ts';
import { Violation } from './world.ts';

/** By source, the number up to which all its messages are done. */
type Progress = ReadonlyMap<string, number>;

export interface InvariantsOptions {
  readonly id: DatasetId;
  readonly bounds: ChainBounds;
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
 *   S7  what is pinned can be read, and is not below the floor
 *   S8  no blob name has two contents
 *   S9  no version has only a part of an atomic message
 *   S10 era, version, snapshot, floor, pin revision and serve epoch only rise
 *   S11 a request of one tenant names nothing of another (heads.ts, bucket.ts)
 *   S12 what a version says of a source's progress is true
 *   S13 a schema only advances, in a version of its own that has the same records (records.ts, timeline.ts)
 *   G1  a cleaner leaves nothing below the floor
 *   G2  the head stays small (head-size.ts)
 *   L1, L2  without faults the queue gets empty and every reader gets to the head, also one that only listens, if there
 *           is an outbox (chain-run.ts)
 *   L3  and that takes few attempts (effort.ts)
 *
 * S6 and S7 are checked after each write that could break them, so a fault surfaces where it is made and not where it
 * hurts. What was found sound is not read again: a blob stays as it is unless something deletes or overwrites it, and
 * both are told to the checker.
 */
export class Invariants {
  readonly #bounds: ChainBounds;
  readonly #oracle: Oracle;
  readonly #replayer: Replayer;
  readonly #timeline = new Timeline();
  #records: RecordLog;
  /** Of timelines that a restore has ended: what was acknowledged then was acknowledged rightly. */
  readonly #recordsBefore: RecordLog[] = [];
  readonly #contents = new Map<string, Uint8Array>();
  readonly #quarantined = new Set<string>();
  readonly #late = new Set<string>();
  readonly #served = new Map<string, ServedRef>();
  /** Era, epoch and commit id of what was announced. */
  readonly #announced = new Set<string>();
  /** Commit ids of all versions that had a pin of a name. */
  readonly #pinned = new Map<string, Set<string>>();
  readonly #soundSnapshots = new Set<string>();
  /** Names of all blobs that a reader of the head or of a pin may fetch, and which invariant wants them. */
  #needed = new Map<string, string>();
  #head: Head | null = null;
  /** What the table has: the head, unless it was set back. */
  #stored: Head | null = null;
  /** A restore led back to the old schema. */
  #lostSchema = false;
  #progress: Progress = new Map();

  constructor({ id, bounds }: InvariantsOptions, oracle: Oracle, stores: StoreView) {
    this.#bounds = bounds;
    this.#oracle = oracle;
    this.#replayer = new Replayer(id, stores);
    this.#records = this.#newLog();
  }

  #newLog(): RecordLog {
    return new RecordLog(this.#oracle, (pin) =>
      Array.from(this.#pinned.get(pin) ?? [], (cid) => {
        const state = this.#timeline.find(cid)?.state;
        return state === undefined ? new Map<string, PlainRecord>() : readRecords(state);
      }),
    );
  }

  get head(): Head | null {
    return this.#head;
  }

  get commitCount(): number {
    return this.#timeline.commitCount;
  }

  /**
   * S8: no name ever has two contents.
   *
   * @param bytes nobody changes them any more
   */
  afterBlob(name: string, bytes: Uint8Array): void {
    const before = this.#contents.get(name);
    if (before === undefined) this.#contents.set(name, bytes);
    else if (!isEqual(before, bytes)) throw new Violation('S8', `${name} was overwritten`);
  }

  afterDeletion(name: string): void {
    const invariant = this.#needed.get(name);
    if (invariant !== undefined) throw new Violation(invariant, `${name} was deleted and is needed`);
  }

  afterHead(head: Head): void {
    const before = this.#head;
    if (this.#stored !== null) requireForward(this.#stored, head);
    this.#lostSchema ||= before !== null && isSchemaLost(before, head);
    this.#head = head;
    this.#stored = head;
    if (before !== null && head.era !== before.era) this.#followRestore(head);
    else if (before === null || head.cid !== before.cid || head.version !== before.version)
      this.#followCommit(before, head);
    this.#requireReadable(head);
    requireSmall(head, this.#bounds);
  }

  /**
   * The table was set back. What still lands there before the rescue is over is a rescue of an earlier loss, planned on
   * just this head: it is not above what was lost since, and need not be.
   */
  afterSetBack(head: Head | null): void {
    this.#stored = head;
  }

  /** S10: what readers and writers find after a rescue is above all that they knew. */
  afterOutage(lost: Head | null): void {
    const era = this.#head?.era ?? 0;
    if (lost !== null && era <= lost.era)
      throw new Violation('S10', `era ${era} follows the lost era ${lost.era}`);
  }

  /** S4: what leaves the queue is in some committed version, or was set aside where people see it. */
  onAcknowledge({ id }: MutationMessage): void {
    for (const mutation of this.#oracle.mutationsOf(id)) {
      const isIn = [this.#records, ...this.#recordsBefore].some((records) => records.covers(mutation));
      if (isIn || this.#isSetAside(mutation)) continue;
      throw new Violation('S4', `message ${id} was acknowledged, mutation ${mutation.index} is nowhere`);
    }
    for (const index of this.#oracle.badOf(id)) {
      if (this.#isQuarantined(id, index)) continue;
      throw new Violation('S4', `message ${id} was acknowledged, its bad ${index} is not in quarantine`);
    }
  }

  /** By itself, or with the whole message. */
  #isQuarantined(messageId: string, index: number | null): boolean {
    return this.#quarantined.has(`${messageId} ${index}`) || this.#quarantined.has(`${messageId} null`);
  }

  onQuarantine(entries: readonly QuarantineEntry[]): void {
    for (const { messageId, index, reason } of entries) {
      if (!this.#mayBeQuarantined(messageId, index))
        throw new Violation(
          'S4',
          `${messageId} ${index} is in quarantine, and nothing is wrong with it: ${reason}`,
        );
      this.#quarantined.add(`${messageId} ${index}`);
    }
  }

  /** It is bad, or a condition did not hold: its own, or one of the atomic message that it is in. */
  #mayBeQuarantined(messageId: string, index: number | null): boolean {
    if (this.#oracle.badOf(messageId).includes(index)) return true;
    if (index === null && this.#oracle.mayBeUnopened(messageId)) return true;
    const mutations = this.#oracle.mutationsOf(messageId);
    // With the table the schema is lost to which senders had it: to an old bundle what is new in it is wrong then.
    const isLost = ({ intent, index: own, isAtomic }: Accepted): boolean =>
      isOfNewSchema(intent) && (own === index || isAtomic);
    if (this.#lostSchema && mutations.some(isLost)) return true;
    return mutations.some(
      ({ intent, index: own, isAtomic }) =>
        intent.op !== 'increment' && intent.condition !== null && (own === index || isAtomic),
    );
  }

  onLate(entries: readonly QuarantineEntry[]): void {
    for (const { messageId, index } of entries) this.#late.add(`${messageId} ${index}`);
  }

  #isSetAside({ messageId, index }: Accepted): boolean {
    const isLate = [index, null].some((at) => this.#late.has(`${messageId} ${at}`));
    return isLate || this.#isQuarantined(messageId, index);
  }

  /** S5: nothing is announced that is not committed. */
  onAnnounce({ era, epoch, version, cid }: Announcement): void {
    if (this.#timeline.find(cid)?.version !== version)
      throw new Violation('S5', `version ${version} was announced before it was committed`);
    this.#announced.add(`${era} ${epoch} ${cid}`);
  }

  /** L2: a reader that goes by hints alone was told of what the head says to serve. */
  isAnnounced(head: Head): boolean {
    const { era, serve, cid } = servedHead(head);
    return this.#announced.has(`${era} ${serve.epoch} ${cid}`);
  }

  /** S5: what is served was committed, and no process goes back. */
  onServe(reader: string, loaded: LoadedVersion): void {
    const { ref, state } = loaded;
    const entry = this.#timeline.find(ref.cid);
    if (entry?.version !== ref.version || ref.era < entry.era) {
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
    const state = this.#timeline.newest?.state;
    const records: Map<string, PlainRecord> = state === undefined ? new Map() : readRecords(state);
    requireSameRecords('S2', this.#records.records, records);
    for (const mutation of this.#oracle.accepted) {
      const isDone = this.#records.covers(mutation) || this.#isSetAside(mutation);
      if (isDone || this.#oracle.isRevert(mutation)) continue;
      throw new Violation('S3', `${mutation.messageId} ${mutation.index} is neither in nor set aside`);
    }
    // Of what the ledger decides, and of what is set aside, only what is known to be done counts.
    const isIn = (mutation: Accepted): boolean => {
      const isPlain = mutation.opId === null && !mutation.isAtomic && !this.#oracle.isRevert(mutation);
      return (isPlain && !this.#isSetAside(mutation)) || this.#records.wasEffective(mutation);
    };
    requireSameRecords('S3', records, this.#oracle.finalRecords(isIn));
  }

  /** G1. */
  requireClean(floor: number, blobNames: Iterable<string>): void {
    for (const text of blobNames) {
      const name = parseBlobName(text)?.name;
      if (name === undefined) continue;
      const isGarbage = name.kind === 'snapshot' ? name.toVersion < floor : name.toVersion <= floor;
      if (isGarbage) throw new Violation('G1', `${text} is left below the floor ${floor}`);
    }
  }

  /** S1: versions without gaps, each from exactly the one before it. */
  #followCommit(before: Head | null, head: Head): void {
    const expected = (before?.version ?? 0) + 1;
    if (head.version !== expected)
      throw new Violation('S1', `version ${head.version} follows ${expected - 1}`);
    const predecessor = head.recent.at(-2);
    if (predecessor !== undefined && predecessor.cid !== before?.cid) {
      throw new Violation('S1', `version ${head.version} does not follow the commit before it`);
    }
    const from = this.#timeline.newest;
    const next = this.#replayer.next(head, from);
    if ((next.state.schema.find('River') !== undefined) !== (head.schemaId === schemaIds.new))
      throw new Violation('S13', `version ${head.version} does not have the schema that its head names`);
    this.#timeline.push(next);
    this.#records.advance({ from: from?.state ?? null, to: next.state, changes: next.changes });
    this.#progress = this.#followProgress(this.#progress, next.state);
  }

  /** S12: what a version says to be done of a source is in it, or was set aside. */
  #followProgress(before: Progress, { headerTags }: ReadState): Progress {
    const tag = headerTags.get('serverless-hollow.progress');
    if (tag === undefined) return before;
    const progress: Progress = new Map(Object.entries(JSON.parse(tag) as Record<string, number>));
    for (const [source, sequence] of progress) {
      for (let each = (before.get(source) ?? 0) + 1; each <= sequence; each++) {
        const isDone = this.#oracle.numbered(source, each).some((id) => this.#isDone(id));
        if (!isDone) throw new Violation('S12', `a version says that message ${each} of ${source} is in it`);
      }
    }
    return progress;
  }

  /** Of a receipt that a sender was given: whoever waits for it is told in the end. */
  isVisible({ source, sequence }: MessageProgress): boolean {
    return (this.#progress.get(source) ?? 0) >= sequence;
  }

  #isDone(messageId: string): boolean {
    const mutations = this.#oracle.mutationsOf(messageId);
    const records = this.#records;
    // Of an atomic message nothing is done when a condition of it fails; what is late is set aside after the commit.
    const isOff = mutations.some((mutation) => mutation.isAtomic && records.hasFailed(mutation));
    return isOff || mutations.every((m) => records.covers(m) || records.hasFailed(m) || this.#mayBeLate(m));
  }

  #mayBeLate({ stamp }: Accepted): boolean {
    return this.#records.watermark >= stamp[0];
  }

  /** S1: a restored table goes on from a version that was committed once. */
  #followRestore(head: Head): void {
    if (this.#timeline.find(head.cid)?.version !== head.version)
      throw new Violation('S1', `restored to version ${head.version}, which nobody committed`);
    this.#timeline.goBackTo(head.cid);
    this.#recordsBefore.push(this.#records);
    this.#records = this.#newLog();
    let from: ReadState | null = null;
    for (let version = 1; version <= head.version; version++) {
      const replayed = this.#timeline.at(version);
      if (replayed === null) continue;
      this.#records.advance({ from, to: replayed.state, changes: replayed.changes });
      from = replayed.state;
    }
    this.#progress = from === null ? new Map() : this.#followProgress(new Map(), from);
  }

  /** S6 and S7: a cold reader that starts now gets to the head, and to every pin. */
  #requireReadable(head: Head): void {
    const snapshot = head.snapshots.at(-1);
    if (snapshot === undefined) throw new Violation('S6', 'no snapshot is registered');
    if (head.floor > snapshot.version || snapshot.version > head.version) {
      throw new Violation('S6', `floor ${head.floor}, snapshot ${snapshot.version}, version ${head.version}`);
    }
    const needed = new Map<string, string>();
    this.#require('S6', { head, snapshot, entries: head.recent, version: head.version, needed });
    for (const [name, pin] of Object.entries(head.pins)) {
      this.#pinned.set(name, (this.#pinned.get(name) ?? new Set()).add(pin.cid));
      if (pin.snapshot.version < head.floor) throw new Violation('S7', `pin ${name} is below the floor`);
      this.#require('S7', {
        head,
        snapshot: pin.snapshot,
        entries: pin.deltas,
        version: pin.version,
        needed,
      });
      if (this.#timeline.find(pin.cid)?.hash !== pin.hashes.data)
        throw new Violation('S7', `pin ${name} is of no commit`);
    }
    this.#needed = needed;
  }

  #require(
    invariant: string,
    {
      head,
      snapshot,
      entries,
      version: to,
      needed,
    }: {
      readonly head: Head;
      readonly snapshot: SnapshotEntry;
      readonly entries: readonly CommitEntry[];
      readonly version: number;
      readonly needed: Map<string, string>;
    },
  ): void {
    const timeline = this.#timeline;
    const start = timeline.find(snapshot.cid);
    if (start?.version !== snapshot.version || (invariant === 'S6' && !timeline.has(snapshot)))
      throw new Violation(invariant, `snapshot ${snapshot.version} is of no commit`);
    if (!this.#soundSnapshots.has(snapshot.cid)) {
      this.#replayer.requireSnapshot(head, snapshot, start);
      this.#soundSnapshots.add(snapshot.cid);
    }
    const need = (name: string): void => {
      if (!needed.has(name)) this.#replayer.requireBlob(invariant, name);
      needed.set(name, invariant);
    };
    for (const name of this.#replayer.snapshotNames(head, snapshot)) need(name);
    const first = entries[0]?.version ?? 0;
    let before = snapshot.cid;
    for (let version = snapshot.version + 1; version <= to; version++) {
      const entry = entries[version - first];
      if (entry?.version !== version) throw new Violation(invariant, `version ${version} is not listed`);
      const committed = timeline.find(entry.cid);
      if (committed?.version !== version || (invariant === 'S6' && !timeline.has(entry)))
        throw new Violation(invariant, `entry ${version} is of another commit`);
      if (committed.previousCid !== before)
        throw new Violation(invariant, `entry ${version} does not follow the one before`);
      before = entry.cid;
      if (committed.deltaNames === null)
        throw new Violation(invariant, `no delta leads to version ${version}`);
      for (const name of committed.deltaNames) need(name);
    }
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
