import { assert } from '../assert.ts';
import { ByteWriter } from '../bytes/byte-writer.ts';
import { murmur3 } from '../bytes/hash.ts';
import { boxedField, type Schema } from '../schema/schema.ts';
import { DedupTable } from './dedup-table.ts';
import { FreeOrdinals } from './free-ordinals.ts';
import { ObjectTypeState } from './object-type-state.ts';
import { OrdinalHashes } from './ordinal-hashes.ts';
import { ReferenceCounts } from './reference-counts.ts';
import type { TypeRecords } from './stored-records.ts';
import { StringOrdinals } from './string-ordinals.ts';
import type { CycleTypeTransition } from './transition.ts';
import type { TypeStatistics } from './type-statistics.ts';
import { WidthHistograms } from './width-histograms.ts';

/** Record bytes `[0 .. position)`; a ByteWriter is one. */
export interface RecordBytes {
  readonly bytes: Uint8Array;
  readonly position: number;
}

/** What a producer keeps of one type beside the records themselves. Cycles read it, only `advance` changes it. */
export class TypeWriteState {
  readonly schema: Schema;
  /** Populated records of a type with a primary key are roots; of other types, those that nothing refers to. */
  readonly isKeyed: boolean;
  readonly references = new ReferenceCounts();
  readonly ordinals = new FreeOrdinals();
  readonly #isText: boolean;
  /** Of strings that stand for records of this state, those that cycles have met. */
  readonly strings = new StringOrdinals();
  #records: TypeRecords;
  readonly #table: DedupTable;
  readonly #hashes = new OrdinalHashes();
  #histograms: WidthHistograms;
  /** Of the last transition, if it changed this type. */
  #statistics: TypeStatistics | null = null;
  readonly #scratch = new ByteWriter();

  constructor(schema: Schema, records: TypeRecords) {
    this.schema = schema;
    this.isKeyed = schema.kind === 'OBJECT' && schema.primaryKey.length > 0;
    this.#isText = boxedField(schema)?.kind === 'STRING';
    this.#records = records;
    this.#table = new DedupTable(records.count);
    this.#histograms = new WidthHistograms(schema, records.shardCount);
  }

  get records(): TypeRecords {
    return this.#records;
  }

  /** Asks for the memory that {@link find} will look at for these hashes. */
  touch(hashes: Int32Array, count: number): void {
    this.#records.touch?.(this.#table.candidates(hashes, count), count);
  }

  /** The ordinal of the record `bytes[start, end)`, or -1. */
  find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    return this.#table.find(hash, this.#records, bytes, start, end);
  }

  isRoot(ordinal: number): boolean {
    return this.isKeyed || this.references.of(ordinal) === 0;
  }

  /** A copy to count a cycle's records in. */
  histograms(shardCount: number): WidthHistograms {
    if (shardCount === this.#histograms.shardCount) return this.#histograms.clone();
    return this.#histograms.resharded(shardCount, (count) => {
      const records = this.#records;
      for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
        count(this.#read(records, o).bytes, 0, o);
      }
    });
  }

  /** To be called before the first record of a state with another number of shards joins. */
  reshard(shardCount: number): void {
    if (shardCount !== this.#histograms.shardCount) this.#histograms = this.histograms(shardCount);
  }

  /** Over this state and the one before it: what a snapshot of this state is encoded with. */
  get statistics(): TypeStatistics {
    return this.#statistics ?? this.#histograms.statistics(this.ordinals.highestTaken);
  }

  /** The record at an ordinal joins the state; returns its bytes, valid until the next call. */
  include(records: TypeRecords, ordinal: number): RecordBytes {
    const record = this.#read(records, ordinal);
    const hash = murmur3(record.bytes, 0, record.position);
    this.#table.insert(hash, ordinal);
    this.#hashes.set(ordinal, hash);
    this.#histograms.count(record.bytes, 0, ordinal, 1);
    this.ordinals.take(ordinal);
    return record;
  }

  /**
   * The record at an ordinal leaves the state; returns its bytes, in which texts may be anything of their size, valid until the
   * next call. The ordinal is free then, unless the `next` records have another record there (no writer does that, but
   * readers put up with it).
   */
  exclude(ordinal: number, next: TypeRecords): RecordBytes {
    // Of an ordinal that is used again the hash is the next record's already.
    const hash = next.isPopulated(ordinal) ? this.#hashNow(ordinal) : this.#hashes.of(ordinal);
    const isFound = this.#table.remove(hash, ordinal);
    this.#requireFound(isFound ? -1 : ordinal);
    return this.#takeOut(ordinal, next);
  }

  #hashNow(ordinal: number): number {
    const { bytes, position } = this.#read(this.#records, ordinal);
    return murmur3(bytes, 0, position);
  }

  /** Of a transition of this writer, in which no ordinal is used again. */
  #excludeAll(removed: Int32Array, next: TypeRecords): void {
    this.#requireFound(this.#table.removeAll(this.#hashes.ofAll(removed), removed));
    for (let i = 0; i < removed.length; i++) this.#takeOut(removed[i] as number, next);
  }

  #takeOut(ordinal: number, next: TypeRecords): RecordBytes {
    this.#scratch.reset();
    if (this.#records.writeShape === undefined) this.#records.writeRecord(ordinal, this.#scratch);
    else this.#records.writeShape(ordinal, this.#scratch);
    this.#histograms.count(this.#scratch.bytes, 0, ordinal, -1);
    this.#forgetString(ordinal);
    if (!next.isPopulated(ordinal)) this.ordinals.release(ordinal);
    return this.#scratch;
  }

  /** Its ordinal may be another record's soon. */
  #forgetString(ordinal: number): void {
    if (!this.#isText || !(this.#records instanceof ObjectTypeState)) return;
    const text = this.#records.readString(ordinal, 0);
    if (text !== null) this.strings.delete(text);
  }

  #requireFound(missing: number): void {
    assert(missing < 0, `${this.schema.name}: ordinal ${missing} is not in the dedup table`);
  }

  /** Keeps the statistics over the old and the new records, to be called between the last include and the first exclude. */
  keepStatistics(): void {
    this.#statistics = this.#histograms.statistics(this.ordinals.highestTaken);
  }

  /** What include, keepStatistics and exclude do together, where all about the added records is known already. */
  follow(
    { added, addedHashes, removed, statistics, histograms }: CycleTypeTransition,
    next: TypeRecords,
  ): void {
    const { ordinals } = added;
    this.#table.insertAll(addedHashes, ordinals);
    for (let i = 0; i < ordinals.length; i++) {
      this.ordinals.take(ordinals[i] as number);
      this.#hashes.set(ordinals[i] as number, addedHashes[i] as number);
    }
    this.#histograms = histograms;
    this.#statistics = statistics;
    this.#excludeAll(removed, next);
  }

  /** The transition is over: `records` are those of the new state. */
  settle(records: TypeRecords, isChanged: boolean): void {
    this.#records = records;
    this.strings.reopen();
    if (!isChanged) this.#statistics = null;
  }

  #read(records: TypeRecords, ordinal: number): RecordBytes {
    this.#scratch.reset();
    records.writeRecord(ordinal, this.#scratch);
    return this.#scratch;
  }
}
