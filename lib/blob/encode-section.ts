import { ByteWriter, varIntSize } from '../bytes/byte-writer.ts';
import { hashTableSize } from '../bytes/hash.ts';
import type { ObjectSchema, Schema } from '../schema/schema.ts';
import type { HashKeys } from '../state/hash-keys.ts';
import { shardMaxOrdinal } from '../state/ordinals.ts';
import { RecordCursor } from '../state/record-cursor.ts';
import type { RecordRun } from '../state/transition.ts';
import { packedSize, type TypeStatistics } from '../state/type-statistics.ts';
import { sum } from '../sum.ts';
import { writeSchema } from './encode-header.ts';
import { ListShardEncoder } from './encode-list.ts';
import { MapShardEncoder } from './encode-map.ts';
import { ObjectShardEncoder } from './encode-object.ts';
import { SetShardEncoder } from './encode-set.ts';
import type { ShardEncoder, ShardSize } from './shard-encoder.ts';

/** Java writes bit sets in segments of this many 64-bit words, at least one. */
const bitSetSegmentWords = 256;

/** The records of a type by ordinal, as a snapshot is made of them. */
export interface SnapshotRecords {
  readonly shardCount: number;
  /** See `StoredRecords.populatedWords`. */
  populatedWords(): Uint32Array;
  /** The record with this ordinal, or a hole. */
  addTo(encoder: ShardEncoder, ordinal: number): void;
}

/** One type of a snapshot. */
export interface SnapshotSection {
  readonly schema: Schema;
  readonly records: SnapshotRecords;
  readonly statistics: TypeStatistics;
  readonly hashKeys: HashKeys;
}

/** One type of a delta. */
export interface DeltaSection {
  readonly schema: Schema;
  readonly shardCount: number;
  readonly statistics: TypeStatistics;
  readonly removed: Int32Array;
  readonly added: RecordRun;
  readonly hashKeys: HashKeys;
}

/** Docs/format.md, "Type sections". */
export function writeSnapshotSection(section: SnapshotSection, out: ByteWriter): void {
  const { schema, records, statistics } = section;
  const { shardCount } = records;
  const { maxOrdinal } = statistics;
  writeSectionFront(schema, shardCount, out);
  if (shardCount > 1) out.writeVarInt(maxOrdinal);
  const varSizeExpected = statistics.kind === 'OBJECT' ? sum(statistics.varTotals) / shardCount : 0;
  for (let shard = 0; shard < shardCount; shard++) {
    const slots = shardMaxOrdinal(maxOrdinal, shard, shardCount) + 1;
    const total = totalOf(statistics, shard);
    const encoder = shardEncoder(section, { recordCount: slots, varSizeExpected, capacity: total, total });
    for (let slot = 0; slot < slots; slot++) records.addTo(encoder, slot * shardCount + shard);
    out.writeVarInt(slots - 1);
    encoder.writeTo(out);
  }
  writePopulated(records.populatedWords(), out);
}

/** About how many bytes {@link writeSnapshotSection} writes. */
export function snapshotSectionSize({ records: { shardCount }, statistics }: SnapshotSection): number {
  const populated = (statistics.maxOrdinal + 1) / 8 + bitSetSegmentWords * 8;
  // A schema, the widths, and what fills a word up, are little beside the records of a big type.
  const fronts = 256 * (shardCount + 1);
  return Math.ceil(fronts + populated + packedSize(statistics));
}

export function writeDeltaSection(section: DeltaSection, out: ByteWriter): void {
  const { schema, shardCount, statistics, removed, added } = section;
  writeSectionFront(schema, shardCount, out);
  if (shardCount > 1) out.writeVarInt(statistics.maxOrdinal);
  for (let shard = 0; shard < shardCount; shard++) {
    const indexes = indexesOfShard(added.ordinals, shard, shardCount);
    const encoder = shardEncoder(section, {
      recordCount: indexes.length,
      varSizeExpected: added.bytes.length / shardCount,
      capacity: schema.kind === 'OBJECT' ? 0 : capacityOf(schema.kind, added, indexes),
      total: totalOf(statistics, shard),
    });
    for (const index of indexes) encoder.addRecord(added.bytes, added.starts[index] as number);
    out.writeVarInt(shardMaxOrdinal(statistics.maxOrdinal, shard, shardCount));
    writeGapList(removed, shard, shardCount, out);
    writeGapList(added.ordinals, shard, shardCount, out);
    encoder.writeTo(out);
  }
}

function shardEncoder(section: SnapshotSection | DeltaSection, size: ShardSize): ShardEncoder {
  const { schema, statistics, hashKeys } = section;
  switch (statistics.kind) {
    case 'OBJECT':
      return new ObjectShardEncoder(schema as ObjectSchema, statistics, size);
    case 'LIST':
      return new ListShardEncoder(statistics, size);
    case 'SET':
      return new SetShardEncoder(statistics, size, hashKeys.ofType(schema.name));
    case 'MAP':
      return new MapShardEncoder(statistics, size, hashKeys.ofType(schema.name));
  }
}

function totalOf(statistics: TypeStatistics, shard: number): number {
  return statistics.kind === 'OBJECT' ? 0 : (statistics.shardTotals[shard] as number);
}

/** Elements or buckets of some records of a run. */
function capacityOf(kind: 'LIST' | 'SET' | 'MAP', run: RecordRun, indexes: readonly number[]): number {
  const cursor = new RecordCursor();
  let capacity = 0;
  for (const index of indexes) {
    cursor.open(run.bytes, run.starts[index] as number);
    const size = cursor.readVarInt();
    capacity += kind === 'LIST' ? size : hashTableSize(size);
  }
  return capacity;
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
  const end = out.position + wordCount * 8;
  out.reserve(wordCount * 8);
  for (let half = 0; half < used; half += 2) {
    out.writeInt32(halves[half + 1] ?? 0);
    out.writeInt32(halves[half] as number);
  }
  out.bytes.fill(0, out.position, end);
  out.position = end;
}
