import type { ByteWriter } from '../bytes/byte-writer.ts';

/** The records of a type by ordinal, as far as encoders look at them. */
export interface StoredRecords {
  readonly shardCount: number;
  isPopulated(ordinal: number): boolean;
  nextPopulated(from: number): number;
  /** A copy: bit o of word o >>> 5 is set iff ordinal o is populated; an even number of words. */
  populatedWords(): Uint32Array;
  writeRecord(ordinal: number, out: ByteWriter): void;
}

/** What the writing half needs of a type state, whatever its kind. */
export interface TypeRecords extends StoredRecords {
  /** Populated ordinals. */
  readonly count: number;
  /** As `writeRecord`, sooner: texts may be anything of their size. It tells widths and references. Undefined: there are no texts. */
  writeShape?(ordinal: number, out: ByteWriter): void;
  /** Asks for the memory of the records `ordinals[0, count)`; -1: none. Of collections, which are looked at again and again. */
  touch?(ordinals: Int32Array, count: number): void;
  recordEquals(ordinal: number, bytes: Uint8Array, start: number, end: number): boolean;
}
