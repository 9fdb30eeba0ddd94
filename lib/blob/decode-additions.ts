import type { ByteReader } from '../bytes/byte-reader.ts';
import { readGapList } from '../bytes/gap-list.ts';
import { DatasetError } from '../errors.ts';
import { ordinalMax, shardMaxOrdinal } from '../state/ordinals.ts';
import {
  type Additions,
  addedRecordsMax,
  type Layer,
  listOf,
  type PackLayer,
} from '../state/record-table.ts';
import { readMaxOrdinal } from './decode-section.ts';

/** How to read the records of one shard, and how to put those of several into one layer. */
export interface ShardForm<L> {
  readShard(recordCount: number): L;
  readonly pack: PackLayer<L>;
}

/** What one shard of a delta brings; ordinals are the type's. */
interface ShardAdditions<L> {
  readonly layer: L;
  readonly added: Int32Array;
  readonly removed: Int32Array;
}

/** One type's section of a delta, whatever the kind of its records, as one layer. */
export function readAdditions<L extends Layer>(
  reader: ByteReader,
  { name, shardCount }: { readonly name: string; readonly shardCount: number },
  form: ShardForm<L>,
): Additions<L> {
  const what = `greatest ordinal of ${name}`;
  const stated = shardCount === 1 ? null : readMaxOrdinal(reader, what);
  let maxOrdinal = stated ?? -1;
  const shards: ShardAdditions<L>[] = [];
  for (let shard = 0; shard < shardCount; shard++) {
    const shardMax = readMaxOrdinal(reader, what);
    maxOrdinal = stated ?? shardMax;
    // What is removed may lie above: a type's greatest ordinal can shrink.
    const removed = readGapList(
      reader,
      shardMaxOrdinal(ordinalMax, shard, shardCount),
      `removed ordinals of ${name}`,
    );
    const added = readGapList(
      reader,
      shardMaxOrdinal(maxOrdinal, shard, shardCount),
      `added ordinals of ${name}`,
    );
    if (added.length > addedRecordsMax) throw tooMany(name, added.length);
    const layer = form.readShard(added.length);
    const toType = (ordinal: number) => ordinal * shardCount + shard;
    shards.push({ layer, added: added.map(toType), removed: removed.map(toType) });
  }
  const [only, ...others] = shards as [ShardAdditions<L>, ...ShardAdditions<L>[]];
  if (others.length === 0)
    return { layer: only.layer, ordinals: only.added, removed: only.removed, maxOrdinal };
  return { ...mergeShards([only, ...others], name, form.pack), maxOrdinal };
}

/** The shards' records as one layer, in order of ordinal. */
function mergeShards<L extends Layer>(
  shards: readonly [ShardAdditions<L>, ...ShardAdditions<L>[]],
  name: string,
  pack: PackLayer<L>,
): Omit<Additions<L>, 'maxOrdinal'> {
  const ordinals = merged(shards.map((shard) => shard.added));
  if (ordinals.length > addedRecordsMax) throw tooMany(name, ordinals.length);
  const shardMask = shards.length - 1;
  const next = new Int32Array(shards.length);
  const layerOf = new Uint16Array(ordinals.length);
  const recordOf = new Int32Array(ordinals.length);
  for (let k = 0; k < ordinals.length; k++) {
    const shard = (ordinals[k] as number) & shardMask;
    layerOf[k] = shard;
    recordOf[k] = next[shard] as number;
    next[shard] = (next[shard] as number) + 1;
  }
  const [first, ...others] = shards;
  const layer = pack(listOf([first.layer, ...others.map((shard) => shard.layer)], layerOf, recordOf));
  return { layer, ordinals, removed: merged(shards.map((shard) => shard.removed)) };
}

function merged(lists: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all.sort();
}

function tooMany(name: string, count: number): DatasetError {
  return new DatasetError('incompatible', `a delta adds ${count} records to '${name}': load a snapshot`, {
    type: name,
    count,
  });
}
