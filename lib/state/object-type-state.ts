/**
 * LAYER 3, state: all records of a dataset at one version.
 *
 *   read-state.ts         the types of a dataset at one version
 *   object-type-state.ts  the records of one OBJECT type (this file); list-, set- and map-type-state.ts
 *   record-table.ts       where the record of each ordinal lies: base, overlay layers; slot-map.ts: which of them
 *   object-layer.ts       packed records, as a blob brought them (collection-layer.ts: of collections);
 *                         packed-field.ts: one field of them, where every read ends;
 *                         pack-objects.ts and pack-collections.ts fold layers into one
 *   column.ts             one field of all records, for scans; number-scan.ts: of numbers in order
 *   raw-search.ts         the record with a number, without an index
 *   text-reader.ts        strings, built or kept; string-cache.ts: text that was read before
 *   record-bytes.ts       canonical bytes of a record
 *   record.ts             a record as an object with properties; collection-views.ts: SETs and MAPs of one
 *   record-layout.ts      which fields a reader sees, and in which form; plain-record.ts: copied, deep
 *   state-hash.ts         128 bits that say whether two states are equal
 *
 * The producer's side:
 *
 *   write-state.ts        what is kept beside the records from version to version; type-write-state.ts: of one type
 *   cycle.ts              an attempt at the next version; cycle-type.ts: in one type
 *   record-writer.ts      records to canonical bytes; type-plans.ts: how, by type; record-arena.ts: where they stay
 *   dedup-table.ts        is a record known? by its content
 *   free-ordinals.ts      which ordinal is the next
 *   reference-counts.ts   what a record lives by; record-references.ts: what it refers to; sweep.ts: what dies
 *   width-histograms.ts   how many bits fields need; type-statistics.ts: for encoders; shard-plan.ts: in how many shards
 *   transition.ts         the step from a state to the next; plan-type.ts: works it out for one type
 */
import type { ByteWriter } from '../bytes/byte-writer.ts';
import { unitsEqual } from '../bytes/code-units.ts';
import type { SharedArena } from '../bytes/shared-arena.ts';
import type { ObjectSchema } from '../schema/schema.ts';
import { NumericColumn, ReaderColumn, ReferencedTextColumn, TextColumn } from './column.ts';
import { ObjectLayer, type SharedObjectLayer, shareObjectLayer } from './object-layer.ts';
import { packObjects } from './pack-objects.ts';
import {
  intNull,
  isAllOnesIn,
  isNullIn,
  longNull,
  noBytes,
  type PackedField,
  type RawValues,
  rawHigh,
  rawLow,
  readFloatingIn,
  readRawsIn,
  requireRange,
  varEndOrNull,
  varStart,
} from './packed-field.ts';
import { findRaw } from './raw-search.ts';
import { objectRecordEquals, writeObjectRecord, writeObjectShape } from './record-bytes.ts';
import { type Additions, RecordTable, type ShardedRecords, type SharedTable } from './record-table.ts';
import type { StringCache } from './string-cache.ts';
import { TextReader } from './text-reader.ts';

/** Bytes in place: `bytes[start, end)`. */
export interface ByteRange {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/**
 * The records of one OBJECT type. Immutable: {@link ObjectTypeState.applyAdditions} makes a new one that shares memory
 * with this one. Fields are named by their index in the schema; readers do not check that the kind of the field is
 * theirs. An ordinal that has no record reads as all null; one that is not populated any more may read as the record it
 * had (a ghost). Readers throw `corrupt` where a damaged blob leads outside of its bytes.
 *
 * @example
 * const cities = state.objectType('City');
 * for (let o = cities.nextPopulated(0); o >= 0; o = cities.nextPopulated(o + 1)) sum += cities.readInt(o, population);
 */
export class ObjectTypeState {
  readonly kind = 'OBJECT';
  readonly schema: ObjectSchema;
  /** In how many shards the blobs of the chain have this type; a power of two. */
  readonly shardCount: number;
  readonly #table: RecordTable<ObjectLayer>;
  readonly #strings: StringCache | null;
  readonly #texts: TextReader;

  private constructor(
    schema: ObjectSchema,
    shardCount: number,
    table: RecordTable<ObjectLayer>,
    strings: StringCache | null = null,
  ) {
    this.schema = schema;
    this.shardCount = shardCount;
    this.#table = table;
    this.#strings = strings;
    this.#texts = new TextReader(table.baseSlots, strings);
  }

  static empty(schema: ObjectSchema): ObjectTypeState {
    return new ObjectTypeState(schema, 1, RecordTable.empty(ObjectLayer.empty(schema)));
  }

  static ofShards(schema: ObjectSchema, records: ShardedRecords<ObjectLayer>): ObjectTypeState {
    const table = RecordTable.ofShards(records, ObjectLayer.empty(schema));
    return new ObjectTypeState(schema, records.shards.length, table);
  }

  static open(
    schema: ObjectSchema,
    shardCount: number,
    table: SharedTable<SharedObjectLayer>,
  ): ObjectTypeState {
    const openLayer = ({ recordCount, bits, layout }: SharedObjectLayer): ObjectLayer =>
      new ObjectLayer(schema, recordCount, bits, layout);
    return new ObjectTypeState(
      schema,
      shardCount,
      RecordTable.open(table, openLayer, ObjectLayer.empty(schema)),
    );
  }

  share(arena: SharedArena): SharedTable<SharedObjectLayer> {
    return this.#table.share(shareObjectLayer, arena);
  }

  applyAdditions(change: Additions<ObjectLayer>, shardCount: number): ObjectTypeState {
    const table = this.#table.applyAdditions(change, (list) => packObjects(this.schema, list));
    return new ObjectTypeState(this.schema, shardCount, table, this.#strings);
  }

  /** The same records; strings are looked for in `strings` before they are built, here and in the states that follow. */
  withStringCache(strings: StringCache): ObjectTypeState {
    return new ObjectTypeState(this.schema, this.shardCount, this.#table, strings);
  }

  /** An INT, FLOAT or DOUBLE field, for reading many records. */
  numericColumn(field: number): NumericColumn {
    return new NumericColumn(this.#fieldTable(field));
  }

  /** A STRING field, for reading many records. */
  textColumn(field: number): TextColumn {
    return new TextColumn(this.#fieldTable(field), this.#texts);
  }

  /** A reference, read as the STRING field of what it leads to. */
  referencedTextColumn(field: number, target: ObjectTypeState, targetField: number): ReferencedTextColumn {
    return new ReferencedTextColumn(this.#fieldTable(field), target.textColumn(targetField));
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

  /** The populated ordinals >= `from`, ascending, as many as there is room for; how many. */
  listPopulated(from: number, room: Int32Array): number {
    return this.#table.populated.list(from, room);
  }

  /** A copy: bit o of half o >>> 5 is set iff ordinal o is populated. As many whole 64-bit words as maxOrdinal needs. */
  populatedWords(): Uint32Array<ArrayBuffer> {
    return this.#table.populated.toHalves(Math.ceil((this.maxOrdinal + 1) / 64) * 2);
  }

  isNull(ordinal: number, field: number): boolean {
    const slot = this.#table.slotOf(ordinal);
    return isNullIn(this.#fieldAt(slot, ordinal, field), this.#table.recordAt(slot, ordinal));
  }

  /** INT; null reads as {@link intNull}. */
  readInt(ordinal: number, field: number): number {
    const slot = this.#table.slotOf(ordinal);
    const packed = this.#fieldAt(slot, ordinal, field);
    const raw = rawLow(packed, this.#table.recordAt(slot, ordinal));
    return raw === packed.mask ? intNull : (raw >>> 1) ^ -(raw & 1);
  }

  /** LONG; null reads as {@link longNull}. */
  readLong(ordinal: number, field: number): bigint {
    const value = this.readLongNumber(ordinal, field);
    if (Number.isSafeInteger(value)) return BigInt(value);
    if (Number.isNaN(value)) return longNull;
    const low = this.readRawLow(ordinal, field);
    const high = this.readRawHigh(ordinal, field);
    const zigZag = (BigInt(high) << 32n) | BigInt(low);
    return (zigZag >> 1n) ^ -(zigZag & 1n);
  }

  /** LONG as a number, exact up to 2^53; null reads as NaN. */
  readLongNumber(ordinal: number, field: number): number {
    const slot = this.#table.slotOf(ordinal);
    const packed = this.#fieldAt(slot, ordinal, field);
    const record = this.#table.recordAt(slot, ordinal);
    const low = rawLow(packed, record);
    if (packed.highMask === 0) {
      if (low === packed.mask) return Number.NaN;
      return (low >>> 1) ^ -(low & 1);
    }
    const high = rawHigh(packed, record);
    if (low === packed.mask && high === packed.highMask) return Number.NaN;
    const sign = -(low & 1);
    return ((high >>> 1) ^ sign) * 0x1_0000_0000 + ((((low >>> 1) | (high << 31)) ^ sign) >>> 0);
  }

  /** Low 32 bits (unsigned) of the packed value: zig-zag form of INT and LONG. Ask isNull first. */
  readRawLow(ordinal: number, field: number): number {
    const slot = this.#table.slotOf(ordinal);
    return rawLow(this.#fieldAt(slot, ordinal, field), this.#table.recordAt(slot, ordinal)) >>> 0;
  }

  /** Bits 32 to 63 (unsigned) of the packed value. */
  readRawHigh(ordinal: number, field: number): number {
    const slot = this.#table.slotOf(ordinal);
    return rawHigh(this.#fieldAt(slot, ordinal, field), this.#table.recordAt(slot, ordinal)) >>> 0;
  }

  /**
   * The packed values of many records, without a call for each: halves as {@link ObjectTypeState.readRawLow} and -High
   * give them, but signed. All ones (and an ordinal of -1) reads as -1, -1, whatever the width.
   */
  readRaws(field: number, ordinals: Int32Array, values: RawValues): void {
    const table = this.#table;
    const only = table.commonLayer(ordinals, values.count);
    if (only !== null) {
      readRawsIn(only.fields[field] as PackedField, ordinals, values);
      return;
    }
    for (let i = 0; i < values.count; i++) {
      const ordinal = ordinals[i] as number;
      const slot = table.slotOf(ordinal);
      const packed = this.#fieldAt(slot, ordinal, field);
      const record = table.recordAt(slot, ordinal);
      const isNull = isAllOnesIn(packed, record);
      values.lows[i] = isNull ? -1 : rawLow(packed, record);
      values.highs[i] = isNull ? -1 : rawHigh(packed, record);
    }
  }

  /** The least populated ordinal whose INT or LONG has this zig-zag form of 32 bits; -1: there is none. */
  findRaw(field: number, raw: number): number {
    return findRaw(this.#fieldTable(field), raw | 0);
  }

  /** True iff the packed value is all ones: null in every fixed kind but FLOAT and DOUBLE, or not stored at all. */
  isAllOnes(ordinal: number, field: number): boolean {
    const slot = this.#table.slotOf(ordinal);
    return isAllOnesIn(this.#fieldAt(slot, ordinal, field), this.#table.recordAt(slot, ordinal));
  }

  /** True iff the packed value is made of these halves (unsigned) and is not all ones. Of INT, LONG and the like. */
  holdsRaw(ordinal: number, field: number, low: number, high: number): boolean {
    const slot = this.#table.slotOf(ordinal);
    const packed = this.#fieldAt(slot, ordinal, field);
    const record = this.#table.recordAt(slot, ordinal);
    if (rawLow(packed, record) !== (low | 0)) return false;
    if (rawHigh(packed, record) !== (high | 0)) return false;
    return (low | 0) !== packed.mask || (high | 0) !== packed.highMask;
  }

  readBoolean(ordinal: number, field: number): boolean | null {
    const slot = this.#table.slotOf(ordinal);
    const packed = this.#fieldAt(slot, ordinal, field);
    const raw = rawLow(packed, this.#table.recordAt(slot, ordinal));
    return raw === packed.mask ? null : raw === 1;
  }

  /** FLOAT or DOUBLE; null and NaN both read as NaN (ask isNull). */
  readFloating(ordinal: number, field: number): number {
    const slot = this.#table.slotOf(ordinal);
    return readFloatingIn(this.#fieldAt(slot, ordinal, field), this.#table.recordAt(slot, ordinal));
  }

  /** Ordinal in the referenced type; -1: null. */
  readReference(ordinal: number, field: number): number {
    const slot = this.#table.slotOf(ordinal);
    const packed = this.#fieldAt(slot, ordinal, field);
    const raw = rawLow(packed, this.#table.recordAt(slot, ordinal));
    return raw === packed.mask ? -1 : raw >>> 0;
  }

  readString(ordinal: number, field: number): string | null {
    const slot = this.#table.slotOf(ordinal);
    const packed = this.#fieldAt(slot, ordinal, field);
    return this.#texts.read(packed, this.#table.recordAt(slot, ordinal));
  }

  /** True iff the STRING field holds this text. Builds no string. */
  stringEquals(ordinal: number, field: number, text: string): boolean {
    const slot = this.#table.slotOf(ordinal);
    const packed = this.#fieldAt(slot, ordinal, field);
    const record = this.#table.recordAt(slot, ordinal);
    const end = varEndOrNull(packed, record);
    if (end < 0) return false;
    const start = varStart(packed, record);
    requireRange(packed, start, end);
    return unitsEqual(packed.data, start, end, text);
  }

  /** A view of the bytes in place, not a copy: not to be written to. */
  readBytes(ordinal: number, field: number): Uint8Array | null {
    const range = this.varBytes(ordinal, field);
    return this.isNull(ordinal, field) ? null : range.bytes.subarray(range.start, range.end);
  }

  /** The stored bytes of a STRING (one var-int per UTF-16 code unit) or BYTES field, in place; empty for null. */
  varBytes(ordinal: number, field: number): ByteRange {
    const slot = this.#table.slotOf(ordinal);
    const packed = this.#fieldAt(slot, ordinal, field);
    const record = this.#table.recordAt(slot, ordinal);
    const end = varEndOrNull(packed, record);
    if (end < 0) return { bytes: noBytes, start: 0, end: 0 };
    const start = varStart(packed, record);
    requireRange(packed, start, end);
    return { bytes: packed.data, start, end };
  }

  /** What `read` makes of each record, for reading many of them. */
  column(read: (ordinal: number) => unknown): ReaderColumn {
    return new ReaderColumn(read, this.#table.populated);
  }

  /** Appends the canonical bytes of the record. */
  writeRecord(ordinal: number, out: ByteWriter): void {
    const slot = this.#table.slotOf(ordinal);
    writeObjectRecord(this.#table.layerAt(slot, ordinal), this.#table.recordAt(slot, ordinal), out);
  }

  /** As {@link writeRecord}, but with anything for what STRING and BYTES hold. */
  writeShape(ordinal: number, out: ByteWriter): void {
    const slot = this.#table.slotOf(ordinal);
    writeObjectShape(this.#table.layerAt(slot, ordinal), this.#table.recordAt(slot, ordinal), out);
  }

  /** True iff `bytes[start, end)` are the canonical bytes of the record. Compared in place. */
  recordEquals(ordinal: number, bytes: Uint8Array, start: number, end: number): boolean {
    const slot = this.#table.slotOf(ordinal);
    const layer = this.#table.layerAt(slot, ordinal);
    return objectRecordEquals(layer, this.#table.recordAt(slot, ordinal), bytes, start, end);
  }

  #fieldTable(field: number): RecordTable<PackedField> {
    return this.#table.mapLayers((layer) => layer.fields[field] as PackedField);
  }

  #fieldAt(slot: number, ordinal: number, field: number): PackedField {
    return this.#table.layerAt(slot, ordinal).fields[field] as PackedField;
  }
}
