import { unreachable } from '../assert.ts';
import type { ByteWriter } from '../bytes/byte-writer.ts';
import type { ObjectSchema } from '../schema/schema.ts';

/** SKELETON of the agreed signatures; the body follows. */
export class ObjectTypeState {
  readonly schema: ObjectSchema;
  /** Greatest slot, ghosts and holes included; -1: none. */
  readonly maxOrdinal: number;
  /** Populated ordinals. */
  readonly count: number;
  readonly shardCount: number;

  private constructor(schema: ObjectSchema) {
    this.schema = schema;
    this.maxOrdinal = -1;
    this.count = 0;
    this.shardCount = 1;
  }

  static empty(schema: ObjectSchema): ObjectTypeState {
    return new ObjectTypeState(schema);
  }

  isPopulated(ordinal: number): boolean {
    return pending(ordinal);
  }

  /** The least populated ordinal >= `from`; -1: none. */
  nextPopulated(from: number): number {
    return pending(from);
  }

  /** A copy: bit o of word o >>> 5 is set iff ordinal o is populated; (maxOrdinal + 1) bits, rounded up to whole 64-bit words. */
  populatedWords(): Uint32Array {
    return pending(0);
  }

  isNull(ordinal: number, field: number): boolean {
    return pending(ordinal + field);
  }

  /** INT; null reads as -2147483648, which no record can hold. */
  readInt(ordinal: number, field: number): number {
    return pending(ordinal + field);
  }

  /** LONG; null reads as -2^63, which no record can hold. */
  readLong(ordinal: number, field: number): bigint {
    return pending(ordinal + field);
  }

  /** LONG as a number, exact up to 2^53; null reads as NaN. */
  readLongNumber(ordinal: number, field: number): number {
    return pending(ordinal + field);
  }

  /** Low 32 bits (unsigned) of the packed value; not meaningful for a null. */
  readRawLow(ordinal: number, field: number): number {
    return pending(ordinal + field);
  }

  /** Bits 32..63 (unsigned) of the packed value. */
  readRawHigh(ordinal: number, field: number): number {
    return pending(ordinal + field);
  }

  readBoolean(ordinal: number, field: number): boolean | null {
    return pending(ordinal + field);
  }

  /** FLOAT; null reads as NaN (ask isNull). */
  readFloat(ordinal: number, field: number): number {
    return pending(ordinal + field);
  }

  /** DOUBLE; null reads as NaN (ask isNull). */
  readDouble(ordinal: number, field: number): number {
    return pending(ordinal + field);
  }

  /** Ordinal in the referenced type; -1: null. */
  readReference(ordinal: number, field: number): number {
    return pending(ordinal + field);
  }

  readString(ordinal: number, field: number): string | null {
    return pending(ordinal + field);
  }

  /** A view, not a copy. */
  readBytes(ordinal: number, field: number): Uint8Array | null {
    return pending(ordinal + field);
  }

  /** The stored bytes of a STRING or BYTES field, in place; not meaningful for a null. */
  varBytes(ordinal: number, field: number): { bytes: Uint8Array; start: number; end: number } {
    return pending(ordinal + field);
  }

  /** Appends the canonical bytes of the record (docs/format.md, "Record bytes"). */
  writeRecord(ordinal: number, out: ByteWriter): void {
    pending(ordinal + out.position);
  }

  /** True iff bytes[start, end) are the canonical bytes of the record. Compared in place. */
  recordEquals(ordinal: number, bytes: Uint8Array, start: number, end: number): boolean {
    return pending(ordinal + bytes.length + start + end);
  }
}

function pending(_: number): never {
  return unreachable(0 as never);
}
