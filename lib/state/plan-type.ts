import type { IntMap } from '../bytes/int-map.ts';
import { DatasetError } from '../errors.ts';
import type { CycleType } from './cycle-type.ts';
import { planShardCount, shardCountMax } from './shard-plan.ts';
import type { CycleTypeTransition, RecordRun } from './transition.ts';
import type { TypeStatistics } from './type-statistics.ts';
import type { WidthHistograms } from './width-histograms.ts';

/** The part of CycleOptions that a type's plan looks at. */
export interface PlanTypeOptions {
  readonly shardCounts?: ReadonlyMap<string, number>;
  readonly shardSizeMax?: number;
  /** The cycle makes the first version of the chain. */
  readonly isFirst: boolean;
}

/**
 * What changes in one type if the cycle ends here; null: nothing.
 *
 * @param dead its keys: ordinals that do not live on, from the state before and from the cycle
 * @throws DatasetError `invalid`: the shard count asked for cannot follow the present one
 */
export function planType(
  type: CycleType,
  dead: IntMap,
  options: PlanTypeOptions,
): CycleTypeTransition | null {
  const { base } = type;
  const isCounted = options.shardCounts !== undefined || options.shardSizeMax !== undefined;
  // Most types of most cycles: nothing to count.
  if (type.arena.count === 0 && dead.count === 0 && !isCounted) return null;
  const removed = dead
    .keys()
    .filter((ordinal) => type.indexOf(ordinal) < 0)
    .sort();
  const { added, addedHashes } = addedRun(type, dead);
  const isChanged = removed.length > 0 || added.ordinals.length > 0;
  const shardCountBefore = base.records.shardCount;
  if (!isChanged && !isCounted) return null;
  const maxOrdinal = Math.max(base.ordinals.highestTaken, added.ordinals.at(-1) ?? -1);
  const countedBefore = counted(base.histograms(shardCountBefore), added);
  const statisticsBefore = countedBefore.statistics(maxOrdinal);
  const shardCount = nextShardCount(type, statisticsBefore, options);
  if (!isChanged && shardCount === shardCountBefore) return null;
  const histograms =
    shardCount === shardCountBefore ? countedBefore : counted(base.histograms(shardCount), added);
  return {
    schema: base.schema,
    shardCount,
    shardCountBefore,
    statistics: histograms === countedBefore ? statisticsBefore : histograms.statistics(maxOrdinal),
    statisticsBefore,
    histograms,
    removed,
    added,
    addedHashes,
    before: base.records,
  };
}

function counted(histograms: WidthHistograms, { ordinals, starts, bytes }: RecordRun): WidthHistograms {
  for (let i = 0; i < ordinals.length; i++) {
    histograms.count(bytes, starts[i] as number, ordinals[i] as number, 1);
  }
  return histograms;
}

function nextShardCount({ base }: CycleType, statistics: TypeStatistics, options: PlanTypeOptions): number {
  const { shardCount, count } = base.records;
  const { name } = base.schema;
  const asked = options.shardCounts?.get(name);
  if (asked === undefined) {
    const { shardSizeMax, isFirst } = options;
    return shardSizeMax === undefined
      ? shardCount
      : planShardCount({ statistics, shardCount, isFirst, shardSizeMax });
  }
  const isPowerOfTwo = asked >= 1 && asked <= shardCountMax && Number.isInteger(Math.log2(asked));
  const isNeighbour = asked === shardCount || asked === shardCount * 2 || asked * 2 === shardCount;
  if (!isPowerOfTwo || !(isNeighbour || count === 0)) {
    throw new DatasetError('invalid', `${name}: ${shardCount} shards cannot become ${asked} in one version`, {
      type: name,
      shardCount,
      asked,
    });
  }
  return asked;
}

/** The records of the cycle that live. */
function addedRun(
  type: CycleType,
  dead: IntMap,
): { readonly added: RecordRun; readonly addedHashes: Int32Array } {
  const { arena } = type;
  const ordinals = new Int32Array(arena.count);
  const starts = new Uint32Array(arena.count);
  const hashes = new Int32Array(arena.count);
  let count = 0;
  for (let index = 0; index < arena.count; index++) {
    const ordinal = type.ordinalOf(index);
    if (dead.has(ordinal)) continue;
    ordinals[count] = ordinal;
    hashes[count] = arena.hashOf(index);
    starts[count++] = arena.startOf(index);
  }
  const bytes = arena.bytes.subarray(0, arena.size);
  const added = { ordinals: ordinals.subarray(0, count), starts: starts.subarray(0, count), bytes };
  return { added, addedHashes: hashes.subarray(0, count) };
}
