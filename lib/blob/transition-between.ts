import { ByteWriter } from '../bytes/byte-writer.ts';
import type { Schema } from '../schema/schema.ts';
import { HashKeys } from '../state/hash-keys.ts';
import type { ReadState } from '../state/read-state.ts';
import { readRun, type Transition, type TypeTransition } from '../state/transition.ts';
import type { StateChanges, TypeChanges } from '../state/type-changes.ts';
import type { TypeState } from '../state/type-state.ts';
import type { TypeStatistics } from '../state/type-statistics.ts';
import { WidthHistograms } from '../state/width-histograms.ts';

/**
 * The step that a delta made, as encoders take it: for whoever wants a version's reverse delta and has followed the
 * delta only. Takes a pass over the records of each type that changed; its producer, who has planned the step, has it
 * for less.
 *
 * @example
 * const { state: to, changes } = applyDelta(from, main);
 * const back = encodeReverseDelta(transitionBetween(from, to, changes), { tag: to.tag, parts: new Map() });
 */
export function transitionBetween(from: ReadState, to: ReadState, changes: StateChanges): Transition {
  const types = from.schema.inBlobOrder.flatMap((schema) => {
    const change = changes.get(schema.name);
    return change === undefined ? [] : [typeTransition(schema, from, to, change)];
  });
  const hashKeys = new HashKeys(from.schema, (type, ordinal, out) => {
    const records = from.type(type);
    (records.isPopulated(ordinal) ? records : to.type(type)).writeRecord(ordinal, out);
  });
  return { from, types, isEmpty: types.length === 0, hashKeys };
}

function typeTransition(
  schema: Schema,
  from: ReadState,
  to: ReadState,
  { removed, added }: TypeChanges,
): TypeTransition {
  const before = from.type(schema.name);
  const after = to.type(schema.name);
  const statisticsOf = (shardCount: number): TypeStatistics =>
    overBoth(schema, shardCount, { before, after, added });
  const statisticsBefore = statisticsOf(before.shardCount);
  const isResharded = after.shardCount !== before.shardCount;
  return {
    schema,
    shardCount: after.shardCount,
    shardCountBefore: before.shardCount,
    statistics: isResharded ? statisticsOf(after.shardCount) : statisticsBefore,
    statisticsBefore,
    removed,
    added: readRun(after, added),
    before,
  };
}

interface Both {
  readonly before: TypeState;
  readonly after: TypeState;
  readonly added: Int32Array;
}

function overBoth(schema: Schema, shardCount: number, { before, after, added }: Both): TypeStatistics {
  const histograms = new WidthHistograms(schema, shardCount);
  const record = new ByteWriter();
  let maxOrdinal = -1;
  const count = (records: TypeState, ordinal: number): void => {
    record.reset();
    records.writeRecord(ordinal, record);
    histograms.count(record.bytes, 0, ordinal, 1);
    maxOrdinal = Math.max(maxOrdinal, ordinal);
  };
  for (let o = before.nextPopulated(0); o >= 0; o = before.nextPopulated(o + 1)) count(before, o);
  for (const ordinal of added) count(after, ordinal);
  return histograms.statistics(maxOrdinal);
}
