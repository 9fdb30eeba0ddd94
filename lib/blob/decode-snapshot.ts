import { ByteReader } from '../bytes/byte-reader.ts';
import { DatasetError, isDatasetError } from '../errors.ts';
import { DatasetSchema } from '../schema/dataset-schema.ts';
import type { Schema } from '../schema/schema.ts';
import { ObjectTypeState } from '../state/object-type-state.ts';
import { ReadState } from '../state/read-state.ts';
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
  const types = new Map<string, ObjectTypeState>();
  readSections(reader, header.sectionCount, types);
  for (const [name, bytes] of parts) {
    const part = new ByteReader(bytes);
    readSections(part, readPartHeader(part, name, header), types);
  }
  const { tag, originTag, headerTags } = header;
  const schema = datasetSchemaOf([...types.values()].map((type) => type.schema));
  return new ReadState({ schema, tag, originTag, headerTags, types });
}

function readSections(reader: ByteReader, count: number, types: Map<string, ObjectTypeState>): void {
  for (let i = 0; i < count; i++) {
    const at = reader.position;
    const section = readSectionHeader(reader);
    const { name } = section.schema;
    if (types.has(name)) throw reader.corrupt(`section ${i}`, `the type '${name}' is there twice`, at);
    types.set(name, readTypeState(reader, section));
  }
  if (reader.remaining > 0) throw reader.corrupt('end of the blob', `${reader.remaining} bytes too many`);
}

function readTypeState(reader: ByteReader, { schema, shardCount }: SectionHeader): ObjectTypeState {
  if (schema.kind !== 'OBJECT') throw unsupported(schema, schema.kind);
  const what = `greatest ordinal of ${schema.name}`;
  const at = reader.position;
  let maxOrdinal = shardCount === 1 ? -1 : readMaxOrdinal(reader, what);
  const shards = [];
  for (let shard = 0; shard < shardCount; shard++) {
    const shardMax = readMaxOrdinal(reader, what);
    if (shardCount === 1) maxOrdinal = shardMax;
    if (shardMax !== shardMaxOrdinal(maxOrdinal, shard, shardCount)) {
      throw reader.corrupt(
        what,
        `shard ${shard} of ${shardCount} has ${shardMax}, the type ${maxOrdinal}`,
        at,
      );
    }
    shards.push(readObjectShard(reader, schema, schema, shardMax + 1));
  }
  const populated = readPopulated(reader, maxOrdinal, schema.name);
  return ObjectTypeState.ofShards(schema, shards, populated, maxOrdinal);
}

export function unsupported(schema: Schema, feature: string): DatasetError {
  return new DatasetError('incompatible', `type '${schema.name}': ${feature} cannot be read`, {
    type: schema.name,
    feature,
  });
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
