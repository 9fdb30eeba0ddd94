import { tagText } from '../blob/tag-text.ts';
import { hexOfInt32, toHex } from '../hex.ts';
import { printSchema } from '../schema/dsl.ts';
import type { FieldKind } from '../schema/schema.ts';
import { stateChecksum, typeChecksum } from '../state/checksum.ts';
import type { ObjectTypeState } from '../state/object-type-state.ts';
import type { ReadState } from '../state/read-state.ts';
import type { TypeState } from '../state/type-state.ts';

/**
 * All records of a state as NDJSON lines, types sorted by name and records by ordinal: equal texts, equal states.
 * `hollow dump --help` describes the lines.
 */
export function* dumpLines(state: ReadState): Generator<string> {
  yield JSON.stringify({
    kind: 'state',
    randomizedTag: tagText(state.tag),
    headerTags: Object.fromEntries([...state.headerTags].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    checksum: stateChecksum(state),
  });
  for (const name of state.typeNames.toSorted()) {
    const type = state.type(name);
    yield JSON.stringify({
      kind: 'type',
      name,
      schema: printSchema(type.schema),
      numShards: type.shardCount,
      count: type.count,
      checksum: typeChecksum(type),
    });
    for (let ordinal = type.nextPopulated(0); ordinal >= 0; ordinal = type.nextPopulated(ordinal + 1)) {
      yield JSON.stringify([ordinal, ...contentOf(type, ordinal)]);
    }
  }
}

function contentOf(type: TypeState, ordinal: number): readonly unknown[] {
  switch (type.kind) {
    case 'OBJECT':
      return type.schema.fields.map(({ kind }, field) => fieldValue(type, ordinal, field, kind));
    case 'LIST':
    case 'SET':
      return [[...type.elements(ordinal)]];
    case 'MAP': {
      const { keys, values } = type.entries(ordinal);
      return [Array.from(keys, (key, i) => [key, values[i] ?? -1])];
    }
  }
}

function fieldValue(type: ObjectTypeState, ordinal: number, field: number, kind: FieldKind): unknown {
  if (type.isNull(ordinal, field)) return null;
  switch (kind) {
    case 'INT':
      return String(type.readInt(ordinal, field));
    case 'LONG':
      return String(type.readLong(ordinal, field));
    case 'FLOAT':
      return hexOfInt32(type.readRawLow(ordinal, field));
    case 'DOUBLE':
      return hexOfInt32(type.readRawHigh(ordinal, field)) + hexOfInt32(type.readRawLow(ordinal, field));
    case 'BOOLEAN':
      return type.readBoolean(ordinal, field);
    case 'STRING':
      return type.readString(ordinal, field);
    case 'BYTES':
      return toHex(type.readBytes(ordinal, field) ?? new Uint8Array());
    case 'REFERENCE':
      return type.readReference(ordinal, field);
  }
}
