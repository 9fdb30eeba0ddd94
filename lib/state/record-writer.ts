import type { ByteWriter } from '../bytes/byte-writer.ts';
import { DatasetError } from '../errors.ts';
import { FieldOrder } from '../schema/field-order.ts';
import { boxedField, isPlainObject, type PlainObject } from '../schema/record.ts';
import type { MapSchema, Schema } from '../schema/schema.ts';
import { addFlatEntries, CollectionEntries } from './collection-bytes.ts';
import { kindCodes } from './packed-field.ts';
import { CycleStrings, type StringOrdinals } from './string-ordinals.ts';
import { unexpected, writeValue } from './value-writer.ts';

/** Where records go. Types by position. */
export interface RecordSink {
  /** To write one record's bytes to; what was written since an open without close is forgotten. */
  open(type: number): ByteWriter;
  /** The record is written: its ordinal. */
  close(type: number): number;
  /** The record is not of the state beneath. */
  isNew(type: number, ordinal: number): boolean;
  /** Where strings of that state, which stand for records of the type, are remembered from cycle to cycle; null: nowhere. */
  keptStrings(type: number): StringOrdinals | null;
}

/** What is worked out once for each type. */
interface TypePlan {
  readonly schema: Schema;
  /** Of an OBJECT's fields: kindCodes. */
  readonly kinds: Uint8Array;
  /** Of an OBJECT: how its fields are found in a value. */
  readonly order: FieldOrder;
  /** Of an OBJECT: the fields that are references, in order. */
  readonly references: Int32Array;
  /** Positions of the types that it refers to. OBJECT: one per field, -1 for a value; LIST, SET: elements; MAP: keys, values. */
  readonly targets: Int32Array;
  /** Kind code of the field whose bare value may stand for the record; -1: there is none. */
  readonly boxKind: number;
}

/**
 * Turns records as programs have them (lib/schema/record.ts) into canonical record bytes (docs/format.md, "Record
 * bytes"), nested records first: these are interned and appear in the outer record as ordinals. The bytes are written
 * where they stay. Guarded by the write path of test/bench.
 */
export class RecordWriter {
  readonly #plans: TypePlans;
  /** Per type whose records may stand for a STRING: ordinals of values seen lately. */
  readonly #strings: (CycleStrings | undefined)[] = [];
  readonly #sink: RecordSink;
  /** Ordinals of the records nested in those that are being written, one behind the other; -1: null. */
  #nested = new Int32Array(64);
  #nestedCount = 0;
  /** Per level of nesting, the entries of a collection that is being written there. */
  readonly #entries: CollectionEntries[] = [];

  constructor(plans: TypePlans, sink: RecordSink) {
    this.#plans = plans;
    this.#sink = sink;
  }

  /** Interns every record anew, for a cycle in which that has an effect even if the record is known. */
  forgetOrdinals(): void {
    for (const strings of this.#strings) strings?.clearOwn();
  }

  /** The ordinal of the record. */
  write(type: number, value: unknown): number {
    this.#nestedCount = 0;
    return this.#writeNested(type, value, 0);
  }

  /** The ordinal of a record whose references are given as ordinals. */
  writeFlat(type: number, values: readonly unknown[]): number {
    const { schema, kinds } = this.#plan(type);
    if (schema.kind !== 'OBJECT') {
      const entries = this.#entriesOf(0);
      addFlatEntries(schema.kind, values, entries);
      entries.writeTo(schema.kind, this.#sink.open(type));
      return this.#sink.close(type);
    }
    if (values.length !== kinds.length) {
      throw new DatasetError('invalid', `${schema.name} has ${kinds.length} fields`, {
        type: schema.name,
        valueCount: values.length,
      });
    }
    const out = this.#sink.open(type);
    for (let i = 0; i < kinds.length; i++) writeValue(kinds[i] as number, values[i], out);
    return this.#sink.close(type);
  }

  #writeNested(type: number, value: unknown, depth: number): number {
    const plan = this.#plan(type);
    const { schema } = plan;
    if (schema.kind === 'OBJECT') {
      if (!isPlainObject(value)) throw unexpected(schema.name, value);
      this.#writeObject(type, plan, value, depth);
    } else {
      const entries = this.#entriesOf(depth);
      if (schema.kind === 'MAP') this.#addMapEntries(schema, plan.targets, value, depth);
      else this.#addElements(schema.name, plan.targets, value, depth);
      entries.writeTo(schema.kind, this.#sink.open(type));
    }
    return this.#sink.close(type);
  }

  #writeObject(type: number, plan: TypePlan, value: PlainObject, depth: number): void {
    const { kinds, references } = plan;
    const { places } = plan.order.placesOf(Object.keys(value));
    const values = Object.values(value);
    const firstNested = this.#nestedCount;
    // All nested ones first: they may be of this type, and write where it is written.
    for (let i = 0; i < references.length; i++) {
      const field = references[i] as number;
      const place = places[field] as number;
      const nested = place < 0 ? null : values[place];
      const isNull = nested === null || nested === undefined;
      const ordinal = isNull ? -1 : this.#writeReferenced(plan.targets[field] as number, nested, depth + 1);
      this.#pushNested(ordinal);
    }
    const out = this.#sink.open(type);
    let nextNested = firstNested;
    for (let field = 0; field < kinds.length; field++) {
      const kind = kinds[field] as number;
      if (kind === kindCodes.REFERENCE) {
        const ordinal = this.#nested[nextNested++] as number;
        if (ordinal < 0) out.writeVarNull();
        else out.writeVarInt(ordinal);
      } else {
        const place = places[field] as number;
        writeValue(kind, place < 0 ? null : values[place], out);
      }
    }
    this.#nestedCount = firstNested;
  }

  #pushNested(ordinal: number): void {
    if (this.#nestedCount === this.#nested.length) {
      const nested = new Int32Array(this.#nested.length * 2);
      nested.set(this.#nested);
      this.#nested = nested;
    }
    this.#nested[this.#nestedCount++] = ordinal;
  }

  #addElements(name: string, targets: Int32Array, value: unknown, depth: number): void {
    const entries = this.#entries[depth] as CollectionEntries;
    const target = targets[0] as number;
    if (!Array.isArray(value)) throw unexpected(`an array (${name})`, value);
    for (let i = 0; i < value.length; i++) entries.add(this.#writeReferenced(target, value[i], depth + 1), 0);
  }

  /** Of an object, or of [key, value] pairs. */
  #addMapEntries({ name }: MapSchema, targets: Int32Array, value: unknown, depth: number): void {
    const entries = this.#entries[depth] as CollectionEntries;
    const keyTarget = targets[0] as number;
    const valueTarget = targets[1] as number;
    if (isPlainObject(value)) {
      const names = Object.keys(value);
      const values = Object.values(value);
      for (let i = 0; i < names.length; i++) {
        const key = this.#writeReferenced(keyTarget, names[i], depth + 1);
        entries.add(key, this.#writeReferenced(valueTarget, values[i], depth + 1));
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
    const { boxKind } = this.#plan(type);
    const strings = boxKind === kindCodes.STRING ? this.#stringsOf(type) : null;
    if (strings !== null && typeof value === 'string') {
      const known = strings.find(value);
      if (known >= 0) return known;
    }
    if (boxKind < 0 || isPlainObject(value)) return this.#writeNested(type, value, depth);
    writeValue(boxKind, value, this.#sink.open(type));
    const ordinal = this.#sink.close(type);
    if (strings !== null && typeof value === 'string')
      strings.add(value, ordinal, this.#sink.isNew(type, ordinal));
    return ordinal;
  }

  /** The entries of a level, emptied. */
  #entriesOf(depth: number): CollectionEntries {
    while (this.#entries.length <= depth) this.#entries.push(new CollectionEntries());
    const entries = this.#entries[depth] as CollectionEntries;
    entries.clear();
    return entries;
  }

  #stringsOf(type: number): CycleStrings {
    const known = this.#strings[type];
    if (known !== undefined) return known;
    const strings = new CycleStrings(this.#sink.keptStrings(type));
    this.#strings[type] = strings;
    return strings;
  }

  #plan(type: number): TypePlan {
    return this.#plans.of(type);
  }
}

/** How records of some types are written: worked out at the first record of each, for all cycles of a producer. */
export class TypePlans {
  readonly #schemas: readonly Schema[];
  readonly #positions: ReadonlyMap<string, number>;
  readonly #plans: (TypePlan | undefined)[];

  /** @param schemas by position */
  constructor(schemas: readonly Schema[]) {
    this.#schemas = schemas;
    this.#positions = new Map(schemas.map((schema, position) => [schema.name, position]));
    this.#plans = schemas.map(() => undefined);
  }

  of(type: number): TypePlan {
    const known = this.#plans[type];
    if (known !== undefined) return known;
    const plan = this.#planOf(this.#schemas[type] as Schema);
    this.#plans[type] = plan;
    return plan;
  }

  #planOf(schema: Schema): TypePlan {
    const fields = schema.kind === 'OBJECT' ? schema.fields : [];
    const kinds = Uint8Array.from(fields, ({ kind }) => kindCodes[kind]);
    const box = boxedField(schema);
    return {
      schema,
      kinds,
      order: new FieldOrder(fields),
      references: Int32Array.from(kinds.keys()).filter((field) => kinds[field] === kindCodes.REFERENCE),
      targets: Int32Array.from(referencedTypes(schema), (name) =>
        name === null ? -1 : (this.#positions.get(name) as number),
      ),
      boxKind: box === null ? -1 : kindCodes[box.kind],
    };
  }
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
