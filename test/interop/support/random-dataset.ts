import type { Field, ObjectSchema } from '../../../lib/schema/schema.ts';
import type { RandomSchema } from './random-schema.ts';
import { canonical, objectOf, type RecordValue } from './record-value.ts';
import type { Seeded } from './seeded.ts';

const longs = [
  '0',
  '1',
  '-1',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775807',
  '4294967296',
];
const ints = [0, 1, -1, 7, 300, 2_147_483_647, -2_147_483_647];
const floats = ['00000000', '80000000', '3f800000', '7f800000', '00000001', 'c2f6e979'];
const doubles = [
  '0000000000000000',
  '8000000000000000',
  '3ff0000000000000',
  '0000000000000001',
  'c05edd2f1a9fbe77',
];
const strings = [
  '',
  'a',
  'é',
  '日本',
  '😀',
  '\ud800',
  '\u0000',
  'some longer text, still ascii',
  'x'.repeat(70),
];
const byteArrays = ['', '00', 'ff80', '00010280'.repeat(9)];

/** What random changes changed. A change may be of both kinds, or of none. */
export interface ChangeCounts {
  readonly all: number;
  /** Another list, set or map in a field. */
  readonly ofCollections: number;
  /** A field whose record, old or new, is that of another root too. */
  readonly ofShared: number;
}

/**
 * The records that a chain should hold, and random steps from state to state. Values come from small pools, and roots
 * take over fields from each other, so that sub-records and whole collections are shared.
 */
export class RandomDataset {
  readonly model: RandomSchema;
  readonly #random: Seeded;
  /** By root type, then by key. */
  readonly #roots: ReadonlyMap<string, Map<string, RecordValue>>;
  readonly #counts = { all: 0, ofCollections: 0, ofShared: 0 };

  constructor(model: RandomSchema, random: Seeded, rootCount: number) {
    this.model = model;
    this.#random = random;
    this.#roots = new Map(model.rootTypes.map((type) => [type, new Map<string, RecordValue>()]));
    for (let i = 0; i < rootCount; i++) this.#put();
  }

  /** All roots as they are to be, by type. */
  get records(): Readonly<Record<string, readonly RecordValue[]>> {
    return Object.fromEntries([...this.#roots].map(([type, records]) => [type, [...records.values()]]));
  }

  /** Of all changes so far. */
  get changeCounts(): ChangeCounts {
    return this.#counts;
  }

  /** Adds, removes and changes `count` roots. */
  change(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#counts.all++;
      const roll = this.#random.below(100);
      if (roll < 10) this.#put();
      else if (roll < 20) this.#drop();
      else this.#mutate(roll < 76);
    }
  }

  #put(): void {
    const type = this.#random.pick(this.model.rootTypes);
    const record = this.#object(this.model.schema.getObject(type));
    this.#roots.get(type)?.set(this.#keyOf(type, record), record);
  }

  #drop(): void {
    const records = this.#roots.get(this.#random.pick(this.model.rootTypes));
    // With hardly any left there would be nothing to share.
    if (records === undefined || records.size < 6) return this.#put();
    records.delete(this.#random.pick([...records.keys()]));
  }

  /**
   * Replaces one field that is no key, mostly a reference.
   *
   * @param isTakenOver by what another root has there
   */
  #mutate(isTakenOver: boolean): void {
    const type = this.#random.pick(this.model.rootTypes);
    const records = this.#roots.get(type);
    if (records === undefined || records.size === 0) return this.#put();
    const keys = [...records.keys()];
    const key = this.#random.pick(keys);
    const old = objectOf(records.get(key) ?? null);
    const fields = this.model.schema
      .getObject(type)
      .fields.filter(
        ({ name, kind }) =>
          !this.model.keyFields.has(`${type}.${name}`) && (!isTakenOver || kind === 'REFERENCE'),
      );
    const collections = fields.filter(({ referencedType }) => this.#isCollection(referencedType));
    const isOfCollection = collections.length > 0 && this.#random.chance(60);
    const field = this.#random.pick(isOfCollection ? collections : fields);
    const others = keys.filter((other) => other !== key);
    const value =
      isTakenOver && others.length > 0
        ? (objectOf(records.get(this.#random.pick(others)) ?? null)[field.name] ?? null)
        : this.#field(type, field);
    this.#count(type, field, key, [old[field.name] ?? null, value]);
    records.set(key, { ...old, [field.name]: value });
  }

  #isCollection(type: string | null): boolean {
    return type !== null && this.model.schema.get(type).kind !== 'OBJECT';
  }

  #count(type: string, { name, referencedType }: Field, key: string, change: readonly RecordValue[]): void {
    if (referencedType === null) return;
    const { schema } = this.model;
    const textOf = (value: RecordValue): string =>
      value === null ? 'null' : canonical(schema, referencedType, value);
    const texts = new Set(change.map(textOf));
    if (texts.size === 1) return;
    texts.delete('null');
    if (this.#isCollection(referencedType)) this.#counts.ofCollections++;
    for (const [other, record] of this.#roots.get(type) ?? []) {
      if (other === key || !texts.has(textOf(objectOf(record)[name] ?? null))) continue;
      this.#counts.ofShared++;
      return;
    }
  }

  #keyOf(type: string, record: RecordValue): string {
    const { primaryKey } = this.model.schema.getObject(type);
    return JSON.stringify(primaryKey.map((path) => objectOf(record)[path]));
  }

  #value(type: string): RecordValue {
    const schema = this.model.schema.get(type);
    switch (schema.kind) {
      case 'OBJECT':
        return this.#object(schema);
      case 'LIST':
        return Array.from({ length: this.#size() }, () => this.#value(schema.elementType));
      case 'SET':
        return this.#distinct(schema.elementType);
      case 'MAP':
        return this.#distinct(schema.keyType).map((key) => [key, this.#value(schema.valueType)]);
    }
  }

  #size(): number {
    return this.#random.chance(5) ? 8 + this.#random.below(12) : this.#random.below(4);
  }

  #distinct(type: string): RecordValue[] {
    const values = Array.from({ length: this.#size() }, () => this.#value(type));
    return [...new Map(values.map((value) => [canonical(this.model.schema, type, value), value])).values()];
  }

  #object(schema: ObjectSchema): RecordValue {
    return Object.fromEntries(schema.fields.map((field) => [field.name, this.#field(schema.name, field)]));
  }

  #field(type: string, field: Field): RecordValue {
    const isKey = this.model.keyFields.has(`${type}.${field.name}`);
    if (!isKey && this.#random.chance(15)) return null;
    if (field.referencedType !== null) return this.#value(field.referencedType);
    if (isKey && this.model.rootTypes.includes(type)) {
      return field.kind === 'STRING' ? `key-${this.#random.below(40)}` : this.#keyNumber(field);
    }
    return this.#scalar(field, type === 'String');
  }

  #keyNumber(field: Field): RecordValue {
    const number = this.#random.below(60) * 37 - 500;
    return field.kind === 'LONG' ? String(number) : number;
  }

  /** @param isPlain from a larger pool: else there would be few different keys of sets and maps */
  #scalar({ kind }: Field, isPlain: boolean): RecordValue {
    switch (kind) {
      case 'INT':
        return this.#random.chance(50) ? this.#random.pick(ints) : this.#random.below(50) - 10;
      case 'LONG':
        return this.#random.chance(50) ? this.#random.pick(longs) : String(this.#random.below(50) - 10);
      case 'BOOLEAN':
        return this.#random.chance(50);
      case 'FLOAT':
        return this.#random.pick(floats);
      case 'DOUBLE':
        return this.#random.pick(doubles);
      case 'BYTES':
        return this.#random.pick(byteArrays);
      default:
        return isPlain && this.#random.chance(70)
          ? `text ${this.#random.below(60)}`
          : this.#random.pick(strings);
    }
  }
}
