import { DatasetError } from '../errors.ts';
import type { FieldKind, ObjectSchema, Schema } from './schema.ts';

/** Carries a type that only the compiler sees. */
declare const valueType: unique symbol;

type ValueKind = Exclude<FieldKind, 'REFERENCE'>;

/** How a field is shown that the format has no kind of its own for. LONG: as which type; STRING: one of these. */
export type FieldForm =
  | { readonly as: 'number' | 'bigint' | 'date' }
  | { readonly as: 'enum'; readonly values: readonly string[] };

/** A type that a field brings along: a box, an enum, a collection. */
export interface BroughtType {
  readonly schema: Schema;
  /** True for a SET or MAP whose hash key follows from what its elements (keys) are. */
  readonly hasDefaultHashKey: boolean;
  /** By field name. */
  readonly forms: Readonly<Record<string, FieldForm>>;
}

/** A field that holds its value. */
export interface ValueField<Value, Kind extends ValueKind = ValueKind> {
  readonly kind: Kind;
  readonly referencedType: null;
  readonly form: FieldForm | null;
  readonly [valueType]?: Value;
}

interface Reference<Name extends string> {
  readonly kind: 'REFERENCE';
  readonly referencedType: Name;
  readonly brings: readonly BroughtType[];
}

/** A field that refers to a type of the same dataset. */
export interface RefField<Name extends string> extends Reference<Name> {
  readonly shape: 'REF';
}

/** A field that refers to a `String`, a record with the one field `value`, which all fields with that text share. */
export type StringField = RefField<'String'>;

/** A field that refers to a record with the one field `_name`, as Java-Hollow stores an enum. */
export interface EnumField<Value extends string> extends Reference<string> {
  readonly shape: 'ENUM';
  readonly values: readonly Value[];
}

/** A field that refers to a LIST. */
export interface ListField<Element extends ElementSpec> extends Reference<string> {
  readonly shape: 'LIST';
  readonly element: Element;
}

/** A field that refers to a SET. `Paths`: its hash key if one was given, else null. */
export interface SetField<Element extends ElementSpec, Paths extends readonly string[] | null>
  extends Reference<string> {
  readonly shape: 'SET';
  readonly element: Element;
  readonly hashKey: Paths;
}

/** A field that refers to a MAP. `Paths`: its hash key if one was given, else null. */
export interface MapField<
  Key extends ElementSpec,
  Value extends ElementSpec,
  Paths extends readonly string[] | null,
> extends Reference<string> {
  readonly shape: 'MAP';
  readonly key: Key;
  readonly value: Value;
  readonly hashKey: Paths;
}

/** What a collection can hold. Numbers and booleans get the boxes that Java has for them: `Integer`, `Long`, … */
export type ElementSpec =
  | ValueField<unknown, 'INT' | 'LONG' | 'BOOLEAN' | 'FLOAT' | 'DOUBLE'>
  | RefField<string>
  | EnumField<string>
  | ListField<ElementSpec>
  | SetField<ElementSpec, readonly string[] | null>
  | MapField<ElementSpec, ElementSpec, readonly string[] | null>;

/** Any field that {@link t} makes. */
export type FieldSpec = ValueField<unknown> | ElementSpec;
export type FieldSpecs = Readonly<Record<string, FieldSpec>>;

/** One type: its fields in record order, and its primary key. */
export interface TypeSpec<Fields extends FieldSpecs, Key extends readonly string[]> {
  readonly fields: Fields;
  readonly primaryKey: Key;
  /** Paths of the primary key that choose the partition. Absent: all of them. */
  readonly partitionKey?: readonly string[];
}

/** The types of a dataset, by name. */
export type TypeSpecs = Readonly<Record<string, TypeSpec<FieldSpecs, readonly string[]>>>;

interface NameOption {
  /** Of the collection's type; default: as Java-Hollow names it. */
  readonly name?: string;
}

interface HashKeyOption<Paths extends readonly string[] | null> extends NameOption {
  /** Paths from the element (a map: from the key) by which entries are looked up; empty: none. */
  readonly hashKey?: Paths;
}

function value<Value, const Kind extends ValueKind>(
  kind: Kind,
  form: FieldForm | null = null,
): ValueField<Value, Kind> {
  return Object.freeze({ kind, referencedType: null, form });
}

function ref<const Name extends string>(referencedType: Name): RefField<Name> {
  return Object.freeze({ kind: 'REFERENCE', shape: 'REF', referencedType, brings: [] });
}

function string(): StringField;
function string(options: { readonly inline: true }): ValueField<string, 'STRING'>;
function string(options?: { readonly inline: true }): StringField | ValueField<string, 'STRING'> {
  if (options !== undefined) return value('STRING');
  return Object.freeze({ ...ref('String'), brings: [boxOf('String', 'value', 'STRING', null)] });
}

function long(options?: { readonly as: 'number' }): ValueField<number, 'LONG'>;
function long(options: { readonly as: 'bigint' }): ValueField<bigint, 'LONG'>;
function long(
  { as }: { readonly as: 'number' | 'bigint' } = { as: 'number' },
): ValueField<number | bigint, 'LONG'> {
  return value('LONG', { as });
}

function enumOf<const Value extends string>(values: readonly Value[]): ValueField<Value, 'STRING'>;
function enumOf<const Value extends string>(
  values: readonly Value[],
  options: { readonly type: string },
): EnumField<Value>;
function enumOf<const Value extends string>(
  values: readonly Value[],
  options?: { readonly type: string },
): ValueField<Value, 'STRING'> | EnumField<Value> {
  const form: FieldForm = { as: 'enum', values };
  if (options === undefined) return value('STRING', form);
  const brings = [boxOf(options.type, '_name', 'STRING', form)];
  return Object.freeze({ kind: 'REFERENCE', shape: 'ENUM', referencedType: options.type, brings, values });
}

function list<Element extends ElementSpec>(element: Element, { name }: NameOption = {}): ListField<Element> {
  const boxed = elementOf(element);
  const listName = name ?? `ListOf${boxed.type}`;
  const schema: Schema = { kind: 'LIST', name: listName, elementType: boxed.type };
  const brings = [{ schema, hasDefaultHashKey: false, forms: {} }, ...boxed.brings];
  return Object.freeze({ kind: 'REFERENCE', shape: 'LIST', referencedType: listName, brings, element });
}

function set<Element extends ElementSpec>(element: Element, options?: NameOption): SetField<Element, null>;
function set<Element extends ElementSpec, const Paths extends readonly string[]>(
  element: Element,
  options: NameOption & { readonly hashKey: Paths },
): SetField<Element, Paths>;
function set<Element extends ElementSpec>(
  element: Element,
  { name, hashKey = null }: HashKeyOption<readonly string[] | null> = {},
): SetField<Element, readonly string[] | null> {
  const boxed = elementOf(element);
  const setName = name ?? `SetOf${boxed.type}`;
  const schema: Schema = { kind: 'SET', name: setName, elementType: boxed.type, hashKey: hashKey ?? [] };
  const brings = [{ schema, hasDefaultHashKey: hashKey === null, forms: {} }, ...boxed.brings];
  return Object.freeze({
    kind: 'REFERENCE',
    shape: 'SET',
    referencedType: setName,
    brings,
    element,
    hashKey,
  });
}

function map<Key extends ElementSpec, Value extends ElementSpec>(
  key: Key,
  element: Value,
  options?: NameOption,
): MapField<Key, Value, null>;
function map<Key extends ElementSpec, Value extends ElementSpec, const Paths extends readonly string[]>(
  key: Key,
  element: Value,
  options: NameOption & { readonly hashKey: Paths },
): MapField<Key, Value, Paths>;
function map<Key extends ElementSpec, Value extends ElementSpec>(
  key: Key,
  element: Value,
  { name, hashKey = null }: HashKeyOption<readonly string[] | null> = {},
): MapField<Key, Value, readonly string[] | null> {
  const [boxedKey, boxedValue] = [elementOf(key), elementOf(element)];
  const mapName = name ?? `MapOf${boxedKey.type}To${boxedValue.type}`;
  const types = { keyType: boxedKey.type, valueType: boxedValue.type };
  const schema: Schema = { kind: 'MAP', name: mapName, ...types, hashKey: hashKey ?? [] };
  const own: BroughtType = { schema, hasDefaultHashKey: hashKey === null, forms: {} };
  return Object.freeze({
    kind: 'REFERENCE',
    shape: 'MAP',
    referencedType: mapName,
    brings: [own, ...boxedKey.brings, ...boxedValue.brings],
    key,
    value: element,
    hashKey,
  });
}

/** What a collection of such elements refers to. */
function elementOf(element: ElementSpec): { readonly type: string; readonly brings: readonly BroughtType[] } {
  if (element.kind === 'REFERENCE') return { type: element.referencedType, brings: element.brings };
  const type = element.form?.as === 'date' ? 'Date' : boxNames[element.kind];
  // The compiler refuses inline strings and bytes; a caller without types gets here.
  if (type === undefined)
    throw new DatasetError('invalid', `schema: a collection cannot hold ${element.kind} inline`);
  return { type, brings: [boxOf(type, 'value', element.kind, element.form)] };
}

const boxNames: Readonly<Record<string, string>> = {
  INT: 'Integer',
  LONG: 'Long',
  BOOLEAN: 'Boolean',
  FLOAT: 'Float',
  DOUBLE: 'Double',
};

function boxOf(name: string, field: string, kind: ValueKind, form: FieldForm | null): BroughtType {
  const fields: ObjectSchema['fields'] = [{ name: field, kind, referencedType: null }];
  const schema: Schema = { kind: 'OBJECT', name, fields, primaryKey: [] };
  return { schema, hasDefaultHashKey: false, forms: form === null ? {} : { [field]: form } };
}

/**
 * The kinds of fields. Every field may be null, except in the primary key.
 *
 * - `int` (32 bits; -2^31 cannot be stored), `boolean`, `float`, `double`, `bytes`
 * - `long` (64 bits) for numbers up to ±2^53; reading a larger one throws `incompatible`. `long({ as: 'bigint' })` for all
 * - `date`: a `Date`, stored as LONG in ms since 1970
 * - `string`: stored once however many records have it. `string({ inline: true })` is stored in each record, which is
 *   smaller if nearly every value is different
 * - `enum(['open', 'closed'])`: one of these, inline. `enum([…], { type: 'Status' })`: as Java Hollow stores an enum, a
 *   few bits in each record
 * - `ref('Other')`: a record of another type of the dataset, shared like strings
 * - `list(t.string())`, `set(t.ref('Tag'))`, `map(t.string(), t.int())`: shared like strings. Their types are named
 *   as in Java (`ListOfString`, `MapOfStringToInteger`) unless `name` says otherwise. Look-ups in sets and maps go by
 *   `hashKey`: by default the primary key of the element (of a map's key), or its only field
 */
export const t = {
  int: () => value<number, 'INT'>('INT'),
  long,
  boolean: () => value<boolean, 'BOOLEAN'>('BOOLEAN'),
  float: () => value<number, 'FLOAT'>('FLOAT'),
  double: () => value<number, 'DOUBLE'>('DOUBLE'),
  bytes: () => value<Uint8Array<ArrayBuffer>, 'BYTES'>('BYTES'),
  date: () => value<Date, 'LONG'>('LONG', { as: 'date' }),
  string,
  enum: enumOf,
  ref,
  list,
  set,
  map,
} as const;
