import { ByteWriter } from '../bytes/byte-writer.ts';
import { hashTableSize, mixInt } from '../bytes/hash.ts';
import type { SharedArena } from '../bytes/shared-arena.ts';
import type { SetSchema } from '../schema/schema.ts';
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
} from './collection-layer.ts';
import { EntryList } from './entry-list.ts';
import { packBuckets } from './pack-collections.ts';
import { type Additions, RecordTable, type ShardedRecords, type SharedTable } from './record-table.ts';

const scratch = new EntryList();
const recordBytes = new ByteWriter();

/**
 * The records of one SET type. Immutable, as {@link ObjectTypeState} is; elements are ordinals in other types. An
 * ordinal that has no record reads as empty.
 */
export class SetTypeState {
  readonly kind = 'SET';
  readonly schema: SetSchema;
  /** In how many shards the blobs of the chain have this type; a power of two. */
  readonly shardCount: number;
  readonly #table: RecordTable<CollectionLayer>;

  private constructor(schema: SetSchema, shardCount: number, table: RecordTable<CollectionLayer>) {
    this.schema = schema;
    this.shardCount = shardCount;
    this.#table = table;
  }

  static empty(schema: SetSchema): SetTypeState {
    return new SetTypeState(schema, 1, RecordTable.empty(emptyCollectionLayer));
  }

  static ofShards(schema: SetSchema, records: ShardedRecords<CollectionLayer>): SetTypeState {
    const table = RecordTable.ofShards(records, emptyCollectionLayer);
    return new SetTypeState(schema, records.shards.length, table);
  }

  static open(
    schema: SetSchema,
    shardCount: number,
    table: SharedTable<SharedCollectionLayer>,
  ): SetTypeState {
    const opened = RecordTable.open(table, openCollectionLayer, emptyCollectionLayer);
    return new SetTypeState(schema, shardCount, opened);
  }

  share(arena: SharedArena): SharedTable<SharedCollectionLayer> {
    return this.#table.share(shareCollectionLayer, arena);
  }

  applyAdditions(change: Additions<CollectionLayer>, shardCount: number): SetTypeState {
    return new SetTypeState(this.schema, shardCount, this.#table.applyAdditions(change, packBuckets));
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

  /** Elements of the set. */
  size(ordinal: number): number {
    const slot = this.#table.slotOf(ordinal);
    return statedSize(this.#table.layerAt(slot, ordinal), this.#table.recordAt(slot, ordinal));
  }

  /** Buckets of the set's hash table. */
  bucketCount(ordinal: number): number {
    const slot = this.#table.slotOf(ordinal);
    const layer = this.#table.layerAt(slot, ordinal);
    const record = this.#table.recordAt(slot, ordinal);
    const end = entriesEnd(layer, record);
    return end - entriesStart(layer, record, end);
  }

  /** Ordinal of the element in a bucket below {@link bucketCount}; -1: the bucket is empty. */
  bucketElement(ordinal: number, bucket: number): number {
    const slot = this.#table.slotOf(ordinal);
    const layer = this.#table.layerAt(slot, ordinal);
    const record = this.#table.recordAt(slot, ordinal);
    const start = entriesStart(layer, record, entriesEnd(layer, record));
    return keyAt(layer, start + bucket);
  }

  /** Ordinals of the elements, ascending. */
  elements(ordinal: number): Uint32Array<ArrayBuffer> {
    this.#load(ordinal);
    return scratch.keys.slice(0, scratch.count);
  }

  touch(ordinals: Int32Array, count: number): void {
    touchCollections(this.#table, ordinals, count);
  }

  /** Appends the canonical bytes of the record. */
  writeRecord(ordinal: number, out: ByteWriter): void {
    this.#load(ordinal);
    const { keys, count } = scratch;
    const bucketMask = hashTableSize(count) - 1;
    out.writeVarInt(count);
    let previous = 0;
    for (let i = 0; i < count; i++) {
      const element = keys[i] as number;
      out.writeVarInt(element - previous);
      out.writeVarInt(mixInt(element) & bucketMask);
      previous = element;
    }
  }

  /** True iff `bytes[start, end)` are the canonical bytes of the record. */
  recordEquals(ordinal: number, bytes: Uint8Array, start: number, end: number): boolean {
    const slot = this.#table.slotOf(ordinal);
    const layer = this.#table.layerAt(slot, ordinal);
    const isEqual = bucketsEqual(layer, this.#table.recordAt(slot, ordinal), false, bytes, start, end);
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
