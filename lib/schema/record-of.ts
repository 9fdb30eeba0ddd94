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
 * | MAP                  | {@link MapView}      | [key, value] pairs  | pairs, Map             | pairs            |
 * | a field without value| null                 | null                | null or absent         | null or absent   |
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

/** A SET, read from the state when it is asked. */
export interface SetView<Element, Key extends readonly unknown[]> extends Iterable<Element> {
  readonly size: number;
  /** Is there an element with this hash key? One argument for each of its paths; a bare value is its own key. */
  has(...key: Key): boolean;
  /** The element with this hash key. */
  find(...key: Key): Element | undefined;
}

/** A MAP, read from the state when it is asked. Like a JavaScript Map that cannot be changed. */
export interface MapView<MapKey, Value, Key extends readonly unknown[]>
  extends Iterable<readonly [MapKey, Value]> {
  readonly size: number;
  /** Is there an entry with this hash key? One argument for each of its paths; a bare value is its own key. */
  has(...key: Key): boolean;
  get(...key: Key): Value | undefined;
  keys(): Iterable<MapKey>;
  values(): Iterable<Value>;
}

/** A record as readers get it, e.g. for the parameters of one's own functions. */
export type RecordOf<D extends Typed, Name extends keyof D['types']> = RecordIn<D['types'], Name, 'record'>;

/** What a reader is given: {@link RecordOf} with `toObject()` and `toJSON()`, in the records that it refers to as well. */
export type ViewOf<D extends Typed, Name extends keyof D['types']> = RecordIn<D['types'], Name, 'view'>;

/** What `toObject()` gives. */
export type PlainOf<D extends Typed, Name extends keyof D['types']> = RecordIn<D['types'], Name, 'plain'>;

/** What an upsert takes. A field that is absent is null. */
export type InputOf<D extends Typed, Name extends keyof D['types']> = RecordIn<D['types'], Name, 'input'>;

/** What `toJSON()` and a validator give: as JSON can hold it. */
export type JsonOf<D extends Typed, Name extends keyof D['types']> = RecordIn<D['types'], Name, 'json'>;

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

type Mode = 'view' | 'record' | 'plain' | 'input' | 'json';

interface ViewMethods<Types extends TypeSpecs, Name extends keyof Types> {
  /** A plain object with all fields, deep. */
  toObject(): RecordIn<Types, Name, 'plain'>;
  /** Like toObject, in the form that JSON and mutations can hold. */
  toJSON(): RecordIn<Types, Name, 'json'>;
}

/** Of a dataset that is not known, the fields are not either. */
type RecordIn<Types extends TypeSpecs, Name extends keyof Types, M extends Mode> = string extends keyof Types
  ? Readonly<Record<string, unknown>>
  : M extends 'view'
    ? FieldsIn<Types, Name, M> & ViewMethods<Types, Name>
    : FieldsIn<Types, Name, M>;

type FieldsIn<Types extends TypeSpecs, Name extends keyof Types, M extends Mode> =
  Types[Name] extends TypeSpec<infer Fields, infer Key>
    ? M extends 'input' | 'json'
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
type Flat<Fields> = { [F in keyof Fields]: Fields[F] };

type KeyFields<Fields extends FieldSpecs, Key extends readonly string[]> = Extract<
  keyof Fields,
  FirstStep<Key[number]>
>;

type FirstStep<Path extends string> = Path extends `${infer Step}.${string}` ? Step : Path;

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

type LeafIn<Value, M extends Mode> = Value extends Date
  ? { view: Date; record: Date; plain: Date; input: Date | number; json: number }[M]
  : Value extends bigint
    ? {
        view: bigint;
        record: bigint;
        plain: bigint;
        input: bigint | number | string;
        json: number | string;
      }[M]
    : Value extends Uint8Array
      ? { view: Value; record: Value; plain: Value; input: Uint8Array | string; json: string }[M]
      : Value;

type SetIn<
  Types extends TypeSpecs,
  Element extends FieldSpec,
  Paths extends readonly string[] | null,
  M extends Mode,
> = M extends 'view' | 'record'
  ? SetView<ValueIn<Types, Element, M>, HashKeyIn<Types, Element, Paths>>
  : M extends 'input'
    ? readonly ValueIn<Types, Element, M>[] | ReadonlySet<ValueIn<Types, Element, M>>
    : readonly ValueIn<Types, Element, M>[];

type MapIn<
  Types extends TypeSpecs,
  Specs extends readonly [FieldSpec, FieldSpec],
  Paths extends readonly string[] | null,
  M extends Mode,
> = M extends 'view' | 'record'
  ? MapView<ValueIn<Types, Specs[0], M>, ValueIn<Types, Specs[1], M>, HashKeyIn<Types, Specs[0], Paths>>
  :
      | readonly (readonly [ValueIn<Types, Specs[0], M>, ValueIn<Types, Specs[1], M>])[]
      | (M extends 'input' ? ReadonlyMap<ValueIn<Types, Specs[0], M>, ValueIn<Types, Specs[1], M>> : never);

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
    ? Value extends bigint
      ? bigint | number
      : Value
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

/** By what an entry of a SET or MAP is looked up; the compiler refuses every value where there is no hash key. */
type HashKeyIn<Types extends TypeSpecs, Element extends FieldSpec, Paths extends readonly string[] | null> =
  Element extends RefField<infer Target>
    ? Target extends keyof Types
      ? BoxedSpec<Types[Target]['fields']> extends ValueField<infer Value>
        ? readonly [Value]
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
