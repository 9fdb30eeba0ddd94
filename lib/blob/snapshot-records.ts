import { ByteWriter } from '../bytes/byte-writer.ts';
import type { StoredRecords } from '../state/stored-records.ts';
import type { RecordRun } from '../state/transition.ts';
import type { SnapshotRecords } from './encode-section.ts';

/** The records of a type state. */
export function recordsOfState(records: StoredRecords): SnapshotRecords {
  const record = new ByteWriter();
  return {
    shardCount: records.shardCount,
    populatedWords: () => records.populatedWords(),
    addTo: (encoder, ordinal) => {
      if (!records.isPopulated(ordinal)) return encoder.addHole();
      record.reset();
      records.writeRecord(ordinal, record);
      encoder.addRecord(record.bytes, 0);
    },
  };
}

/** The records that a first cycle added, from where it wrote them. */
export function recordsOfRun({ ordinals, starts, bytes }: RecordRun, shardCount: number): SnapshotRecords {
  const ordinalCount = (ordinals.at(-1) ?? -1) + 1;
  // Index + 1 by ordinal.
  const indexes = new Int32Array(ordinalCount);
  for (let i = 0; i < ordinals.length; i++) indexes[ordinals[i] as number] = i + 1;
  return {
    shardCount,
    populatedWords: () => {
      const words = new Uint32Array(Math.ceil(ordinalCount / 64) * 2);
      for (const ordinal of ordinals)
        words[ordinal >>> 5] = (words[ordinal >>> 5] as number) | (1 << (ordinal & 31));
      return words;
    },
    addTo: (encoder, ordinal) => {
      const index = (indexes[ordinal] ?? 0) - 1;
      if (index < 0) encoder.addHole();
      else encoder.addRecord(bytes, starts[index] as number);
    },
  };
}
