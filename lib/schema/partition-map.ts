import { murmur3 } from '../bytes/hash.ts';
import { DatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { DatasetSchema } from './dataset-schema.ts';
import { keyPartReader } from './key-part.ts';
import { type KeyPart, RecordKey } from './record-key.ts';

export interface PartitionOptions {
  /** How many partitions: fixed for the life of a dataset. Default 1. */
  readonly partitions?: number;
  /**
   * By type: the paths of its primary key that choose the partition, in order. Records with equal partition keys, of whatever
   * type, are in one partition. Default: the whole primary key.
   */
  readonly partitionKeys?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Says to which partition a record belongs. Senders, producers and consumers all use it, so they agree.
 *
 * The partition is the unsigned MurmurHash3 (x86, 32 bit, seed 0xeab524b9) of the key's canonical text in UTF-8, modulo the
 * number of partitions. The text joins the parts with commas: numbers in decimals, booleans as `true` and `false`, strings
 * as `length:text` (UTF-16 code units), bytes in base64. The name of the type is not in it.
 *
 * @example
 * const map = PartitionMap.of(schema, { partitions: 4, partitionKeys: { Order: ['customer'], Customer: ['id'] } });
 * map.ofKey('Customer', 7) === map.ofKey('Order', 7, 1);   // Order has the key (customer, number)
 */
export class PartitionMap {
  /** From 1. */
  readonly count: number;
  readonly #schema: DatasetSchema;
  /** By type: indexes of the parts of the primary key; types that are not here take all of it. */
  readonly #declared: ReadonlyMap<string, readonly number[]>;

  private constructor(
    schema: DatasetSchema,
    count: number,
    declared: ReadonlyMap<string, readonly number[]>,
  ) {
    this.count = count;
    this.#schema = schema;
    this.#declared = declared;
  }

  /** @throws DatasetError `invalid`: not that many partitions, or a partition key that is no part of the primary key */
  static of(schema: DatasetSchema, { partitions = 1, partitionKeys = {} }: PartitionOptions): PartitionMap {
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > limits.partitionsMax) {
      throw new DatasetError('invalid', `partitions must be an integer from 1 to ${limits.partitionsMax}`);
    }
    if (partitions > 1) for (const type of schema.keyedTypes) requireValues(schema, type);
    const declared = new Map(
      Object.entries(partitionKeys).map(([type, paths]) => [type, partsOf(schema, type, paths)]),
    );
    return new PartitionMap(schema, partitions, declared);
  }

  /** 0-based. `key`: of a record of `type`, in the form that records and mutations give it. */
  ofRecordKey(type: string, key: RecordKey): number {
    if (this.count === 1) return 0;
    const declared = this.#declared.get(type);
    if (declared === undefined) return this.#ofText(key.text);
    return this.#ofText(new RecordKey(declared.map((index) => key.parts[index] as KeyPart)).text);
  }

  /**
   * 0-based. `key`: as `Consumer.find` takes it, one argument for each path of the primary key.
   *
   * @throws DatasetError `invalid`: there is no such type, or this is not its key
   */
  ofKey(type: string, ...key: readonly unknown[]): number {
    const paths = this.#schema.keyPaths(type);
    if (paths.length === 0 || key.length !== paths.length) {
      const names = paths.map(({ path }) => path).join(', ');
      throw new DatasetError('invalid', `the key of ${type} is (${names}), not ${key.length} values`, {
        type,
      });
    }
    if (this.count === 1) return 0;
    const parts = paths.map((path, i) => {
      const part = keyPartReader(type, path)(key[i]);
      // As records have it: beyond 2^53 a LONG is a bigint there, and the digits of a number are others.
      const isWhole = path.leafKind === 'LONG' && typeof part === 'number' && Number.isInteger(part);
      return isWhole ? BigInt(part) : part;
    });
    return this.ofRecordKey(type, new RecordKey(parts));
  }

  /** One line for a setting; {@link parsePartitions} reads it: `4 Customer(id) Order(customer)`. */
  toString(): string {
    const keys = Array.from(this.#declared, ([type, indexes]) => {
      const paths = this.#schema.keyPaths(type);
      return `${type}(${indexes.map((index) => paths[index]?.path).join(',')})`;
    });
    return [String(this.count), ...keys.toSorted()].join(' ');
  }

  #ofText(text: string): number {
    const bytes = encoder.encode(text);
    return (murmur3(bytes, 0, bytes.length) >>> 0) % this.count;
  }
}

const encoder = new TextEncoder();

/**
 * The map that {@link PartitionMap.toString} has printed.
 *
 * @throws DatasetError `invalid`: not of that form, or not of this schema
 */
export function parsePartitions(schema: DatasetSchema, text: string): PartitionMap {
  const [count = '', ...keys] = text.trim().split(/\s+/);
  const partitionKeys = keys.map((key): [string, readonly string[]] => {
    const [, type, paths] = /^([^()\s]+)\(([^()\s]+)\)$/.exec(key) ?? [];
    if (type === undefined || paths === undefined) throw notPartitions(text);
    return [type, paths.split(',')];
  });
  if (!/^\d{1,9}$/.test(count)) throw notPartitions(text);
  return PartitionMap.of(schema, {
    partitions: Number(count),
    partitionKeys: Object.fromEntries(partitionKeys),
  });
}

function notPartitions(text: string): DatasetError {
  return new DatasetError(
    'invalid',
    `partitions: expected '4' or '4 Type(path,path) …', got ${JSON.stringify(text)}`,
  );
}

/** An ordinal is not the same in two partitions, so it cannot say in which of them a record is. */
function requireValues(schema: DatasetSchema, type: string): void {
  const ordinal = schema.keyPaths(type).find(({ leafKind }) => leafKind === 'REFERENCE');
  if (ordinal === undefined) return;
  throw new DatasetError('invalid', `partitions: the key path '${ordinal.path}' of ${type} is an ordinal`, {
    type,
  });
}

function partsOf(schema: DatasetSchema, type: string, paths: readonly string[]): readonly number[] {
  const keyPaths = schema.keyPaths(type).map(({ path }) => path);
  const indexes = paths.map((path) => keyPaths.indexOf(path));
  if (indexes.length > 0 && !indexes.includes(-1)) return indexes;
  throw new DatasetError(
    'invalid',
    `the partition key (${paths.join(', ')}) of ${type} must name paths of its primary key (${keyPaths.join(', ')})`,
    { type },
  );
}
