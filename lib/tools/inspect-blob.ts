/**
 * Read-only tools over states and blobs.
 *
 *   inspect-blob.ts  what a blob is made of, without loading it (this file)
 *   dump-state.ts    a whole state as NDJSON lines
 *   diff-states.ts   how two states differ for a reader
 *   record-texts.ts  records as texts, to compare them
 */

import { type BlobHeader, isPart, readHeader, readPartHeader } from '../blob/decode-header.ts';
import { readMaxOrdinal, readSectionHeader } from '../blob/decode-section.ts';
import { ByteReader } from '../bytes/byte-reader.ts';
import { isDatasetError } from '../errors.ts';
import { printSchema } from '../schema/dsl.ts';
import type { ObjectSchema, Schema } from '../schema/schema.ts';
import { sum } from '../sum.ts';

export interface BlobInspection {
  /** Nothing in a blob says it: found by reading it as each. A header is a blob whose sections are not there. Of a part: that of its blob. */
  readonly kind: 'snapshot' | 'delta' | 'header';
  /** Name of the optional part that this is; null: a blob by itself. */
  readonly part: string | null;
  readonly size: number;
  readonly header: BlobHeader;
  readonly sections: readonly SectionInspection[];
}

/** One type's part of a blob. Sizes in bytes. */
export interface SectionInspection {
  readonly name: string;
  /** In Hollow's text form. */
  readonly schema: string;
  readonly shardCount: number;
  readonly size: number;
  readonly maxOrdinal: number;
  /** Populated records (snapshot), or records brought (delta). */
  readonly recordCount: number;
  /** Records taken away; 0 in a snapshot. */
  readonly removedCount: number;
  readonly columns: readonly ColumnInspection[];
}

/** A packed column: a field of an OBJECT, or what collections are made of (`pointer`, `size`, `element`, `key`, `value`). */
export interface ColumnInspection {
  readonly name: string;
  /** Bits of a value. */
  readonly width: number;
  /** Of all values, with the strings or byte arrays of the field, over all shards. */
  readonly size: number;
  /** Of the strings or byte arrays alone. */
  readonly varSize: number;
}

/**
 * @example
 * inspectBlob(bytes).sections.map(({ name, size }) => `${name}: ${size} bytes`)
 * @throws DatasetError `corrupt`: it reads neither as a snapshot nor as a delta; `incompatible`: not a blob
 */
export function inspectBlob(bytes: Uint8Array): BlobInspection {
  const reader = new ByteReader(bytes);
  const { part, header } = readAnyHeader(reader);
  const start = reader.position;
  const size = bytes.length;
  if (reader.remaining === 0) return { kind: 'header', part, size, header, sections: [] };
  const readAs = (kind: 'snapshot' | 'delta'): BlobInspection => {
    const sections = readSections(new ByteReader(bytes, start), header.sectionCount, kind);
    return { kind, part, size, header, sections };
  };
  // In this order: small deltas can be read as snapshots by accident, snapshots hardly as deltas.
  try {
    return readAs('delta');
  } catch (error) {
    if (!isDatasetError(error, 'corrupt')) throw error;
    return readAs('snapshot');
  }
}

function readAnyHeader(reader: ByteReader): Pick<BlobInspection, 'part' | 'header'> {
  if (!isPart(reader.bytes)) return { part: null, header: readHeader(reader) };
  const { name, ...header } = readPartHeader(reader);
  return { part: name, header: { ...header, headerTags: new Map() } };
}

function readSections(
  reader: ByteReader,
  count: number,
  kind: 'snapshot' | 'delta',
): readonly SectionInspection[] {
  const sections = Array.from({ length: count }, () => readSection(reader, kind));
  if (reader.remaining > 0) throw reader.corrupt('end of the blob', `${reader.remaining} bytes too many`);
  return sections;
}

function readSection(reader: ByteReader, kind: 'snapshot' | 'delta'): SectionInspection {
  const start = reader.position;
  const { schema, shardCount } = readSectionHeader(reader);
  const what = `greatest ordinal of ${schema.name}`;
  const typeMaxOrdinal = shardCount > 1 ? readMaxOrdinal(reader, what) : null;
  const shards: ShardInspection[] = [];
  for (let shard = 0; shard < shardCount; shard++) shards.push(readShard(reader, schema, kind));
  const populated = kind === 'snapshot' ? countPopulated(reader, schema.name) : null;
  const [first] = shards;
  return {
    name: schema.name,
    schema: printSchema(schema),
    shardCount,
    size: reader.position - start,
    maxOrdinal: typeMaxOrdinal ?? first?.maxOrdinal ?? -1,
    recordCount: populated ?? sum(shards.map((shard) => shard.addedCount)),
    removedCount: sum(shards.map((shard) => shard.removedCount)),
    columns: (first?.columns ?? []).map((column, i) => ({
      ...column,
      size: sum(shards.map((shard) => shard.columns[i]?.size ?? 0)),
      varSize: sum(shards.map((shard) => shard.columns[i]?.varSize ?? 0)),
    })),
  };
}

interface ShardInspection {
  readonly maxOrdinal: number;
  readonly addedCount: number;
  readonly removedCount: number;
  readonly columns: readonly ColumnInspection[];
}

function readShard(reader: ByteReader, schema: Schema, kind: 'snapshot' | 'delta'): ShardInspection {
  const maxOrdinal = readMaxOrdinal(reader, `greatest ordinal of a shard of ${schema.name}`);
  const removedCount = kind === 'delta' ? countOrdinals(reader, `removed ordinals of ${schema.name}`) : 0;
  const addedCount = kind === 'delta' ? countOrdinals(reader, `added ordinals of ${schema.name}`) : 0;
  const recordCount = kind === 'delta' ? addedCount : maxOrdinal + 1;
  const columns =
    schema.kind === 'OBJECT'
      ? readObjectColumns(reader, schema, recordCount)
      : readColumns(reader, schema, recordCount);
  return { maxOrdinal, addedCount, removedCount, columns };
}

function readObjectColumns(
  reader: ByteReader,
  schema: ObjectSchema,
  recordCount: number,
): readonly ColumnInspection[] {
  const widths = schema.fields.map((field) => readWidth(reader, `${schema.name}.${field.name}`));
  skipRecords(reader, recordCount * sum(widths), `records of ${schema.name}`);
  return schema.fields.map(({ name }, i) => {
    const varSize = reader.readVarLong(`size of ${schema.name}.${name}`);
    reader.skip(varSize, `${schema.name}.${name}`);
    return columnOf(name, widths[i] ?? 0, recordCount, varSize);
  });
}

const collectionColumns = {
  LIST: ['pointer', 'element'],
  SET: ['pointer', 'size', 'element'],
  MAP: ['pointer', 'size', 'key', 'value'],
} as const;

function readColumns(
  reader: ByteReader,
  schema: Exclude<Schema, ObjectSchema>,
  recordCount: number,
): readonly ColumnInspection[] {
  const widths = collectionColumns[schema.kind].map((name) => {
    return { name, width: readWidth(reader, `${name}s of ${schema.name}`) };
  });
  const total = reader.readVarLong(`total of ${schema.name}`);
  const isPerRecord = (name: string): boolean => name === 'pointer' || name === 'size';
  const pointerSize = sum(widths.filter(({ name }) => isPerRecord(name)).map(({ width }) => width));
  skipRecords(reader, recordCount * pointerSize, `pointers of ${schema.name}`);
  skipLongs(reader, `elements of ${schema.name}`);
  return widths.map(({ name, width }) => columnOf(name, width, isPerRecord(name) ? recordCount : total, 0));
}

function columnOf(name: string, width: number, valueCount: number, varSize: number): ColumnInspection {
  return { name, width, size: Math.ceil((width * valueCount) / 8) + varSize, varSize };
}

function readWidth(reader: ByteReader, what: string): number {
  return reader.readCount(`width of ${what}`, 64);
}

function skipLongs(reader: ByteReader, what: string): number {
  const wordCount = reader.readVarLong(`size of the ${what}`);
  reader.skip(wordCount * 8, what);
  return wordCount;
}

/** Their size is known beforehand: with another one, this is no blob of the kind that it is being read as. */
function skipRecords(reader: ByteReader, bitCount: number, what: string): void {
  const start = reader.position;
  const wordCount = skipLongs(reader, what);
  if (wordCount !== Math.ceil(bitCount / 64)) {
    throw reader.corrupt(what, `${wordCount} words for ${bitCount} bits`, start);
  }
}

/** A gap list has no count: each ordinal ends with a byte below 0x80. */
function countOrdinals(reader: ByteReader, what: string): number {
  const size = reader.readVarLong(`size of the ${what}`);
  const start = reader.skip(size, what);
  let count = 0;
  for (let i = start; i < start + size; i++) if ((reader.bytes[i] ?? 0) < 0x80) count++;
  return count;
}

function countPopulated(reader: ByteReader, name: string): number {
  const what = `populated ordinals of ${name}`;
  const size = reader.readInt32(what) * 8;
  const start = reader.skip(size, what);
  let count = 0;
  for (let i = start; i < start + size; i++) {
    for (let byte = reader.bytes[i] ?? 0; byte !== 0; byte &= byte - 1) count++;
  }
  return count;
}
