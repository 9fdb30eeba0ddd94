/**
 * The ordinals of each shard, ascending if they ascend. In one pass whatever the number of shards is: a damaged blob can have
 * very many.
 *
 * @param shardCount a power of two; ordinal o is in shard o & (shardCount - 1)
 */
export function splitByShard(ordinals: Int32Array, shardCount: number): readonly Int32Array[] {
  if (shardCount === 1) return [ordinals];
  const mask = shardCount - 1;
  const starts = new Int32Array(shardCount + 1);
  for (let i = 0; i < ordinals.length; i++) {
    const next = ((ordinals[i] as number) & mask) + 1;
    starts[next] = (starts[next] as number) + 1;
  }
  for (let shard = 0; shard < shardCount; shard++)
    starts[shard + 1] = (starts[shard] as number) + (starts[shard + 1] as number);
  const sorted = new Int32Array(ordinals.length);
  const ends = starts.slice(0, shardCount);
  for (let i = 0; i < ordinals.length; i++) {
    const ordinal = ordinals[i] as number;
    const at = ends[ordinal & mask] as number;
    sorted[at] = ordinal;
    ends[ordinal & mask] = at + 1;
  }
  return Array.from(ends, (end, shard) => sorted.subarray(starts[shard], end));
}
