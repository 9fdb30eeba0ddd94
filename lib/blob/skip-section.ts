import type { ByteReader } from '../bytes/byte-reader.ts';
import type { Schema } from '../schema/schema.ts';
import { readMaxOrdinal, type SectionHeader } from './decode-section.ts';

/** Moves past the records of a type in a snapshot, without looking at them: the type is not loaded. */
export function skipSnapshotSection(reader: ByteReader, section: SectionHeader): void {
  skipShards(reader, section, () => undefined);
  const what = `populated ordinals of ${section.schema.name}`;
  reader.skip(reader.readInt32(what) * 8, what);
}

/** Moves past what a delta did to a type. */
export function skipDeltaSection(reader: ByteReader, section: SectionHeader): void {
  const { name } = section.schema;
  skipShards(reader, section, () => {
    skipBytes(reader, `removed ordinals of ${name}`);
    skipBytes(reader, `added ordinals of ${name}`);
  });
}

function skipShards(reader: ByteReader, { schema, shardCount }: SectionHeader, skipOrdinals: () => void) {
  const what = `greatest ordinal of ${schema.name}`;
  if (shardCount > 1) readMaxOrdinal(reader, what);
  for (let shard = 0; shard < shardCount; shard++) {
    readMaxOrdinal(reader, what);
    skipOrdinals();
    skipShard(reader, schema);
  }
}

/** Var-ints of widths that stand before the arrays of a collection. */
const collectionWidths = { LIST: 2, SET: 3, MAP: 4 } as const;

function skipShard(reader: ByteReader, schema: Schema): void {
  const { kind, name } = schema;
  const widthCount = kind === 'OBJECT' ? schema.fields.length : collectionWidths[kind];
  for (let i = 0; i < widthCount; i++) reader.readVarInt(`widths of ${name}`);
  if (kind === 'OBJECT') {
    skipLongs(reader, `records of ${name}`);
    for (const field of schema.fields) skipBytes(reader, `bytes of ${name}.${field.name}`);
    return;
  }
  reader.readVarLong(`total of ${name}`);
  skipLongs(reader, `pointers of ${name}`);
  skipLongs(reader, `entries of ${name}`);
}

function skipLongs(reader: ByteReader, what: string): void {
  reader.skip(reader.readVarLong(what) * 8, what);
}

function skipBytes(reader: ByteReader, what: string): void {
  reader.skip(reader.readVarLong(what), what);
}
