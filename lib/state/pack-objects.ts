import { BitWriter, bitLength } from '../bytes/bit-writer.ts';
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

/** Packs the listed records into one layer, with widths that fit all of them. */
export function packObjects(schema: ObjectSchema, list: RecordList<ObjectLayer>): ObjectLayer {
  const data = schema.fields.map((field, i) =>
    field.kind === 'STRING' || field.kind === 'BYTES' ? gatherData(list, i) : noBytes,
  );
  const widths = schema.fields.map((field, i) => {
    const isVariable = field.kind === 'STRING' || field.kind === 'BYTES';
    if (isVariable) return bitLength((data[i] as Uint8Array).length + 1) + 1;
    return list.layers.reduce((width, layer) => Math.max(width, layer.widths[i] as number), 0);
  });
  let bitsPerRecord = 0;
  const fields = widths.map((width, i) => {
    const offset = bitsPerRecord;
    bitsPerRecord += width;
    return { offset, width, data: data[i] as Uint8Array };
  });
  const recordCount = list.recordOf.length;
  const writer = new BitWriter(recordCount * bitsPerRecord);
  const ends = new Float64Array(widths.length);
  for (let k = 0; k < recordCount; k++) {
    const layer = list.layers[list.layerOf[k] as number] as ObjectLayer;
    packRecord(writer, layer, list.recordOf[k] as number, widths, ends);
  }
  return new ObjectLayer(schema, recordCount, writer.toBitArray(), { fields, bitsPerRecord });
}

/** @param ends running ends of the STRING and BYTES fields, moved on */
function packRecord(
  writer: BitWriter,
  layer: ObjectLayer,
  record: number,
  widths: readonly number[],
  ends: Float64Array,
): void {
  for (let field = 0; field < widths.length; field++) {
    const width = widths[field] as number;
    if (isVar(layer.kinds[field] as number)) {
      const isNull = isVarNull(layer, record, field);
      if (!isNull) {
        const size = varEnd(layer, record, field) - varStart(layer, record, field);
        ends[field] = (ends[field] as number) + size;
      }
      writer.appendNumber(ends[field] as number, width - 1);
      writer.append(isNull ? 1 : 0, 1);
    } else {
      const low = rawLow(layer, record, field);
      const high = rawHigh(layer, record, field);
      // All ones of the source's width mean null, whatever the width.
      if (low === layer.masks[field] && high === layer.highMasks[field]) writer.appendOnes(width);
      else writer.appendBits(high, low, width);
    }
  }
}

/** The bytes of one STRING or BYTES field of all listed records, one behind the other. */
function gatherData(list: RecordList<ObjectLayer>, field: number): Uint8Array {
  const { layers, layerOf, recordOf } = list;
  let size = 0;
  for (let k = 0; k < recordOf.length; k++) {
    const layer = layers[layerOf[k] as number] as ObjectLayer;
    const record = recordOf[k] as number;
    if (isVarNull(layer, record, field)) continue;
    const start = varStart(layer, record, field);
    const end = varEnd(layer, record, field);
    requireRange(layer, field, start, end);
    size += end - start;
  }
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
