import { checkDatasetId } from '../dataset-id.ts';
import { DatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import type {
  AnnouncementWatcher,
  BlobReader,
  Clock,
  DatasetId,
  HeadReader,
  Random,
  ServedRef,
  Telemetry,
} from '../ports.ts';
import { RateWindow } from '../rate-window.ts';
import { type Receipt, readProgress } from '../receipt.ts';
import type { AnyDataset } from '../schema/builder.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import { requireReadable } from '../schema/reader-schema.ts';
import type { KeyPart } from '../schema/record-key.ts';
import { noFilter, type TypeFilter } from '../schema/type-filter.ts';
import type { RecordView } from '../state/record.ts';
import { StringCache } from '../state/string-cache.ts';
import type { Advance } from './advance.ts';
import { DatasetState } from './dataset-state.ts';
import { type LoadedVersion, recordCountOf, type StateStep } from './loaded-version.ts';
import { type RefreshSource, refresh } from './refresh.ts';
import { moveToShared } from './shared-version.ts';
import type { Found, LookupKey, LookupNameOf } from './type-records.ts';
import { compareVersions } from './update-plan.ts';
import { type WatchTarget, watch } from './watch.ts';

/** Where a consumer reads from, and what it loads. */
export interface ConsumerSource {
  readonly id: DatasetId;
  readonly heads: HeadReader;
  readonly blobs: BlobReader;
  /**
   * Where small deltas are, if producers commit them as items of the table (`HOLLOW_INLINE_DELTAS`). Default: their copies
   * in `blobs` are read.
   */
  readonly inline?: BlobReader;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Optional parts to load too, by name, each with the types that it holds. Default: none. */
  readonly parts?: ReadonlyMap<string, readonly string[]>;
  /** Types whose records can be found by primary key. Default: every type whose primary key is loaded. */
  readonly indexedTypes?: readonly string[];
  /**
   * Which types and fields to load, so that the rest takes no memory. Default: all. A filtered state cannot be compared with
   * the hash in the head, which is of all data; blobs are still checked by their digests (docs/format.md, "Filters").
   */
  readonly filter?: TypeFilter;
  /**
   * How many bytes of text to keep after it was read, so that strings are not built again: from 2^20 to 2^33, for all fields
   * together. A string that you hold then keeps a block of 1 MiB in memory. Default: none.
   */
  readonly stringCacheBytes?: number;
  /**
   * How a snapshot is checked against the head. `bytes`, the default: the digest of its bytes. `records`: also a hash of every
   * record, which takes longer than the rest of a start (a second or two for a million records). It finds more than the digest
   * only if this process decodes wrongly.
   */
  readonly verify?: 'bytes' | 'records';
  /** How heads are read. Default `strong`: a refresh sees every commit acknowledged before it began. */
  readonly consistency?: 'strong' | 'eventual';
  /**
   * Where records and indexes are kept. Default `own`. `shared`: in SharedArrayBuffers, so that worker threads can read them in
   * place (`state.share()`). Loading then takes one more copy, and twice the memory while it is made. A cache of strings then
   * starts anew with each version.
   */
  readonly memory?: 'own' | 'shared';
}

/** `dataset` gives the records their types. Without it they are read as they are stored, and their fields are `unknown`. */
export type ConsumerOptions<D extends AnyDataset | null = null> = ConsumerSource & {
  readonly dataset?: D;
} & (D extends null ? unknown : { readonly dataset: D });

/** Told to listeners after each swap. */
export interface VersionChange {
  readonly from: LoadedVersion | null;
  readonly to: LoadedVersion;
  /** The deltas in between, in order. Null: a snapshot was loaded, so anything may have changed. */
  readonly steps: readonly StateStep[] | null;
}

/** Called after each swap. What it throws is logged; the refresh goes on. */
export type VersionListener = (change: VersionChange) => void;

/** What a consumer says of itself, for `judgeHealth`, an endpoint or a log. */
export interface ConsumerHealth {
  /** False until a committed state is loaded. Never false again: what is loaded stays readable whatever fails. */
  readonly isReady: boolean;
  readonly version: ServedRef | null;
  /** Time since the head was last read, ms: how old the answer to "is this the newest version?" is. Null: never. */
  readonly headAgeMs: number | null;
  /** How many versions the newest hint is ahead of what is loaded. */
  readonly lagVersions: number;
  /** How many refreshes have failed since one succeeded. */
  readonly failuresInRow: number;
  /** Share of refreshes that failed lately, 0 to 1 (lib/rate-window.ts). */
  readonly errorRate: number;
  /** Message of the last failed refresh; null after a success. */
  readonly lastError: string | null;
}

/**
 * One process's copy of a dataset. It holds one immutable version, and a refresh swaps the reference to it. So reads are
 * synchronous, never see a mix of versions, and go on whatever fails outside. Versions only move forward, unless a pin is
 * served (`hollow serve`) or the table was restored.
 *
 * With a `dataset` from `defineDataset`, the names of types, their keys and their records are typed, and what is
 * loaded must have these types and fields. Without one, a consumer reads whatever the blobs describe.
 *
 * @example
 * const consumer = new Consumer({ dataset: cities, id, heads, blobs, clock, random, telemetry });
 * await consumer.refresh();
 * consumer.find('City', 2988507)?.name;   // 'Paris'
 * consumer.start([watcher]);              // from now on it keeps itself fresh
 */
export class Consumer<D extends AnyDataset | null = null> {
  readonly id: DatasetId;
  readonly #dataset: AnyDataset | null;
  readonly #source: RefreshSource;
  readonly #isShared: boolean;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #listeners = new Set<VersionListener>();
  #loaded: LoadedVersion | null = null;
  /** Of the dataset D, as its constructor was told; the compiler need not follow it in here. */
  #state: DatasetState | null = null;
  /** The schema that was last found to be readable: deltas keep it. */
  #readable: DatasetSchema | null = null;
  #running: Promise<void> | null = null;
  #queued: Promise<void> | null = null;
  #watching: { readonly stop: AbortController; readonly done: Promise<void> } | null = null;
  #hinted: ServedRef | null = null;
  #checkedAtMs: number | null = null;
  #failuresInRow = 0;
  readonly #outcomes = new RateWindow();
  #lastError: string | null = null;

  constructor(options: ConsumerOptions<D>) {
    checkDatasetId(options.id);
    const { id, heads, blobs, telemetry } = options;
    this.id = id;
    this.#dataset = options.dataset ?? null;
    this.#source = {
      id,
      heads,
      blobs,
      inline: options.inline,
      telemetry,
      parts: options.parts ?? new Map(),
      indexedTypes: options.indexedTypes ?? null,
      filter: options.filter ?? noFilter,
      strings: options.stringCacheBytes === undefined ? null : new StringCache(options.stringCacheBytes),
      verify: options.verify ?? 'bytes',
      consistency: options.consistency ?? 'strong',
    };
    this.#isShared = options.memory === 'shared';
    this.#clock = options.clock;
    this.#random = options.random;
  }

  /** Everything about the version that is served, as one immutable value; null before the first load. */
  get loaded(): LoadedVersion | null {
    return this.#loaded;
  }

  /** The version that is served; null before the first load. */
  get version(): ServedRef | null {
    return this.#loaded?.ref ?? null;
  }

  /**
   * The records of the version that is served, as an immutable value. Take it once if several reads must see the same version.
   *
   * @throws DatasetError `unavailable` before the first load
   */
  get state(): DatasetState<D> {
    return this.#required() as unknown as DatasetState<D>;
  }

  /**
   * The record with this primary key, one argument for each path of the key; undefined if there is none. The record
   * stays as it is, whatever is refreshed meanwhile.
   *
   * @throws DatasetError `unavailable` before the first load; `invalid`: no such indexed type, or not its key
   */
  find<Name extends LookupNameOf<D>>(type: Name, ...key: LookupKey<D, Name>): Found<D, Name> | undefined {
    return this.#find(type, key) as never;
  }

  /**
   * {@link find} for a record that must be there.
   *
   * @throws DatasetError `invalid` if it is not
   */
  get<Name extends LookupNameOf<D>>(type: Name, ...key: LookupKey<D, Name>): Found<D, Name> {
    return this.#get(type, key) as never;
  }

  /**
   * Goes to the newest version. When it resolves, every commit that was acknowledged before the call is readable (with
   * `strong` reads). One refresh runs at a time; calls made meanwhile share the next one.
   *
   * @throws DatasetError `unavailable`, `denied`, `corrupt`, `incompatible`; the consumer goes on serving what it had
   */
  refresh(): Promise<void> {
    if (this.#running === null) {
      this.#running = this.#refreshOnce().finally(() => {
        this.#running = null;
      });
      return this.#running;
    }
    this.#queued ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#queued = null;
        return this.refresh();
      });
    return this.#queued;
  }

  /**
   * True if the version that is served has the message of this receipt and everything that its source sent before. What was
   * quarantined or late counts as done. Does no I/O.
   *
   * @throws DatasetError `invalid`: the receipt is of another partition
   */
  has({ partition, source, sequence }: Receipt): boolean {
    if (partition !== this.id.partition) {
      const problem = `the receipt is of partition ${partition}, and this is ${this.id.partition}`;
      throw new DatasetError('invalid', problem, { partition });
    }
    if (this.#loaded === null) return false;
    return (readProgress(this.#loaded.state.headerTags).get(source) ?? 0) >= sequence;
  }

  /**
   * Read your writes: refreshes until {@link has} is true.
   *
   * @returns false if it did not become true in time
   * @throws DatasetError as {@link refresh}, if the last refresh in that time failed
   */
  async waitFor(receipt: Receipt, timeoutMs: number): Promise<boolean> {
    const endMs = this.#clock.monotonicMs() + timeoutMs;
    for (let pauseMs: number = limits.visiblePauseMsMin; !this.has(receipt); pauseMs *= 2) {
      const restMs = endMs - this.#clock.monotonicMs();
      if (restMs <= 0) {
        await this.refresh();
        return this.has(receipt);
      }
      // A failure is in the log and in health; there is time for another try.
      await this.refresh().catch(() => undefined);
      if (!this.has(receipt)) await this.#clock.sleep(Math.min(restMs, pauseMs, limits.visiblePauseMsMax));
    }
    return true;
  }

  /**
   * Keeps the consumer fresh until {@link stop}: refreshes now, on every hint, and by a poll, since hints can get lost.
   *
   * @param watchers where hints come from; without any the head is polled about once a second
   * @param pollMsMax the longest pause between two polls, ms. Take less if other readers share the queue of hints. Default 20,000
   * @throws DatasetError `invalid` if it is started already
   */
  start(watchers: readonly AnnouncementWatcher[], pollMsMax: number = limits.pollMsMax): void {
    if (this.#watching !== null) throw new DatasetError('invalid', 'the consumer is started already');
    const stop = new AbortController();
    const ports = { clock: this.#clock, random: this.#random, telemetry: this.#source.telemetry };
    const target: WatchTarget = {
      id: this.id,
      pollMsMax,
      version: () => this.version,
      refresh: () => this.refresh(),
      onHint: (hint) => {
        this.#hinted = hint;
        const { version, cid, correlationIds } = hint;
        this.#source.telemetry.log('info', 'told of a version', { version, cid, correlationIds });
      },
    };
    this.#watching = { stop, done: watch(target, watchers, ports, stop.signal) };
  }

  /** Resolves when nothing runs any more. The version stays readable. */
  async stop(): Promise<void> {
    const watching = this.#watching;
    if (watching === null) return;
    this.#watching = null;
    watching.stop.abort();
    await watching.done;
  }

  /** Calls `listener` after each swap until the returned function is called. */
  onChange(listener: VersionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get health(): ConsumerHealth {
    return {
      isReady: this.#loaded !== null,
      version: this.version,
      headAgeMs: this.#checkedAtMs === null ? null : this.#clock.monotonicMs() - this.#checkedAtMs,
      lagVersions: this.#lagVersions(),
      failuresInRow: this.#failuresInRow,
      errorRate: this.#outcomes.rate(this.#clock.monotonicMs()),
      lastError: this.#lastError,
    };
  }

  #lagVersions(): number {
    const { version } = this;
    if (this.#hinted === null || (version !== null && compareVersions(version, this.#hinted) >= 0)) return 0;
    return version?.era === this.#hinted.era ? this.#hinted.version - version.version : this.#hinted.version;
  }

  #find(type: string, key: readonly KeyPart[]): RecordView | undefined {
    return this.#required()
      .type(type)
      .find(...key);
  }

  #get(type: string, key: readonly KeyPart[]): RecordView {
    return this.#required()
      .type(type)
      .get(...key);
  }

  #required(): DatasetState {
    if (this.#state === null) throw new DatasetError('unavailable', 'no version is loaded yet');
    return this.#state;
  }

  async #refreshOnce(): Promise<void> {
    const { telemetry } = this.#source;
    const startMs = this.#clock.monotonicMs();
    try {
      const advance = await refresh(this.#source, this.#loaded);
      this.#checkedAtMs = startMs;
      this.#failuresInRow = 0;
      this.#lastError = null;
      if (advance !== null) {
        this.#requireReadable(advance.loaded);
        const { loaded } = advance;
        this.#swap(
          this.#isShared
            ? { ...advance, loaded: moveToShared(loaded, this.#source.strings ?? null) }
            : advance,
        );
        telemetry.record('RefreshDurationMs', this.#clock.monotonicMs() - startMs);
      }
      this.#outcomes.add(false, startMs);
    } catch (error) {
      this.#outcomes.add(true, startMs);
      this.#failuresInRow += 1;
      this.#lastError = error instanceof Error ? error.message : String(error);
      telemetry.record('RefreshesFailed', 1);
      telemetry.log('warn', 'a refresh failed', { error, version: this.version?.version ?? null });
      throw error;
    }
  }

  #requireReadable({ state }: LoadedVersion): void {
    if (this.#dataset === null || state.schema === this.#readable) return;
    requireReadable(this.#dataset.schema, state.schema);
    this.#readable = state.schema;
  }

  #swap({ loaded, fromSnapshot, steps }: Advance): void {
    const { telemetry } = this.#source;
    const from = this.#loaded;
    this.#loaded = loaded;
    this.#state = new DatasetState(loaded, this.#dataset);
    telemetry.record('StateVersion', loaded.ref.version);
    telemetry.record('RecordCount', recordCountOf(loaded));
    if (fromSnapshot) telemetry.record('SnapshotsLoaded', 1);
    if (steps.length > 0) telemetry.record('DeltasApplied', steps.length);
    telemetry.log('info', 'serving a new version', { ...loaded.ref, fromSnapshot, deltaCount: steps.length });
    const change: VersionChange = { from, to: loaded, steps: fromSnapshot ? null : steps };
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (error) {
        // The application's mistake must not stop the refresh of everyone else.
        telemetry.log('error', 'a listener failed', { error });
      }
    }
  }
}
