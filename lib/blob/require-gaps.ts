import { type CollectionLayer, entriesEnd, requireEntries } from '../state/collection-layer.ts';
import type { ObjectLayer } from '../state/object-layer.ts';
import { isVar, requireRange, varEnd } from '../state/packed-field.ts';
import type { ShardedRecords } from '../state/record-table.ts';

/** @param before the record in front of the gap; -1: none. `last`: the last slot of the gap */
type CheckGap<L> = (layer: L, before: number, last: number) => void;

/**
 * Checks that the ends in a snapshot's records do not go down over slots without a record. Within populated ones that shows
 * when they are read: a record ends before it starts. Over a gap it would not, and then each record of a damaged blob could
 * hold all bytes of its type. Takes a look at each gap, and at 32 ordinals at a time.
 *
 * @throws DatasetError `corrupt`
 */
export function requireGaps<L>({ shards, populated }: ShardedRecords<L>, check: CheckGap<L>): void {
  const count = shards.length;
  const last = populated.last();
  for (let from = 0; from <= last; from += 32) {
    // Those whose predecessor within the shard is not there.
    const predecessors =
      count >= 32
        ? populated.bitsFrom(from - count)
        : (populated.bitsFrom(from) << count) | (populated.bitsFrom(from - 32) >>> (32 - count));
    for (let bits = populated.bitsFrom(from) & ~predecessors; bits !== 0; bits &= bits - 1) {
      const ordinal = from + 31 - Math.clz32(bits & -bits);
      if (ordinal < count) continue;
      let before = ordinal - count;
      while (before >= 0 && !populated.has(before)) before -= count;
      const layer = shards[ordinal & (count - 1)] as L;
      check(layer, Math.floor(before / count), Math.floor(ordinal / count) - 1);
    }
  }
}

export function requireObjectGap(layer: ObjectLayer, before: number, last: number): void {
  for (const field of layer.fields) {
    if (isVar(field.kind)) requireRange(field, before < 0 ? 0 : varEnd(field, before), varEnd(field, last));
  }
}

export function requireCollectionGap(layer: CollectionLayer, before: number, last: number): void {
  requireEntries(layer, before < 0 ? 0 : entriesEnd(layer, before), entriesEnd(layer, last));
}
