import { maskOf, readBits } from '../bytes/bit-reader.ts';
import { decodeUnits } from '../bytes/code-units.ts';
import { type BitArray, paddingHalves } from '../bytes/longs.ts';
import { isLittleEndian } from '../bytes/platform.ts';
import { DatasetError } from '../errors.ts';
import type { FieldKind } from '../schema/schema.ts';
import type { WideBlock } from './wide-block.ts';

/** Field kinds as small numbers, for switches in loops over fields. */
export const kindCodes = {
  REFERENCE: 0,
  INT: 1,
  LONG: 2,
  BOOLEAN: 3,
  FLOAT: 4,
  DOUBLE: 5,
  STRING: 6,
  BYTES: 7,
} as const satisfies Record<FieldKind, number>;

/** What null reads as where a result has no room for it: no record can hold these. */
export const intNull = -0x8000_0000;
export const longNull = -0x8000_0000_0000_0000n;

/** What is stored for null where every pattern of bits is a number: one of the NaNs. */
export const floatNull = 0x7fc0_0001;
export const doubleNullHigh = 0x7ff8_0000;
export const doubleNullLow = 1;

/** So many bits at any bit lie within the four bytes from theirs on. */
const narrowWidthMax = 25;

/** From here on bit positions are no int32, and are reckoned as doubles. */
const farBits = 0x8000_0000;

export const noBytes = new Uint8Array(0);

/** So many bytes of a STRING field, decoded as one string. */
export type TextBlock = string | WideBlock;
export type TextBlocks = (TextBlock | undefined)[];

/** What the fields of one layer have in common. */
export interface PackedRecords {
  readonly recordCount: number;
  readonly bits: BitArray;
  /** Of `bits`. */
  readonly view: DataView;
  readonly bitsPerRecord: number;
}

/** Where one field lies in the records of a layer. */
export interface FieldLayout {
  /** First bit within the record. */
  readonly offset: number;
  /** Bits; 0: the field is not stored here and reads as null. */
  readonly width: number;
  /** Of STRING and BYTES: the bytes that the stored ends point into. */
  readonly data: Uint8Array;
}

/**
 * One field of the records of one layer: all that a read of it needs, in one object of one shape. The functions below
 * are what every read of a record ends in. Guarded by test/bench (lookUpFields, scanFixed).
 *
 * Null is all ones in every fixed field (so a field of 0 bits reads as null), or the null pattern of FLOAT and DOUBLE;
 * in STRING and BYTES it is the top bit, above the end of the record's bytes in `data`.
 *
 * Fields that are read at every look-up are declared only, so that they are not there, with undefined as their value, before the
 * constructor sets them: V8 then knows that a field is always a small number, and does not look at what it is each time.
 */
export class PackedField {
  /** See {@link kindCodes}. */
  declare readonly kind: number;
  declare readonly recordCount: number;
  declare readonly bits: BitArray;
  declare readonly view: DataView;
  /** Bits from one record to the next. */
  declare readonly stride: number;
  declare readonly offset: number;
  declare readonly width: number;
  /** Masks of the low and high 32 bits of a value: of the end, without the null bit, for STRING and BYTES. */
  declare readonly mask: number;
  declare readonly highMask: number;
  /** Of STRING and BYTES of up to 32 bits: the null bit; else 0. */
  declare readonly nullBit: number;
  declare readonly data: Uint8Array;
  /** Of STRING, what was built of it before: texts of a small type by record ({@link TextReader}). */
  kept: (string | null | undefined)[] | null = null;
  /** The same in a {@link StringCache}. */
  blocks: TextBlocks | null = null;
  /** One unaligned read of 32 bits gets at the value of any record. */
  declare readonly isNarrow: boolean;

  constructor(kind: number, records: PackedRecords, { offset, width, data }: FieldLayout) {
    const valueWidth = isVar(kind) ? Math.max(width - 1, 0) : width;
    this.kind = kind;
    this.recordCount = records.recordCount;
    this.bits = records.bits;
    this.view = records.view;
    this.stride = records.bitsPerRecord;
    this.offset = offset;
    this.width = width;
    this.mask = maskOf(valueWidth);
    this.highMask = maskOf(Math.max(valueWidth - 32, 0));
    this.nullBit = isVar(kind) && width > 0 && width <= 32 ? 1 << (width - 1) : 0;
    this.data = data;
    this.isNarrow =
      isLittleEndian && width <= narrowWidthMax && records.recordCount * records.bitsPerRecord < farBits;
  }
}

const unstoredFields: PackedField[] = [];

/**
 * A field that is not stored: null in every record. One for all layers, as a delta of few fields can bring very many layers to
 * a type of very many.
 */
export function unstoredField(kind: number): PackedField {
  const known = unstoredFields[kind];
  if (known !== undefined) return known;
  const bits = new Uint32Array(1 + paddingHalves);
  const records = { recordCount: 0, bits, view: new DataView(bits.buffer), bitsPerRecord: 0 };
  const field = new PackedField(kind, records, { offset: 0, width: 0, data: noBytes });
  unstoredFields[kind] = field;
  return field;
}

export function isVar(kind: number): boolean {
  return kind >= kindCodes.STRING;
}

/** The low 32 bits of a packed value, signed. */
export function rawLow(field: PackedField, record: number): number {
  return readMasked(field, record, field.mask);
}

/** Bits 32..63 of a packed value, signed. */
export function rawHigh(field: PackedField, record: number): number {
  if (field.highMask === 0) return 0;
  return readBits(field.bits, record * field.stride + field.offset + 32, field.highMask);
}

/** True iff the packed value is all ones, or not stored at all. */
export function isAllOnesIn(field: PackedField, record: number): boolean {
  return rawLow(field, record) === field.mask && rawHigh(field, record) === field.highMask;
}

/** Halves of `count` packed values, signed; both -1: all ones, whatever the width. */
export interface RawValues {
  readonly lows: Int32Array;
  readonly highs: Int32Array;
  readonly count: number;
}

/** Reads the field of many records. */
export function readRawsIn(field: PackedField, records: Int32Array, { lows, highs, count }: RawValues): void {
  const { bits, stride, offset, mask, highMask } = field;
  for (let i = 0; i < count; i++) {
    const position = (records[i] as number) * stride + offset;
    const low = readBits(bits, position, mask);
    const high = highMask === 0 ? 0 : readBits(bits, position + 32, highMask);
    const isAllOnes = low === mask && high === highMask;
    lows[i] = isAllOnes ? -1 : low;
    highs[i] = isAllOnes ? -1 : high;
  }
}

export function isNullIn(field: PackedField, record: number): boolean {
  if (isVar(field.kind)) return isVarNull(field, record);
  const low = rawLow(field, record);
  if (field.kind === kindCodes.FLOAT && low === floatNull) return true;
  if (field.highMask === 0) return low === field.mask;
  const high = rawHigh(field, record);
  if (field.kind === kindCodes.DOUBLE && high === doubleNullHigh && low === doubleNullLow) return true;
  return low === field.mask && high === field.highMask;
}

const scratch = new DataView(new ArrayBuffer(8));

/** Of FLOAT and DOUBLE; null is a NaN, too, as all ones and its own pattern are. */
export function readFloatingIn(field: PackedField, record: number): number {
  if (field.width === 0) return Number.NaN;
  if (field.kind === kindCodes.FLOAT) {
    scratch.setInt32(0, rawLow(field, record));
    return scratch.getFloat32(0);
  }
  scratch.setInt32(0, rawHigh(field, record));
  scratch.setInt32(4, rawLow(field, record));
  return scratch.getFloat64(0);
}

/** Of STRING and BYTES only. */
export function isVarNull(field: PackedField, record: number): boolean {
  if (field.width === 0) return true;
  return readBits(field.bits, record * field.stride + field.offset + field.width - 1, 1) === 1;
}

/** Where the bytes of a STRING or BYTES field end in its data, unchecked. */
export function varEnd(field: PackedField, record: number): number {
  const low = rawLow(field, record) >>> 0;
  return field.highMask === 0 ? low : (rawHigh(field, record) >>> 0) * 0x1_0000_0000 + low;
}

export function varStart(field: PackedField, record: number): number {
  return record === 0 ? 0 : varEnd(field, record - 1);
}

/** {@link varEnd}, or -1 for null: both in one read where they fit. */
export function varEndOrNull(field: PackedField, record: number): number {
  if (field.nullBit === 0) return isVarNull(field, record) ? -1 : varEnd(field, record);
  const raw = readMasked(field, record, field.mask | field.nullBit);
  return (raw & field.nullBit) === 0 ? raw : -1;
}

/** For the start and end of a record's bytes, which only damage can put out of order. */
export function requireRange(field: PackedField, start: number, end: number): void {
  if (start > end || end > field.data.length) throw outOfRange(field, start, end);
}

/** The text of a STRING field, null where there is none; builds a string. */
export function readText(field: PackedField, record: number): string | null {
  const end = varEndOrNull(field, record);
  if (end < 0) return null;
  const start = varStart(field, record);
  requireRange(field, start, end);
  return decodeUnits(field.data, start, end);
}

function outOfRange({ data }: PackedField, start: number, end: number): DatasetError {
  const problem = `bytes ${start} to ${end} of a field do not lie within its ${data.length}`;
  return new DatasetError('corrupt', problem, { start, end });
}

/** Of a field that is {@link PackedField.isNarrow narrow}: with its mask, what {@link rawLow} reads. */
export function readNarrow(field: PackedField, record: number, mask: number): number {
  const position = record * field.stride + field.offset;
  return (field.view.getInt32(position >>> 3, true) >>> (position & 7)) & mask;
}

function readMasked(field: PackedField, record: number, mask: number): number {
  if (field.isNarrow) return readNarrow(field, record, mask);
  return readBits(field.bits, record * field.stride + field.offset, mask);
}
