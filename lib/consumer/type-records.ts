import { DatasetError } from '../errors.ts';
import type { UniqueKeyIndex } from '../indexes/unique-key.ts';
import type { AnyDataset } from '../schema/builder.ts';
import type { KeyPath } from '../schema/dataset-schema.ts';
import { type KeyPartReader, keyPartReader } from '../schema/key-part.ts';
import { describe } from '../schema/record.ts';
import type { KeyPart } from '../schema/record-key.ts';
import type { KeyedNameOf, KeyOf, ViewOf } from '../schema/record-of.ts';
import type { Column, NumberColumn } from '../state/column.ts';
import type { ObjectTypeState } from '../state/object-type-state.ts';
import type { RecordView } from '../state/record.ts';

/** Names of the OBJECT types that can be read: those of the dataset; without a dataset, any name. */
export type TypeNameOf<D extends AnyDataset | null> = D extends AnyDataset
  ? keyof D['types'] & string
  : string;

/** Names of the types with a primary key. */
export type LookupNameOf<D extends AnyDataset | null> = D extends AnyDataset ? KeyedNameOf<D> : string;

/** A record as readers get it: its fields by name, read from the state when you ask for them, `toObject()` and `toJSON()`. */
export type Found<D extends AnyDataset | null, Name> = D extends AnyDataset
  ? Name extends keyof D['types']
    ? ViewOf<D, Name>
    : never
  : RecordView;

/** A primary key as arguments, one for each of its paths. */
export type LookupKey<D extends AnyDataset | null, Name> = D extends AnyDataset
  ? Name extends KeyedNameOf<D>
    ? KeyOf<D, Name>
    : readonly [never]
  : readonly KeyPart[];

type ViewMethod = 'toObject' | 'toJSON';

/** What {@link TypeRecords} reads from. */
export interface TypeSource {
  readonly records: ObjectTypeState;
  /** Null: the type has no primary key, or is not indexed. */
  readonly index: UniqueKeyIndex | null;
  /** Throws where a part of the key is not loaded. */
  readonly keyPaths: () => readonly KeyPath[];
  readonly view: (ordinal: number) => RecordView;
  readonly column: (field: string) => Column<unknown>;
}

/** A field's column: with `toArray()` and `batches()` if all its values are numbers. */
export type ColumnOf<Value> = unknown extends Value
  ? NumberColumn<unknown>
  : [Value] extends [number | null]
    ? NumberColumn<Value>
    : Column<Value>;

/**
 * The records of one type at one version. Immutable.
 *
 * @example
 * for (const city of consumer.state.type('City')) sum += city.population ?? 0;
 */
export class TypeRecords<Record, Key extends readonly unknown[]> implements Iterable<Record> {
  readonly #source: TypeSource;
  readonly #parts: readonly KeyPartReader[];

  constructor(source: TypeSource) {
    this.#source = source;
    const paths = source.index === null ? [] : source.keyPaths();
    this.#parts = paths.map((path) => keyPartReader(source.records.schema.name, path));
  }

  get name(): string {
    return this.#source.records.schema.name;
  }

  /** How many records there are. */
  get count(): number {
    return this.#source.records.count;
  }

  /**
   * The record with this primary key, one argument for each path of the key; undefined if there is none.
   *
   * @throws DatasetError `invalid`: the type is not indexed, or this is not its key; the message says what was expected
   */
  find(...key: Key): Record | undefined {
    const ordinal = this.#ordinalOf(key);
    if (ordinal === -1) return undefined;
    // The view has the fields that the dataset says: the blob's schema was held against it when it was loaded.
    return this.#source.view(ordinal) as Record;
  }

  /**
   * {@link find} for a record that must be there.
   *
   * @throws DatasetError `invalid` if it is not
   */
  get(...key: Key): Record {
    const record = this.find(...key);
    if (record !== undefined) return record;
    const text = key.map(describe).join(', ');
    throw this.#invalid(`there is no ${this.name} with the key (${text})`, { key: text });
  }

  /**
   * The ordinal of the record with this primary key, for {@link TypeRecords.column columns} of this version; -1 if there is none.
   *
   * @throws DatasetError as {@link TypeRecords.find}
   */
  ordinalOf(...key: Key): number {
    return this.#ordinalOf(key);
  }

  /** The ordinals of all records, ascending. {@link TypeRecords.column Columns} give their values in this order. */
  ordinals(): Int32Array<ArrayBuffer> {
    const { records } = this.#source;
    const ordinals = new Int32Array(records.count);
    for (let o = records.nextPopulated(0), k = 0; o >= 0; o = records.nextPopulated(o + 1)) ordinals[k++] = o;
    return ordinals;
  }

  /**
   * One field of all records. Reading many values is several times faster than through records; the values are the same.
   * Take the column once, not for each record.
   *
   * @example
   * const price = products.column('price');
   * const o = products.ordinalOf('pen-1');
   * if (o >= 0) price.at(o);                         // as products.get('pen-1').price
   * for (const each of price.toArray(0)) sum += each;
   *
   * @throws DatasetError `invalid` if there is no such field
   */
  column<Field extends string & Exclude<keyof Record, ViewMethod>>(field: Field): ColumnOf<Record[Field]> {
    // The values are those of the record's property of this name, by which the type is chosen.
    return this.#source.column(field) as ColumnOf<Record[Field]>;
  }

  /** All records, by ordinal. */
  *[Symbol.iterator](): Generator<Record, undefined> {
    const { records, view } = this.#source;
    for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) yield view(o) as Record;
  }

  #ordinalOf(key: readonly unknown[]): number {
    const { index } = this.#source;
    if (index === null) throw this.#noIndex();
    const parts = this.#parts;
    // Most keys have one part: no list of parts is made of it.
    if (key.length === 1 && parts.length === 1) return index.find((parts[0] as KeyPartReader)(key[0]));
    return index.findByKey(this.#keyOf(key));
  }

  #keyOf(key: readonly unknown[]): readonly KeyPart[] {
    const parts = this.#parts;
    if (key.length === parts.length) return key.map((part, i) => (parts[i] as KeyPartReader)(part));
    const paths = this.#source
      .keyPaths()
      .map(({ path }) => path)
      .join(', ');
    throw this.#invalid(`the key of ${this.name} is (${paths}), not ${key.length} values`);
  }

  #noIndex(): DatasetError {
    // Where a part of the key is not loaded this says so.
    const isKeyed = this.#source.keyPaths().length > 0;
    const reason = isKeyed ? 'is not one of the indexedTypes' : 'has no primary key';
    return this.#invalid(`'${this.name}' ${reason}: its records can be read one by one, not looked up`);
  }

  #invalid(problem: string, details: Readonly<globalThis.Record<string, string>> = {}): DatasetError {
    return new DatasetError('invalid', problem, { type: this.name, ...details });
  }
}
