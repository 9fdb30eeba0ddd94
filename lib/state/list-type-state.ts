import { ByteWriter } from '../bytes/byte-writer.ts';
import type { SharedArena } from '../bytes/shared-arena.ts';
import type { ListSchema } from '../schema/schema.ts';
import {
  type CollectionLayer,
  elementAt,
  emptyCollectionLayer,
  entriesEnd,
  entriesStart,
  openCollectionLayer,
  type SharedCollectionLayer,
  shareCollectionLayer,
  touchCollections,
} from './collection-layer.ts';
import { packLists } from './pack-collections.ts';
import { type Additions, RecordTable, type ShardedRecords, type SharedTable } from './record-table.ts';

const scratch = new ByteWriter();

/**
 * The records of one LIST type. Immutable, as {@link ObjectTypeState} is; elements are ordinals in other types. An
 * ordinal that has no record reads as empty.
 */
export class ListTypeState {
  readonly kind = 'LIST';
  readonly schema: ListSchema;
  /** In how many shards the blobs of the chain have this type; a power of two. */
  readonly shardCount: number;
  readonly #table: RecordTable<CollectionLayer>;

  private constructor(schema: ListSchema, shardCount: number, table: RecordTable<CollectionLayer>) {
    this.schema = schema;
    this.shardCount = shardCount;
    this.#table = table;
  }

  static empty(schema: ListSchema): ListTypeState {
    return new ListTypeState(schema, 1, RecordTable.empty(emptyCollectionLayer));
  }

  static ofShards(schema: ListSchema, records: ShardedRecords<CollectionLayer>): ListTypeState {
    const table = RecordTable.ofShards(records, emptyCollectionLayer);
    return new ListTypeState(schema, records.shards.length, table);
  }

  static open(
    schema: ListSchema,
    shardCount: number,
    table: SharedTable<SharedCollectionLayer>,
  ): ListTypeState {
    const opened = RecordTable.open(table, openCollectionLayer, emptyCollectionLayer);
    return new ListTypeState(schema, shardCount, opened);
  }

  share(arena: SharedArena): SharedTable<SharedCollectionLayer> {
    return this.#table.share(shareCollectionLayer, arena);
  }

  applyAdditions(change: Additions<CollectionLayer>, shardCount: number): ListTypeState {
    return new ListTypeState(this.schema, shardCount, this.#table.applyAdditions(change, packLists));
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

  /** Elements of the list. */
  size(ordinal: number): number {
    const slot = this.#table.slotOf(ordinal);
    const layer = this.#table.layerAt(slot, ordinal);
    const record = this.#table.recordAt(slot, ordinal);
    const end = entriesEnd(layer, record);
    return end - entriesStart(layer, record, end);
  }

  /** Ordinal of the element at a position below {@link size}. */
  element(ordinal: number, position: number): number {
    const slot = this.#table.slotOf(ordinal);
    const layer = this.#table.layerAt(slot, ordinal);
    const record = this.#table.recordAt(slot, ordinal);
    const start = entriesStart(layer, record, entriesEnd(layer, record));
    return elementAt(layer, start + position);
  }

  /** Ordinals of the elements, in order. */
  elements(ordinal: number): Uint32Array<ArrayBuffer> {
    const slot = this.#table.slotOf(ordinal);
    const layer = this.#table.layerAt(slot, ordinal);
    const record = this.#table.recordAt(slot, ordinal);
    const end = entriesEnd(layer, record);
    const start = entriesStart(layer, record, end);
    const elements = new Uint32Array(end - start);
    for (let i = 0; i < elements.length; i++) elements[i] = elementAt(layer, start + i);
    return elements;
  }

  touch(ordinals: Int32Array, count: number): void {
    touchCollections(this.#table, ordinals, count);
  }

  /** Appends the canonical bytes of the record. */
  writeRecord(ordinal: number, out: ByteWriter): void {
    const slot = this.#table.slotOf(ordinal);
    const layer = this.#table.layerAt(slot, ordinal);
    const record = this.#table.recordAt(slot, ordinal);
    const end = entriesEnd(layer, record);
    const start = entriesStart(layer, record, end);
    out.writeVarInt(end - start);
    for (let entry = start; entry < end; entry++) out.writeVarInt(elementAt(layer, entry));
  }

  /** True iff `bytes[start, end)` are the canonical bytes of the record. */
  recordEquals(ordinal: number, bytes: Uint8Array, start: number, end: number): boolean {
    scratch.reset();
    this.writeRecord(ordinal, scratch);
    return scratch.equals(bytes, start, end);
  }
}
