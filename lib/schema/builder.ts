/**
 * A schema, written in TypeScript. The record types are inferred from it; no code is generated and nothing is
 * written twice. The result is a Hollow schema, with the names that Java Hollow's object mapper gives.
 */
import { DatasetError } from '../errors.ts';
import { DatasetSchema } from './dataset-schema.ts';
import { printSchema } from './dsl.ts';
import type {
  BroughtType,
  EnumField,
  FieldSpec,
  FieldSpecs,
  RefField,
  TypeSpec,
  TypeSpecs,
} from './field-specs.ts';
import { PartitionMap } from './partition-map.ts';
import type { FieldForms, ReaderSchema } from './reader-schema.ts';
import type { KeyedNameOf, KeyOf } from './record-of.ts';
import { boxedField, type ObjectSchema, type Schema } from './schema.ts';
import { type RecordValidator, recordValidator } from './validator.ts';

/** A dataset of any types. */
export interface AnyDataset extends ReaderSchema {
  readonly types: TypeSpecs;
  readonly partitions: PartitionMap;
}

/** What {@link defineDataset} makes. */
export interface Dataset<Types extends TypeSpecs> extends AnyDataset {
  readonly schema: DatasetSchema;
  readonly types: Types;
  /**
   * A Standard Schema validator (https://standardschema.dev) for the records of one type, for web frameworks and form
   * libraries. Its output is what an upsert's `value` takes, ready for JSON; of a type without a primary key, a part of one.
   *
   * @throws DatasetError `invalid` if there is no such type
   * @example
   * const result = cities.validator('City')['~standard'].validate(body);
   * if (result.issues) return badRequest(result.issues);   // [{ message: 'expected INT, got string "x"', path: ['id'] }]
   */
  validator<Name extends keyof Types & string>(type: Name): RecordValidator<{ readonly types: Types }, Name>;
  /**
   * The partition, from 0, of the record with this primary key. One argument for each path of the key.
   *
   * @throws DatasetError `invalid`: not the key of this type
   * @example
   * cities.partitionOf('City', 2988507);   // 3
   */
  partitionOf<Name extends KeyedNameOf<{ readonly types: Types }>>(
    type: Name,
    ...key: KeyOf<{ readonly types: Types }, Name>
  ): number;
}

/** A path of a primary key: a field, or from a reference on to a field of that record (`country.code`). */
export type PathOf<Fields extends FieldSpecs> = {
  [Name in keyof Fields & string]: Fields[Name] extends RefField<string> | EnumField<string>
    ? Name | `${Name}.${string}`
    : Fields[Name] extends { readonly kind: 'REFERENCE' }
      ? never
      : Name;
}[keyof Fields & string];

/** A type of a dataset; see {@link defineDataset}. */
export function type<const Fields extends FieldSpecs>(fields: Fields): TypeSpec<Fields, readonly []>;
export function type<const Fields extends FieldSpecs, const Key extends readonly PathOf<Fields>[]>(
  fields: Fields,
  options: {
    readonly primaryKey: Key;
    /**
     * The paths of the primary key that choose the partition. Records with equal partition keys, of whatever type, are in
     * one partition, so one message can change them together. Default: the whole primary key.
     */
    readonly partitionKey?: readonly Key[number][];
  },
): TypeSpec<Fields, Key>;
export function type(
  fields: FieldSpecs,
  options: { readonly primaryKey: readonly string[]; readonly partitionKey?: readonly string[] } = {
    primaryKey: [],
  },
): TypeSpec<FieldSpecs, readonly string[]> {
  return Object.freeze({ fields: Object.freeze(fields), ...options });
}

/**
 * Defines a dataset by its types. The order of the fields is part of the format: append new fields at the end.
 *
 * @param options.partitions number of partitions, each with versions of its own. It cannot change once there is data.
 * Default 1
 * @throws DatasetError `invalid`: a name is not allowed, a reference or a key path leads nowhere, two different types
 * have one name
 * @example
 * const cities = defineDataset({
 *   City: type(
 *     { id: t.int(), name: t.string(), founded: t.date(), country: t.ref('Country'), tags: t.set(t.string()) },
 *     { primaryKey: ['id'] },
 *   ),
 *   Country: type({ code: t.string({ inline: true }), name: t.string() }),
 * });
 * type City = RecordOf<typeof cities, 'City'>;   // { readonly id: number; readonly name: string | null; … }
 */
export function defineDataset<const Types extends TypeSpecs>(
  types: Types,
  options: { readonly partitions?: number } = {},
): Dataset<Types> {
  const all = new Map<string, BroughtType>();
  for (const [name, spec] of Object.entries(types)) addType(all, ownType(name, spec));
  for (const { fields } of Object.values(types)) {
    for (const field of Object.values(fields)) for (const brought of bringsOf(field)) addType(all, brought);
  }
  const schema = DatasetSchema.of(Array.from(all.values(), (each) => withHashKey(each, all)));
  const forms: FieldForms = new Map(
    Array.from(all, ([name, each]) => [name, new Map(Object.entries(each.forms))]),
  );
  const reader: ReaderSchema = { schema, forms };
  const validator: Dataset<Types>['validator'] = (name) => recordValidator(reader, name);
  const partitions = PartitionMap.of(schema, { ...options, partitionKeys: partitionKeysOf(types) });
  const partitionOf: Dataset<Types>['partitionOf'] = (name, ...key) => partitions.ofKey(name, ...key);
  return Object.freeze({ schema, types, forms, partitions, validator, partitionOf });
}

function partitionKeysOf(types: TypeSpecs): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(types).flatMap(([name, { partitionKey }]) =>
      partitionKey === undefined ? [] : [[name, partitionKey]],
    ),
  );
}

function ownType(name: string, { fields, primaryKey }: TypeSpec<FieldSpecs, readonly string[]>): BroughtType {
  const forms: BroughtType['forms'] = Object.fromEntries(
    Object.entries(fields).flatMap(([field, spec]) =>
      spec.kind === 'REFERENCE' || spec.form === null ? [] : [[field, spec.form]],
    ),
  );
  const ordered = Object.entries(fields).map(([field, { kind, referencedType }]) => ({
    name: field,
    kind,
    referencedType,
  }));
  const schema: ObjectSchema = { kind: 'OBJECT', name, fields: ordered, primaryKey };
  return { schema, hasDefaultHashKey: false, forms };
}

function bringsOf(field: FieldSpec): readonly BroughtType[] {
  return field.kind === 'REFERENCE' ? field.brings : [];
}

/** A type may be named any number of times, as long as it is the same. */
function addType(all: Map<string, BroughtType>, added: BroughtType): void {
  const { name } = added.schema;
  const known = all.get(name);
  if (known === undefined) {
    all.set(name, added);
  } else if (textOf(known) !== textOf(added)) {
    throw new DatasetError(
      'invalid',
      `schema: two different types are called '${name}': ${describeType(known)} and ${describeType(added)}`,
      { type: name },
    );
  }
}

/** With what does not show in the schema: two types may differ in that alone. */
function describeType({ schema, forms }: BroughtType): string {
  const own = Object.entries(forms).map(([field, form]) => {
    const text = form.as === 'enum' ? `one of ${form.values.join(', ')}` : `as ${form.as}`;
    return ` (${field}: ${text})`;
  });
  return printSchema(schema).replace(/\s+/g, ' ') + own.join('');
}

function textOf({ schema, hasDefaultHashKey, forms }: BroughtType): string {
  return JSON.stringify([printSchema(schema), hasDefaultHashKey, forms]);
}

/** As Java-Hollow's object mapper: the primary key of the element (of the map's key), or its only field. */
function withHashKey(
  { schema, hasDefaultHashKey }: BroughtType,
  all: ReadonlyMap<string, BroughtType>,
): Schema {
  if (!hasDefaultHashKey || schema.kind === 'OBJECT' || schema.kind === 'LIST') return schema;
  const element = all.get(schema.kind === 'SET' ? schema.elementType : schema.keyType)?.schema;
  if (element?.kind !== 'OBJECT') return schema;
  const only = boxedField(element);
  const hashKey = element.primaryKey.length > 0 ? element.primaryKey : only === null ? [] : [only.name];
  return { ...schema, hashKey };
}
