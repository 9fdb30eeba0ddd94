import { maskOf, readBits } from '../bytes/bit-reader.ts';
import type { BitArray } from '../bytes/longs.ts';
import { DatasetError } from '../errors.ts';
import type { FieldKind, ObjectSchema } from '../schema/schema.ts';

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

export const floatNull = 0x7fc0_0001;
export const doubleNullHigh = 0x7ff8_0000;
export const doubleNullLow = 1;

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
 * Records of one OBJECT type, packed with widths of their own: one shard of a snapshot, or the additions of one delta.
 * Records are numbered from 0; which ordinal each is, is the business of {@link RecordTable}.
 *
 * Null is all ones in every fixed field (so a field of 0 bits reads as null), or the null pattern of FLOAT and DOUBLE;
 * in STRING and BYTES it is the top bit, above the end of the record's bytes in `data`.
 */
export class ObjectLayer {
  readonly recordCount: number;
  readonly bitsPerRecord: number;
  readonly bits: BitArray;
  /** By field: see {@link kindCodes}. */
  readonly kinds: Uint8Array;
  readonly offsets: Int32Array;
  readonly widths: Uint8Array;
  /** Masks of the low and high 32 bits of a value: of the end, without the null bit, for STRING and BYTES. */
  readonly masks: Int32Array;
  readonly highMasks: Int32Array;
  readonly data: readonly Uint8Array[];

  constructor(schema: ObjectSchema, recordCount: number, bits: BitArray, layout: PackedLayout) {
    const { fields, bitsPerRecord } = layout;
    this.recordCount = recordCount;
    this.bitsPerRecord = bitsPerRecord;
    this.bits = bits;
    this.kinds = Uint8Array.from(schema.fields, (field) => kindCodes[field.kind]);
    this.offsets = Int32Array.from(fields, (field) => field.offset);
    this.widths = Uint8Array.from(fields, (field) => field.width);
    const valueWidths = fields.map((field, i) =>
      isVar(this.kinds[i] as number) ? Math.max(field.width - 1, 0) : field.width,
    );
    this.masks = Int32Array.from(valueWidths, (width) => maskOf(width));
    this.highMasks = Int32Array.from(valueWidths, (width) => maskOf(Math.max(width - 32, 0)));
    this.data = fields.map((field) => field.data);
  }

  /** A layer without records in which every field reads as null. */
  static empty(schema: ObjectSchema): ObjectLayer {
    const fields = schema.fields.map(() => ({ offset: 0, width: 0, data: noBytes }));
    return new ObjectLayer(schema, 0, new Uint32Array(3), { fields, bitsPerRecord: 0 });
  }
}

/** Fields in the order of the schema. */
export interface PackedLayout {
  readonly fields: readonly FieldLayout[];
  readonly bitsPerRecord: number;
}

export const noBytes = new Uint8Array(0);

export function isVar(kind: number): boolean {
  return kind >= kindCodes.STRING;
}

/** The low 32 bits of a packed value, signed. */
export function rawLow(layer: ObjectLayer, record: number, field: number): number {
  return readBits(
    layer.bits,
    record * layer.bitsPerRecord + (layer.offsets[field] as number),
    layer.masks[field] as number,
  );
}

/** Bits 32..63 of a packed value, signed. */
export function rawHigh(layer: ObjectLayer, record: number, field: number): number {
  const mask = layer.highMasks[field] as number;
  if (mask === 0) return 0;
  return readBits(layer.bits, record * layer.bitsPerRecord + (layer.offsets[field] as number) + 32, mask);
}

export function isNullIn(layer: ObjectLayer, record: number, field: number): boolean {
  const kind = layer.kinds[field] as number;
  if (isVar(kind)) return isVarNull(layer, record, field);
  const low = rawLow(layer, record, field);
  if (kind === kindCodes.FLOAT && low === floatNull) return true;
  if (kind !== kindCodes.LONG && kind !== kindCodes.DOUBLE) return low === layer.masks[field];
  const high = rawHigh(layer, record, field);
  if (kind === kindCodes.DOUBLE && high === doubleNullHigh && low === doubleNullLow) return true;
  return low === layer.masks[field] && high === layer.highMasks[field];
}

/** Of STRING and BYTES only. */
export function isVarNull(layer: ObjectLayer, record: number, field: number): boolean {
  const width = layer.widths[field] as number;
  if (width === 0) return true;
  const position = record * layer.bitsPerRecord + (layer.offsets[field] as number) + width - 1;
  return readBits(layer.bits, position, 1) === 1;
}

/** Where the bytes of a STRING or BYTES field end in the layer's data, unchecked. */
export function varEnd(layer: ObjectLayer, record: number, field: number): number {
  const low = rawLow(layer, record, field) >>> 0;
  if (layer.highMasks[field] === 0) return low;
  return (rawHigh(layer, record, field) >>> 0) * 4_294_967_296 + low;
}

export function varStart(layer: ObjectLayer, record: number, field: number): number {
  return record === 0 ? 0 : varEnd(layer, record - 1, field);
}

/** For the start and end of a record's bytes, which only damage can put out of order. */
export function requireRange(layer: ObjectLayer, field: number, start: number, end: number): void {
  const size = (layer.data[field] as Uint8Array).length;
  if (start > end || end > size) {
    throw new DatasetError(
      'corrupt',
      `bytes ${start} to ${end} of field ${field} do not lie within its ${size}`,
      {
        field,
        start,
        end,
      },
    );
  }
}
