import type { ByteReader } from '../bytes/byte-reader.ts';
import { readLongs } from '../bytes/longs.ts';
import { DatasetError } from '../errors.ts';
import type { FieldKind, ObjectSchema } from '../schema/schema.ts';
import { ObjectLayer } from '../state/object-layer.ts';
import { type FieldLayout, isVar, noBytes, requireRange, varEnd, varStart } from '../state/packed-field.ts';
import { sum } from '../sum.ts';

/** Widths that the format allows besides 0 (nothing stored). */
const widthBounds: Readonly<Record<FieldKind, readonly [min: number, max: number]>> = {
  REFERENCE: [1, 32],
  INT: [1, 32],
  LONG: [1, 64],
  BOOLEAN: [2, 2],
  FLOAT: [32, 32],
  DOUBLE: [64, 64],
  STRING: [1, 53],
  BYTES: [1, 53],
};

/**
 * One shard of an OBJECT type, as snapshots and deltas hold it, behind its ordinals.
 *
 * @param wire the section's own schema: says how to parse
 * @param local says which fields to keep; those that the section does not have read as null
 */
export function readObjectShard(
  reader: ByteReader,
  wire: ObjectSchema,
  local: ObjectSchema,
  recordCount: number,
): ObjectLayer {
  const widths = wire.fields.map((field) => readWidth(reader, wire, field.kind));
  const bitsPerRecord = sum(widths);
  const bits = readLongs(reader, recordCount * bitsPerRecord, `records of ${wire.name}`);
  let offset = 0;
  // The usual case, all fields as they are, is spared the look-ups by name.
  const kept = wire === local ? null : new Set(local.fields.map((field) => field.name));
  const what = `bytes of ${wire.name}`;
  const stored = wire.fields.map((field, i): FieldLayout => {
    const width = widths[i] as number;
    const size = reader.readVarLong(what);
    const isKept = size > 0 && (kept === null || kept.has(field.name));
    const data = isKept ? reader.readData(size, what) : noBytes;
    if (data === noBytes) reader.skip(size, what);
    const layout = { offset, width, data };
    offset += width;
    return layout;
  });
  const fields = kept === null ? stored : keptFields(wire, local, stored);
  return new ObjectLayer(local, recordCount, bits, { fields, bitsPerRecord });
}

function keptFields(wire: ObjectSchema, local: ObjectSchema, stored: readonly FieldLayout[]): FieldLayout[] {
  const byName = new Map(wire.fields.map((field, i) => [field.name, stored[i] as FieldLayout]));
  return local.fields.map((field) => byName.get(field.name) ?? absentField);
}

/** So many fields of the state that a delta does not have are no matter, and for each of its bytes so many more. */
const absentFieldsFree = 2 ** 16;
const absentFieldsPerByte = 16;

/**
 * Each shard of a delta gets a place for every field of the state, be it for null: the blob must be big enough for that.
 *
 * @throws DatasetError `incompatible`
 */
export function requireFewAbsent(
  reader: ByteReader,
  { schema, shardCount }: { readonly schema: ObjectSchema; readonly shardCount: number },
  local: ObjectSchema,
): void {
  const absent = (local.fields.length - schema.fields.length) * shardCount;
  if (absent <= absentFieldsFree + reader.remaining * absentFieldsPerByte) return;
  const problem = `a delta has ${schema.fields.length} of ${local.fields.length} fields, in ${shardCount} shards`;
  throw new DatasetError('incompatible', `'${local.name}': ${problem}: load a snapshot`, {
    type: local.name,
    shardCount,
  });
}

const absentField: FieldLayout = { offset: 0, width: 0, data: noBytes };

function readWidth(reader: ByteReader, schema: ObjectSchema, kind: FieldKind): number {
  const at = reader.position;
  const width = reader.readVarInt(`widths of ${schema.name}`);
  const [min, max] = widthBounds[kind];
  if (width !== 0 && (width < min || width > max)) {
    throw reader.corrupt(`widths of ${schema.name}`, `${width} bits for ${kind}`, at);
  }
  return width;
}

/** Checks every end of the STRING and BYTES fields: what a delta brings is small enough to be proved sound. */
export function requireEnds(layer: ObjectLayer): void {
  for (const field of layer.fields) {
    if (!isVar(field.kind) || field.width === 0) continue;
    for (let record = 0; record < layer.recordCount; record++) {
      requireRange(field, varStart(field, record), varEnd(field, record));
    }
  }
}
