import type { ByteWriter } from '../bytes/byte-writer.ts';
import { DatasetError } from '../errors.ts';
import { DedupTable } from './dedup-table.ts';
import { OrdinalMap } from './ordinal-map.ts';
import { RecordArena } from './record-arena.ts';
import type { FoundReferences, RecordReferences } from './record-references.ts';
import type { TypeWriteState } from './type-write-state.ts';

/** The format has 29 bits for an ordinal. */
const ordinalMax = 2 ** 29 - 1;

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
  /** Of each record in the arena: ascending, because free ordinals are taken lowest first. */
  #ordinals = new Int32Array(16);
  /** Index + 1 by ordinal. */
  readonly #indexes: OrdinalMap;
  #nextOrdinal = 0;

  constructor(base: TypeWriteState, isFullPopulate: boolean) {
    const tailStart = base.ordinals.highestTaken + 1;
    this.base = base;
    this.#isFullPopulate = isFullPopulate;
    this.referenceChanges = new OrdinalMap(tailStart);
    this.#rootMarks = new OrdinalMap(tailStart);
    this.#indexes = new OrdinalMap(tailStart);
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
    const ordinal = this.base.ordinals.nextFree(this.#nextOrdinal);
    if (ordinal > ordinalMax) {
      throw new DatasetError('refused', `${this.base.schema.name}: no ordinal is left`, { ordinalMax });
    }
    this.#nextOrdinal = ordinal + 1;
    const index = this.arena.keep(hash);
    this.#table.insert(hash, index);
    if (index === this.#ordinals.length) {
      const ordinals = new Int32Array(index * 2);
      ordinals.set(this.#ordinals);
      this.#ordinals = ordinals;
    }
    this.#ordinals[index] = ordinal;
    this.#indexes.claim(ordinal);
    this.#rootMarks.claim(ordinal);
    this.referenceChanges.claim(ordinal);
    this.#indexes.set(ordinal, index + 1);
    if (this.#isFullPopulate) this.markRoot(ordinal);
    return ordinal;
  }

  ordinalOf(index: number): number {
    return this.#ordinals[index] as number;
  }

  /** Index in the arena of the record with this ordinal; -1: it is not from this cycle. */
  indexOf(ordinal: number): number {
    return this.#indexes.get(ordinal) - 1;
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
    const mark = this.#rootMarks.get(ordinal);
    if (mark === rootAdded) return true;
    // What a populator did not add goes, as in Hollow, even if something refers to it.
    if (this.#isFullPopulate) return false;
    if (this.base.references.of(ordinal) + referenceChange > 0) return true;
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
    return this.#indexes.get(ordinal) !== 0;
  }

  #isAddedRoot(ordinal: number): boolean {
    return this.#rootMarks.get(ordinal) === rootAdded;
  }
}
