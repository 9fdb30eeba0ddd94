import { fromBase64 } from '../bytes/base64.ts';
import { ByteWriter } from '../bytes/byte-writer.ts';
import { DatasetError } from '../errors.ts';
import { boxedField, describe, isPlainObject } from '../schema/record.ts';
import type { Field, FieldKind, MapSchema, ObjectSchema, Schema } from '../schema/schema.ts';
import { addFlatEntries, CollectionEntries } from './collection-bytes.ts';
import { StringOrdinals } from './string-ordinals.ts';

/** Gives a record its ordinal; `record` is only lent. */
type Intern = (type: number, record: ByteWriter) => number;

/** What is worked out once for each type. */
interface TypePlan {
  readonly schema: Schema;
  /** Positions of the types that it refers to. OBJECT: one per field, -1 for a value; LIST, SET: elements; MAP: keys, values. */
  readonly targets: readonly number[];
  /** Its bare value may stand for the record. */
  readonly box: Field | null;
  /** Of a box of STRING: ordinals of values seen lately. */
  readonly strings: StringOrdinals | null;
  /** A field is called like something that every object has (`toString`): only an own one counts, at a cost. */
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
  readonly #plans: readonly TypePlan[];
  readonly #intern: Intern;
  /** One buffer per level of nesting, reused for every record. */
  readonly #levels: ByteWriter[] = [];
  /** And the entries of a collection that is being written there. */
  readonly #entries: CollectionEntries[] = [];

  constructor(schemas: readonly Schema[], intern: Intern) {
    this.#plans = plansOf(schemas);
    this.#intern = intern;
  }

  /** Interns every record anew, for a cycle in which that has an effect even if the record is known. */
  forgetOrdinals(): void {
    for (const { strings } of this.#plans) strings?.clear();
  }

  /** The ordinal of the record. */
  write(type: number, value: unknown): number {
    return this.#writeNested(type, value, 0);
  }

  /** The ordinal of a record whose references are given as ordinals. */
  writeFlat(type: number, values: readonly unknown[]): number {
    const { schema } = this.#plan(type);
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
    const plan = this.#plan(type);
    const out = this.#level(depth);
    if (plan.schema.kind === 'OBJECT') this.#writeObject(plan, value, depth, out);
    else this.#writeCollection(plan.schema, plan.targets, value, depth);
    return this.#intern(type, out);
  }

  #writeObject(
    { schema, targets, isOwnCheckNeeded }: TypePlan,
    value: unknown,
    depth: number,
    out: ByteWriter,
  ): void {
    if (!isPlainObject(value)) throw unexpected(schema.name, value);
    const { fields } = schema as ObjectSchema;
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i] as Field;
      const target = targets[i] as number;
      const fieldValue = isOwnCheckNeeded && !Object.hasOwn(value, field.name) ? null : value[field.name];
      if (target < 0) writeValue(field, fieldValue, out);
      else if (fieldValue === null || fieldValue === undefined) out.writeVarNull();
      else out.writeVarInt(this.#writeReferenced(target, fieldValue, depth + 1));
    }
  }

  #writeCollection(
    schema: Exclude<Schema, ObjectSchema>,
    targets: readonly number[],
    value: unknown,
    depth: number,
  ): void {
    const entries = this.#entriesOf(depth);
    const target = targets[0] as number;
    if (schema.kind === 'MAP') {
      this.#addMapEntries(schema, targets, value, depth);
    } else {
      if (!Array.isArray(value)) throw unexpected(`an array (${schema.name})`, value);
      for (let i = 0; i < value.length; i++)
        entries.add(this.#writeReferenced(target, value[i], depth + 1), 0);
    }
    entries.writeTo(schema.kind, this.#levels[depth] as ByteWriter);
  }

  /** Of an object, or of [key, value] pairs. */
  #addMapEntries({ name }: MapSchema, targets: readonly number[], value: unknown, depth: number): void {
    const entries = this.#entries[depth] as CollectionEntries;
    const keyTarget = targets[0] as number;
    const valueTarget = targets[1] as number;
    if (isPlainObject(value)) {
      for (const property of Object.keys(value)) {
        const key = this.#writeReferenced(keyTarget, property, depth + 1);
        entries.add(key, this.#writeReferenced(valueTarget, value[property], depth + 1));
      }
      return;
    }
    if (!Array.isArray(value)) throw unexpected(`a map (${name})`, value);
    for (const entry of value) {
      if (!Array.isArray(entry) || entry.length !== 2) throw unexpected(`[key, value] (${name})`, entry);
      const key = this.#writeReferenced(keyTarget, entry[0], depth + 1);
      entries.add(key, this.#writeReferenced(valueTarget, entry[1], depth + 1));
    }
  }

  /** A record, or the bare value that stands for one with a single field. */
  #writeReferenced(type: number, value: unknown, depth: number): number {
    const { box, strings } = this.#plan(type);
    if (strings !== null && typeof value === 'string') {
      const known = strings.find(value);
      if (known >= 0) return known;
    }
    if (box === null || isPlainObject(value)) return this.#writeNested(type, value, depth);
    const out = this.#level(depth);
    writeValue(box, value, out);
    const ordinal = this.#intern(type, out);
    if (strings !== null && typeof value === 'string') strings.add(value, ordinal);
    return ordinal;
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

  #plan(type: number): TypePlan {
    return this.#plans[type] as TypePlan;
  }
}

function plansOf(schemas: readonly Schema[]): TypePlan[] {
  const positions = new Map(schemas.map((schema, position) => [schema.name, position]));
  return schemas.map((schema) => {
    const box = boxedField(schema);
    return {
      schema,
      targets: referencedTypes(schema).map((name) => (name === null ? -1 : (positions.get(name) as number))),
      box,
      strings: box?.kind === 'STRING' ? new StringOrdinals() : null,
      isOwnCheckNeeded:
        schema.kind === 'OBJECT' && schema.fields.some(({ name }) => name in Object.prototype),
    };
  });
}

function referencedTypes(schema: Schema): readonly (string | null)[] {
  switch (schema.kind) {
    case 'OBJECT':
      return schema.fields.map(({ referencedType }) => referencedType);
    case 'MAP':
      return [schema.keyType, schema.valueType];
    default:
      return [schema.elementType];
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
      return out.writeSizedUnits(value);
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
