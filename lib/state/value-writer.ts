import { fromBase64 } from '../bytes/base64.ts';
import type { ByteWriter } from '../bytes/byte-writer.ts';
import { DatasetError } from '../errors.ts';
import { describe, longPattern } from '../schema/record.ts';
import { doubleNullHigh, doubleNullLow, floatNull, kindCodes, longNull } from './packed-field.ts';

const two32 = 0x1_0000_0000;
const two63 = 0x8000_0000_0000_0000;
const floatNan = 0x7fc0_0000;
const doubleNanHigh = 0x7ff8_0000;

const scratch = new DataView(new ArrayBuffer(8));

/**
 * The canonical bytes of one field (docs/format.md, "Record bytes"), a REFERENCE as its ordinal.
 *
 * @param kind one of {@link kindCodes}
 * @throws DatasetError `invalid`: a value of another kind
 */
export function writeValue(kind: number, value: unknown, out: ByteWriter): void {
  if (value === null || value === undefined) return writeNull(kind, out);
  switch (kind) {
    case kindCodes.INT:
      if (typeof value !== 'number' || (value | 0) !== value) break;
      return writeInt(value, out);
    case kindCodes.REFERENCE:
      if (typeof value !== 'number' || (value | 0) !== value || value < 0) break;
      return out.writeVarInt(value);
    case kindCodes.LONG:
      if (typeof value === 'number') return writeLongNumber(value, out);
      if (typeof value !== 'bigint' && (typeof value !== 'string' || !longPattern.test(value))) break;
      return writeLong(BigInt(value), out);
    case kindCodes.BOOLEAN:
      if (typeof value !== 'boolean') break;
      return out.writeByte(value ? 1 : 0);
    case kindCodes.FLOAT:
      if (typeof value !== 'number') break;
      return writeFloat(value, out);
    case kindCodes.DOUBLE:
      if (typeof value !== 'number') break;
      return writeDouble(value, out);
    case kindCodes.STRING:
      if (typeof value !== 'string') break;
      return out.writeSizedUnits(value);
    case kindCodes.BYTES:
      if (!(value instanceof Uint8Array) && typeof value !== 'string') break;
      return writeSized(typeof value === 'string' ? fromBase64(value) : value, out);
  }
  throw unexpected(`a value of kind ${nameOf(kind)}`, value);
}

function writeNull(kind: number, out: ByteWriter): void {
  if (kind === kindCodes.FLOAT) {
    out.writeInt32(floatNull);
  } else if (kind === kindCodes.DOUBLE) {
    out.writeInt32(doubleNullHigh);
    out.writeInt32(doubleNullLow);
  } else {
    out.writeVarNull();
  }
}

/** The least INT has no image of its own in the format: it is null. */
function writeInt(value: number, out: ByteWriter): void {
  if (value === -0x8000_0000) out.writeVarNull();
  else out.writeVarInt((value << 1) ^ (value >> 31));
}

function writeLongNumber(value: number, out: ByteWriter): void {
  // Below 2^30 both halves are one: no arithmetic on doubles.
  if ((value | 0) === value && (value << 1) >> 1 === value) out.writeVarInt((value << 1) ^ (value >> 31));
  else if (!Number.isInteger(value) || value < -two63 || value >= two63) throw unexpected('a LONG', value);
  else writeZigZag(Math.floor(value / two32) | 0, value >>> 0, out);
}

/** As {@link writeInt}: the least LONG is null. */
function writeLong(value: bigint, out: ByteWriter): void {
  if (BigInt.asIntN(64, value) !== value) throw unexpected('a LONG', value);
  if (value === longNull) out.writeVarNull();
  else writeZigZag(Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asUintN(32, value)), out);
}

function writeZigZag(high: number, low: number, out: ByteWriter): void {
  const sign = high >> 31;
  out.writeVarLongBits(((high << 1) | (low >>> 31)) ^ sign, (low << 1) ^ sign);
}

/** NaN has one image, so that it cannot be taken for the null. */
function writeFloat(value: number, out: ByteWriter): void {
  scratch.setFloat32(0, value);
  out.writeInt32(Number.isNaN(value) ? floatNan : scratch.getInt32(0));
}

function writeDouble(value: number, out: ByteWriter): void {
  scratch.setFloat64(0, value);
  const isNan = Number.isNaN(value);
  out.writeInt32(isNan ? doubleNanHigh : scratch.getInt32(0));
  out.writeInt32(isNan ? 0 : scratch.getInt32(4));
}

function writeSized(value: Uint8Array, out: ByteWriter): void {
  out.writeVarInt(value.length);
  out.writeBytes(value);
}

function nameOf(kind: number): string {
  return Object.entries(kindCodes).find(([, code]) => code === kind)?.[0] ?? '';
}

export function unexpected(what: string, value: unknown): DatasetError {
  return new DatasetError('invalid', `expected ${what}, got ${describe(value)}`);
}
