/**
 * The TypeScript way to write a schema. The record types are inferred from it, so nothing is generated and nothing is
 * written twice. What it makes is Hollow's schema, with the names that Java-Hollow's object mapper would give.
 */
import { DatasetError } from '../errors.ts';
import { DatasetSchema } from './dataset-schema.ts';
import type { Field, FieldKind, ObjectSchema } from './schema.ts';

/** Carries a type that only the compiler sees. */
declare const valueType: unique symbol;

/** A field that holds its value. */
export interface ValueField<Value> {
  readonly kind: Exclude<FieldKind, 'REFERENCE'>;
  readonly referencedType: null;
  readonly [valueType]?: Value;
}

/** A field that refers to a `String`, a record with the one field `value`, which all fields with that text share. */
export interface StringField {
  readonly kind: 'REFERENCE';
  readonly referencedType: 'String';
}

/** A field that refers to a type of the same dataset. */
export interface RefField<Name extends string> {
  readonly kind: 'REFERENCE';
  readonly referencedType: Name;
}

export type FieldSpec = ValueField<unknown> | RefField<string>;
export type FieldSpecs = Readonly<Record<string, FieldSpec>>;

/** One type: its fields in record order, and its primary key. */
export interface TypeSpec<Fields extends FieldSpecs, Path extends string> {
  readonly fields: Fields;
  readonly primaryKey: readonly Path[];
}

export type TypeSpecs = Readonly<Record<string, TypeSpec<FieldSpecs, string>>>;

/** What {@link defineDataset} makes. */
export interface Dataset<Types extends TypeSpecs> {
  readonly schema: DatasetSchema;
  readonly types: Types;
}

function value<Value>(kind: Exclude<FieldKind, 'REFERENCE'>): ValueField<Value> {
  return Object.freeze({ kind, referencedType: null });
}

function string(): StringField;
function string(options: { readonly inline: true }): ValueField<string>;
function string(options?: { readonly inline: true }): StringField | ValueField<string> {
  return options === undefined ? ref('String') : value<string>('STRING');
}

function ref<const Name extends string>(referencedType: Name): RefField<Name> {
  return Object.freeze({ kind: 'REFERENCE', referencedType });
}

function long(): ValueField<number>;
function long(options: { readonly wide: true }): ValueField<number | bigint>;
function long(): ValueField<number | bigint> {
  return value<number>('LONG');
}

/**
 * The kinds of fields. All are nullable, except in the primary key.
 *
 * - `int` (32 bits; -2^31 cannot be stored), `boolean`, `float`, `double`, `bytes`
 * - `long` (64 bits) for numbers up to ±2^53, such as times; `long({ wide: true })` for all: beyond that they are bigint
 * - `string`: stored once however many records have it; `string({ inline: true })` is stored in each record, which is
 *   smaller where nearly every value is different
 * - `ref('Other')`: a record of another type of the dataset, shared in the same way
 */
export const t = {
  int: () => value<number>('INT'),
  long,
  boolean: () => value<boolean>('BOOLEAN'),
  float: () => value<number>('FLOAT'),
  double: () => value<number>('DOUBLE'),
  bytes: () => value<Uint8Array>('BYTES'),
  string,
  ref,
} as const;

/** A path of a primary key: a field, or from a reference on to a field of that record (`country.code`). */
export type PathOf<Fields extends FieldSpecs> = {
  [Name in keyof Fields & string]: Fields[Name] extends RefField<string> ? Name | `${Name}.${string}` : Name;
}[keyof Fields & string];

/** A type of a dataset; see {@link defineDataset}. */
export function type<const Fields extends FieldSpecs>(fields: Fields): TypeSpec<Fields, never>;
export function type<const Fields extends FieldSpecs, const Path extends PathOf<Fields>>(
  fields: Fields,
  options: { readonly primaryKey: readonly Path[] },
): TypeSpec<Fields, Path>;
export function type<Path extends string>(
  fields: FieldSpecs,
  options: { readonly primaryKey: readonly Path[] } = { primaryKey: [] },
): TypeSpec<FieldSpecs, Path> {
  return Object.freeze({ fields: Object.freeze(fields), primaryKey: options.primaryKey });
}

/**
 * Defines a dataset by its types. The order of fields is that of the records: append new ones at the end.
 *
 * @throws DatasetError `invalid`: a name is not allowed, a reference or a key path leads nowhere
 * @example
 * const cities = defineDataset({
 *   City: type({ id: t.int(), name: t.string(), country: t.ref('Country') }, { primaryKey: ['id'] }),
 *   Country: type({ code: t.string({ inline: true }), name: t.string() }),
 * });
 * type City = RecordOf<typeof cities, 'City'>;   // { readonly id: number; readonly name: string | null; … }
 */
export function defineDataset<const Types extends TypeSpecs>(types: Types): Dataset<Types> {
  const schemas = Object.entries(types).map(([name, spec]) => schemaOf(name, spec));
  const own = schemas.find(({ name }) => name === stringType.name);
  if (own === undefined) {
    const isUsed = schemas.some(({ fields }) =>
      fields.some((field) => field.referencedType === stringType.name),
    );
    if (isUsed) schemas.push(stringType);
  } else if (own.fields.length !== 1 || own.fields[0]?.name !== 'value' || own.fields[0].kind !== 'STRING') {
    throw new DatasetError('invalid', `schema: the type 'String' must have the one field 'value', a STRING`);
  }
  return Object.freeze({ schema: DatasetSchema.of(schemas), types });
}

const stringType: ObjectSchema = {
  kind: 'OBJECT',
  name: 'String',
  fields: [{ name: 'value', kind: 'STRING', referencedType: null }],
  primaryKey: [],
};

function schemaOf(name: string, { fields, primaryKey }: TypeSpec<FieldSpecs, string>): ObjectSchema {
  const ordered = Object.entries(fields).map(
    ([fieldName, { kind, referencedType }]): Field => ({ name: fieldName, kind, referencedType }),
  );
  return { kind: 'OBJECT', name, fields: ordered, primaryKey };
}

/**
 * The record type that a dataset gives to one of its types, as readers get it and as upserts take it. References to a
 * type with just one field, if that is no reference, read as the bare value.
 */
export type RecordOf<D extends Dataset<TypeSpecs>, Name extends keyof D['types']> = RecordIn<
  D['types'],
  Name
>;

type RecordIn<Types extends TypeSpecs, Name extends keyof Types> =
  Types[Name] extends TypeSpec<infer Fields, infer Path>
    ? {
        readonly [F in keyof Fields]: F extends FirstStep<Path>
          ? ValueIn<Types, Fields[F]>
          : ValueIn<Types, Fields[F]> | null;
      }
    : never;

type FirstStep<Path extends string> = Path extends `${infer Step}.${string}` ? Step : Path;

type ValueIn<Types extends TypeSpecs, Spec extends FieldSpec> =
  Spec extends ValueField<infer Value>
    ? Value
    : Spec extends RefField<infer Target>
      ? Target extends keyof Types
        ? BareOrRecordIn<Types, Target>
        : Target extends 'String'
          ? string
          : never
      : never;

type BareOrRecordIn<Types extends TypeSpecs, Name extends keyof Types> =
  IsUnion<keyof Types[Name]['fields']> extends false
    ? Types[Name]['fields'][keyof Types[Name]['fields']] extends ValueField<infer Value>
      ? Value
      : RecordIn<Types, Name>
    : RecordIn<Types, Name>;

type IsUnion<Union, Member = Union> = [Union] extends [never]
  ? true
  : Union extends unknown
    ? [Member] extends [Union]
      ? false
      : true
    : never;
