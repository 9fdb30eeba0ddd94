import { DatasetError } from '../errors.ts';
import { toHex } from '../hex.ts';
import type { Field, FieldKind } from '../schema/schema.ts';
import type { ObjectTypeState } from '../state/object-type-state.ts';
import type { ReadState } from '../state/read-state.ts';

/** Deeper nesting is no data: a damaged blob can make records that lead to themselves. */
const depthMax = 256;

/**
 * Records as texts, with all that they refer to and without ordinals: equal texts mean equal records, in one state or
 * in two. Sets and maps are sorted.
 */
export class RecordTexts {
  readonly state: ReadState;
  readonly #known = new Map<string, Map<number, string>>();

  constructor(state: ReadState) {
    this.state = state;
  }

  textOf(type: string, ordinal: number, depth = 0): string {
    let known = this.#known.get(type);
    if (known === undefined) {
      known = new Map();
      this.#known.set(type, known);
    }
    let text = known.get(ordinal);
    if (text === undefined) {
      text = this.#write(type, ordinal, depth);
      known.set(ordinal, text);
    }
    return text;
  }

  /** The field's value alone. */
  fieldText(records: ObjectTypeState, ordinal: number, field: number, depth = 0): string {
    const { kind, referencedType } = records.schema.fields[field] as Field;
    if (records.isNull(ordinal, field)) return 'null';
    if (referencedType === null) return scalarText(records, ordinal, field, kind);
    return this.textOf(referencedType, records.readReference(ordinal, field), depth + 1);
  }

  #write(type: string, ordinal: number, depth: number): string {
    if (depth > depthMax) {
      throw new DatasetError('corrupt', `records of '${type}' are nested more than ${depthMax} deep`, {
        type,
      });
    }
    const records = this.state.type(type);
    const inner = depth + 1;
    switch (records.kind) {
      case 'OBJECT': {
        const fields = records.schema.fields.map(
          ({ name }, i) => `${JSON.stringify(name)}:${this.fieldText(records, ordinal, i, depth)}`,
        );
        return `{${fields.join(',')}}`;
      }
      case 'LIST':
      case 'SET': {
        const { elementType } = records.schema;
        const elements = Array.from(records.elements(ordinal), (o) => this.textOf(elementType, o, inner));
        return `[${(records.kind === 'SET' ? elements.toSorted() : elements).join(',')}]`;
      }
      case 'MAP': {
        const { keyType, valueType } = records.schema;
        const { keys, values } = records.entries(ordinal);
        const entries = Array.from(keys, (key, i) => {
          return `[${this.textOf(keyType, key, inner)},${this.textOf(valueType, values[i] ?? -1, inner)}]`;
        });
        return `[${entries.toSorted().join(',')}]`;
      }
    }
  }
}

/** As JSON; LONG as digits, FLOAT and DOUBLE exact, BYTES as hex. */
function scalarText(records: ObjectTypeState, ordinal: number, field: number, kind: FieldKind): string {
  switch (kind) {
    case 'INT':
      return String(records.readInt(ordinal, field));
    case 'LONG':
      return String(records.readLong(ordinal, field));
    case 'BOOLEAN':
      return String(records.readBoolean(ordinal, field));
    case 'FLOAT':
    case 'DOUBLE':
      return numberText(records.readFloating(ordinal, field));
    case 'STRING':
      return JSON.stringify(records.readString(ordinal, field));
    default:
      return `"${toHex(records.readBytes(ordinal, field) ?? new Uint8Array())}"`;
  }
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
