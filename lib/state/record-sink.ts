import type { ByteWriter } from '../bytes/byte-writer.ts';
import type { StringOrdinals } from './string-ordinals.ts';

/** Where records go. Types by position. */
export interface RecordSink {
  /** To write one record's bytes to; what was written since an open without close is forgotten. */
  open(type: number): ByteWriter;
  /** The record is written: its ordinal. */
  close(type: number): number;
  /** As {@link close}, where the hash of its bytes is known. */
  closeHashed(type: number, hash: number): number;
  /** Asks for the memory that tells which of `hashes[0, count)` are those of known records. */
  touch(type: number, hashes: Int32Array, count: number): void;
  /** The record is not of the state beneath. */
  isNew(type: number, ordinal: number): boolean;
  /** Where strings of that state, which stand for records of the type, are remembered from cycle to cycle; null: nowhere. */
  keptStrings(type: number): StringOrdinals | null;
}
