/**
 * Records as text that is equal iff the records are: from values as programs give them, and from the canonical bytes of
 * a state. References are followed, so nothing of ordinals is in it; sets and maps are sorted.
 */
import { ByteWriter } from '../../lib/bytes/byte-writer.ts';
import { decodeUnits } from '../../lib/bytes/code-units.ts';
import type { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import type { FieldKind } from '../../lib/schema/schema.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { RecordCursor } from '../../lib/state/record-cursor.ts';

/** Called for each record on the way, those nested in it first. */
type Visit = (type: string, text: string) => void;

const sortedSet = (texts: Iterable<string>) => `{${[...new Set(texts)].toSorted().join()}}`;
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function doubleText(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
}

function floatText(value: number): string {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0).toString(16).padStart(8, '0');
}

function leafText(kind: FieldKind, value: unknown): string {
  switch (kind) {
    case 'LONG':
    case 'INT':
      return String(BigInt(value as number | bigint | string));
    case 'FLOAT':
      return floatText(value as number);
    case 'DOUBLE':
      return doubleText(value as number);
    case 'BYTES':
      return hexOf(value as Uint8Array);
    default:
      return JSON.stringify(value);
  }
}

/** The text of a value that is given as programs give records, nested. */
export function textOfValue(schema: DatasetSchema, type: string, value: unknown, visit: Visit): string {
  const nested = (name: string, inner: unknown) => textOfValue(schema, name, inner, visit);
  const text = (): string => {
    const definition = schema.get(type);
    switch (definition.kind) {
      case 'OBJECT':
        return `(${definition.fields
          .map(({ name, kind, referencedType }) => {
            const field: unknown = Reflect.get(value as object, name) ?? null;
            if (field === null) return 'null';
            return referencedType === null ? leafText(kind, field) : nested(referencedType, field);
          })
          .join()})`;
      case 'LIST':
        return `[${(value as unknown[]).map((element) => nested(definition.elementType, element)).join()}]`;
      case 'SET':
        return sortedSet((value as unknown[]).map((element) => nested(definition.elementType, element)));
      case 'MAP': {
        // The last value of a key counts.
        const entries = new Map(
          (value as [unknown, unknown][]).map(([key, of]) => [nested(definition.keyType, key), of]),
        );
        return sortedSet([...entries].map(([key, of]) => `${key}=${nested(definition.valueType, of)}`));
      }
    }
  };
  const result = text();
  visit(type, result);
  return result;
}

/** The text of a record of a state. */
export function textOfRecord(state: ReadState, type: string, ordinal: number): string {
  const out = new ByteWriter();
  state.type(type).writeRecord(ordinal, out);
  const cursor = new RecordCursor();
  cursor.open(out.bytes, 0);
  const definition = state.schema.get(type);
  switch (definition.kind) {
    case 'OBJECT':
      return `(${definition.fields.map(({ kind, referencedType }) => fieldText(state, cursor, kind, referencedType)).join()})`;
    case 'LIST': {
      const elements = Array.from({ length: cursor.readVarInt() }, () => cursor.readVarInt());
      return `[${elements.map((element) => textOfRecord(state, definition.elementType, element)).join()}]`;
    }
    case 'SET':
      return sortedSet(
        gapped(cursor, 0).map(([element]) => textOfRecord(state, definition.elementType, element)),
      );
    case 'MAP':
      return sortedSet(
        gapped(cursor, 1).map(
          ([key, value]) =>
            `${textOfRecord(state, definition.keyType, key)}=${textOfRecord(state, definition.valueType, value)}`,
        ),
      );
  }
}

/** Elements of a set (0 values each) or entries of a map (1 value each). */
function gapped(cursor: RecordCursor, values: 0 | 1): [number, number][] {
  let key = 0;
  return Array.from({ length: cursor.readVarInt() }, () => {
    key += cursor.readVarInt();
    const value = values === 0 ? 0 : cursor.readVarInt();
    cursor.skipVar();
    return [key, value];
  });
}

function fieldText(state: ReadState, cursor: RecordCursor, kind: FieldKind, target: string | null): string {
  if (kind === 'FLOAT') {
    const bits = cursor.readInt32();
    return bits === 0x7fc0_0001 ? 'null' : bits.toString(16).padStart(8, '0');
  }
  if (kind === 'DOUBLE') {
    const [high, low] = [cursor.readInt32(), cursor.readInt32()];
    if (high === 0x7ff8_0000 && low === 1) return 'null';
    return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
  }
  if (cursor.readNull()) return 'null';
  switch (kind) {
    case 'REFERENCE':
      return textOfRecord(state, target ?? '', cursor.readVarInt());
    case 'BOOLEAN':
      return String(cursor.readVarInt() === 1);
    case 'INT':
    case 'LONG': {
      cursor.readVarLong();
      const zigZag = (BigInt(cursor.high) << 32n) | BigInt(cursor.low);
      return String((zigZag >> 1n) ^ -(zigZag & 1n));
    }
    default: {
      const size = cursor.readVarInt();
      const [start, end] = [cursor.position, cursor.position + size];
      cursor.position = end;
      return kind === 'BYTES'
        ? hexOf(cursor.bytes.subarray(start, end))
        : JSON.stringify(decodeUnits(cursor.bytes, start, end));
    }
  }
}
