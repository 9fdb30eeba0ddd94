import { bitLength, bitLengthOfBits } from '../bytes/bit-writer.ts';
import { hashTableSize } from '../bytes/hash.ts';
import type { FieldKind, Schema } from '../schema/schema.ts';
import { RecordCursor } from './record-cursor.ts';
import type { TypeStatistics } from './type-statistics.ts';

type CountRecord = (bytes: Uint8Array, start: number, ordinal: number) => void;

/** One counter per possible demand, 0 to 64 bits. */
const rowSize = 65;

/** Of a type that has no records yet. */
const noCounts = new Int32Array(0);

/**
 * How many records of a type demand how many bits in each column, and the totals of what has no bound per record.
 * Records can be taken out again, so widths shrink exactly as a pass over all records would say; a running maximum
 * could only grow, and blobs would no longer be byte-identical to Java's.
 */
export class WidthHistograms {
  readonly #schema: Schema;
  readonly #kinds: readonly FieldKind[];
  readonly #shardMask: number;
  /** Rows of {@link rowSize} counters: OBJECT one per field; LIST elements; SET elements, sizes; MAP keys, values, sizes. */
  #counts = noCounts;
  /** OBJECT: bytes per field. Collections: elements or buckets per shard. */
  readonly #totals: Float64Array;
  #recordCount = 0;
  readonly #cursor = new RecordCursor();

  constructor(schema: Schema, shardCount: number) {
    this.#schema = schema;
    this.#kinds = schema.kind === 'OBJECT' ? schema.fields.map((field) => field.kind) : [];
    this.#shardMask = shardCount - 1;
    this.#totals = new Float64Array(schema.kind === 'OBJECT' ? schema.fields.length : shardCount);
  }

  get shardCount(): number {
    return this.#shardMask + 1;
  }

  clone(): WidthHistograms {
    const copy = new WidthHistograms(this.#schema, this.shardCount);
    copy.#take(this);
    return copy;
  }

  #take(other: WidthHistograms): void {
    if (other.#counts !== noCounts) this.#counts = other.#counts.slice();
    this.#totals.set(other.#totals);
    this.#recordCount = other.#recordCount;
  }

  /**
   * A copy for another number of shards. Only the totals of collections depend on it: those take a pass over the
   * records that are counted here.
   */
  resharded(shardCount: number, forEachRecord: (count: CountRecord) => void): WidthHistograms {
    const copy = new WidthHistograms(this.#schema, shardCount);
    if (this.#schema.kind === 'OBJECT') {
      copy.#take(this);
    } else {
      forEachRecord((bytes, start, ordinal) => copy.count(bytes, start, ordinal, 1));
    }
    return copy;
  }

  /** Adds (`amount` 1) or takes out (-1) the record whose canonical bytes start at `bytes[start]`. */
  count(bytes: Uint8Array, start: number, ordinal: number, amount: 1 | -1): void {
    if (this.#counts === noCounts) this.#counts = new Int32Array(rowCountOf(this.#schema) * rowSize);
    this.#recordCount += amount;
    this.#cursor.open(bytes, start);
    switch (this.#schema.kind) {
      case 'OBJECT':
        return this.#countObject(amount);
      case 'LIST':
        return this.#countList(ordinal, amount);
      case 'SET':
        return this.#countSet(ordinal, amount);
      case 'MAP':
        return this.#countMap(ordinal, amount);
    }
  }

  statistics(maxOrdinal: number): TypeStatistics {
    const shardTotals = Array.from(this.#totals);
    switch (this.#schema.kind) {
      case 'OBJECT':
        return {
          kind: 'OBJECT',
          maxOrdinal,
          fieldBits: this.#kinds.map((kind, field) => this.#fieldBits(kind, field)),
          varTotals: shardTotals,
        };
      case 'LIST':
        return { kind: 'LIST', maxOrdinal, elementBits: Math.max(1, this.#greatest(0)), shardTotals };
      case 'SET':
        return {
          kind: 'SET',
          maxOrdinal,
          elementBits: Math.max(1, this.#greatest(0)),
          sizeBits: this.#greatest(1),
          shardTotals,
        };
      case 'MAP':
        return {
          kind: 'MAP',
          maxOrdinal,
          keyBits: Math.max(1, this.#greatest(0)),
          valueBits: Math.max(1, this.#greatest(1)),
          sizeBits: this.#greatest(2),
          shardTotals,
        };
    }
  }

  #countObject(amount: number): void {
    const cursor = this.#cursor;
    const kinds = this.#kinds;
    for (let field = 0; field < kinds.length; field++) {
      switch (kinds[field]) {
        case 'INT':
        case 'REFERENCE':
          this.#bump(field, cursor.readNull() ? 1 : bitLength(cursor.readVarInt() + 1), amount);
          break;
        case 'LONG':
          this.#bump(field, cursor.readNull() ? 1 : this.#longBits(), amount);
          break;
        case 'BOOLEAN':
          cursor.position += 1;
          break;
        case 'FLOAT':
          cursor.position += 4;
          break;
        case 'DOUBLE':
          cursor.position += 8;
          break;
        default:
          if (!cursor.readNull()) this.#countVar(field, cursor.readVarInt(), amount);
      }
    }
  }

  #longBits(): number {
    const cursor = this.#cursor;
    cursor.readVarLong();
    if (cursor.low !== 0xffff_ffff) return bitLengthOfBits(cursor.high, cursor.low + 1);
    return bitLengthOfBits(cursor.high + 1, 0);
  }

  #countList(ordinal: number, amount: number): void {
    const cursor = this.#cursor;
    const size = cursor.readVarInt();
    for (let i = 0; i < size; i++) this.#bump(0, bitLength(cursor.readVarInt()), amount);
    this.#addTotal(ordinal & this.#shardMask, size * amount);
  }

  #countSet(ordinal: number, amount: number): void {
    const cursor = this.#cursor;
    const size = cursor.readVarInt();
    for (let i = 0, element = 0; i < size; i++) {
      element += cursor.readVarInt();
      cursor.skipVar();
      this.#bump(0, bitLength(element + 1), amount);
    }
    this.#bump(1, bitLength(size), amount);
    this.#addTotal(ordinal & this.#shardMask, hashTableSize(size) * amount);
  }

  #countMap(ordinal: number, amount: number): void {
    const cursor = this.#cursor;
    const size = cursor.readVarInt();
    for (let i = 0, key = 0; i < size; i++) {
      key += cursor.readVarInt();
      this.#bump(0, bitLength(key + 1), amount);
      this.#bump(1, bitLength(cursor.readVarInt()), amount);
      cursor.skipVar();
    }
    this.#bump(2, bitLength(size), amount);
    this.#addTotal(ordinal & this.#shardMask, hashTableSize(size) * amount);
  }

  #bump(row: number, bits: number, amount: number): void {
    const at = row * rowSize + bits;
    this.#counts[at] = (this.#counts[at] as number) + amount;
  }

  #countVar(field: number, size: number, amount: number): void {
    this.#cursor.position += size;
    this.#addTotal(field, size * amount);
  }

  #addTotal(index: number, amount: number): void {
    this.#totals[index] = (this.#totals[index] as number) + amount;
  }

  /** The greatest demand of a row that any record has; 0: there are no records. */
  #greatest(row: number): number {
    if (this.#counts === noCounts) return 0;
    let bits = rowSize - 1;
    while (bits > 0 && this.#counts[row * rowSize + bits] === 0) bits--;
    return bits;
  }

  #fieldBits(kind: FieldKind, field: number): number {
    switch (kind) {
      case 'BOOLEAN':
        return this.#recordCount === 0 ? 0 : 2;
      case 'FLOAT':
        return this.#recordCount === 0 ? 0 : 32;
      case 'DOUBLE':
        return this.#recordCount === 0 ? 0 : 64;
      case 'STRING':
      case 'BYTES':
        return bitLength((this.#totals[field] as number) + 1) + 1;
      default:
        return this.#greatest(field);
    }
  }
}

function rowCountOf(schema: Schema): number {
  switch (schema.kind) {
    case 'OBJECT':
      return schema.fields.length;
    case 'LIST':
      return 1;
    case 'SET':
      return 2;
    case 'MAP':
      return 3;
  }
}
