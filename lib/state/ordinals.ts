/** The format has 29 bits for an ordinal. */
export const ordinalMax = 2 ** 29 - 1;

/** The greatest ordinal within one shard, given that of the type; -1: it has none. */
export function shardMaxOrdinal(maxOrdinal: number, shard: number, shardCount: number): number {
  return Math.floor((maxOrdinal - shard) / shardCount);
}
