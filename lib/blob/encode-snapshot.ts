import { ByteWriter } from '../bytes/byte-writer.ts';
import type { Schema } from '../schema/schema.ts';
import { HashKeys } from '../state/hash-keys.ts';
import type { ReadState } from '../state/read-state.ts';
import type { TypeStatistics } from '../state/type-statistics.ts';
import type { TypeRecords } from '../state/type-write-state.ts';
import { WidthHistograms } from '../state/width-histograms.ts';
import { assembleBlob, type EncodedBlob, type PartTypes } from './blob-parts.ts';
import { writeSnapshotSection } from './encode-section.ts';

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
  const sections = schema.inBlobOrder.map((type) => ({
    schema: type,
    write: (out: ByteWriter) => {
      const records = state.type(type.name);
      const ofType = statistics?.get(type.name) ?? statisticsOf(type, records);
      writeSnapshotSection({ schema: type, records, statistics: ofType, hashKeys }, out);
    },
  }));
  return assembleBlob({ originTag, destinationTag: tag, headerTags }, sections, { schema, parts });
}

/** By a pass over the records of the state alone. */
export function statisticsOf(schema: Schema, records: TypeRecords): TypeStatistics {
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
