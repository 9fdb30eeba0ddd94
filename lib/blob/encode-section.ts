import { ByteWriter, varIntSize } from '../bytes/byte-writer.ts';
import { DatasetError } from '../errors.ts';
import type { Schema } from '../schema/schema.ts';
import type { RecordRun } from '../state/transition.ts';
import { shardMaxOrdinal, type TypeStatistics } from '../state/type-statistics.ts';
import type { TypeRecords } from '../state/type-write-state.ts';
import { writeSchema } from './encode-header.ts';
import { ObjectShardEncoder, type ShardEncoder } from './encode-object.ts';

/** Java writes bit sets in segments of this many 64-bit words, at least one. */
const bitSetSegmentWords = 256;

/** One type of a snapshot. */
export interface SnapshotSection {
  readonly schema: Schema;
  readonly records: TypeRecords;
  readonly statistics: TypeStatistics;
}

/** One type of a delta. */
export interface DeltaSection {
  readonly schema: Schema;
  readonly shardCount: number;
  readonly statistics: TypeStatistics;
  readonly removed: Int32Array;
  readonly added: RecordRun;
}

/** Docs/format.md, "Type sections". */
export function writeSnapshotSection(section: SnapshotSection, out: ByteWriter): void {
  const { schema, records, statistics } = section;
  const { shardCount } = records;
  const { maxOrdinal } = statistics;
  writeSectionFront(schema, shardCount, out);
  if (shardCount > 1) out.writeVarInt(maxOrdinal);
  const record = new ByteWriter();
  for (let shard = 0; shard < shardCount; shard++) {
    const slots = shardMaxOrdinal(maxOrdinal, shard, shardCount) + 1;
    const encoder = shardEncoder(section, slots);
    for (let slot = 0; slot < slots; slot++) {
      const ordinal = slot * shardCount + shard;
      if (records.isPopulated(ordinal)) {
        record.reset();
        records.writeRecord(ordinal, record);
        encoder.addRecord(record.bytes, 0);
      } else {
        encoder.addHole();
      }
    }
    out.writeVarInt(slots - 1);
    encoder.writeTo(out);
  }
  writePopulated(records.populatedWords(), out);
}

export function writeDeltaSection(section: DeltaSection, out: ByteWriter): void {
  const { schema, shardCount, statistics, removed, added } = section;
  writeSectionFront(schema, shardCount, out);
  if (shardCount > 1) out.writeVarInt(statistics.maxOrdinal);
  for (let shard = 0; shard < shardCount; shard++) {
    const indexes = indexesOfShard(added.ordinals, shard, shardCount);
    const encoder = shardEncoder(section, indexes.length);
    for (const index of indexes) encoder.addRecord(added.bytes, added.starts[index] as number);
    out.writeVarInt(shardMaxOrdinal(statistics.maxOrdinal, shard, shardCount));
    writeGapList(removed, shard, shardCount, out);
    writeGapList(added.ordinals, shard, shardCount, out);
    encoder.writeTo(out);
  }
}

function shardEncoder(
  { schema, statistics }: { readonly schema: Schema; readonly statistics: TypeStatistics },
  recordCount: number,
): ShardEncoder {
  if (schema.kind === 'OBJECT' && statistics.kind === 'OBJECT') {
    return new ObjectShardEncoder(schema, statistics, recordCount);
  }
  throw new DatasetError('incompatible', `type '${schema.name}': ${schema.kind} cannot be written`, {
    type: schema.name,
  });
}

function writeSectionFront(schema: Schema, shardCount: number, out: ByteWriter): void {
  writeSchema(schema, out);
  out.writeVarInt(1 + varIntSize(shardCount));
  out.writeVarInt(0);
  out.writeVarInt(shardCount);
}

function indexesOfShard(ordinals: Int32Array, shard: number, shardCount: number): number[] {
  const indexes: number[] = [];
  for (let i = 0; i < ordinals.length; i++) {
    if (((ordinals[i] as number) & (shardCount - 1)) === shard) indexes.push(i);
  }
  return indexes;
}

/** The shard's own numbers of those ordinals that are in it, each as the distance from the one before. */
function writeGapList(ordinals: Int32Array, shard: number, shardCount: number, out: ByteWriter): void {
  const gaps = new ByteWriter();
  let previous = 0;
  for (let i = 0; i < ordinals.length; i++) {
    const ordinal = ordinals[i] as number;
    if ((ordinal & (shardCount - 1)) !== shard) continue;
    const slot = Math.floor(ordinal / shardCount);
    gaps.writeVarInt(slot - previous);
    previous = slot;
  }
  out.writeVarInt(gaps.position);
  out.writeBytes(gaps.bytes, 0, gaps.position);
}

/** @param halves low and high halves of the words of the bit set */
function writePopulated(halves: Uint32Array, out: ByteWriter): void {
  let used = halves.length;
  while (used > 0 && halves[used - 1] === 0) used--;
  const wordCount = Math.max(1, Math.ceil(used / 2 / bitSetSegmentWords)) * bitSetSegmentWords;
  out.writeInt32(wordCount);
  for (let word = 0; word < wordCount; word++) {
    out.writeInt32(halves[word * 2 + 1] ?? 0);
    out.writeInt32(halves[word * 2] ?? 0);
  }
}
