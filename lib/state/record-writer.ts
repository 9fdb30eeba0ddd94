import type { ByteWriter } from '../bytes/byte-writer.ts';
import { DatasetError } from '../errors.ts';
import { isPlainObject, type PlainObject } from '../schema/plain-object.ts';
import type { MapSchema } from '../schema/schema.ts';
import { addFlatEntries, CollectionEntries } from './collection-bytes.ts';
import { CollectionsAhead, groupSize } from './collections-ahead.ts';
import { kindCodes } from './packed-field.ts';
import { CycleStrings, type StringOrdinals } from './string-ordinals.ts';
import type { TypePlan, TypePlans } from './type-plans.ts';
import { unexpected, writeValue } from './value-writer.ts';

/** Where records go. Types by position. */
export interface RecordSink {
  /** To write one record's bytes to; what was written since an open without close is forgotten. */
  open(type: number): ByteWriter;
  /** The record is written: its ordinal. */
  close(type: number): number;
  /** As {@link close}, where the hash of its bytes is known. */
  closeHashed(type: number, hash: number): number;
  /** Asks for the memory that tells which of `hashes[0, count)` are those of known records. */
  touch(type: number, hashes: Int32Array, count: number): void;
  /** The record is not of the state beneath. */
  isNew(type: number, ordinal: number): boolean;
  /** Where strings of that state, which stand for records of the type, are remembered from cycle to cycle; null: nowhere. */
  keptStrings(type: number): StringOrdinals | null;
}

/**
 * Turns records as programs have them (lib/schema/record.ts) into canonical record bytes (docs/format.md, "Record
 * bytes"), nested records first: these are interned and appear in the outer record as ordinals. The bytes are written
 * where they stay. Guarded by the write path of test/bench.
 */
export class RecordWriter {
  readonly #plans: TypePlans;
  /** Per type whose records may stand for a STRING: ordinals of values seen lately. */
  readonly #strings: (CycleStrings | null | undefined)[] = [];
  readonly #sink: RecordSink;
  /** Ordinals of the records nested in those that are being written, one behind the other; -1: null. */
  #nested = new Int32Array(64);
  #nestedCount = 0;
  /** Per type, by place among its references: what {@link writeAll} looks ahead with; null: not at this one. */
  readonly #ahead: (Ahead | undefined)[] = [];
  /** Of the record that is being written, if it is one of a group. */
  #lookedAhead: Ahead = [];
  /** Its place in the group. */
  #place = 0;
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
    this.#lookedAhead = [];
    return this.#writeNested(type, value, 0);
  }

  /** As {@link write} one after the other, but what they wait for they wait for together. */
  writeAll(type: number, values: readonly unknown[], take: (ordinal: number) => void): void {
    const ahead = this.#aheadOf(type);
    if (ahead.every((field) => field === null)) for (const value of values) take(this.write(type, value));
    else
      for (let from = 0; from < values.length; from += groupSize)
        this.#writeGroup(type, values.slice(from, from + groupSize), take);
  }

  #writeGroup(type: number, group: readonly unknown[], take: (ordinal: number) => void): void {
    const plan = this.#plan(type);
    const properties: (Properties | null)[] = [];
    for (const value of group) properties.push(isPlainObject(value) ? propertiesOf(plan, value) : null);
    const ahead = this.#aheadOf(type);
    for (let i = 0; i < ahead.length; i++)
      this.#lookAhead(ahead[i] as CollectionsAhead | null, plan, plan.references[i] as number, properties);
    for (let k = 0; k < group.length; k++) {
      const found = properties[k] as Properties | null;
      if (found === null) throw unexpected(plan.schema.name, group[k]);
      this.#nestedCount = 0;
      this.#lookedAhead = ahead;
      this.#place = k;
      this.#writeFields(type, plan, found, 0);
      take(this.#sink.close(type));
    }
  }

  #lookAhead(
    ahead: CollectionsAhead | null,
    { targets }: TypePlan,
    field: number,
    properties: readonly (Properties | null)[],
  ): void {
    if (ahead === null) return;
    ahead.clear();
    for (let k = 0; k < properties.length; k++) {
      const found = properties[k] as Properties | null;
      ahead.take(k, found === null ? null : found.values[found.places[field] as number]);
    }
    this.#sink.touch(targets[field] as number, ahead.hashes, ahead.count);
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
      this.#writeFields(type, plan, propertiesOf(plan, value), depth);
    } else {
      const entries = this.#entriesOf(depth);
      if (schema.kind === 'MAP') this.#addMapEntries(schema, plan.targets, value, depth);
      else this.#addElements(schema.name, plan.targets, value, depth);
      entries.writeTo(schema.kind, this.#sink.open(type));
    }
    return this.#sink.close(type);
  }

  #writeFields(type: number, plan: TypePlan, { places, values }: Properties, depth: number): void {
    const { kinds, references } = plan;
    const firstNested = this.#nestedCount;
    // All nested ones first: they may be of this type, and write where it is written.
    for (let i = 0; i < references.length; i++) {
      const field = references[i] as number;
      const place = places[field] as number;
      const nested = place < 0 ? null : values[place];
      const isNull = nested === null || nested === undefined;
      const target = plan.targets[field] as number;
      const ahead = depth === 0 ? this.#lookedAhead[i] : null;
      if (isNull) this.#pushNested(-1);
      else if (ahead?.has(this.#place)) this.#pushNested(this.#writeAhead(target, ahead));
      else this.#pushNested(this.#writeReferenced(target, nested, depth + 1));
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

  #writeAhead(type: number, ahead: CollectionsAhead): number {
    ahead.writeTo(this.#place, this.#sink.open(type));
    return this.#sink.closeHashed(type, ahead.hashOf(this.#place));
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
    const strings = this.#stringsOf(type);
    if (strings !== null && typeof value === 'string') {
      const known = strings.find(value);
      if (known >= 0) return known;
      const ordinal = this.#writeBox(type, kindCodes.STRING, value);
      strings.add(value, ordinal, this.#sink.isNew(type, ordinal));
      return ordinal;
    }
    const { boxKind } = this.#plan(type);
    if (boxKind < 0 || isPlainObject(value)) return this.#writeNested(type, value, depth);
    return this.#writeBox(type, boxKind, value);
  }

  #writeBox(type: number, kind: number, value: unknown): number {
    writeValue(kind, value, this.#sink.open(type));
    return this.#sink.close(type);
  }

  /** The entries of a level, emptied. */
  #entriesOf(depth: number): CollectionEntries {
    while (this.#entries.length <= depth) this.#entries.push(new CollectionEntries());
    const entries = this.#entries[depth] as CollectionEntries;
    entries.clear();
    return entries;
  }

  /** Null: no record of the type stands for a STRING. */
  #stringsOf(type: number): CycleStrings | null {
    const known = this.#strings[type];
    if (known !== undefined) return known;
    const isText = this.#plan(type).boxKind === kindCodes.STRING;
    const strings = isText ? new CycleStrings(this.#sink.keptStrings(type)) : null;
    this.#strings[type] = strings;
    return strings;
  }

  #aheadOf(type: number): Ahead {
    const known = this.#ahead[type];
    if (known !== undefined) return known;
    const { references, targets } = this.#plan(type);
    const ahead = Array.from(references, (field) => this.#collectionsAhead(targets[field] as number));
    this.#ahead[type] = ahead;
    return ahead;
  }

  /** Null: the type is no collection of strings. */
  #collectionsAhead(type: number): CollectionsAhead | null {
    const { schema, targets } = this.#plan(type);
    if (schema.kind === 'OBJECT') return null;
    const [keys, values = keys] = Array.from(targets, (target) => this.#stringsOf(target));
    if (keys === null || keys === undefined || values === null || values === undefined) return null;
    return new CollectionsAhead({ kind: schema.kind, keys, values });
  }

  #plan(type: number): TypePlan {
    return this.#plans.of(type);
  }
}

/** What an object has, and where a type's fields are in it. */
interface Properties {
  readonly places: Int32Array;
  readonly values: readonly unknown[];
}

function propertiesOf({ order }: TypePlan, value: PlainObject): Properties {
  return { places: order.placesOf(Object.keys(value)).places, values: Object.values(value) };
}

type Ahead = readonly (CollectionsAhead | null)[];
