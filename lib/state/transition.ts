import { ByteWriter } from '../bytes/byte-writer.ts';
import type { Schema } from '../schema/schema.ts';
import type { HashKeys } from './hash-keys.ts';
import type { OrdinalMap } from './ordinal-map.ts';
import type { ReadState } from './read-state.ts';
import type { TypeRecords } from './stored-records.ts';
import type { TypeStatistics } from './type-statistics.ts';
import type { WidthHistograms } from './width-histograms.ts';

/** Records in ascending order of ordinal; record i is `bytes[starts[i] .. )`, canonical. */
export interface RecordRun {
  readonly ordinals: Int32Array;
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
}

/** What changes in one type from a state to the next. */
export interface TypeTransition {
  readonly schema: Schema;
  /** Of the next state, and of the one before: in the latter the way back is encoded. */
  readonly shardCount: number;
  readonly shardCountBefore: number;
  /** Over the records of both states. They differ in the totals of shards if the shard count changes, else not. */
  readonly statistics: TypeStatistics;
  readonly statisticsBefore: TypeStatistics;
  readonly removed: Int32Array;
  readonly added: RecordRun;
  /** The state before. */
  readonly before: TypeRecords;
}

/** A planned step from a state to the next: what the encoders of deltas and reverse deltas read. */
export interface Transition {
  readonly from: ReadState;
  /** The types that change, in blob order. */
  readonly types: readonly TypeTransition[];
  readonly isEmpty: boolean;
  /** Over the records of both states. */
  readonly hashKeys: HashKeys;
}

/** What a cycle knows of a type's change beyond that; see `WriteState.follow`. */
export interface CycleTypeTransition extends TypeTransition {
  /** Murmur3 of each added record. */
  readonly addedHashes: Int32Array;
  /** What `statistics` are taken from. */
  readonly histograms: WidthHistograms;
}

/** A step that a cycle planned. */
export interface CycleTransition extends Transition {
  readonly types: readonly CycleTypeTransition[];
  /** For all types, in blob order: by how much the reference counts change. */
  readonly referenceChanges: readonly OrdinalMap[];
}

/** The records at these ordinals (ascending) of a state. */
export function readRun(records: TypeRecords, ordinals: Int32Array): RecordRun {
  const out = new ByteWriter();
  const starts = new Uint32Array(ordinals.length);
  for (let i = 0; i < ordinals.length; i++) {
    starts[i] = out.position;
    records.writeRecord(ordinals[i] as number, out);
  }
  return { ordinals, bytes: out.bytes.subarray(0, out.position), starts };
}
