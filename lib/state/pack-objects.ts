import { setBits } from '../bytes/bit-copy.ts';
import { maskOf } from '../bytes/bit-reader.ts';
import { bitLength } from '../bytes/bit-writer.ts';
import { paddingHalves } from '../bytes/longs.ts';
import { DatasetError } from '../errors.ts';
import type { ObjectSchema } from '../schema/schema.ts';
import { sum } from '../sum.ts';
import { ObjectLayer } from './object-layer.ts';
import { type FieldList, type Place, VarPacker, varSizeIn, varSizeOf } from './pack-var.ts';
import { isVar, noBytes, type PackedField, rawHigh, rawLow } from './packed-field.ts';
import type { RecordList } from './record-table.ts';

/**
 * Packs records into one layer, with widths that fit all of them. As a fold of a big type is a pause, the base is taken
 * whole: where all widths stay, as one block of bits, else field by field; what changed is written over it.
 * Guarded by test/bench (fold).
 */
export function packObjects(schema: ObjectSchema, list: RecordList<ObjectLayer>): ObjectLayer {
  const { base, count, changed } = list;
  const columns = base.fields.map((field, i): FieldList => {
    return { ...list, base: field, layers: list.layers.map(({ fields }) => fields[i] as PackedField) };
  });
  const sizes = varSizes(columns, list);
  const widths = columns.map((column, i) => widthOf(column, sizes[i] as number));
  const bitsPerRecord = sum(widths);
  requireRoom(schema, list, bitsPerRecord);
  const offsets = widths.map((_, i) => sum(widths.slice(0, i)));
  const isCopied =
    base.bitsPerRecord === bitsPerRecord &&
    base.fields.every(
      ({ offset, width }, i) => width === widths[i] && (width === 0 || offset === offsets[i]),
    );
  const bits = new Uint32Array(Math.ceil((count * bitsPerRecord) / 64) * 2 + paddingHalves);
  const inBase = Math.min(count, base.recordCount);
  if (isCopied) bits.set(base.bits.subarray(0, Math.ceil((inBase * bitsPerRecord) / 32)));
  const packers = columns.map((column, i) => {
    const place = { bits, bitsPerRecord, offset: offsets[i] as number, width: widths[i] as number, isCopied };
    if (!isVar(column.base.kind)) return new FixedPacker(column, place);
    return new VarPacker(column, place, sizes[i] as number);
  });
  const stored = packers.filter((_, i) => widths[i] !== 0);
  if (!isCopied) {
    for (const [from, to] of blocksOf(inBase)) for (const packer of stored) packer.packBase(from, to);
  }
  for (const [from, to] of blocksOf(changed.length))
    for (const packer of stored) packer.packChanged(from, to);
  const fields = packers.map((packer, i) => {
    return { offset: offsets[i] as number, width: widths[i] as number, data: packer.finish() };
  });
  return new ObjectLayer(schema, count, bits, { fields, bitsPerRecord });
}

/** So many at a time: what one field brings into the processor's caches is still there for the next. */
const blockSize = 256;

function* blocksOf(count: number): Generator<readonly [from: number, to: number], undefined> {
  for (let from = 0; from < count; from += blockSize) yield [from, Math.min(from + blockSize, count)];
}

/** Of STRING and BYTES fields: how many bytes all records have. */
function varSizes(columns: readonly FieldList[], { count, changed }: RecordList<ObjectLayer>): number[] {
  const behind = (changed.at(-1) ?? -1) + 1;
  const sizes = columns.map(({ base }) => (isVar(base.kind) ? varSizeIn(base, behind, count) : 0));
  for (const [from, to] of blocksOf(changed.length)) {
    columns.forEach((column, i) => {
      if (isVar(column.base.kind)) sizes[i] = (sizes[i] as number) + varSizeOf(column, from, to);
    });
  }
  return sizes;
}

/** Widths of one field differ by up to this factor, and so do the packed records from what they are packed of. */
const widenedMax = 64;
/** Beside that, as some records may not have stored a field at all. */
const bitsPerRecordFree = 512;

/**
 * Refuses what would become far more than it is made of: very many records that lack very many fields, which a single one
 * has. No writer's deltas are like that.
 */
function requireRoom(
  schema: ObjectSchema,
  { base, layers, count }: RecordList<ObjectLayer>,
  bitsPerRecord: number,
): void {
  const stored = sum([base, ...layers].map((layer) => layer.recordCount * layer.bitsPerRecord));
  if (count * bitsPerRecord <= widenedMax * stored + bitsPerRecordFree * count) return;
  const problem = `${count} records of ${stored} bits in all would become ${bitsPerRecord} bits each`;
  throw new DatasetError('incompatible', `'${schema.name}': ${problem}: load a snapshot`, {
    type: schema.name,
    count,
  });
}

/** A field that no layer stores stays one that is not stored: else many of them times many records take much memory. */
function widthOf({ base, layers }: FieldList, size: number): number {
  const widest = layers.reduce((max, { width }) => Math.max(max, width), base.width);
  // The base's width stays although less would do: then its bits can be taken as they are.
  return isVar(base.kind) && widest > 0 ? Math.max(base.width, bitLength(size + 1) + 1) : widest;
}

/** Writes a field that has no bytes elsewhere. */
class FixedPacker {
  readonly #list: FieldList;
  readonly #place: Place;

  constructor(list: FieldList, place: Place) {
    this.#list = list;
    this.#place = place;
  }

  packBase(from: number, to: number): void {
    for (let record = from; record < to; record++) putFixed(this.#place, record, this.#list.base, record);
  }

  packChanged(from: number, to: number): void {
    const { changed, layers, layerOf, recordOf } = this.#list;
    for (let k = from; k < to; k++) {
      const source = layers[layerOf[k] as number] as PackedField;
      putFixed(this.#place, changed[k] as number, source, recordOf[k] as number);
    }
  }

  finish(): Uint8Array {
    return noBytes;
  }
}

function putFixed(place: Place, record: number, source: PackedField, sourceRecord: number): void {
  const { bits, width } = place;
  const position = record * place.bitsPerRecord + place.offset;
  const mask = maskOf(width);
  const low = rawLow(source, sourceRecord);
  if (width <= 32) {
    // All ones of the source's width mean null, whatever the width.
    setBits(bits, position, mask, low === source.mask ? mask : low);
    return;
  }
  const highMask = maskOf(width - 32);
  const high = rawHigh(source, sourceRecord);
  const isNull = low === source.mask && high === source.highMask;
  setBits(bits, position, -1, isNull ? -1 : low);
  setBits(bits, position + 32, highMask, isNull ? highMask : high);
}
