import type { BitSet } from '../bytes/bit-set.ts';
import { isAscii } from '../bytes/code-units.ts';
import { asciiText } from '../bytes/platform.ts';
import { batchesOf, NumberScan } from './number-scan.ts';
import {
  isNullIn,
  kindCodes,
  type PackedField,
  rawLow,
  readFloatingIn,
  readNarrow,
  varEnd,
  varEndOrNull,
} from './packed-field.ts';
import type { RecordTable } from './record-table.ts';
import { cachedText, hasShortEnds } from './string-cache.ts';
import type { TextReader } from './text-reader.ts';

/**
 * One field of the records of one type at one version. Where the field is stored is worked out once, not for each record. Each
 * kind of column is a class of its own, so that a loop over one need not ask what it reads.
 *
 * @example
 * const price = state.type('Product').column('price');
 * price.at(ordinal);                          // as `price` of the record there
 * for (const value of price) sum += value ?? 0;
 */
export interface Column<Value> extends Iterable<Value> {
  /** The value of the record at an ordinal, as the record has it; null where there is none. */
  at(ordinal: number): Value;
  /** Of all records, in the order of their ordinals. */
  [Symbol.iterator](): Iterator<Value, undefined>;
}

/** Of a field that reads as a number. */
export interface NumberColumn<Value> extends Column<Value> {
  /** Of all records, in the order of their ordinals, with `nullAs` (default: NaN) for null. */
  toArray(nullAs?: number): Float64Array<ArrayBuffer>;
  /**
   * The same in pieces of up to 4,096 values: the fastest way to scan. All pieces use the same memory, so
   * a piece is valid until you ask for the next one. Columns of one type have their pieces at the same records.
   *
   * @example
   * const stocks = stock.batches(0);
   * for (const prices of price.batches(0)) {
   *   const pieces = stocks.next().value;
   *   for (let k = 0; k < prices.length; k++) worth += prices[k] * pieces[k];
   * }
   */
  batches(nullAs?: number): Generator<Float64Array, undefined>;
}

type FieldTable = RecordTable<PackedField>;

/** An INT, FLOAT or DOUBLE field. */
export class NumericColumn implements NumberColumn<number | null> {
  readonly #table: FieldTable;
  /** The base, where one read gets at an INT of any of its records. */
  readonly #base: PackedField | null;

  constructor(table: FieldTable) {
    this.#table = table;
    this.#base = narrowBase(table, kindCodes.INT);
  }

  at(ordinal: number): number | null {
    const base = this.#base;
    if (base === null || !this.#table.isInBase(ordinal)) return this.#read(ordinal);
    const raw = readNarrow(base, ordinal, base.mask);
    return raw === base.mask ? null : (raw >>> 1) ^ -(raw & 1);
  }

  #read(ordinal: number): number | null {
    const slot = this.#table.slotOf(ordinal);
    const field = this.#table.layerAt(slot, ordinal);
    return numberOrNull(field, this.#table.recordAt(slot, ordinal));
  }

  [Symbol.iterator](): Iterator<number | null, undefined> {
    return valuesOf(this, this.#table.populated);
  }

  toArray(nullAs: number = Number.NaN): Float64Array<ArrayBuffer> {
    return new NumberScan(this.#table, nullAs).toArray();
  }

  batches(nullAs: number = Number.NaN): Generator<Float64Array, undefined> {
    return new NumberScan(this.#table, nullAs).batches();
  }
}

/** The base, where it is one shard, the field is of that kind, and one read gets at the value of any record; else null. */
function narrowBase(table: FieldTable, kind: number): PackedField | null {
  const base = table.onlyBase;
  return base?.kind === kind && base.isNarrow ? base : null;
}

function numberOrNull(field: PackedField, record: number): number | null {
  if (field.kind !== kindCodes.INT) {
    const value = readFloatingIn(field, record);
    return Number.isNaN(value) && isNullIn(field, record) ? null : value;
  }
  const raw = rawLow(field, record);
  return raw === field.mask ? null : (raw >>> 1) ^ -(raw & 1);
}

/** Texts that are decoded at once where they are read in order, and the bytes that they may have together. */
const blockRecords = 64;
const blockBytesMax = 4096;

/** Of a record of a block: its text is a part of the block's, there is none, or it is read by itself, as it is not ASCII. */
const inBlock = 0;
const isNull = 1;
const isOther = 2;

/** So many ordinals further still is in order: those in between may have no record. */
const gapMax = 16;

/**
 * A STRING field. Texts that are read in the order of their ordinals are decoded up to {@link blockRecords} at a time and
 * cut out of that, which is several times faster than one by one. What is cut out keeps the whole (at most 4 KiB) alive
 * for as long as somebody holds it.
 */
export class TextColumn implements Column<string | null> {
  readonly #table: FieldTable;
  /** The base, where its texts may be in a cache. */
  readonly #cachedBase: PackedField | null;
  readonly #texts: TextReader;
  /** Which ordinal was not in the block. */
  #last = -1 - gapMax;
  /** Whether that one was in order. Two in a row decode a block: few records read at random are near once by chance. */
  #wasNear = false;
  #from = 0;
  #count = 0;
  #text = '';
  /** Record k of the block has what lies between ends k and k + 1 of its text. */
  readonly #ends = new Int32Array(blockRecords + 1);
  /** Whether record k has its text there ({@link inBlock}). */
  readonly #kinds = new Uint8Array(blockRecords);

  constructor(table: FieldTable, texts: TextReader) {
    this.#table = table;
    this.#cachedBase = texts.hasCache && hasShortEnds(table.onlyBase) ? table.onlyBase : null;
    this.#texts = texts;
  }

  at(ordinal: number): string | null {
    const base = this.#cachedBase;
    if (base !== null && this.#table.isInBase(ordinal)) {
      const text = cachedText(base, ordinal);
      if (text !== undefined) return text;
    }
    return this.#readOther(ordinal);
  }

  #readOther(ordinal: number): string | null {
    if (this.#texts.isKeeping) {
      const text = this.#find(ordinal);
      if (text !== undefined) return text;
    }
    const k = ordinal - this.#from;
    if (k >= 0 && k < this.#count) return this.#cut(k);
    const gap = ordinal - this.#last;
    const isNear = gap > 0 && gap <= gapMax;
    const isInOrder = isNear && this.#wasNear;
    this.#last = ordinal;
    this.#wasNear = isNear;
    return isInOrder && this.#decodeBlock(ordinal) ? this.#cut(0) : this.#read(ordinal);
  }

  /** Comes before the look at the order: who has a cache mostly reads at random. */
  #find(ordinal: number): string | null | undefined {
    const slot = this.#table.slotOf(ordinal);
    const field = this.#table.layerAt(slot, ordinal);
    return this.#texts.find(field, this.#table.recordAt(slot, ordinal));
  }

  #read(ordinal: number): string | null {
    const slot = this.#table.slotOf(ordinal);
    const field = this.#table.layerAt(slot, ordinal);
    return this.#texts.read(field, this.#table.recordAt(slot, ordinal));
  }

  [Symbol.iterator](): Iterator<string | null, undefined> {
    return valuesOf(this, this.#table.populated);
  }

  #cut(k: number): string | null {
    const kind = this.#kinds[k];
    if (kind === inBlock) return this.#text.slice(this.#ends[k], this.#ends[k + 1]);
    return kind === isNull ? null : this.#read(this.#from + k);
  }

  /** Decodes the texts from `from` on: those that follow each other in the base. False: not even the first. */
  #decodeBlock(from: number): boolean {
    const table = this.#table;
    const field = table.onlyBase;
    if (field === null || field.width === 0 || table.slotOf(from) >= 0) return false;
    const { data } = field;
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    const start = from === 0 ? 0 : varEnd(field, from - 1);
    const endMax = Math.min(start + blockBytesMax, data.length);
    let count = 0;
    for (let end = start; count < blockRecords && table.slotOf(from + count) < 0; count++) {
      const found = varEndOrNull(field, from + count);
      const next = found < 0 ? varEnd(field, from + count) : found;
      // What only damage can bring about is left to the reader of the single record, who says so.
      if (next < end || next > endMax) break;
      this.#kinds[count] = found < 0 ? isNull : isAscii(view, end, next) ? inBlock : isOther;
      this.#ends[count + 1] = next - start;
      end = next;
    }
    this.#from = from;
    this.#count = count;
    if (count > 0) {
      this.#text = asciiText(data, start, start + (this.#ends[count] as number));
      this.#last = from + count - 1;
    }
    return count > 0;
  }
}

/** Texts that a column of references keeps, a power of two: what is referred to is mostly one of few (currencies, countries). */
const keptTexts = 256;

/** Longer ones are not kept, so that there is a bound to what they take. */
const keptLengthMax = 64;

/** A reference to a record that is shared, read as a STRING field of it. */
export class ReferencedTextColumn implements Column<string | null> {
  readonly #table: FieldTable;
  /** As of a {@link NumericColumn}. */
  readonly #base: PackedField | null;
  readonly #texts: TextColumn;
  /** Ordinals of the texts that are kept, by their low bits; -1: none. */
  readonly #keptOrdinals = new Int32Array(keptTexts).fill(-1);
  readonly #keptTexts = new Array<string | null>(keptTexts).fill(null);

  constructor(table: FieldTable, texts: TextColumn) {
    this.#table = table;
    this.#base = narrowBase(table, kindCodes.REFERENCE);
    this.#texts = texts;
  }

  at(ordinal: number): string | null {
    const base = this.#base;
    if (base === null || !this.#table.isInBase(ordinal)) return this.#read(ordinal);
    const raw = readNarrow(base, ordinal, base.mask);
    return raw === base.mask ? null : this.#textAt(raw);
  }

  #read(ordinal: number): string | null {
    const slot = this.#table.slotOf(ordinal);
    const field = this.#table.layerAt(slot, ordinal);
    const raw = rawLow(field, this.#table.recordAt(slot, ordinal));
    return raw === field.mask ? null : this.#textAt(raw >>> 0);
  }

  #textAt(ordinal: number): string | null {
    const place = ordinal & (keptTexts - 1);
    return this.#keptOrdinals[place] === ordinal
      ? (this.#keptTexts[place] as string | null)
      : this.#keepText(ordinal, place);
  }

  #keepText(ordinal: number, place: number): string | null {
    const text = this.#texts.at(ordinal);
    if (text !== null && text.length > keptLengthMax) return text;
    this.#keptOrdinals[place] = ordinal;
    this.#keptTexts[place] = text;
    return text;
  }

  [Symbol.iterator](): Iterator<string | null, undefined> {
    return valuesOf(this, this.#table.populated);
  }
}

/** A field of any kind, by the function that reads it for records. */
export class ReaderColumn implements NumberColumn<unknown> {
  readonly #read: (ordinal: number) => unknown;
  readonly #populated: BitSet;

  constructor(read: (ordinal: number) => unknown, populated: BitSet) {
    this.#read = read;
    this.#populated = populated;
  }

  at(ordinal: number): unknown {
    return this.#read(ordinal);
  }

  [Symbol.iterator](): Iterator<unknown, undefined> {
    return valuesOf(this, this.#populated);
  }

  /** Of what reads as numbers. */
  toArray(nullAs: number = Number.NaN): Float64Array<ArrayBuffer> {
    const values = new Float64Array(this.#populated.count);
    this.#fill(values, 0, nullAs);
    return values;
  }

  batches(nullAs: number = Number.NaN): Generator<Float64Array, undefined> {
    return batchesOf(this.#populated.count, (values, from) => this.#fill(values, from, nullAs));
  }

  #fill(values: Float64Array, from: number, nullAs: number): number {
    let ordinal = from;
    for (let k = 0; k < values.length; k++, ordinal++) {
      ordinal = this.#populated.next(ordinal);
      const value = this.#read(ordinal);
      values[k] = typeof value === 'number' ? value : nullAs;
    }
    return ordinal;
  }
}

function* valuesOf<Value>(
  column: { at(ordinal: number): Value },
  populated: BitSet,
): Generator<Value, undefined> {
  for (let o = populated.next(0); o >= 0; o = populated.next(o + 1)) yield column.at(o);
}
