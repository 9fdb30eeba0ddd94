import { ByteWriter } from '../bytes/byte-writer.ts';
import type { Schema } from '../schema/schema.ts';
import { HashKeys } from '../state/hash-keys.ts';
import type { ReadState } from '../state/read-state.ts';
import type { StoredRecords } from '../state/stored-records.ts';
import type { Transition } from '../state/transition.ts';
import type { TypeStatistics } from '../state/type-statistics.ts';
import { WidthHistograms } from '../state/width-histograms.ts';
import { assembleBlob, type BlobSection, type EncodedBlob, type PartTypes } from './blob-parts.ts';
import type { DeltaOptions } from './encode-delta.ts';
import { type SnapshotSection, snapshotSectionSize, writeSnapshotSection } from './encode-section.ts';
import { recordsOfRun, recordsOfState } from './snapshot-records.ts';

export interface SnapshotOptions {
  readonly parts: PartTypes;
  /**
   * `WriteState.statistics` of this state makes the snapshot byte-identical to the one that Java Hollow writes, with
   * room for the records that the last delta removed. Without it the statistics are taken from the records, in one
   * more pass.
   */
  readonly statistics?: ReadonlyMap<string, TypeStatistics>;
}

/** A whole state in one blob; mirrors decode-snapshot.ts. */
export function encodeSnapshot(state: ReadState, { parts, statistics }: SnapshotOptions): EncodedBlob {
  const { schema, originTag, tag, headerTags } = state;
  const hashKeys = new HashKeys(schema, (type, ordinal, out) => state.type(type).writeRecord(ordinal, out));
  const sections = schema.inBlobOrder.map((type) => {
    const records = state.type(type.name);
    const ofType = statistics?.get(type.name) ?? statisticsOf(type, records);
    return snapshotSection({ schema: type, records: recordsOfState(records), statistics: ofType, hashKeys });
  });
  return assembleBlob({ originTag, tag, headerTags }, sections, { schema, parts });
}

/**
 * The snapshot of a chain's first version, straight from what its cycle added: the same bytes as of the state that the
 * cycle's delta would lead to, without that delta, that state, and another pass over the records.
 *
 * @param transition from `ReadState.empty`
 */
export function encodeFirstSnapshot(
  { from, types, hashKeys }: Transition,
  { tag, headerTags, parts }: DeltaOptions,
): EncodedBlob {
  const transitions = new Map(types.map((type) => [type.schema.name, type]));
  const sections = from.schema.inBlobOrder.map((schema) => {
    const type = transitions.get(schema.name);
    const before = from.type(schema.name);
    const records = type === undefined ? recordsOfState(before) : recordsOfRun(type.added, type.shardCount);
    const statistics = type?.statistics ?? statisticsOf(schema, before);
    return snapshotSection({ schema, records, statistics, hashKeys });
  });
  const header = { originTag: from.tag, tag, headerTags };
  return assembleBlob(header, sections, { schema: from.schema, parts });
}

function snapshotSection(section: SnapshotSection): BlobSection {
  return {
    schema: section.schema,
    sizeExpected: snapshotSectionSize(section),
    write: (out) => writeSnapshotSection(section, out),
  };
}

/** By a pass over the records of the state alone. */
export function statisticsOf(schema: Schema, records: StoredRecords): TypeStatistics {
  const histograms = new WidthHistograms(schema, records.shardCount);
  const record = new ByteWriter();
  let maxOrdinal = -1;
  for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
    record.reset();
    records.writeRecord(o, record);
    histograms.count(record.bytes, 0, o, 1);
    maxOrdinal = o;
  }
  return histograms.statistics(maxOrdinal);
}
