import type { ByteWriter } from '../bytes/byte-writer.ts';
import { IntMap } from '../bytes/int-map.ts';
import { DatasetError } from '../errors.ts';
import { DedupTable } from './dedup-table.ts';
import { OrdinalMap } from './ordinal-map.ts';
import { ordinalMax } from './ordinals.ts';
import { RecordArena } from './record-arena.ts';
import type { FoundReferences, RecordReferences } from './record-references.ts';
import type { TypeWriteState } from './type-write-state.ts';

const unmarked = 0;
const rootAdded = 1;
const rootDropped = 2;

/** One type in one cycle: records added so far, and what is different from the {@link TypeWriteState} beneath. */
export class CycleType {
  readonly base: TypeWriteState;
  readonly arena = new RecordArena();
  /** Changes of the reference counts by records that the cycle has added. */
  readonly referenceChanges: OrdinalMap;
  /** Forgets every root of the state beneath: what is not added again goes. */
  readonly #isFullPopulate: boolean;
  readonly #rootMarks: OrdinalMap;
  /** Indexes of the arena by content. */
  readonly #table = new DedupTable();
  /** Ordinals from here on were free when the cycle began. */
  readonly #tailStart: number;
  /**
   * The free ordinals below {@link CycleType.#tailStart} that the first records in the arena got: ascending, because free
   * ordinals are taken lowest first. The records behind them have the ordinals from there on, one after the other.
   */
  readonly #filled: number[] = [];
  /** Index + 1 by ordinal, of those. */
  readonly #filledIndexes = new IntMap();

  constructor(base: TypeWriteState, isFullPopulate: boolean) {
    const tailStart = base.ordinals.highestTaken + 1;
    this.base = base;
    this.#tailStart = tailStart;
    this.#isFullPopulate = isFullPopulate;
    this.referenceChanges = new OrdinalMap(tailStart);
    this.#rootMarks = new OrdinalMap(tailStart);
  }

  /** Asks for the memory that {@link findOpen} will look at for these hashes, so that the waits for it overlap. */
  touch(hashes: Int32Array, count: number): void {
    this.base.touch(hashes, count);
    this.arena.touch(this.#table.candidates(hashes, count), count);
  }

  /** The ordinal of the record that is open in the arena, if it is in the state beneath or was added before; else -1. */
  findOpen(hash: number): number {
    const { bytes, size: start, openEnd: end } = this.arena;
    let ordinal = this.base.find(hash, bytes, start, end);
    if (ordinal < 0) {
      const index = this.#table.find(hash, this.arena, bytes, start, end);
      if (index < 0) return -1;
      ordinal = this.ordinalOf(index);
    }
    if (this.#isFullPopulate) this.markRoot(ordinal);
    return ordinal;
  }

  /** Keeps the record that is open in the arena, and gives it the lowest ordinal that is free. */
  append(hash: number): number {
    const ordinal = this.#nextOrdinal();
    if (ordinal > ordinalMax) {
      throw new DatasetError('refused', `${this.base.schema.name}: no ordinal is left`, { ordinalMax });
    }
    const index = this.arena.keep(hash);
    this.#table.insert(hash, index);
    if (ordinal < this.#tailStart) {
      this.#filled.push(ordinal);
      this.#filledIndexes.set(ordinal, index + 1);
    } else {
      this.#rootMarks.claim(ordinal);
      this.referenceChanges.claim(ordinal);
    }
    if (this.#isFullPopulate) this.markRoot(ordinal);
    return ordinal;
  }

  #nextOrdinal(): number {
    const { count } = this.arena;
    const filled = this.#filled.length;
    if (count > filled) return this.#tailStart + count - filled;
    return this.base.ordinals.nextFree(filled === 0 ? 0 : (this.#filled[filled - 1] as number) + 1);
  }

  ordinalOf(index: number): number {
    const filled = this.#filled.length;
    return index < filled ? (this.#filled[index] as number) : this.#tailStart + index - filled;
  }

  /** Index in the arena of the record with this ordinal; -1: it is not from this cycle. */
  indexOf(ordinal: number): number {
    if (ordinal < this.#tailStart) return this.#filledIndexes.get(ordinal) - 1;
    const index = ordinal - this.#tailStart + this.#filled.length;
    return index < this.arena.count ? index : -1;
  }

  /** Appends the canonical bytes of a record of the cycle or of the state beneath. */
  writeRecord(ordinal: number, out: ByteWriter): void {
    const index = this.indexOf(ordinal);
    if (index < 0) this.base.records.writeRecord(ordinal, out);
    else out.writeBytes(this.arena.bytes, this.arena.startOf(index), this.arena.endOf(index));
  }

  /** What a record of the cycle or of the state beneath refers to. `position`: of this type. */
  readReferences(ordinal: number, position: number, references: RecordReferences): FoundReferences {
    const index = this.indexOf(ordinal);
    if (index < 0) return references.readOf(position, this.base.records, ordinal);
    return references.read(position, this.arena.bytes, this.arena.startOf(index));
  }

  has(ordinal: number): boolean {
    return this.#isNew(ordinal) || this.base.records.isPopulated(ordinal);
  }

  markRoot(ordinal: number): void {
    this.#rootMarks.set(ordinal, rootAdded);
  }

  dropRoot(ordinal: number): void {
    this.#rootMarks.set(ordinal, rootDropped);
  }

  /**
   * The record lives on.
   *
   * @param referenceChange by how much its references differ from those of the state beneath
   */
  isAlive(ordinal: number, referenceChange: number): boolean {
    // What a populator did not add goes, as in Hollow, even if something refers to it.
    if (this.#isFullPopulate) return this.#isAddedRoot(ordinal);
    if (this.base.references.of(ordinal) + referenceChange > 0) return true;
    const mark = this.#rootMarks.get(ordinal);
    if (mark === rootAdded) return true;
    return mark === unmarked && !this.#isNew(ordinal) && this.base.isRoot(ordinal);
  }

  /** Every ordinal that may have lost its last hold on life, other than by the death of what refers to it. */
  mortals(): number[] {
    const ordinals: number[] = [];
    if (this.#isFullPopulate) {
      const { records } = this.base;
      for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) ordinals.push(o);
    } else {
      for (const ordinal of this.#rootMarks.others()) if (!this.#isAddedRoot(ordinal)) ordinals.push(ordinal);
    }
    for (let index = 0; index < this.arena.count; index++) {
      const ordinal = this.ordinalOf(index);
      if (!this.#isAddedRoot(ordinal)) ordinals.push(ordinal);
    }
    return ordinals;
  }

  #isNew(ordinal: number): boolean {
    return this.indexOf(ordinal) >= 0;
  }

  #isAddedRoot(ordinal: number): boolean {
    return this.#rootMarks.get(ordinal) === rootAdded;
  }
}
