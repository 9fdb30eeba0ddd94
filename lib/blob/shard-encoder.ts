import type { ByteWriter } from '../bytes/byte-writer.ts';

/** Packs the records of one shard, in order of ordinal, into the layout of their kind. */
export interface ShardEncoder {
  /** The record whose canonical bytes start at `bytes[start]`. */
  addRecord(bytes: Uint8Array, start: number): void;
  /** A slot without a record. */
  addHole(): void;
  writeTo(out: ByteWriter): void;
}

/** How much one shard holds. */
export interface ShardSize {
  /** Slots in a snapshot, added records in a delta. */
  readonly recordCount: number;
  /** Of an OBJECT: about how many bytes the STRING and BYTES fields of its records take in this blob. */
  readonly varSizeExpected: number;
  /** Of a collection: elements or buckets that get room in this blob. */
  readonly capacity: number;
  /** Of a collection: elements or buckets of the whole shard, as the statistics say. */
  readonly total: number;
}
