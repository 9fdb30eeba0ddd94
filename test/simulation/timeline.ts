import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { blobName } from '../../lib/blob/blob-names.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import type { DatasetId, Head, SnapshotEntry, StoredBlob, VersionRef } from '../../lib/ports.ts';
import { isBookkeepingType } from '../../lib/producer/bookkeeping-schema.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { hashState, type StateHash, toHex, updateHash } from '../../lib/state/state-hash.ts';
import type { StateChanges } from '../../lib/state/type-changes.ts';
import { Violation } from './world.ts';

const partName = 'bookkeeping';

/** A committed version as the checker replayed it. */
export interface Replayed extends VersionRef {
  readonly state: ReadState;
  readonly data: StateHash;
  readonly bookkeeping: StateHash;
  /** `data` as text. */
  readonly hash: string;
  /** Of the version before; empty for a first one. */
  readonly previousCid: string;
  /** What its delta changed, and the names of the delta's files; null: it has none, being a first one or an advance of the schema. */
  readonly changes: StateChanges | null;
  readonly deltaNames: readonly string[] | null;
}

/** Looks at the stores directly, without faults. */
export interface StoreView {
  blob(name: string): StoredBlob | null;
}

/** Replays what was committed, from the blobs as they are stored, without the code of consumers. */
export class Replayer {
  readonly #id: DatasetId;
  readonly #stores: StoreView;

  constructor(id: DatasetId, stores: StoreView) {
    this.#id = id;
    this.#stores = stores;
  }

  /** S2: the delta leads from the state before to the hashes that were committed. */
  next(head: Head, before: Replayed | null): Replayed {
    const { version } = head;
    const next = guarded('S2', `version ${version} cannot be replayed`, () => this.#replay(head, before));
    if (next.hash !== head.hashes.data || toHex(next.bookkeeping) !== head.hashes.bookkeeping) {
      throw new Violation('S2', `version ${version} does not have the hash that was committed`);
    }
    return next;
  }

  /** S6: a registered snapshot is the state of its version, and its digests are of what is stored. */
  requireSnapshot(head: Head, { digests }: SnapshotEntry, committed: Replayed): void {
    const state = guarded('S6', `snapshot ${committed.version} cannot be read`, () =>
      this.#readSnapshot(head, committed),
    );
    const isSound =
      toHex(hashState(state, isDataType)) === committed.hash &&
      toHex(hashState(state, isBookkeepingType)) === toHex(committed.bookkeeping);
    if (!isSound) throw new Violation('S6', `snapshot ${committed.version} is of another state`);
    if (digests === undefined) return;
    const [main, part] = this.snapshotNames(head, committed).map((name) => this.requireBlob('S6', name));
    const isTrue =
      digests.main === main?.sha256 &&
      digests.bookkeeping === part?.sha256 &&
      digests.bookkeepingHash === toHex(committed.bookkeeping);
    if (!isTrue) throw new Violation('S6', `snapshot ${committed.version} has the digests of other bytes`);
  }

  snapshotNames(
    { mapGeneration }: Head,
    { version, cid }: { readonly version: number; readonly cid: string },
  ): readonly [string, string] {
    const name = { kind: 'snapshot', id: this.#id, mapGeneration, toVersion: version, cid } as const;
    return [blobName(name), blobName(name, partName)];
  }

  requireBlob(invariant: string, name: string): StoredBlob {
    const blob = this.#stores.blob(name);
    if (blob === null) throw new Violation(invariant, `${name} is missing`);
    return blob;
  }

  #replay(head: Head, before: Replayed | null): Replayed {
    if (before === null) return this.#first(head);
    return head.lastOperation === 'schema' ? this.#advanced(head, before) : this.#following(head, before);
  }

  #first(head: Head): Replayed {
    return this.#whole(head, head.snapshots[0] as SnapshotEntry, '');
  }

  /** S13: it has the records of the version before, under a new schema; records.ts looks at those of the users. */
  #advanced(head: Head, before: Replayed): Replayed {
    const next = this.#whole(head, head, before.cid);
    if (toHex(next.bookkeeping) === toHex(before.bookkeeping)) return next;
    throw new Violation('S13', `version ${next.version} has a new schema, and other bookkeeping`);
  }

  /** What is nothing but its snapshot. */
  #whole(head: Head, of: { readonly version: number; readonly cid: string }, previousCid: string): Replayed {
    const { era, version, cid } = head;
    const state = this.#readSnapshot(head, of);
    const data = hashState(state, isDataType);
    const bookkeeping = hashState(state, isBookkeepingType);
    const hash = toHex(data);
    const ref = { era, version, cid, previousCid };
    return { ...ref, state, data, bookkeeping, hash, changes: null, deltaNames: null };
  }

  #following(head: Head, before: Replayed): Replayed {
    const { mapGeneration, era, version, cid } = head;
    const { version: fromVersion } = before;
    const name = {
      kind: 'delta',
      id: this.#id,
      mapGeneration,
      fromVersion,
      toVersion: version,
      cid,
    } as const;
    const deltaNames = [blobName(name), blobName(name, partName)];
    const [main, part] = deltaNames.map((each) => this.requireBlob('S6', each)) as [StoredBlob, StoredBlob];
    for (const { metadata } of [main, part]) {
      if (metadata['cid'] !== cid || metadata['fromcid'] !== before.cid) {
        throw new Violation('S6', `the delta to version ${version} belongs to another commit`);
      }
    }
    const { state, changes } = applyDelta(before.state, main.bytes, new Map([[partName, part.bytes]]));
    const update = (hash: StateHash, includes: (type: string) => boolean): StateHash =>
      updateHash(hash, before.state, state, changes, includes);
    const data = update(before.data, isDataType);
    const bookkeeping = update(before.bookkeeping, isBookkeepingType);
    const ref = { era, version, cid, previousCid: before.cid };
    return { ...ref, state, data, bookkeeping, hash: toHex(data), changes, deltaNames };
  }

  #readSnapshot(head: Head, of: { readonly version: number; readonly cid: string }): ReadState {
    const [main, part] = this.snapshotNames(head, of);
    return decodeSnapshot(
      this.requireBlob('S6', main).bytes,
      new Map([[partName, this.requireBlob('S6', part).bytes]]),
    );
  }
}

/**
 * The versions that lead to the head, and all that were ever committed. A restored table leaves some of them out, and
 * goes on under another era.
 */
export class Timeline {
  #versions: Replayed[] = [];
  readonly #byCid = new Map<string, Replayed>();
  #commitCount = 0;

  get commitCount(): number {
    return this.#commitCount;
  }

  get newest(): Replayed | null {
    return this.#versions.at(-1) ?? null;
  }

  at(version: number): Replayed | null {
    return this.#versions[version - 1] ?? null;
  }

  /** On any timeline. */
  find(cid: string): Replayed | null {
    return this.#byCid.get(cid) ?? null;
  }

  /** S1. */
  push(next: Replayed): void {
    if (this.#byCid.has(next.cid)) throw new Violation('S1', `commit ${next.cid} twice`);
    this.#byCid.set(next.cid, next);
    this.#versions.push(next);
    this.#commitCount += 1;
  }

  /** The table was restored to this version, of whichever timeline. */
  goBackTo(cid: string): void {
    const versions: Replayed[] = [];
    for (let at = this.find(cid); at !== null; at = this.find(at.previousCid)) versions.unshift(at);
    this.#versions = versions;
  }

  /** True: the version is on the way to the head under this commit id. */
  has({ version, cid }: { readonly version: number; readonly cid: string }): boolean {
    return this.at(version)?.cid === cid;
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

export function isDataType(type: string): boolean {
  return !isBookkeepingType(type);
}
