import type { BitSet } from '../bytes/bit-set.ts';
import { ByteReader } from '../bytes/byte-reader.ts';
import { DatasetError, isDatasetError } from '../errors.ts';
import { DatasetSchema } from '../schema/dataset-schema.ts';
import type { Schema } from '../schema/schema.ts';
import { ListTypeState } from '../state/list-type-state.ts';
import { MapTypeState } from '../state/map-type-state.ts';
import { ObjectTypeState } from '../state/object-type-state.ts';
import { ReadState } from '../state/read-state.ts';
import { SetTypeState } from '../state/set-type-state.ts';
import type { TypeState } from '../state/type-state.ts';
import { readListShard, readMapShard, readSetShard } from './decode-collection.ts';
import { readHeader, readPartHeader } from './decode-header.ts';
import { readObjectShard } from './decode-object.ts';
import {
  readMaxOrdinal,
  readPopulated,
  readSectionHeader,
  type SectionHeader,
  shardMaxOrdinal,
} from './decode-section.ts';

const noParts: ReadonlyMap<string, Uint8Array> = new Map();

/**
 * The state that a snapshot blob holds. The bytes are copied: the caller keeps them.
 *
 * @param parts the optional parts, by name; types in parts that are not given are not in the state
 * @throws DatasetError `corrupt`: damaged, or a part belongs to another blob; `incompatible`: cannot be read here
 */
export function decodeSnapshot(
  main: Uint8Array,
  parts: ReadonlyMap<string, Uint8Array> = noParts,
): ReadState {
  const reader = new ByteReader(main);
  const header = readHeader(reader);
  const types = new Map<string, TypeState>();
  readSections(reader, header.sectionCount, types);
  for (const [name, bytes] of parts) {
    const part = new ByteReader(bytes);
    readSections(part, readPartHeader(part, name, header), types);
  }
  const { tag, originTag, headerTags } = header;
  const schema = datasetSchemaOf([...types.values()].map((type) => type.schema));
  return new ReadState({ schema, tag, originTag, headerTags, types });
}

function readSections(reader: ByteReader, count: number, types: Map<string, TypeState>): void {
  for (let i = 0; i < count; i++) {
    const at = reader.position;
    const section = readSectionHeader(reader);
    const { name } = section.schema;
    if (types.has(name)) throw reader.corrupt(`section ${i}`, `the type '${name}' is there twice`, at);
    types.set(name, readTypeState(reader, section));
  }
  if (reader.remaining > 0) throw reader.corrupt('end of the blob', `${reader.remaining} bytes too many`);
}

function readTypeState(reader: ByteReader, { schema, shardCount }: SectionHeader): TypeState {
  const { name } = schema;
  const section = { name, shardCount };
  switch (schema.kind) {
    case 'OBJECT': {
      const type = readShards(reader, section, (size) => readObjectShard(reader, schema, schema, size));
      return ObjectTypeState.ofShards(schema, type.shards, type.populated, type.maxOrdinal);
    }
    case 'LIST': {
      const type = readShards(reader, section, (size) => readListShard(reader, name, size));
      return ListTypeState.ofShards(schema, type.shards, type.populated, type.maxOrdinal);
    }
    case 'SET': {
      const type = readShards(reader, section, (size) => readSetShard(reader, name, size));
      return SetTypeState.ofShards(schema, type.shards, type.populated, type.maxOrdinal);
    }
    case 'MAP': {
      const type = readShards(reader, section, (size) => readMapShard(reader, name, size));
      return MapTypeState.ofShards(schema, type.shards, type.populated, type.maxOrdinal);
    }
  }
}

interface TypeContent<L> {
  readonly shards: readonly L[];
  readonly populated: BitSet;
  readonly maxOrdinal: number;
}

function readShards<L>(
  reader: ByteReader,
  { name, shardCount }: { readonly name: string; readonly shardCount: number },
  readShard: (recordCount: number) => L,
): TypeContent<L> {
  const what = `greatest ordinal of ${name}`;
  const stated = shardCount === 1 ? null : readMaxOrdinal(reader, what);
  let maxOrdinal = stated ?? -1;
  const shards: L[] = [];
  for (let shard = 0; shard < shardCount; shard++) {
    const at = reader.position;
    const shardMax = readMaxOrdinal(reader, what);
    maxOrdinal = stated ?? shardMax;
    if (shardMax !== shardMaxOrdinal(maxOrdinal, shard, shardCount)) {
      throw reader.corrupt(
        what,
        `shard ${shard} of ${shardCount} has ${shardMax}, the type ${maxOrdinal}`,
        at,
      );
    }
    shards.push(readShard(shardMax + 1));
  }
  return { shards, populated: readPopulated(reader, maxOrdinal, name), maxOrdinal };
}

function datasetSchemaOf(schemas: readonly Schema[]): DatasetSchema {
  try {
    return DatasetSchema.of(schemas);
  } catch (error) {
    if (!isDatasetError(error, 'invalid')) throw error;
    throw new DatasetError(
      'incompatible',
      `the blob's schemas cannot be used here: ${error.message}`,
      error.details,
      error,
    );
  }
}
