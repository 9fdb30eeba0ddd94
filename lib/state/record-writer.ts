import { fromBase64 } from '../bytes/base64.ts';
import { ByteWriter, unitsSize } from '../bytes/byte-writer.ts';
import { DatasetError } from '../errors.ts';
import { boxedField, describe, isPlainObject } from '../schema/record.ts';
import type { Field, FieldKind, MapSchema, ObjectSchema, Schema } from '../schema/schema.ts';
import { addFlatEntries, CollectionEntries } from './collection-bytes.ts';

/** Gives a record its ordinal; `record` is only lent. */
type Intern = (type: number, record: ByteWriter) => number;

/** Where a record of some depth of nesting is being written. */
interface Level {
  readonly out: ByteWriter;
  readonly depth: number;
  /** Costs more than reading the field: done only for types that need it. */
  readonly isOwnCheckNeeded: boolean;
}

const two32 = 0x1_0000_0000;
const longNull = -(2n ** 63n);
const floatNull = 0x7fc0_0001;
const floatNan = 0x7fc0_0000;
const doubleNullHigh = 0x7ff8_0000;

const scratch = new DataView(new ArrayBuffer(8));

/**
 * Turns records as programs have them (lib/schema/record.ts) into canonical record bytes (docs/format.md, "Record
 * bytes"), nested records first: these are interned and appear in the outer record as ordinals.
 */
export class RecordWriter {
  readonly #schemas: readonly Schema[];
  readonly #positions: ReadonlyMap<string, number>;
  readonly #boxed: readonly (Field | null)[];
  /** A field is called like something that every object has (`toString`): only an own one counts. */
  readonly #areNamesInherited: readonly boolean[];
  readonly #intern: Intern;
  /** One buffer per level of nesting, reused for every record. */
  readonly #levels: ByteWriter[] = [];
  /** And the entries of a collection that is being written there. */
  readonly #entries: CollectionEntries[] = [];

  constructor(schemas: readonly Schema[], intern: Intern) {
    this.#schemas = schemas;
    this.#positions = new Map(schemas.map((schema, position) => [schema.name, position]));
    this.#boxed = schemas.map((schema) => boxedField(schema));
    this.#areNamesInherited = schemas.map(
      (schema) => schema.kind === 'OBJECT' && schema.fields.some(({ name }) => name in Object.prototype),
    );
    this.#intern = intern;
  }

  /** The ordinal of the record. */
  write(type: number, value: unknown): number {
    return this.#writeNested(type, value, 0);
  }

  /** The ordinal of a record whose references are given as ordinals. */
  writeFlat(type: number, values: readonly unknown[]): number {
    const schema = this.#schema(type);
    const out = this.#level(0);
    if (schema.kind !== 'OBJECT') {
      const entries = this.#entriesOf(0);
      addFlatEntries(schema.kind, values, entries);
      entries.writeTo(schema.kind, out);
      return this.#intern(type, out);
    }
    if (values.length !== schema.fields.length) {
      throw new DatasetError('invalid', `${schema.name} has ${schema.fields.length} fields`, {
        type: schema.name,
        valueCount: values.length,
      });
    }
    schema.fields.forEach((field, i) => writeValue(field, values[i], out));
    return this.#intern(type, out);
  }

  #writeNested(type: number, value: unknown, depth: number): number {
    const schema = this.#schema(type);
    const out = this.#level(depth);
    if (schema.kind === 'OBJECT')
      this.#writeObject(schema, value, {
        out,
        depth,
        isOwnCheckNeeded: this.#areNamesInherited[type] === true,
      });
    else this.#writeCollection(schema, value, { out, depth, isOwnCheckNeeded: false });
    return this.#intern(type, out);
  }

  #writeObject(schema: ObjectSchema, value: unknown, { out, depth, isOwnCheckNeeded }: Level): void {
    if (!isPlainObject(value)) throw unexpected(schema.name, value);
    for (const field of schema.fields) {
      const fieldValue = isOwnCheckNeeded && !Object.hasOwn(value, field.name) ? null : value[field.name];
      if (field.referencedType === null) writeValue(field, fieldValue, out);
      else if (fieldValue === null || fieldValue === undefined) out.writeVarNull();
      else out.writeVarInt(this.#writeReferenced(field.referencedType, fieldValue, depth + 1));
    }
  }

  #writeCollection(schema: Exclude<Schema, ObjectSchema>, value: unknown, { out, depth }: Level): void {
    const entries = this.#entriesOf(depth);
    if (schema.kind === 'MAP') {
      this.#addMapEntries(schema, value, depth);
    } else {
      if (!Array.isArray(value)) throw unexpected(`an array (${schema.name})`, value);
      for (let i = 0; i < value.length; i++) {
        entries.add(this.#writeReferenced(schema.elementType, value[i], depth + 1), 0);
      }
    }
    entries.writeTo(schema.kind, out);
  }

  /** Of an object, or of [key, value] pairs. */
  #addMapEntries({ name, keyType, valueType }: MapSchema, value: unknown, depth: number): void {
    const entries = this.#entries[depth] as CollectionEntries;
    if (isPlainObject(value)) {
      for (const property of Object.keys(value)) {
        const key = this.#writeReferenced(keyType, property, depth + 1);
        entries.add(key, this.#writeReferenced(valueType, value[property], depth + 1));
      }
      return;
    }
    if (!Array.isArray(value)) throw unexpected(`a map (${name})`, value);
    for (const entry of value) {
      if (!Array.isArray(entry) || entry.length !== 2) throw unexpected(`[key, value] (${name})`, entry);
      const key = this.#writeReferenced(keyType, entry[0], depth + 1);
      entries.add(key, this.#writeReferenced(valueType, entry[1], depth + 1));
    }
  }

  /** A record, or the bare value that stands for one with a single field. */
  #writeReferenced(typeName: string, value: unknown, depth: number): number {
    const type = this.#positions.get(typeName) as number;
    const box = this.#boxed[type] as Field | null;
    if (box === null || isPlainObject(value)) return this.#writeNested(type, value, depth);
    const out = this.#level(depth);
    writeValue(box, value, out);
    return this.#intern(type, out);
  }

  /** The buffer of a level, emptied. */
  #level(depth: number): ByteWriter {
    let level = this.#levels[depth];
    if (level === undefined) {
      level = new ByteWriter();
      this.#levels.push(level);
    }
    level.reset();
    return level;
  }

  /** The entries of a level, emptied. */
  #entriesOf(depth: number): CollectionEntries {
    while (this.#entries.length <= depth) this.#entries.push(new CollectionEntries());
    const entries = this.#entries[depth] as CollectionEntries;
    entries.clear();
    return entries;
  }

  #schema(type: number): Schema {
    return this.#schemas[type] as Schema;
  }
}

/** One field, a REFERENCE as its ordinal. */
function writeValue(field: Field, value: unknown, out: ByteWriter): void {
  if (value === null || value === undefined) return writeNull(field.kind, out);
  switch (field.kind) {
    case 'INT':
      if (typeof value !== 'number') break;
      return writeInt(value, out);
    case 'REFERENCE':
      if (typeof value !== 'number' || !(value >= 0)) break;
      return out.writeVarInt(value);
    case 'LONG':
      if (typeof value === 'number') return writeLongNumber(value, out);
      if (typeof value !== 'string' && typeof value !== 'bigint') break;
      return writeLong(BigInt(value), out);
    case 'BOOLEAN':
      if (typeof value !== 'boolean') break;
      return out.writeByte(value ? 1 : 0);
    case 'FLOAT':
      if (typeof value !== 'number') break;
      return writeFloat(value, out);
    case 'DOUBLE':
      if (typeof value !== 'number') break;
      return writeDouble(value, out);
    case 'STRING':
      if (typeof value !== 'string') break;
      out.writeVarInt(unitsSize(value));
      return out.writeUnits(value);
    case 'BYTES':
      if (!(value instanceof Uint8Array) && typeof value !== 'string') break;
      return writeSized(typeof value === 'string' ? fromBase64(value) : value, out);
  }
  throw unexpected(`${field.kind} (${field.name})`, value);
}

/** The null of a field of this kind. */
export function writeNull(kind: FieldKind, out: ByteWriter): void {
  if (kind === 'FLOAT') {
    out.writeInt32(floatNull);
  } else if (kind === 'DOUBLE') {
    out.writeInt32(doubleNullHigh);
    out.writeInt32(1);
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
  const low = value >>> 0;
  const high = Math.floor(value / two32) | 0;
  writeZigZag(high, low, out);
}

/** As {@link writeInt}: the least LONG is null. */
function writeLong(value: bigint, out: ByteWriter): void {
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
  out.writeInt32(isNan ? doubleNullHigh : scratch.getInt32(0));
  out.writeInt32(isNan ? 0 : scratch.getInt32(4));
}

function writeSized(value: Uint8Array, out: ByteWriter): void {
  out.writeVarInt(value.length);
  out.writeBytes(value);
}

function unexpected(what: string, value: unknown): DatasetError {
  return new DatasetError('invalid', `expected ${what}, got ${describe(value)}`);
}
