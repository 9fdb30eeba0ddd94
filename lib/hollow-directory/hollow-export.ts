import { type BlobName, blobName } from '../blob/blob-names.ts';
import { encodeReverseDelta } from '../blob/encode-delta.ts';
import { encodeHeaderBlob } from '../blob/encode-header.ts';
import { transitionBetween } from '../blob/transition-between.ts';
import { type Advance, advance, type VersionSource } from '../consumer/advance.ts';
import type { LoadedVersion, StateStep } from '../consumer/loaded-version.ts';
import { DatasetError } from '../errors.ts';
import { newestSnapshot, servedHead } from '../head-rules.ts';
import type {
  Announcement,
  Announcer,
  BlobStore,
  DatasetId,
  Head,
  HeadReader,
  SnapshotEntry,
} from '../ports.ts';
import type { ReadState } from '../state/read-state.ts';
import { loadAnnouncedVersion } from './announced-version.ts';
import {
  announceVersion,
  type ExportedBlob,
  exportSnapshot,
  exportVersion,
  hollowVersionOf,
} from './export-version.ts';
import { HollowDirectory } from './hollow-directory.ts';

export interface HollowExportOptions {
  /** Of this one chain; created if missing. */
  readonly directory: string;
  readonly id: DatasetId;
  readonly heads: HeadReader;
  readonly blobs: BlobStore;
  /** Hears of each commit too, after the directory has it, or could not get it. */
  readonly next: Announcer;
}

/**
 * Keeps a directory in Hollow's own file layout at the version of a chain that is served, so that stock Java consumers
 * follow it: to be given to the producer as its announcer. Each version is read back on the consumers' way, verified
 * against the head, and written with its delta, reverse delta and header, snapshots as the chain has them; then it is
 * announced. The bookkeeping stays out.
 *
 * A commit makes it go to that version from wherever the directory is, so what a crash left out is caught up. Where an
 * older version is to be served (`serve`, `rollback`), that one is announced, and newer ones wait until it is
 * not. Several processes may keep the same directory. Nothing is deleted: files of versions that nobody needs are the
 * owner's to remove.
 *
 * @example
 * const announcer = new HollowExport({ directory: '/var/cities', id, heads, blobs, next: announcements });
 * await announcer.catchUp();      // a crash may have left out versions
 * const producer = new Producer({ id, schema, heads, blobs, announcer, quarantine, clock, random, telemetry });
 */
export class HollowExport implements Announcer {
  readonly #directory: string;
  readonly #source: VersionSource;
  readonly #heads: HeadReader;
  readonly #next: Announcer;
  /** The version that this object exported last; null: start from what the directory announces. */
  #loaded: LoadedVersion | null = null;
  /** Of the newest snapshot that is known to be in the directory. */
  #snapshotCid = '';
  #running: Promise<void> = Promise.resolve();

  constructor({ directory, id, heads, blobs, next }: HollowExportOptions) {
    this.#directory = directory;
    this.#source = { id, blobs, parts: new Map(), indexedTypes: [] };
    this.#heads = heads;
    this.#next = next;
  }

  /** @throws DatasetError when the export failed: the next commit, or {@link catchUp}, makes up for it */
  async announce(announcement: Announcement): Promise<void> {
    try {
      await this.catchUp();
    } finally {
      await this.#next.announce(announcement);
    }
  }

  /**
   * Brings the directory to the version that is served: the head of the chain, if nobody has ordered another one.
   *
   * @throws DatasetError `unavailable`, `denied`, `corrupt`
   */
  catchUp(): Promise<void> {
    const run = this.#running.then(() => this.#catchUp());
    this.#running = run.catch(() => undefined);
    return run;
  }

  /**
   * Until the head stands still: two processes at once may announce in the wrong order, and whoever was last looks at
   * the head once more.
   */
  async #catchUp(): Promise<void> {
    try {
      for (;;) {
        // In this order: what is announced was committed before.
        const announced = await loadAnnouncedVersion(this.#directory);
        const newest = await this.#heads.load(this.#source.id, 'strong');
        if (newest === null) return;
        const head = servedHead(newest);
        if (announced === hollowVersionOf(head)) return;
        if (announced !== null && announced > hollowVersionOf(newest)) {
          throw new DatasetError('corrupt', `'${this.#directory}' is ahead of the chain, or of another one`, {
            announced: String(announced),
            version: newest.version,
          });
        }
        await this.#goTo(head, announced ?? -1n);
      }
    } catch (error) {
      this.#loaded = null;
      throw error;
    }
  }

  /** What was announced before has all its files: going back is to announce it again. */
  async #goTo(head: Head, announced: bigint): Promise<void> {
    const version = hollowVersionOf(head);
    if (version > announced) await this.#exportTo(head, announced);
    else if (await this.#isExported(version)) await announceVersion(this.#directory, version);
    else await this.#exportTo(head, -1n);
  }

  async #isExported(version: bigint): Promise<boolean> {
    return (await new HollowDirectory(this.#directory).versions()).includes(version);
  }

  async #exportTo(head: Head, announced: bigint): Promise<void> {
    const { loaded, fromSnapshot, steps } = await this.#advance(head, announced);
    const start = head.version - steps.length;
    if (fromSnapshot && numberOf(head, start) > announced) {
      await this.#exportStart(head, start, steps[0]?.from ?? loaded.state);
    }
    for (const [i, step] of steps.entries()) {
      const version = start + i + 1;
      if (numberOf(head, version) > announced) await this.#exportStep(head, version, step);
    }
    const newest = newestSnapshot(head);
    if (newest.cid !== this.#snapshotCid) {
      const version = numberOf(head, newest.version);
      await exportSnapshot(this.#directory, version, await this.#loadSnapshot(head, newest));
      this.#snapshotCid = newest.cid;
    }
    this.#loaded = loaded;
  }

  async #advance(head: Head, announced: bigint): Promise<Advance> {
    const held = this.#loaded;
    const isBehind = held !== null && held.ref.era === head.era && held.ref.version < head.version;
    const found = isBehind
      ? await advance(this.#source, held, head)
      : await advance(this.#source, null, startingBefore(head, announced));
    if (found === null) throw new DatasetError('corrupt', 'the chain does not lead to its head');
    return found;
  }

  /** The first version of the directory, or the first one after a gap. */
  async #exportStart(head: Head, version: number, state: ReadState): Promise<void> {
    const entry = head.snapshots.find((each) => each.version === version);
    if (entry === undefined) throw new DatasetError('corrupt', `version ${version} has no snapshot`);
    await exportVersion(this.#directory, {
      version: numberOf(head, version),
      from: null,
      header: encodeHeaderBlob(state),
      snapshot: await this.#loadSnapshot(head, entry),
    });
    this.#snapshotCid = entry.cid;
  }

  async #exportStep(head: Head, version: number, { from, to, changes }: StateStep): Promise<void> {
    const { id } = this.#source;
    const { mapGeneration } = head;
    const cid = head.recent.find((entry) => entry.version === version)?.cid ?? '';
    const transition = transitionBetween(from, to, changes);
    await exportVersion(this.#directory, {
      version: numberOf(head, version),
      from: numberOf(head, version - 1),
      header: encodeHeaderBlob(to),
      delta: await this.#load({
        kind: 'delta',
        id,
        mapGeneration,
        fromVersion: version - 1,
        toVersion: version,
        cid,
      }),
      reverseDelta: encodeReverseDelta(transition, { tag: to.tag, parts: new Map() }),
    });
  }

  #loadSnapshot({ mapGeneration }: Head, { version, cid }: SnapshotEntry): Promise<ExportedBlob> {
    return this.#load({ kind: 'snapshot', id: this.#source.id, mapGeneration, toVersion: version, cid });
  }

  /** The main blob as it is: Java's readers do without the other parts. */
  async #load(name: BlobName): Promise<ExportedBlob> {
    const blob = await this.#source.blobs.get(blobName(name));
    if (blob === null) {
      throw new DatasetError('corrupt', 'a blob that the head names is missing', { name: blobName(name) });
    }
    return { main: blob.bytes, parts: new Map() };
  }
}

function numberOf({ era }: Head, version: number): bigint {
  return hollowVersionOf({ era, version });
}

/**
 * The head as if it had no snapshot above the announced version, so that the way to it passes every version that is
 * missing. The head as it is if no such way is left: then there is a gap, and Java's readers take the snapshot behind it.
 */
function startingBefore(head: Head, announced: bigint): Head {
  const snapshots = head.snapshots.filter(({ version }) => numberOf(head, version) <= announced);
  const start = snapshots.at(-1);
  const oldest = head.recent[0];
  const isConnected =
    start !== undefined &&
    oldest !== undefined &&
    oldest.version <= start.version + 1 &&
    // No delta leads to an advance of the schema, which is a snapshot only, and has no size.
    head.recent.every(({ version, size }) => version <= start.version || size > 0);
  return isConnected ? { ...head, snapshots } : head;
}
