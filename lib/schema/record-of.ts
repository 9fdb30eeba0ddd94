/**
 * The record types that a dataset gives to its types, worked out by the compiler. Nothing here exists at run time.
 *
 * | stored as            | view, record         | plain (`toObject`)  | input                  | json             |
 * |----------------------|----------------------|---------------------|------------------------|------------------|
 * | LONG `as: 'bigint'`  | bigint               | bigint              | bigint, number, string | number or string |
 * | LONG `date`          | Date                 | Date                | Date, number           | number           |
 * | BYTES                | Uint8Array           | Uint8Array          | Uint8Array, base64     | base64           |
 * | LIST                 | readonly array       | array               | array                  | array            |
 * | SET                  | {@link SetView}      | array               | array, Set             | array            |
 * | MAP                  | {@link MapView}      | [key, value] pairs  | pairs, Map, object *   | pairs, object *  |
 * | a field without value| null                 | null                | null or absent         | null or absent   |
 *
 * * An object if the keys of the map are texts; `toJSON` gives pairs.
 */
import type {
  EnumField,
  FieldSpec,
  FieldSpecs,
  ListField,
  MapField,
  RefField,
  SetField,
  TypeSpec,
  TypeSpecs,
  ValueField,
} from './field-specs.ts';
import type { KeyPart } from './record-key.ts';

/** What the types below are worked out from: a dataset. */
interface Typed {
  readonly types: TypeSpecs;
}

/** A SET, read from the state when you ask for something. */
export interface SetView<Element, Key extends readonly unknown[]> extends Iterable<Element> {
  readonly size: number;
  /** Is there an element with this hash key? One argument for each of its paths; a bare value is its own key. */
  has(...key: Key): boolean;
  /** The element with this hash key. */
  find(...key: Key): Element | undefined;
}

/** A MAP, read from the state when you ask for something. Like a JavaScript Map that cannot be changed. */
export interface MapView<MapKey, Value, Key extends readonly unknown[]>
  extends Iterable<readonly [MapKey, Value]> {
  readonly size: number;
  /** Is there an entry with this hash key? One argument for each of its paths; a bare value is its own key. */
  has(...key: Key): boolean;
  get(...key: Key): Value | undefined;
  keys(): Iterable<MapKey>;
  values(): Iterable<Value>;
}

/** The methods that every record has beside its fields. */
export interface RecordMethods {
  /** A plain object with all fields, deep: a copy. */
  toObject(): PlainOfView<this>;
  /** Like toObject, but in a form that JSON and mutations can hold. */
  toJSON(): JsonOfView<this>;
}

/** A record as readers get it, e.g. for the parameters of one's own functions. */
export type RecordOf<D extends Typed, Name extends keyof D['types']> = RecordIn<D['types'], Name, 'record'>;

/** What a reader is given: {@link RecordOf} with `toObject()` and `toJSON()`, in the records that it refers to as well. */
export type ViewOf<D extends Typed, Name extends keyof D['types']> = RecordIn<D['types'], Name, 'view'>;

/** What `toObject()` gives. */
export type PlainOf<D extends Typed, Name extends keyof D['types']> = PlainOfView<ViewOf<D, Name>>;

/** What an upsert takes. A field that is absent is null. */
export type InputOf<D extends Typed, Name extends keyof D['types']> = RecordIn<D['types'], Name, 'input'>;

/** What `toJSON()` and a validator give: as JSON can hold it. */
export type JsonOf<D extends Typed, Name extends keyof D['types']> = JsonOfView<ViewOf<D, Name>>;

/** The primary key of a type: one element for each path, in order. */
export type KeyOf<D extends Typed, Name extends keyof D['types']> = KeyIn<
  D['types'],
  D['types'][Name]['fields'],
  D['types'][Name]['primaryKey']
>;

/** The primary key of a type by its paths, as patches and deletes name it. */
export type KeyPathsOf<D extends Typed, Name extends keyof D['types']> = {
  readonly [Path in D['types'][Name]['primaryKey'][number]]: KeyPartAt<
    D['types'],
    D['types'][Name]['fields'],
    Path
  >;
};

/** The types that have a primary key. */
export type KeyedNameOf<D extends Typed> = {
  [Name in keyof D['types'] & string]: D['types'][Name]['primaryKey'] extends readonly [] ? never : Name;
}[keyof D['types'] & string];

type Mode = 'view' | 'record' | 'input';

/** Of a dataset that is not known, the fields are not either. */
type RecordIn<Types extends TypeSpecs, Name extends keyof Types, M extends Mode> = string extends keyof Types
  ? Readonly<Record<string, unknown>>
  : M extends 'view'
    ? FieldsIn<Types, Name, M> & RecordMethods
    : FieldsIn<Types, Name, M>;

/** Worked out from the view and not from the dataset, so that what editors show of a view does not spell out all types. */
type PlainOfView<View> = View extends object
  ? { readonly [F in keyof View as Exclude<F, keyof RecordMethods>]: PlainOfValue<View[F]> }
  : never;

type PlainOfValue<Value> = Value extends RecordMethods
  ? PlainOfView<Value>
  : Value extends readonly (infer Element)[]
    ? readonly PlainOfValue<Element>[]
    : Value extends SetView<infer Element, never>
      ? readonly PlainOfValue<Element>[]
      : Value extends MapView<infer MapKey, infer Element, never>
        ? readonly (readonly [PlainOfValue<MapKey>, PlainOfValue<Element>])[]
        : Value;

/** In a view it is the fields of the primary key that are never null. */
type JsonOfView<View> = Flat<
  { readonly [F in DataOf<View> as null extends View[F] ? never : F]: JsonOfValue<View[F]> } & {
    readonly [F in DataOf<View> as null extends View[F] ? F : never]?: JsonOfValue<View[F]> | undefined;
  }
>;

type DataOf<View> = Exclude<keyof View, keyof RecordMethods>;

type JsonOfValue<Value> = Value extends RecordMethods
  ? JsonOfView<Value>
  : Value extends readonly (infer Element)[]
    ? readonly JsonOfValue<Element>[]
    : Value extends SetView<infer Element, never>
      ? readonly JsonOfValue<Element>[]
      : Value extends MapView<infer MapKey, infer Element, never>
        ?
            | readonly (readonly [JsonOfValue<MapKey>, JsonOfValue<Element>])[]
            | JsonObjectOf<Extract<MapKey, string>, Element>
        : Value extends bigint
          ? number | string
          : Value extends Date
            ? number
            : Value extends Uint8Array
              ? string
              : Value;

/** A map with texts for keys, as an object. */
type JsonObjectOf<Text extends string, Value> = [Text] extends [never]
  ? never
  : string extends Text
    ? { readonly [Name in Text]: JsonOfValue<Value> }
    : { readonly [Name in Text]?: JsonOfValue<Value> };

type FieldsIn<Types extends TypeSpecs, Name extends keyof Types, M extends Mode> =
  Types[Name] extends TypeSpec<infer Fields, infer Key>
    ? M extends 'input'
      ? Flat<
          { readonly [F in KeyFields<Fields, Key>]: ValueIn<Types, Fields[F], M> } & {
            readonly [F in Exclude<keyof Fields, KeyFields<Fields, Key>>]?:
              | ValueIn<Types, Fields[F], M>
              | null
              | undefined;
          }
        >
      : {
          readonly [F in keyof Fields]: F extends KeyFields<Fields, Key>
            ? ValueIn<Types, Fields[F], M>
            : ValueIn<Types, Fields[F], M> | null;
        }
    : never;

/** An intersection as one type, so that editors show its fields. */
type Flat<Fields> = Fields extends object ? { [F in keyof Fields]: Fields[F] } : never;

type KeyFields<Fields extends FieldSpecs, Key extends readonly string[]> = Extract<
  keyof Fields,
  FirstStep<Key[number]>
>;

/** The field in which a path of a key begins. */
export type FirstStep<Path extends string> = Path extends `${infer Step}.${string}` ? Step : Path;

type ValueIn<Types extends TypeSpecs, Spec extends FieldSpec, M extends Mode> =
  Spec extends ValueField<infer Value>
    ? LeafIn<Value, M>
    : Spec extends EnumField<infer Value>
      ? Value
      : Spec extends ListField<infer Element>
        ? readonly ValueIn<Types, Element, M>[]
        : Spec extends SetField<infer Element, infer Paths>
          ? SetIn<Types, Element, Paths, M>
          : Spec extends MapField<infer Key, infer Value, infer Paths>
            ? MapIn<Types, readonly [Key, Value], Paths, M>
            : Spec extends RefField<infer Target>
              ? TargetIn<Types, Target, M>
              : never;

type LeafIn<Value, M extends Mode> = M extends 'input'
  ? Value extends Date
    ? Date | number
    : Value extends bigint
      ? bigint | number | string
      : Value extends Uint8Array
        ? Uint8Array | string
        : Value
  : Value;

type SetIn<
  Types extends TypeSpecs,
  Element extends FieldSpec,
  Paths extends readonly string[] | null,
  M extends Mode,
> = M extends 'input'
  ?
      | readonly ValueIn<Types, Element, M>[]
      | ReadonlySet<ValueIn<Types, Element, M>>
      | SetView<ValueIn<Types, Element, M>, never>
  : SetView<ValueIn<Types, Element, M>, HashKeyIn<Types, Element, Paths>>;

type MapIn<
  Types extends TypeSpecs,
  Specs extends readonly [FieldSpec, FieldSpec],
  Paths extends readonly string[] | null,
  M extends Mode,
> = M extends 'input'
  ?
      | readonly (readonly [ValueIn<Types, Specs[0], M>, ValueIn<Types, Specs[1], M>])[]
      | ReadonlyMap<ValueIn<Types, Specs[0], M>, ValueIn<Types, Specs[1], M>>
      | MapView<ValueIn<Types, Specs[0], M>, ValueIn<Types, Specs[1], M>, never>
      | ObjectIn<Types, Specs[1], TextIn<Types, Specs[0]>>
  : MapView<ValueIn<Types, Specs[0], M>, ValueIn<Types, Specs[1], M>, HashKeyIn<Types, Specs[0], Paths>>;

/** A map with texts for keys, as an object. (Values are worked out within it: as an argument the compiler would never end.) */
type ObjectIn<Types extends TypeSpecs, Value extends FieldSpec, Text extends string> = [Text] extends [never]
  ? never
  : string extends Text
    ? { readonly [Name in Text]: ValueIn<Types, Value, 'input'> }
    : { readonly [Name in Text]?: ValueIn<Types, Value, 'input'> };

/** The values of a field of texts; of no other. */
type TextIn<Types extends TypeSpecs, Spec extends FieldSpec> =
  Spec extends EnumField<infer Value>
    ? Value
    : Spec extends RefField<infer Target>
      ? Target extends keyof Types
        ? BoxedSpec<Types[Target]['fields']> extends ValueField<infer Value extends string>
          ? Value
          : never
        : string
      : never;

/** What a reference leads to: a record, or the bare value of a box. `String` need not be declared. */
type TargetIn<Types extends TypeSpecs, Target, M extends Mode> = Target extends keyof Types
  ? BoxedSpec<Types[Target]['fields']> extends ValueField<infer Value>
    ? LeafIn<Value, M>
    : RecordIn<Types, Target, M>
  : Target extends 'String'
    ? string
    : never;

/** The only field of a box; never for other types. */
type BoxedSpec<Fields extends FieldSpecs> =
  IsUnion<keyof Fields> extends false
    ? Fields[keyof Fields] extends ValueField<unknown>
      ? Fields[keyof Fields]
      : null
    : null;

type IsUnion<Union, Member = Union> = [Union] extends [never]
  ? true
  : Union extends unknown
    ? [Member] extends [Union]
      ? false
      : true
    : never;

/** The values at some paths, as a tuple. */
type KeyIn<Types extends TypeSpecs, Fields extends FieldSpecs, Paths extends readonly string[]> = {
  readonly [I in keyof Paths]: KeyPartAt<Types, Fields, Paths[I]>;
};

type KeyPartAt<Types extends TypeSpecs, Fields extends FieldSpecs, Path> = string extends keyof Types
  ? KeyPart
  : Path extends keyof Fields
    ? KeyPartOf<Types, Fields[Path]>
    : Path extends `${infer Step}.${infer Rest}`
      ? Fields[Step] extends RefField<infer Target>
        ? Target extends keyof Types
          ? KeyPartAt<Types, Types[Target]['fields'], Rest>
          : string
        : Fields[Step] extends EnumField<infer Value>
          ? Value
          : never
      : never;

/** A path that ends on a reference goes on to the only field there, or to the primary key if that is one path. */
type KeyPartOf<Types extends TypeSpecs, Spec extends FieldSpec | undefined> = string extends keyof Types
  ? KeyPart
  : Spec extends ValueField<infer Value>
    ? KeyLeaf<Value>
    : Spec extends EnumField<infer Value>
      ? Value
      : Spec extends RefField<infer Target>
        ? Target extends keyof Types
          ? IsUnion<keyof Types[Target]['fields']> extends false
            ? KeyPartOf<Types, Types[Target]['fields'][string]>
            : Types[Target]['primaryKey'] extends readonly [infer Path]
              ? KeyPartAt<Types, Types[Target]['fields'], Path>
              : never
          : string
        : never;

type KeyLeaf<Value> = Value extends bigint ? bigint | number : Value extends Uint8Array ? Uint8Array : Value;

/** By what an entry of a SET or MAP is looked up; the compiler refuses every value where there is no hash key. */
type HashKeyIn<Types extends TypeSpecs, Element extends FieldSpec, Paths extends readonly string[] | null> =
  Element extends RefField<infer Target>
    ? Target extends keyof Types
      ? BoxedSpec<Types[Target]['fields']> extends ValueField<infer Value>
        ? readonly [KeyLeaf<Value>]
        : RecordHashKeyIn<Types, Types[Target], Paths>
      : readonly [string]
    : Element extends ValueField<unknown> | EnumField<string>
      ? readonly [KeyPartOf<Types, Element>]
      : readonly [never];

type RecordHashKeyIn<
  Types extends TypeSpecs,
  Target extends TypeSpec<FieldSpecs, readonly string[]>,
  Paths extends readonly string[] | null,
> = Paths extends null
  ? Target['primaryKey'] extends readonly []
    ? readonly [never]
    : KeyIn<Types, Target['fields'], Target['primaryKey']>
  : Paths extends readonly [string, ...string[]]
    ? KeyIn<Types, Target['fields'], Paths>
    : readonly [never];
