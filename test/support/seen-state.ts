/** What is read in a state, in the form of the golden fixtures' `expected-N.json`. */

import { typeChecksum } from '../../lib/state/checksum.ts';
import type { ObjectTypeState } from '../../lib/state/object-type-state.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import type { TypeState } from '../../lib/state/type-state.ts';

export interface SeenType {
  readonly shardCount: number;
  readonly count: number;
  readonly checksum: number;
  readonly records: Readonly<Record<string, unknown>>;
}

export function seenTypes(state: ReadState): Record<string, SeenType> {
  return Object.fromEntries(state.typeNames.map((name) => [name, seenType(state.type(name))]));
}

function seenType(type: TypeState): SeenType {
  const records: Record<string, unknown> = {};
  for (let o = type.nextPopulated(0); o >= 0; o = type.nextPopulated(o + 1)) records[o] = seenRecord(type, o);
  return { shardCount: type.shardCount, count: type.count, checksum: typeChecksum(type), records };
}

export function seenRecord(type: TypeState, ordinal: number): unknown {
  switch (type.kind) {
    case 'OBJECT':
      return type.schema.fields.map((_, field) => seenField(type, ordinal, field));
    case 'LIST':
      return Array.from({ length: type.size(ordinal) }, (_, i) => type.element(ordinal, i));
    case 'SET':
      return {
        size: type.size(ordinal),
        buckets: buckets(type.bucketCount(ordinal), (bucket) => type.bucketElement(ordinal, bucket)),
      };
    case 'MAP':
      return {
        size: type.size(ordinal),
        buckets: buckets(type.bucketCount(ordinal), (bucket) => {
          const key = type.bucketKey(ordinal, bucket);
          return key < 0 ? -1 : [key, type.bucketValue(ordinal, bucket)];
        }),
      };
  }
}

function buckets(count: number, read: (bucket: number) => unknown): unknown[] {
  return Array.from({ length: count }, (_, bucket) => read(bucket));
}

function seenField(type: ObjectTypeState, ordinal: number, field: number): unknown {
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
