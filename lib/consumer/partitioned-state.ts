import { DatasetError } from '../errors.ts';
import type { ServedRef } from '../ports.ts';
import type { AnyDataset } from '../schema/builder.ts';
import type { DatasetState } from './dataset-state.ts';
import type { Found, LookupKey, TypeNameOf } from './type-records.ts';

/**
 * The records of the loaded partitions, each at the version that it had when this was taken. Immutable.
 * Partitions commit independently, so there is no guarantee how their versions go together.
 *
 * @example
 * const { state } = orders;
 * state.type('Order').get(customerId, 1).total;
 * for (const order of state.type('Order')) sum += order.total ?? 0;
 */
export class PartitionedState<D extends AnyDataset> {
  readonly #dataset: D;
  readonly #states: ReadonlyMap<number, DatasetState<D>>;

  /** @param states by partition */
  constructor(dataset: D, states: ReadonlyMap<number, DatasetState<D>>) {
    this.#dataset = dataset;
    this.#states = states;
  }

  /** By partition. */
  get versions(): ReadonlyMap<number, ServedRef> {
    return new Map(Array.from(this.#states, ([partition, { version }]) => [partition, version]));
  }

  /** @throws DatasetError `invalid`: there is no such partition, or it is not loaded */
  partition(partition: number): DatasetState<D> {
    const state = this.#states.get(partition);
    if (state !== undefined) return state;
    const loaded = [...this.#states.keys()].join(', ');
    throw new DatasetError('invalid', `partition ${partition} is not loaded (loaded: ${loaded})`, {
      partition,
    });
  }

  /** @throws DatasetError `invalid` if there is no such OBJECT type */
  type<Name extends TypeNameOf<D>>(name: Name): PartitionedRecords<Found<D, Name>, LookupKey<D, Name>> {
    const types = new Map(Array.from(this.#states, ([partition, state]) => [partition, state.type(name)]));
    return new PartitionedRecords(types, (key) => {
      const partition = this.#dataset.partitions.ofKey(name, ...key);
      return types.get(partition) ?? this.partition(partition).type(name);
    });
  }
}

/** What {@link PartitionedRecords} asks of the records of one partition. */
interface Records<Record, Key extends readonly unknown[]> extends Iterable<Record> {
  readonly name: string;
  readonly count: number;
  find(...key: Key): Record | undefined;
  get(...key: Key): Record;
}

/**
 * The records of one type in all loaded partitions, like {@link TypeRecords} for one. A record without a primary key occurs
 * once in each partition where something refers to it.
 */
export class PartitionedRecords<Record, Key extends readonly unknown[]> implements Records<Record, Key> {
  readonly #types: ReadonlyMap<number, Records<Record, Key>>;
  readonly #homeOf: (key: Key) => Records<Record, Key>;

  /** @param homeOf the records of the partition to which a key belongs; throws if that is not loaded */
  constructor(types: ReadonlyMap<number, Records<Record, Key>>, homeOf: (key: Key) => Records<Record, Key>) {
    this.#types = types;
    this.#homeOf = homeOf;
  }

  get name(): string {
    const [first] = this.#types.values();
    return first?.name ?? '';
  }

  /** How many records there are, in all partitions together. */
  get count(): number {
    let sum = 0;
    for (const { count } of this.#types.values()) sum += count;
    return sum;
  }

  /**
   * The record with this primary key, one argument for each path of the key; undefined if there is none.
   *
   * @throws DatasetError `invalid`: not its key, or of a partition that is not loaded
   */
  find(...key: Key): Record | undefined {
    return this.#homeOf(key).find(...key);
  }

  /**
   * {@link find} for a record that must be there.
   *
   * @throws DatasetError `invalid` if it is not
   */
  get(...key: Key): Record {
    return this.#homeOf(key).get(...key);
  }

  /** All records, partition by partition. */
  *[Symbol.iterator](): Generator<Record, undefined> {
    for (const records of this.#types.values()) yield* records;
  }
}
