import { DatasetError } from '../errors.ts';
import type { AnnouncementWatcher, DatasetId, ServedRef } from '../ports.ts';
import type { Receipt } from '../receipt.ts';
import type { AnyDataset } from '../schema/builder.ts';
import {
  Consumer,
  type ConsumerHealth,
  type ConsumerOptions,
  type ConsumerSource,
  type VersionChange,
} from './consumer.ts';
import { PartitionedState } from './partitioned-state.ts';
import { SharedWatcher } from './shared-watcher.ts';
import type { Found, LookupKey, LookupNameOf } from './type-records.ts';

export interface PartitionedConsumerOptions<D extends AnyDataset> extends Omit<ConsumerSource, 'id'> {
  /** Of all partitions. */
  readonly id: Omit<DatasetId, 'partition'>;
  readonly dataset: D;
  /** Which partitions to load. Default: all of the dataset. */
  readonly partitions?: readonly number[];
}

/** Told to listeners after each swap. */
export interface PartitionChange extends VersionChange {
  readonly partition: number;
}

/** {@link ConsumerHealth} over all loaded partitions, and that of each. */
export interface PartitionedHealth extends Omit<ConsumerHealth, 'version'> {
  readonly partitions: ReadonlyMap<number, ConsumerHealth>;
}

/**
 * A {@link Consumer} for a dataset with several partitions. It has the same look-ups, over all partitions or over some. Each
 * partition refreshes by itself: one that fails keeps what it has while the others go on.
 *
 * @example
 * const orders = new PartitionedConsumer({ dataset: shop, id: { dataset: 'shop' }, heads, blobs, clock, random, telemetry });
 * await orders.refresh();
 * orders.find('Order', customerId, 1)?.total;
 * orders.versions.get(3);                       // { era: 1, version: 812, cid: '…' }
 * await orders.partition(3).refresh();          // this one only
 */
export class PartitionedConsumer<D extends AnyDataset> {
  readonly #dataset: D;
  readonly #consumers: ReadonlyMap<number, Consumer<D>>;

  /** @throws DatasetError `invalid`: the dataset has no such partition */
  constructor({ dataset, id, partitions, ...source }: PartitionedConsumerOptions<D>) {
    const { count } = dataset.partitions;
    const chosen = new Set(partitions ?? Array.from({ length: count }, (_, partition) => partition));
    if (chosen.size === 0) throw new DatasetError('invalid', 'choose at least one partition');
    this.#dataset = dataset;
    this.#consumers = new Map(
      Array.from(chosen, (partition) => {
        if (partition >= count) {
          throw new DatasetError('invalid', `there is no partition ${partition}: the dataset has ${count}`);
        }
        const options = { ...source, id: { ...id, partition }, dataset };
        // The compiler does not see that a dataset is not null as long as it does not know which one it is.
        return [partition, new Consumer(options as ConsumerOptions<D>)];
      }),
    );
  }

  /** @throws DatasetError `invalid`: there is no such partition, or it is not one of those that are loaded */
  partition(partition: number): Consumer<D> {
    const consumer = this.#consumers.get(partition);
    if (consumer !== undefined) return consumer;
    const loaded = [...this.#consumers.keys()].join(', ');
    throw new DatasetError('invalid', `partition ${partition} is not loaded (loaded: ${loaded})`, {
      partition,
    });
  }

  /** By partition, the version that is served; null: none yet. */
  get versions(): ReadonlyMap<number, ServedRef | null> {
    return new Map(Array.from(this.#consumers, ([partition, { version }]) => [partition, version]));
  }

  /**
   * What is served now, as one immutable value. Take it once if several reads must see the same versions.
   *
   * @throws DatasetError `unavailable` until every partition is loaded
   */
  get state(): PartitionedState<D> {
    const states = Array.from(this.#consumers, ([partition, { state }]) => [partition, state] as const);
    return new PartitionedState(this.#dataset, new Map(states));
  }

  /**
   * The record with this primary key, one argument for each path of the key; undefined if there is none.
   *
   * @throws DatasetError `unavailable` before the first load; `invalid`: no such indexed type, not its key, or its
   * partition is not one of those that are loaded
   */
  find<Name extends LookupNameOf<D>>(type: Name, ...key: LookupKey<D, Name>): Found<D, Name> | undefined {
    return this.#homeOf(type, key).find(type, ...key);
  }

  /**
   * {@link find} for a record that must be there.
   *
   * @throws DatasetError `invalid` if it is not
   */
  get<Name extends LookupNameOf<D>>(type: Name, ...key: LookupKey<D, Name>): Found<D, Name> {
    return this.#homeOf(type, key).get(type, ...key);
  }

  /**
   * Brings every partition to its newest version.
   *
   * @throws DatasetError that of the first partition that failed. Partitions that failed serve what they had; the others have moved
   */
  async refresh(): Promise<void> {
    const results = await Promise.allSettled(
      Array.from(this.#consumers.values(), (consumer) => consumer.refresh()),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /**
   * {@link Consumer.has} of the receipt's partition.
   *
   * @throws DatasetError `invalid`: that partition is not loaded
   */
  has(receipt: Receipt): boolean {
    return this.partition(receipt.partition).has(receipt);
  }

  /**
   * {@link Consumer.waitFor} of the receipt's partition; the others are not refreshed.
   *
   * @returns false if it did not become true in time
   * @throws DatasetError as {@link has}, and if the last refresh in that time failed
   */
  async waitFor(receipt: Receipt, timeoutMs: number): Promise<boolean> {
    return this.partition(receipt.partition).waitFor(receipt, timeoutMs);
  }

  /** Keeps every partition fresh until {@link stop}, each by the hints of its own. */
  start(watchers: readonly AnnouncementWatcher[]): void {
    const shared = watchers.map((watcher) => new SharedWatcher(watcher));
    for (const consumer of this.#consumers.values()) consumer.start(shared);
  }

  /** Resolves when nothing runs any more. What is loaded stays readable. */
  async stop(): Promise<void> {
    await Promise.all(Array.from(this.#consumers.values(), (consumer) => consumer.stop()));
  }

  /** Calls `listener` after each swap of any partition until the returned function is called. */
  onChange(listener: (change: PartitionChange) => void): () => void {
    const stops = Array.from(this.#consumers, ([partition, consumer]) =>
      consumer.onChange((change) => listener({ ...change, partition })),
    );
    return () => {
      for (const stop of stops) stop();
    };
  }

  get health(): PartitionedHealth {
    const partitions = new Map(Array.from(this.#consumers, ([partition, { health }]) => [partition, health]));
    const all = [...partitions.values()];
    const ages = all.map(({ headAgeMs }) => headAgeMs);
    return {
      partitions,
      isReady: all.every(({ isReady }) => isReady),
      headAgeMs: ages.reduce(
        (oldest, age) => (oldest === null || age === null ? null : Math.max(oldest, age)),
        0,
      ),
      lagVersions: all.reduce((sum, { lagVersions }) => sum + lagVersions, 0),
      failuresInRow: Math.max(...all.map(({ failuresInRow }) => failuresInRow)),
      errorRate: Math.max(...all.map(({ errorRate }) => errorRate)),
      lastError: all.find(({ lastError }) => lastError !== null)?.lastError ?? null,
    };
  }

  #homeOf(type: string, key: readonly unknown[]): Consumer<D> {
    return this.partition(this.#dataset.partitions.ofKey(type, ...key));
  }
}
