import { ByteReader } from '../bytes/byte-reader.ts';
import { DatasetError, isDatasetError } from '../errors.ts';
import { DatasetSchema } from '../schema/dataset-schema.ts';
import type { ObjectSchema, Schema } from '../schema/schema.ts';
import { filterSchemas, noFilter, type TypeFilter } from '../schema/type-filter.ts';
import type { CollectionLayer } from '../state/collection-layer.ts';
import { ListTypeState } from '../state/list-type-state.ts';
import { MapTypeState } from '../state/map-type-state.ts';
import type { ObjectLayer } from '../state/object-layer.ts';
import { ObjectTypeState } from '../state/object-type-state.ts';
import { shardMaxOrdinal } from '../state/ordinals.ts';
import { packObjects } from '../state/pack-objects.ts';
import { ReadState } from '../state/read-state.ts';
import type { ShardedRecords } from '../state/record-table.ts';
import { SetTypeState } from '../state/set-type-state.ts';
import type { TypeState } from '../state/type-state.ts';
import { readListShard, readMapShard, readSetShard } from './decode-collection.ts';
import { readHeader, readPartOf } from './decode-header.ts';
import { readObjectShard } from './decode-object.ts';
import { readMaxOrdinal, readPopulated, readSectionHeader, type SectionHeader } from './decode-section.ts';
import { requireCollectionGap, requireGaps, requireObjectGap } from './require-gaps.ts';
import { skipSnapshotSection } from './skip-section.ts';

/**
 * The state that a snapshot blob holds.
 *
 * @param parts the optional parts, by name; types in parts that are not given are not in the state
 * @param filter which of the other types and fields are in the state; applyDelta goes on with what is in it
 * @param ownership `copied`: the bytes stay the caller's. `taken`: they become the state's memory, all of them for as
 *   long as any type still has its records from this blob, and nobody may look at them any more; twice as fast
 * @throws DatasetError `corrupt`: damaged, or a part belongs to another blob; `incompatible`: cannot be read here
 */
export function decodeSnapshot(
  main: Uint8Array,
  parts: ReadonlyMap<string, Uint8Array> = new Map(),
  filter: TypeFilter = noFilter,
  ownership: 'copied' | 'taken' = 'copied',
): ReadState {
  const isTaken = ownership === 'taken';
  const reader = new ByteReader(main, 0, isTaken);
  const header = readHeader(reader);
  const blobs = [{ reader, sectionCount: header.sectionCount }];
  for (const [name, bytes] of parts) {
    const part = new ByteReader(bytes, 0, isTaken);
    blobs.push({ reader: part, sectionCount: readPartOf(header, name, part) });
  }
  const stored = readStoredSchemas(blobs);
  const schema = datasetSchemaOf(stored, filterSchemas(stored, filter));
  const types = new Map<string, TypeState>();
  for (const blob of blobs) readSections(blob, schema, types);
  const { tag, originTag, headerTags } = header;
  return new ReadState({ schema, tag, originTag, headerTags, types });
}

/** A main blob or a part, its reader at the first section. */
interface Sections {
  readonly reader: ByteReader;
  readonly sectionCount: number;
}

/** The schemas of all types. Those in headers are not enough: writers before 2.2.0 left them out. */
function readStoredSchemas(blobs: readonly Sections[]): readonly Schema[] {
  const stored = new Map<string, Schema>();
  for (const { reader, sectionCount } of blobs) {
    const start = reader.position;
    for (let i = 0; i < sectionCount; i++) {
      const at = reader.position;
      const section = readSectionHeader(reader);
      const { name } = section.schema;
      if (stored.has(name)) throw reader.corrupt(`section ${i}`, `the type '${name}' is there twice`, at);
      stored.set(name, section.schema);
      skipSnapshotSection(reader, section);
    }
    if (reader.remaining > 0) throw reader.corrupt('end of the blob', `${reader.remaining} bytes too many`);
    reader.position = start;
  }
  return [...stored.values()];
}

function readSections(
  { reader, sectionCount }: Sections,
  schema: DatasetSchema,
  types: Map<string, TypeState>,
) {
  for (let i = 0; i < sectionCount; i++) {
    const section = readSectionHeader(reader);
    const local = schema.find(section.schema.name);
    if (local === undefined) skipSnapshotSection(reader, section);
    else types.set(local.name, readTypeState(reader, section, local));
  }
}

function readTypeState(reader: ByteReader, { schema, shardCount }: SectionHeader, local: Schema): TypeState {
  const section = { name: schema.name, shardCount };
  switch (schema.kind) {
    case 'OBJECT': {
      const kept = local.kind === 'OBJECT' ? local : schema;
      const readShard = (size: number): ObjectLayer => readKeptFields(reader, schema, kept, size);
      const records = readShards(reader, section, readShard);
      requireGaps(records, requireObjectGap);
      return ObjectTypeState.ofShards(kept, records);
    }
    case 'LIST':
      return ListTypeState.ofShards(schema, readCollections(reader, section, readListShard));
    case 'SET':
      return SetTypeState.ofShards(schema, readCollections(reader, section, readSetShard));
    case 'MAP':
      return MapTypeState.ofShards(schema, readCollections(reader, section, readMapShard));
  }
}

function readCollections(
  reader: ByteReader,
  section: ShardedType,
  readShard: typeof readListShard,
): ShardedRecords<CollectionLayer> {
  const records = readShards(reader, section, (size) => readShard(reader, section.name, size));
  requireGaps(records, requireCollectionGap);
  return records;
}

/** One shard; without the fields that are left out, if there are any. */
function readKeptFields(
  reader: ByteReader,
  schema: ObjectSchema,
  kept: ObjectSchema,
  recordCount: number,
): ObjectLayer {
  const layer = readObjectShard(reader, schema, kept, recordCount);
  // Records of no bits take no memory, however many a damaged blob says there are.
  if (kept.fields.length === schema.fields.length || layer.bitsPerRecord === 0) return layer;
  const nothing = {
    changed: new Int32Array(0),
    layers: [],
    layerOf: new Uint16Array(0),
    recordOf: new Int32Array(0),
  };
  return packObjects(kept, { count: recordCount, base: layer, ...nothing });
}

interface ShardedType {
  readonly name: string;
  readonly shardCount: number;
}

function readShards<L>(
  reader: ByteReader,
  { name, shardCount }: ShardedType,
  readShard: (recordCount: number) => L,
): ShardedRecords<L> {
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

interface KnownDataset {
  readonly stored: readonly Schema[];
  readonly loaded: readonly Schema[];
  readonly schema: DatasetSchema;
}

/**
 * The datasets that were read last, by their first schema: one that is loaded again is checked and resolved once. Several,
 * because one process may read with the bookkeeping and without.
 */
const knownDatasets = new WeakMap<Schema, readonly KnownDataset[]>();
const knownPerSchemaMax = 4;

function datasetSchemaOf(stored: readonly Schema[], loaded: readonly Schema[]): DatasetSchema {
  const [first] = stored;
  if (first === undefined) return resolveSchemas(stored, loaded);
  const known = knownDatasets.get(first) ?? [];
  for (const each of known) {
    if (isSameList(each.stored, stored) && isSameList(each.loaded, loaded)) return each.schema;
  }
  const schema = resolveSchemas(stored, loaded);
  knownDatasets.set(first, [{ stored, loaded, schema }, ...known].slice(0, knownPerSchemaMax));
  return schema;
}

function isSameList(a: readonly Schema[], b: readonly Schema[]): boolean {
  return a.length === b.length && a.every((schema, i) => schema === b[i]);
}

function resolveSchemas(stored: readonly Schema[], loaded: readonly Schema[]): DatasetSchema {
  try {
    return DatasetSchema.loaded(stored, loaded);
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
