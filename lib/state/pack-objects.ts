import { maskOf } from '../bytes/bit-reader.ts';
import { bitLength } from '../bytes/bit-writer.ts';
import { type BitArray, paddingHalves } from '../bytes/longs.ts';
import type { ObjectSchema } from '../schema/schema.ts';
import {
  isVar,
  isVarNull,
  noBytes,
  ObjectLayer,
  rawHigh,
  rawLow,
  requireRange,
  varEnd,
  varStart,
} from './object-layer.ts';
import type { RecordList } from './record-table.ts';

type Layers = RecordList<ObjectLayer>;

/**
 * Packs the listed records into one layer, with widths that fit all of them. Field by field, as a fold of a big type is
 * a pause: the loops see one field's layout at a time. Guarded by test/bench.
 */
export function packObjects(schema: ObjectSchema, list: Layers): ObjectLayer {
  const { kinds } = list.layers[0] as ObjectLayer;
  const recordCount = list.recordOf.length;
  const widthsMax = schema.fields.map((_, i) =>
    list.layers.reduce((width, layer) => Math.max(width, layer.widths[i] as number), 0),
  );
  // A field that no layer stores stays one that is not stored: else many of them times many records take much memory.
  const ends = widthsMax.map((width, i) => (isVar(kinds[i] as number) && width > 0 ? endsOf(list, i) : null));
  const widths = ends.map((each, i) => {
    return each === null ? (widthsMax[i] as number) : bitLength((each[recordCount] as number) + 1) + 1;
  });
  const bitsPerRecord = widths.reduce((sum, width) => sum + width, 0);
  const bits = new Uint32Array(Math.ceil((recordCount * bitsPerRecord) / 64) * 2 + paddingHalves);
  let offset = 0;
  const fields = widths.map((width, field) => {
    const fieldEnds = ends[field] as Float64Array | null;
    const place = { bits, bitsPerRecord, offset, width, field };
    offset += width;
    if (fieldEnds === null) {
      if (width > 0) packFixed(list, place);
      return { offset: place.offset, width, data: noBytes };
    }
    packEnds(list, place, fieldEnds);
    return { offset: place.offset, width, data: gatherData(list, field, fieldEnds[recordCount] as number) };
  });
  return new ObjectLayer(schema, recordCount, bits, { fields, bitsPerRecord });
}

/** Where a field goes. */
interface Place {
  readonly bits: BitArray;
  readonly bitsPerRecord: number;
  readonly offset: number;
  readonly width: number;
  readonly field: number;
}

function packFixed({ layers, layerOf, recordOf }: Layers, place: Place): void {
  const { bits, bitsPerRecord, offset, width, field } = place;
  const ones = maskOf(width);
  const highOnes = maskOf(Math.max(width - 32, 0));
  for (let k = 0, position = offset; k < recordOf.length; k++, position += bitsPerRecord) {
    const layer = layers[layerOf[k] as number] as ObjectLayer;
    const record = recordOf[k] as number;
    const low = rawLow(layer, record, field);
    const high = width > 32 ? rawHigh(layer, record, field) : 0;
    // All ones of the source's width mean null, whatever the width.
    const isNull = low === layer.masks[field] && (width <= 32 || high === layer.highMasks[field]);
    putBits(bits, position, isNull ? ones : low);
    if (width > 32) putBits(bits, position + 32, isNull ? highOnes : high);
  }
}

/** @param ends from {@link endsOf} */
function packEnds({ layers, layerOf, recordOf }: Layers, place: Place, ends: Float64Array): void {
  const { bits, bitsPerRecord, offset, width, field } = place;
  for (let k = 0, position = offset; k < recordOf.length; k++, position += bitsPerRecord) {
    const end = ends[k + 1] as number;
    putBits(bits, position, end | 0);
    if (width > 33) putBits(bits, position + 32, Math.floor(end / 0x1_0000_0000));
    const isNull = isVarNull(layers[layerOf[k] as number] as ObjectLayer, recordOf[k] as number, field);
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
function endsOf({ layers, layerOf, recordOf }: Layers, field: number): Float64Array {
  const ends = new Float64Array(recordOf.length + 1);
  let total = 0;
  for (let k = 0; k < recordOf.length; k++) {
    const layer = layers[layerOf[k] as number] as ObjectLayer;
    const record = recordOf[k] as number;
    if (!isVarNull(layer, record, field)) {
      const start = varStart(layer, record, field);
      const end = varEnd(layer, record, field);
      requireRange(layer, field, start, end);
      total += end - start;
    }
    ends[k + 1] = total;
  }
  return ends;
}

/** The bytes of one STRING or BYTES field of all listed records, one behind the other. */
function gatherData({ layers, layerOf, recordOf }: Layers, field: number, size: number): Uint8Array {
  const data = new Uint8Array(size);
  let at = 0;
  for (let k = 0; k < recordOf.length; k++) {
    const layer = layers[layerOf[k] as number] as ObjectLayer;
    const record = recordOf[k] as number;
    if (isVarNull(layer, record, field)) continue;
    const end = varEnd(layer, record, field);
    const source = layer.data[field] as Uint8Array;
    for (let i = varStart(layer, record, field); i < end; i++) data[at++] = source[i] as number;
  }
  return data;
}
