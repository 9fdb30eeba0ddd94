import { ByteWriter } from '../bytes/byte-writer.ts';
import { hashTableSize, mixInt } from '../bytes/hash.ts';
import type { SharedArena } from '../bytes/shared-arena.ts';
import type { MapSchema } from '../schema/schema.ts';
import { bucketsEqual } from './bucket-equality.ts';
import {
  type CollectionLayer,
  emptyCollectionLayer,
  entriesEnd,
  entriesStart,
  keyAt,
  openCollectionLayer,
  type SharedCollectionLayer,
  shareCollectionLayer,
  statedSize,
  touchCollections,
  valueAt,
} from './collection-layer.ts';
import { EntryList } from './entry-list.ts';
import { packBuckets } from './pack-collections.ts';
import { type Additions, RecordTable, type ShardedRecords, type SharedTable } from './record-table.ts';

const scratch = new EntryList();
const recordBytes = new ByteWriter();

/**
 * The records of one MAP type. Immutable, as {@link ObjectTypeState} is; elements are ordinals in other types. An
 * ordinal that has no record reads as empty.
 */
export class MapTypeState {
  readonly kind = 'MAP';
  readonly schema: MapSchema;
  /** In how many shards the blobs of the chain have this type; a power of two. */
  readonly shardCount: number;
  readonly #table: RecordTable<CollectionLayer>;

  private constructor(schema: MapSchema, shardCount: number, table: RecordTable<CollectionLayer>) {
    this.schema = schema;
    this.shardCount = shardCount;
    this.#table = table;
  }

  static empty(schema: MapSchema): MapTypeState {
    return new MapTypeState(schema, 1, RecordTable.empty(emptyCollectionLayer));
  }

  static ofShards(schema: MapSchema, records: ShardedRecords<CollectionLayer>): MapTypeState {
    const table = RecordTable.ofShards(records, emptyCollectionLayer);
    return new MapTypeState(schema, records.shards.length, table);
  }

  static open(
    schema: MapSchema,
    shardCount: number,
    table: SharedTable<SharedCollectionLayer>,
  ): MapTypeState {
    const opened = RecordTable.open(table, openCollectionLayer, emptyCollectionLayer);
    return new MapTypeState(schema, shardCount, opened);
  }

  share(arena: SharedArena): SharedTable<SharedCollectionLayer> {
    return this.#table.share(shareCollectionLayer, arena);
  }

  applyAdditions(change: Additions<CollectionLayer>, shardCount: number): MapTypeState {
    return new MapTypeState(this.schema, shardCount, this.#table.applyAdditions(change, packBuckets));
  }

  /** Greatest slot, ghosts and holes included; -1: none. */
  get maxOrdinal(): number {
    return this.#table.maxOrdinal;
  }

  /** Populated ordinals. */
  get count(): number {
    return this.#table.populated.count;
  }

  isPopulated(ordinal: number): boolean {
    return this.#table.populated.has(ordinal);
  }

  /** The least populated ordinal >= `from`; -1: none. */
  nextPopulated(from: number): number {
    return this.#table.populated.next(from);
  }

  /** A copy: bit o of half o >>> 5 is set iff ordinal o is populated. As many whole 64-bit words as maxOrdinal needs. */
  populatedWords(): Uint32Array<ArrayBuffer> {
    return this.#table.populated.toHalves(Math.ceil((this.maxOrdinal + 1) / 64) * 2);
  }

  /** Entries of the map. */
  size(ordinal: number): number {
    const slot = this.#table.slotOf(ordinal);
    return statedSize(this.#table.layerAt(slot, ordinal), this.#table.recordAt(slot, ordinal));
  }

  /** Buckets of the map's hash table. */
  bucketCount(ordinal: number): number {
    const slot = this.#table.slotOf(ordinal);
    const layer = this.#table.layerAt(slot, ordinal);
    const record = this.#table.recordAt(slot, ordinal);
    const end = entriesEnd(layer, record);
    return end - entriesStart(layer, record, end);
  }

  /** Ordinal of the key in a bucket below {@link bucketCount}; -1: the bucket is empty. */
  bucketKey(ordinal: number, bucket: number): number {
    const slot = this.#table.slotOf(ordinal);
    const layer = this.#table.layerAt(slot, ordinal);
    const record = this.#table.recordAt(slot, ordinal);
    return keyAt(layer, entriesStart(layer, record, entriesEnd(layer, record)) + bucket);
  }

  /** Ordinal of the value in a bucket that is not empty. */
  bucketValue(ordinal: number, bucket: number): number {
    const slot = this.#table.slotOf(ordinal);
    const layer = this.#table.layerAt(slot, ordinal);
    const record = this.#table.recordAt(slot, ordinal);
    return valueAt(layer, entriesStart(layer, record, entriesEnd(layer, record)) + bucket);
  }

  /** Ordinals of the entries, by ascending key. */
  entries(ordinal: number): { keys: Uint32Array<ArrayBuffer>; values: Uint32Array<ArrayBuffer> } {
    this.#load(ordinal);
    return { keys: scratch.keys.slice(0, scratch.count), values: scratch.values.slice(0, scratch.count) };
  }

  touch(ordinals: Int32Array, count: number): void {
    touchCollections(this.#table, ordinals, count);
  }

  /** Appends the canonical bytes of the record. */
  writeRecord(ordinal: number, out: ByteWriter): void {
    this.#load(ordinal);
    const { keys, values, count } = scratch;
    const bucketMask = hashTableSize(count) - 1;
    out.writeVarInt(count);
    let previous = 0;
    for (let i = 0; i < count; i++) {
      const key = keys[i] as number;
      out.writeVarInt(key - previous);
      out.writeVarInt(values[i] as number);
      out.writeVarInt(mixInt(key) & bucketMask);
      previous = key;
    }
  }

  /** True iff `bytes[start, end)` are the canonical bytes of the record. */
  recordEquals(ordinal: number, bytes: Uint8Array, start: number, end: number): boolean {
    const slot = this.#table.slotOf(ordinal);
    const layer = this.#table.layerAt(slot, ordinal);
    const isEqual = bucketsEqual(layer, this.#table.recordAt(slot, ordinal), true, bytes, start, end);
    if (isEqual !== null) return isEqual;
    recordBytes.reset();
    this.writeRecord(ordinal, recordBytes);
    return recordBytes.equals(bytes, start, end);
  }

  #load(ordinal: number): void {
    const slot = this.#table.slotOf(ordinal);
    scratch.load(this.#table.layerAt(slot, ordinal), this.#table.recordAt(slot, ordinal));
  }
}
