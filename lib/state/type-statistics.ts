import { bitLength } from '../bytes/bit-writer.ts';
import { sum } from '../sum.ts';

/**
 * What an encoder must know about all records of a type before it writes the first: docs/format.md, "Statistics".
 * Taken over the records of a state and of the state before it together, so that one set of widths serves the snapshot,
 * the delta and the reverse delta of a version, and readers can keep what the delta removes.
 */
export type TypeStatistics = ObjectStatistics | ListStatistics | SetStatistics | MapStatistics;

export interface ObjectStatistics {
  readonly kind: 'OBJECT';
  /** -1: no records. */
  readonly maxOrdinal: number;
  /** In schema order. */
  readonly fieldBits: readonly number[];
  /** Bytes of each STRING or BYTES field over all records and shards; 0 for the other kinds. */
  readonly varTotals: readonly number[];
}

export interface ListStatistics {
  readonly kind: 'LIST';
  readonly maxOrdinal: number;
  readonly elementBits: number;
  /** Elements per shard. */
  readonly shardTotals: readonly number[];
}

export interface SetStatistics {
  readonly kind: 'SET';
  readonly maxOrdinal: number;
  readonly sizeBits: number;
  readonly elementBits: number;
  /** Buckets per shard. */
  readonly shardTotals: readonly number[];
}

export interface MapStatistics {
  readonly kind: 'MAP';
  readonly maxOrdinal: number;
  readonly sizeBits: number;
  readonly keyBits: number;
  readonly valueBits: number;
  /** Buckets per shard. */
  readonly shardTotals: readonly number[];
}

/** Bits of the pointers into a collection type's elements or buckets. */
export function pointerBits(statistics: Exclude<TypeStatistics, ObjectStatistics>): number {
  const greatest = bitLength(Math.max(...statistics.shardTotals));
  return statistics.kind === 'LIST' ? Math.max(1, greatest) : greatest;
}

/** Bytes that texts and packed arrays of all records take. */
export function packedSize(statistics: TypeStatistics): number {
  const slots = statistics.maxOrdinal + 1;
  if (statistics.kind === 'OBJECT')
    return sum(statistics.varTotals) + (slots * sum(statistics.fieldBits)) / 8;
  const { pointer, entry } = collectionBits(statistics);
  return (slots * pointer + sum(statistics.shardTotals) * entry) / 8;
}

function collectionBits(statistics: Exclude<TypeStatistics, ObjectStatistics>) {
  const pointer = pointerBits(statistics);
  switch (statistics.kind) {
    case 'LIST':
      return { pointer, entry: statistics.elementBits };
    case 'SET':
      return { pointer: pointer + statistics.sizeBits, entry: statistics.elementBits };
    case 'MAP':
      return { pointer: pointer + statistics.sizeBits, entry: statistics.keyBits + statistics.valueBits };
  }
}
