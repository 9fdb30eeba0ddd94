import type { ByteWriter } from '../bytes/byte-writer.ts';
import {
  doubleNullHigh,
  doubleNullLow,
  floatNull,
  isNullIn,
  isVarNull,
  kindCodes,
  type ObjectLayer,
  rawHigh,
  rawLow,
  requireRange,
  varEnd,
  varStart,
} from './object-layer.ts';

/**
 * The canonical bytes of a record: what decides whether two records are the same (docs/format.md, "Record bytes").
 */
export function writeObjectRecord(layer: ObjectLayer, record: number, out: ByteWriter): void {
  for (let field = 0; field < layer.kinds.length; field++) {
    const kind = layer.kinds[field] as number;
    if (kind >= kindCodes.STRING) {
      writeVar(layer, record, field, out);
      continue;
    }
    const isNull = isNullIn(layer, record, field);
    const low = rawLow(layer, record, field);
    switch (kind) {
      case kindCodes.FLOAT:
        out.writeInt32(isNull ? floatNull : low);
        break;
      case kindCodes.DOUBLE:
        out.writeInt32(isNull ? doubleNullHigh : rawHigh(layer, record, field));
        out.writeInt32(isNull ? doubleNullLow : low);
        break;
      default:
        if (isNull) out.writeVarNull();
        else if (kind === kindCodes.LONG) out.writeVarLongBits(rawHigh(layer, record, field), low);
        else out.writeVarInt(low);
    }
  }
}

function writeVar(layer: ObjectLayer, record: number, field: number, out: ByteWriter): void {
  if (isVarNull(layer, record, field)) {
    out.writeVarNull();
    return;
  }
  const start = varStart(layer, record, field);
  const end = varEnd(layer, record, field);
  requireRange(layer, field, start, end);
  out.writeVarInt(end - start);
  out.writeBytes(layer.data[field] as Uint8Array, start, end);
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
  for (let field = 0; field < layer.kinds.length; field++) {
    at = matchField(layer, record, field, bytes, at, end);
    if (at < 0) return false;
  }
  return at === end;
}

/** The offset behind the field's bytes, or -1 if they differ. */
function matchField(
  layer: ObjectLayer,
  record: number,
  field: number,
  bytes: Uint8Array,
  at: number,
  end: number,
): number {
  const kind = layer.kinds[field] as number;
  if (kind >= kindCodes.STRING) return matchVar(layer, record, field, bytes, at, end);
  const isNull = isNullIn(layer, record, field);
  const low = rawLow(layer, record, field);
  switch (kind) {
    case kindCodes.FLOAT:
      return matchInt32(isNull ? floatNull : low, bytes, at, end);
    case kindCodes.DOUBLE: {
      const next = matchInt32(isNull ? doubleNullHigh : rawHigh(layer, record, field), bytes, at, end);
      return next < 0 ? -1 : matchInt32(isNull ? doubleNullLow : low, bytes, next, end);
    }
    default:
      if (isNull) return at < end && bytes[at] === 0x80 ? at + 1 : -1;
      return matchVarBits(rawHigh(layer, record, field), low, bytes, at, end);
  }
}

function matchVar(
  layer: ObjectLayer,
  record: number,
  field: number,
  bytes: Uint8Array,
  at: number,
  end: number,
): number {
  if (isVarNull(layer, record, field)) return at < end && bytes[at] === 0x80 ? at + 1 : -1;
  const from = varStart(layer, record, field);
  const to = varEnd(layer, record, field);
  requireRange(layer, field, from, to);
  const begin = matchVarBits(0, to - from, bytes, at, end);
  if (begin < 0 || end - begin < to - from) return -1;
  const data = layer.data[field] as Uint8Array;
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
