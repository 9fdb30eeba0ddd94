import { maskOf } from '../bytes/bit-reader.ts';
import { bitLength } from '../bytes/bit-writer.ts';
import { type BitArray, paddingHalves } from '../bytes/longs.ts';
import type { ObjectSchema } from '../schema/schema.ts';
import { noBytes, ObjectLayer } from './object-layer.ts';
import {
  isVar,
  isVarNull,
  type PackedField,
  rawHigh,
  rawLow,
  requireRange,
  varEndOrNull,
  varStart,
} from './packed-field.ts';
import type { RecordList } from './record-table.ts';

type Layers = RecordList<ObjectLayer>;

/**
 * Packs the listed records into one layer, with widths that fit all of them. Field by field, as a fold of a big type is
 * a pause: the loops see one field's layout at a time. Guarded by test/bench.
 */
export function packObjects(schema: ObjectSchema, list: Layers): ObjectLayer {
  const recordCount = list.recordOf.length;
  const columns = schema.fields.map((_, i) => list.layers.map(({ fields }) => fields[i] as PackedField));
  const widthsMax = columns.map((column) => column.reduce((max, { width }) => Math.max(max, width), 0));
  // A field that no layer stores stays one that is not stored: else many of them times many records take much memory.
  const ends = columns.map((column, i) =>
    isVar((column[0] as PackedField).kind) && (widthsMax[i] as number) > 0 ? endsOf(list, column) : null,
  );
  const widths = ends.map((each, i) => {
    return each === null ? (widthsMax[i] as number) : bitLength((each[recordCount] as number) + 1) + 1;
  });
  const bitsPerRecord = widths.reduce((sum, width) => sum + width, 0);
  const bits = new Uint32Array(Math.ceil((recordCount * bitsPerRecord) / 64) * 2 + paddingHalves);
  let offset = 0;
  const fields = widths.map((width, i) => {
    const fieldEnds = ends[i] as Float64Array | null;
    const place = { bits, bitsPerRecord, offset, width, column: columns[i] as PackedField[] };
    offset += width;
    if (fieldEnds === null) {
      if (width > 0) packFixed(list, place);
      return { offset: place.offset, width, data: noBytes };
    }
    packEnds(list, place, fieldEnds);
    const data = gatherData(list, place.column, fieldEnds[recordCount] as number);
    return { offset: place.offset, width, data };
  });
  return new ObjectLayer(schema, recordCount, bits, { fields, bitsPerRecord });
}

/** Where a field goes. */
interface Place {
  readonly bits: BitArray;
  readonly bitsPerRecord: number;
  readonly offset: number;
  readonly width: number;
  /** The field in each of the layers that it comes from. */
  readonly column: readonly PackedField[];
}

function packFixed({ layerOf, recordOf }: Layers, place: Place): void {
  const { bits, bitsPerRecord, offset, width, column } = place;
  const ones = maskOf(width);
  const highOnes = maskOf(Math.max(width - 32, 0));
  for (let k = 0, position = offset; k < recordOf.length; k++, position += bitsPerRecord) {
    const field = column[layerOf[k] as number] as PackedField;
    const record = recordOf[k] as number;
    const low = rawLow(field, record);
    const high = width > 32 ? rawHigh(field, record) : 0;
    // All ones of the source's width mean null, whatever the width.
    const isNull = low === field.mask && (width <= 32 || high === field.highMask);
    putBits(bits, position, isNull ? ones : low);
    if (width > 32) putBits(bits, position + 32, isNull ? highOnes : high);
  }
}

/** @param ends from {@link endsOf} */
function packEnds({ layerOf, recordOf }: Layers, place: Place, ends: Float64Array): void {
  const { bits, bitsPerRecord, offset, width, column } = place;
  for (let k = 0, position = offset; k < recordOf.length; k++, position += bitsPerRecord) {
    const end = ends[k + 1] as number;
    putBits(bits, position, end | 0);
    if (width > 33) putBits(bits, position + 32, Math.floor(end / 0x1_0000_0000));
    const isNull = isVarNull(column[layerOf[k] as number] as PackedField, recordOf[k] as number);
    if (isNull) putBits(bits, position + width - 1, 1);
  }
}

/** Sets bits that are 0 yet. */
function putBits(bits: BitArray, position: number, value: number): void {
  const index = position < 0x8000_0000 ? position >>> 5 : Math.floor(position / 32);
  const shift = position & 31;
  bits[index] = (bits[index] as number) | (value << shift);
  if (shift > 0) bits[index + 1] = (bits[index + 1] as number) | (value >>> (32 - shift));
}

/** Of a STRING or BYTES field: where record k's bytes start in the packed data is element k, where they end is k + 1. */
function endsOf({ layerOf, recordOf }: Layers, column: readonly PackedField[]): Float64Array {
  const ends = new Float64Array(recordOf.length + 1);
  let total = 0;
  for (let k = 0; k < recordOf.length; k++) {
    const field = column[layerOf[k] as number] as PackedField;
    const record = recordOf[k] as number;
    const end = varEndOrNull(field, record);
    if (end >= 0) {
      const start = varStart(field, record);
      requireRange(field, start, end);
      total += end - start;
    }
    ends[k + 1] = total;
  }
  return ends;
}

/**
 * The bytes of one STRING or BYTES field of all listed records, one behind the other. Most of a fold's records lie in
 * its base as they will lie: what is one range there is copied as one.
 */
function gatherData({ layerOf, recordOf }: Layers, column: readonly PackedField[], size: number): Uint8Array {
  const data = new Uint8Array(size);
  let at = 0;
  let source: Uint8Array = noBytes;
  let rangeStart = 0;
  let rangeEnd = 0;
  for (let k = 0; k < recordOf.length; k++) {
    const field = column[layerOf[k] as number] as PackedField;
    const record = recordOf[k] as number;
    const end = varEndOrNull(field, record);
    if (end < 0) continue;
    const start = varStart(field, record);
    if (start !== rangeEnd || field.data !== source) {
      at = copyRange(source, rangeStart, rangeEnd, data, at);
      source = field.data;
      rangeStart = start;
    }
    rangeEnd = end;
  }
  copyRange(source, rangeStart, rangeEnd, data, at);
  return data;
}

/** Where the copy ends. */
function copyRange(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  // Below a few dozen bytes the loop beats the call into the runtime.
  if (end - start < 48) for (let i = start, j = at; i < end; i++, j++) target[j] = source[i] as number;
  else target.set(source.subarray(start, end), at);
  return at + end - start;
}
