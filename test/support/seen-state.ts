/** What is read in a state, in the form of the golden fixtures' `expected-N.json`. */
import type { ObjectTypeState } from '../../lib/state/object-type-state.ts';
import type { ReadState } from '../../lib/state/read-state.ts';

export interface SeenType {
  readonly shardCount: number;
  readonly count: number;
  readonly records: Readonly<Record<string, unknown>>;
}

export function seenTypes(state: ReadState): Record<string, SeenType> {
  return Object.fromEntries(state.typeNames.map((name) => [name, seenType(state.type(name))]));
}

function seenType(type: ObjectTypeState): SeenType {
  const records: Record<string, unknown> = {};
  for (let o = type.nextPopulated(0); o >= 0; o = type.nextPopulated(o + 1)) records[o] = seenRecord(type, o);
  return { shardCount: type.shardCount, count: type.count, records };
}

function seenRecord(type: ObjectTypeState, ordinal: number): unknown {
  return type.schema.fields.map((_, field) => seenField(type, ordinal, field));
}

export function seenField(type: ObjectTypeState, ordinal: number, field: number): unknown {
  if (type.isNull(ordinal, field)) return null;
  switch (type.schema.fields[field]?.kind) {
    case 'INT':
      return type.readInt(ordinal, field);
    case 'LONG':
      return String(type.readLong(ordinal, field));
    case 'BOOLEAN':
      return type.readBoolean(ordinal, field);
    case 'FLOAT':
      return `f:${hex(type.readRawLow(ordinal, field))}`;
    case 'DOUBLE':
      return `d:${hex(type.readRawHigh(ordinal, field))}${hex(type.readRawLow(ordinal, field))}`;
    case 'STRING':
      return type.readString(ordinal, field);
    case 'BYTES':
      return `x:${[...(type.readBytes(ordinal, field) ?? [])].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
    default:
      return type.readReference(ordinal, field);
  }
}

function hex(half: number): string {
  return half.toString(16).padStart(8, '0');
}
