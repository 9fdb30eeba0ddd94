import type { ByteWriter } from '../bytes/byte-writer.ts';
import type { ObjectLayer } from './object-layer.ts';
import {
  doubleNullHigh,
  doubleNullLow,
  floatNull,
  isNullIn,
  kindCodes,
  type PackedField,
  rawHigh,
  rawLow,
  requireRange,
  varEndOrNull,
  varStart,
} from './packed-field.ts';

/**
 * The canonical bytes of a record: what decides whether two records are the same (docs/format.md, "Record bytes").
 */
export function writeObjectRecord(layer: ObjectLayer, record: number, out: ByteWriter): void {
  for (let i = 0; i < layer.fields.length; i++) {
    const field = layer.fields[i] as PackedField;
    if (field.kind >= kindCodes.STRING) writeVar(field, record, out);
    else writeFixed(field, record, out);
  }
}

/** As {@link writeObjectRecord}, but what STRING and BYTES hold is not read: there are any bytes of that number. */
export function writeObjectShape(layer: ObjectLayer, record: number, out: ByteWriter): void {
  for (let i = 0; i < layer.fields.length; i++) {
    const field = layer.fields[i] as PackedField;
    if (field.kind < kindCodes.STRING) {
      writeFixed(field, record, out);
      continue;
    }
    const end = varEndOrNull(field, record);
    if (end < 0) {
      out.writeVarNull();
      continue;
    }
    const start = varStart(field, record);
    requireRange(field, start, end);
    out.writeVarInt(end - start);
    out.skip(end - start);
  }
}

function writeFixed(field: PackedField, record: number, out: ByteWriter): void {
  if (field.kind === kindCodes.FLOAT || field.kind === kindCodes.DOUBLE) writeReal(field, record, out);
  else writeWhole(field, record, out);
}

function writeReal(field: PackedField, record: number, out: ByteWriter): void {
  const isNull = isNullIn(field, record);
  const low = rawLow(field, record);
  if (field.kind === kindCodes.FLOAT) {
    out.writeInt32(isNull ? floatNull : low);
    return;
  }
  out.writeInt32(isNull ? doubleNullHigh : rawHigh(field, record));
  out.writeInt32(isNull ? doubleNullLow : low);
}

/** Of all kinds whose null is all ones. */
function writeWhole(field: PackedField, record: number, out: ByteWriter): void {
  const low = rawLow(field, record);
  const high = rawHigh(field, record);
  if (low === field.mask && high === field.highMask) out.writeVarNull();
  else out.writeVarLongBits(high, low);
}

function writeVar(field: PackedField, record: number, out: ByteWriter): void {
  const end = varEndOrNull(field, record);
  if (end < 0) {
    out.writeVarNull();
    return;
  }
  const start = varStart(field, record);
  requireRange(field, start, end);
  out.writeVarInt(end - start);
  out.writeBytes(field.data, start, end);
}

/** True iff `bytes[start, end)` are the canonical bytes of the record. Allocates nothing. */
export function objectRecordEquals(
  layer: ObjectLayer,
  record: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  let at = start;
  for (let i = 0; i < layer.fields.length; i++) {
    at = matchField(layer.fields[i] as PackedField, record, bytes, at, end);
    if (at < 0) return false;
  }
  return at === end;
}

/** The offset behind the field's bytes, or -1 if they differ. */
function matchField(field: PackedField, record: number, bytes: Uint8Array, at: number, end: number): number {
  if (field.kind >= kindCodes.STRING) return matchVar(field, record, bytes, at, end);
  if (field.kind === kindCodes.FLOAT || field.kind === kindCodes.DOUBLE)
    return matchReal(field, record, bytes, at, end);
  const low = rawLow(field, record);
  const high = rawHigh(field, record);
  const isNull = low === field.mask && high === field.highMask;
  if (isNull) return at < end && bytes[at] === 0x80 ? at + 1 : -1;
  return matchVarBits(high, low, bytes, at, end);
}

function matchReal(field: PackedField, record: number, bytes: Uint8Array, at: number, end: number): number {
  const isNull = isNullIn(field, record);
  const low = rawLow(field, record);
  if (field.kind === kindCodes.FLOAT) return matchInt32(isNull ? floatNull : low, bytes, at, end);
  const next = matchInt32(isNull ? doubleNullHigh : rawHigh(field, record), bytes, at, end);
  return next < 0 ? -1 : matchInt32(isNull ? doubleNullLow : low, bytes, next, end);
}

function matchVar(field: PackedField, record: number, bytes: Uint8Array, at: number, end: number): number {
  const to = varEndOrNull(field, record);
  if (to < 0) return at < end && bytes[at] === 0x80 ? at + 1 : -1;
  const from = varStart(field, record);
  requireRange(field, from, to);
  const begin = matchVarBits(0, to - from, bytes, at, end);
  if (begin < 0 || end - begin < to - from) return -1;
  const { data } = field;
  for (let i = from, j = begin; i < to; i++, j++) if (data[i] !== bytes[j]) return -1;
  return begin + to - from;
}

function matchInt32(value: number, bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 4) return -1;
  const found =
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number);
  return found === (value | 0) ? at + 4 : -1;
}

/** Decodes one var-long into halves and compares; its minimal form is the writer's duty. */
function matchVarBits(high: number, low: number, bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || bytes[at] === 0x80) return -1;
  let foundHigh = 0;
  let foundLow = 0;
  for (let i = at; i < end; i++) {
    const byte = bytes[i] as number;
    foundHigh = (foundHigh << 7) | (foundLow >>> 25);
    foundLow = (foundLow << 7) | (byte & 0x7f);
    if (byte < 0x80) return foundHigh === (high | 0) && foundLow === (low | 0) ? i + 1 : -1;
  }
  return -1;
}
