import { sum } from '../sum.ts';
import { pointerBits, type TypeStatistics } from './type-statistics.ts';

/** Far above what a producer needs: types grow to gigabytes before they have this many. Readers refuse more. */
export const shardCountMax = 2 ** 14;

/** What the choice of a type's shard count looks at. */
export interface ShardPlanInput {
  readonly statistics: TypeStatistics;
  readonly shardCount: number;
  /** No version has had the type yet: any count may be chosen, not only a neighbouring one. */
  readonly isFirst: boolean;
  /** Bytes that a shard may take. */
  readonly shardSizeMax: number;
}

/**
 * How many shards a type gets in the next version: Hollow's rule, towards the least power of two at which a shard takes
 * no more than `shardSizeMax`, in one doubling or halving per version.
 */
export function planShardCount({ statistics, shardCount, isFirst, shardSizeMax }: ShardPlanInput): number {
  const size = projectedSize(statistics);
  let target = 1;
  while (target < shardCountMax && target * shardSizeMax < size) target *= 2;
  if (isFirst || target === shardCount) return target;
  return target > shardCount ? shardCount * 2 : shardCount / 2;
}

/** Bytes that the packed records of a type take in all, as Hollow reckons them. */
function projectedSize(statistics: TypeStatistics): number {
  const slots = statistics.maxOrdinal + 1;
  if (statistics.kind === 'OBJECT') {
    return bytesOf(sum(statistics.fieldBits) * slots) + sum(statistics.varTotals);
  }
  const total = sum(statistics.shardTotals);
  const pointer = pointerBits({ ...statistics, shardTotals: [total] });
  switch (statistics.kind) {
    case 'LIST':
      return bytesOf(statistics.elementBits * total) + bytesOf(pointer * statistics.maxOrdinal + 1);
    case 'SET':
      return bytesOf((pointer + statistics.sizeBits) * slots) + bytesOf(statistics.elementBits * total);
    case 'MAP': {
      const entryBits = statistics.keyBits + statistics.valueBits;
      return bytesOf((pointer + statistics.sizeBits) * slots) + bytesOf(entryBits * total);
    }
  }
}

function bytesOf(bits: number): number {
  return Math.floor(bits / 8);
}
