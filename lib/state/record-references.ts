import { ByteWriter } from '../bytes/byte-writer.ts';
import type { Schema } from '../schema/schema.ts';
import { ObjectTypeState } from './object-type-state.ts';
import { RecordCursor } from './record-cursor.ts';
import type { TypeRecords } from './stored-records.ts';

/** What the last {@link RecordReferences.read} found; only the first `count` entries. */
export interface FoundReferences {
  count: number;
  /** Positions in the list of types that was given to {@link RecordReferences}. */
  types: Int32Array;
  ordinals: Int32Array;
}

/** How to find the references of one type's records: where in a record, and to which type. */
type Layout =
  | { readonly kind: 'none' }
  /** Per field up to the last reference: `skip` how its bytes are passed over, `target` of a REFERENCE, else -1. */
  | { readonly kind: 'fields'; readonly skips: Int8Array; readonly targets: Int32Array }
  | { readonly kind: 'list'; readonly target: number }
  | { readonly kind: 'set'; readonly target: number }
  | { readonly kind: 'map'; readonly keyTarget: number; readonly valueTarget: number };

/** Values of `skips`: a fixed number of bytes, or one of these. */
const skipVar = -1;
const skipSized = -2;

/**
 * Finds what records refer to. Reads canonical bytes, so that one function serves records of a state and records that a
 * cycle has just added. The result lives until the next read: no allocation per record.
 */
export class RecordReferences {
  readonly #layouts: readonly Layout[];
  readonly #cursor = new RecordCursor();
  readonly #record = new ByteWriter();
  readonly #found: FoundReferences = { count: 0, types: new Int32Array(64), ordinals: new Int32Array(64) };

  constructor(schemas: readonly Schema[]) {
    const positions = new Map(schemas.map((schema, position) => [schema.name, position]));
    this.#layouts = schemas.map((schema) => layoutOf(schema, (name) => positions.get(name) ?? -1));
  }

  /** The type's records never refer to anything. */
  isLeaf(type: number): boolean {
    return this.#layout(type).kind === 'none';
  }

  /** As {@link read}, of a record of a state. Of an OBJECT only the references are looked at, however big the rest is. */
  readOf(type: number, records: TypeRecords, ordinal: number): FoundReferences {
    const layout = this.#layout(type);
    if (layout.kind === 'fields' && records instanceof ObjectTypeState) {
      this.#found.count = 0;
      for (let field = 0; field < layout.targets.length; field++) {
        const target = layout.targets[field] as number;
        const referenced = target < 0 ? -1 : records.readReference(ordinal, field);
        if (referenced >= 0) this.#push(target, referenced);
      }
      return this.#found;
    }
    this.#record.reset();
    records.writeRecord(ordinal, this.#record);
    return this.read(type, this.#record.bytes, 0);
  }

  /** The references of the record of `type` that starts at `bytes[start]`; nulls are left out, repeats are not. */
  read(type: number, bytes: Uint8Array, start: number): FoundReferences {
    const layout = this.#layout(type);
    const cursor = this.#cursor;
    this.#found.count = 0;
    cursor.open(bytes, start);
    switch (layout.kind) {
      case 'none':
        break;
      case 'fields':
        this.#readFields(layout.skips, layout.targets);
        break;
      case 'list':
        for (let i = cursor.readVarInt(); i > 0; i--) this.#push(layout.target, cursor.readVarInt());
        break;
      case 'set':
        for (let i = cursor.readVarInt(), element = 0; i > 0; i--) {
          element += cursor.readVarInt();
          cursor.skipVar();
          this.#push(layout.target, element);
        }
        break;
      case 'map':
        for (let i = cursor.readVarInt(), key = 0; i > 0; i--) {
          key += cursor.readVarInt();
          this.#push(layout.keyTarget, key);
          this.#push(layout.valueTarget, cursor.readVarInt());
          cursor.skipVar();
        }
        break;
    }
    return this.#found;
  }

  #layout(type: number): Layout {
    return this.#layouts[type] as Layout;
  }

  #readFields(skips: Int8Array, targets: Int32Array): void {
    const cursor = this.#cursor;
    for (let field = 0; field < skips.length; field++) {
      const skip = skips[field] as number;
      const target = targets[field] as number;
      if (skip > 0) cursor.position += skip;
      else if (cursor.readNull()) continue;
      else if (target >= 0) this.#push(target, cursor.readVarInt());
      else if (skip === skipVar) cursor.skipVar();
      else cursor.skipSized();
    }
  }

  #push(type: number, ordinal: number): void {
    const found = this.#found;
    if (found.count === found.types.length) {
      found.types = grown(found.types);
      found.ordinals = grown(found.ordinals);
    }
    found.types[found.count] = type;
    found.ordinals[found.count++] = ordinal;
  }
}

function grown(values: Int32Array): Int32Array {
  const longer = new Int32Array(values.length * 2);
  longer.set(values);
  return longer;
}

function layoutOf(schema: Schema, positionOf: (name: string) => number): Layout {
  switch (schema.kind) {
    case 'LIST':
      return { kind: 'list', target: positionOf(schema.elementType) };
    case 'SET':
      return { kind: 'set', target: positionOf(schema.elementType) };
    case 'MAP':
      return {
        kind: 'map',
        keyTarget: positionOf(schema.keyType),
        valueTarget: positionOf(schema.valueType),
      };
    case 'OBJECT': {
      const last = schema.fields.findLastIndex((field) => field.kind === 'REFERENCE');
      if (last < 0) return { kind: 'none' };
      const fields = schema.fields.slice(0, last + 1);
      return {
        kind: 'fields',
        skips: Int8Array.from(fields, ({ kind }) => skipOf(kind)),
        targets: Int32Array.from(fields, ({ referencedType }) =>
          referencedType === null ? -1 : positionOf(referencedType),
        ),
      };
    }
  }
}

function skipOf(kind: string): number {
  if (kind === 'BOOLEAN') return 1;
  if (kind === 'FLOAT') return 4;
  if (kind === 'DOUBLE') return 8;
  return kind === 'STRING' || kind === 'BYTES' ? skipSized : skipVar;
}
