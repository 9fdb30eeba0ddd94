import { bookkeepingPart, type LoadedVersion } from '../consumer/loaded-version.ts';
import { checkDatasetId } from '../dataset-id.ts';
import type { BlobStore, ChainHeads, Clock, DatasetId, Telemetry } from '../ports.ts';
import { bookkeepingTypesOf } from '../producer/bookkeeping-schema.ts';
import { writeSnapshot } from '../producer/snapshot.ts';
import { type Cadence, defaultCadence, planSnapshot, type SnapshotReason } from './cadence.ts';
import { type HeadSource, loadNewest, wholeSource } from './load-version.ts';

export interface SnapshotterOptions {
  readonly id: DatasetId;
  readonly heads: ChainHeads;
  readonly blobs: BlobStore;
  /** Where inline deltas are, if there are any. */
  readonly inline?: BlobStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Default: {@link defaultCadence}. */
  readonly cadence?: Cadence;
}

/** A snapshot that was written, or that somebody else had written. */
export interface SnapshotRun {
  readonly reason: SnapshotReason;
  readonly version: number;
}

/**
 * Writes snapshots when they pay, so that whoever starts cold has little to read. Needs no schema: it writes what it
 * loads. Any number may run at once; a snapshot of an older version never replaces a newer one, and one of a timeline that
 * a restore has ended is not registered.
 *
 * @example await new Snapshotter({ id, heads, blobs, clock, telemetry }).run();
 */
export class Snapshotter {
  readonly #source: HeadSource;
  readonly #heads: ChainHeads;
  readonly #blobs: BlobStore;
  readonly #clock: Clock;
  readonly #cadence: Cadence;
  #loaded: LoadedVersion | null = null;

  constructor(options: SnapshotterOptions) {
    checkDatasetId(options.id);
    const { id, heads, clock, telemetry } = options;
    this.#source = { ...wholeSource(id, options), heads, telemetry };
    this.#heads = heads;
    this.#blobs = options.blobs;
    this.#clock = clock;
    this.#cadence = options.cadence ?? defaultCadence;
  }

  /** Null: there is nothing to do yet. */
  async run(): Promise<SnapshotRun | null> {
    const known = await this.#heads.load(this.#source.id, 'strong');
    const reason = known === null ? null : planSnapshot(known, this.#clock.nowMs(), this.#cadence);
    if (known === null || reason === null) return null;
    const { head, loaded } = await loadNewest(this.#source, this.#loaded, known);
    this.#loaded = loaded;
    const { id, telemetry } = this.#source;
    const parts = new Map([[bookkeepingPart, bookkeepingTypesOf(loaded.state.schema)]]);
    const context = { id, blobs: this.#blobs, heads: this.#heads, clock: this.#clock, telemetry, parts };
    await writeSnapshot(context, loaded, head);
    telemetry.log('info', 'wrote a snapshot', { version: loaded.ref.version, cid: loaded.ref.cid, reason });
    return { reason, version: loaded.ref.version };
  }
}
