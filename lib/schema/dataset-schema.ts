import { DatasetError } from '../errors.ts';
import { isKindKeyword, isWord, printSchema } from './dsl.ts';
import {
  declaredKey,
  type Field,
  type FieldKind,
  type ObjectSchema,
  type Schema,
  targetsOf,
} from './schema.ts';

/** A field path of a primary or hash key, resolved: where to go from a record to the value. */
export interface KeyPath {
  /** As declared, e.g. `country` or `country.code`. Names this part of the key in messages. */
  readonly path: string;
  /** Field indexes of the REFERENCE hops, from the record on. Empty: the value is in the record itself. */
  readonly steps: readonly number[];
  /** The types visited, the record's own first: `types[i]` holds the field `steps[i]`, the last one holds the value. */
  readonly types: readonly string[];
  /** Index of the field with the value, in the last of `types`. */
  readonly leafField: number;
  /** REFERENCE only for paths marked with `!`: there the value is an ordinal. */
  readonly leafKind: FieldKind;
}

/** Names that JavaScript objects give another meaning; records are plain objects. */
const reservedNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Longer than any real name; what is left out by a filter is named `Type.field`, for every field of the type. */
const nameSizeMax = 4_096;

/** The format counts fields in 16 bits, signed. */
const fieldsMax = 32_767;

/** Longer chains of references than any real key: stops a path that expands through a cycle. */
const pathStepsMax = 64;

/**
 * A set of schemas. That of a producer ({@link DatasetSchema.of}) is closed: every type that one of them refers to
 * is in it, and every key path leads to a value. In that of a reader ({@link DatasetSchema.loaded}) types and fields may
 * be left out. References into them are then bare ordinals, and what needs more fails with `invalid`.
 *
 * @example
 * const schema = DatasetSchema.of(parseSchemas('City @PrimaryKey(id) { int id; string name; }'));
 * schema.keyPaths('City')[0].leafKind   // 'INT'
 */
export class DatasetSchema {
  /** Sorted by name (UTF-16 code units). */
  readonly schemas: readonly Schema[];
  /** In the order they were given: the order of the types in blobs. */
  readonly inBlobOrder: readonly Schema[];
  /** Names of the types with a primary key that can be read here, sorted. */
  readonly keyedTypes: readonly string[];
  /** Types, and fields as `Type.field`, that are known of but left out; empty: this is the whole dataset. Sorted. */
  readonly leftOut: readonly string[];
  /** What there is, of which `inBlobOrder` is all or a part. */
  readonly stored: readonly Schema[];
  readonly #byName: ReadonlyMap<string, Schema>;
  /** Or what is left out that the key needs. */
  readonly #keyPaths: ReadonlyMap<string, readonly KeyPath[] | string>;

  /** @param stored what there is, of which `byName` is all or a part */
  private constructor(stored: ReadonlyMap<string, Schema>, byName: ReadonlyMap<string, Schema>) {
    this.#byName = byName;
    this.inBlobOrder = Object.freeze([...byName.values()]);
    this.schemas = Object.freeze([...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)));
    this.stored = Object.freeze([...stored.values()]);
    this.leftOut = Object.freeze(leftOutOf(stored, byName));
    this.#keyPaths = new Map(
      this.schemas.map(({ name }) => [name, resolveKey(stored, byName, name)] as const),
    );
    this.keyedTypes = Object.freeze(
      this.schemas
        .filter((schema) => schema.kind === 'OBJECT' && schema.primaryKey.length > 0)
        .map((schema) => schema.name)
        .filter((name) => this.isKeyLoaded(name)),
    );
  }

  /** @throws DatasetError `invalid`: a name is used twice or not allowed, a reference or a key path leads nowhere */
  static of(schemas: Iterable<Schema>): DatasetSchema {
    const byName = schemasByName(schemas);
    for (const schema of byName.values()) requireReferences(byName, schema);
    return new DatasetSchema(byName, byName);
  }

  /**
   * What a reader has of a dataset.
   *
   * @param stored what its blobs describe; types that they refer to may be in a part that the reader does not have
   * @param schemas what is loaded: each one of `stored`, maybe with fewer fields
   * @throws DatasetError `invalid` as {@link DatasetSchema.of}, but for references
   */
  static loaded(stored: Iterable<Schema>, schemas: Iterable<Schema>): DatasetSchema {
    return new DatasetSchema(schemasByName(stored), schemasByName(schemas));
  }

  find(name: string): Schema | undefined {
    return this.#byName.get(name);
  }

  /** @throws DatasetError `invalid` if there is no such type */
  get(name: string): Schema {
    const schema = this.#byName.get(name);
    if (schema === undefined) throw this.#missing(name);
    return schema;
  }

  /** @throws DatasetError `invalid` if there is no such type or it is a collection */
  getObject(name: string): ObjectSchema {
    const schema = this.get(name);
    if (schema.kind !== 'OBJECT')
      throw invalid(`the type '${name}' is a ${schema.kind}, not an OBJECT`, name);
    return schema;
  }

  /** Nothing that the key of the type leads through is left out; true if it has none. */
  isKeyLoaded(type: string): boolean {
    return typeof this.#keyPaths.get(type) !== 'string';
  }

  /**
   * The primary key (OBJECT) or hash key (SET, MAP: from the element or the map's key) of a type; empty if it has none.
   *
   * @throws DatasetError `invalid` if there is no such type, or its key leads through something that is left out
   */
  keyPaths(type: string): readonly KeyPath[] {
    const paths = this.#keyPaths.get(type);
    if (paths === undefined) throw this.#missing(type);
    if (typeof paths !== 'string') return paths;
    throw invalid(`the key of '${type}' needs '${paths}', which is not loaded`, type);
  }

  #missing(name: string): DatasetError {
    const isLeftOut = this.leftOut.includes(name);
    return invalid(isLeftOut ? `the type '${name}' is not loaded` : `there is no type '${name}'`, name);
  }
}

function schemasByName(schemas: Iterable<Schema>): ReadonlyMap<string, Schema> {
  const byName = new Map<string, Schema>();
  for (const schema of schemas) {
    requireTypeName(schema.name);
    if (byName.has(schema.name)) throw invalid(`two schemas are called '${schema.name}'`, schema.name);
    if (schema.kind === 'OBJECT') requireFieldNames(schema);
    byName.set(schema.name, schema);
  }
  return byName;
}

/** Types and fields of `stored`, and types that it only refers to, that are not in `byName`. */
function leftOutOf(
  stored: ReadonlyMap<string, Schema>,
  byName: ReadonlyMap<string, Schema>,
): readonly string[] {
  const names = new Set<string>();
  for (const schema of stored.values()) {
    for (const target of targetsOf(schema)) if (!byName.has(target)) names.add(target);
    const own = byName.get(schema.name);
    if (own === undefined) names.add(schema.name);
    if (own === schema || schema.kind !== 'OBJECT' || own?.kind !== 'OBJECT') continue;
    const fields = new Set(own.fields.map((field) => field.name));
    for (const { name } of schema.fields) if (!fields.has(name)) names.add(`${schema.name}.${name}`);
  }
  return [...names].sort();
}

function invalid(problem: string, type: string): DatasetError {
  return new DatasetError('invalid', `schema: ${problem}`, { type });
}

function requireTypeName(name: string): void {
  if (!isWord(name) || name.length > nameSizeMax) {
    throw invalid(`${JSON.stringify(name)} cannot be the name of a type`, name);
  }
  if (isKindKeyword(name))
    throw invalid(`a type cannot be called '${name}': the word means a field kind`, name);
  if (reservedNames.has(name)) throw invalid(`a type cannot be called '${name}'`, name);
}

function requireReferences(byName: ReadonlyMap<string, Schema>, schema: Schema): void {
  const requireType = (name: string, where: string): void => {
    if (!byName.has(name))
      throw invalid(`${where} refers to the type '${name}', which is not in the set`, schema.name);
  };
  switch (schema.kind) {
    case 'LIST':
    case 'SET':
      return requireType(schema.elementType, schema.name);
    case 'MAP':
      requireType(schema.keyType, schema.name);
      return requireType(schema.valueType, schema.name);
    case 'OBJECT':
      for (const { name, referencedType } of schema.fields) {
        if (referencedType !== null) requireType(referencedType, `${schema.name}.${name}`);
      }
  }
}

function requireFieldNames(schema: ObjectSchema): void {
  if (schema.fields.length > fieldsMax) {
    throw invalid(`'${schema.name}' has ${schema.fields.length} fields, more than ${fieldsMax}`, schema.name);
  }
  const seen = new Set<string>();
  for (const { name, kind, referencedType } of schema.fields) {
    const at = `${schema.name}.${name}`;
    if (!isWord(name) || name.includes('.') || name.length > nameSizeMax || reservedNames.has(name)) {
      throw invalid(`${JSON.stringify(name)} cannot be the name of a field ('${schema.name}')`, schema.name);
    }
    if (seen.has(name)) throw invalid(`there are two fields '${at}'`, schema.name);
    seen.add(name);
    if ((kind === 'REFERENCE') !== (referencedType !== null)) {
      throw invalid(
        `'${at}' must name a referenced type if, and only if, its kind is REFERENCE`,
        schema.name,
      );
    }
  }
}

/** The key of a type, as it is declared in what is stored, in terms of what is loaded; or what it lacks. */
function resolveKey(
  stored: ReadonlyMap<string, Schema>,
  byName: ReadonlyMap<string, Schema>,
  type: string,
): readonly KeyPath[] | string {
  const schema = stored.get(type);
  if (schema === undefined) throw invalid(`'${type}' is not one of the stored types`, type);
  const paths = declaredKey(schema);
  const from =
    schema.kind === 'OBJECT' ? schema.name : schema.kind === 'MAP' ? schema.keyType : schema.elementType;
  if (new Set(paths).size < paths.length)
    throw invalid(`the key of '${schema.name}' names a path twice`, schema.name);
  const resolved: KeyPath[] = [];
  for (const path of paths) {
    const found = resolveKeyPath(stored, { owner: type, from, path });
    if (typeof found === 'string') return found;
    const loaded = atLoadedFields(found, stored, byName);
    if (typeof loaded === 'string') return loaded;
    resolved.push(loaded);
  }
  return Object.freeze(resolved);
}

/** The same path where fields may have other indexes; or the name of the type or field on the way that is left out. */
function atLoadedFields(
  path: KeyPath,
  stored: ReadonlyMap<string, Schema>,
  byName: ReadonlyMap<string, Schema>,
): KeyPath | string {
  if (stored === byName) return path;
  const steps: number[] = [];
  for (const [i, index] of [...path.steps, path.leafField].entries()) {
    const type = path.types[i] as string;
    const field = (stored.get(type) as ObjectSchema).fields[index] as Field;
    const own = byName.get(type);
    if (own?.kind !== 'OBJECT') return type;
    const ownIndex = fieldIndex(own, field.name);
    if (ownIndex < 0) return `${type}.${field.name}`;
    steps.push(ownIndex);
  }
  const leafField = steps.pop() as number;
  return Object.freeze({ ...path, steps, leafField });
}

const fieldIndexes = new WeakMap<ObjectSchema, ReadonlyMap<string, number>>();

/** -1: there is no such field. Remembered: paths times fields would be too many to look through in a hostile blob. */
function fieldIndex(schema: ObjectSchema, name: string): number {
  let indexes = fieldIndexes.get(schema);
  if (indexes === undefined) {
    indexes = new Map(schema.fields.map((field, i) => [field.name, i]));
    fieldIndexes.set(schema, indexes);
  }
  return indexes.get(name) ?? -1;
}

/** The key `path` of `owner`, which starts at the type `from`. */
interface DeclaredPath {
  readonly owner: string;
  readonly from: string;
  readonly path: string;
}

/** Or the name of a type on the way that is not there. */
function resolveKeyPath(byName: ReadonlyMap<string, Schema>, declared: DeclaredPath): KeyPath | string {
  const { owner, from, path } = declared;
  const fail = (reason: string) => invalid(`the key path '${path}' of '${owner}': ${reason}`, owner);
  const isOrdinal = path.endsWith('!');
  const names = (isOrdinal ? path.slice(0, -1) : path).split('.');
  const steps: number[] = [];
  const types: string[] = [from];
  for (let i = 0; ; i++) {
    const type = types[i] ?? from;
    const schema = byName.get(type);
    if (schema === undefined) return type;
    if (schema.kind !== 'OBJECT') throw fail(`'${type}' is a collection, a path leads through OBJECTs only`);
    const index = fieldIndex(schema, names[i] as string);
    const field = schema.fields[index];
    if (field === undefined) throw fail(`'${type}' has no field ${JSON.stringify(names[i])}`);
    const isLast = i === names.length - 1;
    if (field.referencedType === null || (isLast && isOrdinal)) {
      if (!isLast) throw fail(`'${type}.${field.name}' is no REFERENCE, the path must end there`);
      return Object.freeze({ path, steps, types, leafField: index, leafKind: field.kind });
    }
    const target = byName.get(field.referencedType);
    if (target === undefined) return field.referencedType;
    if (isLast) names.push(...expansionOf(target, fail));
    if (i === pathStepsMax) throw fail(`leads through more than ${pathStepsMax} references`);
    steps.push(index);
    types.push(field.referencedType);
  }
}

/**
 * What Hollow appends to a path that ends on a REFERENCE: the only field, or else the only path of the primary key.
 * It goes on from there in the same way until the path ends on a value.
 */
function expansionOf(target: Schema, fail: (reason: string) => DatasetError): readonly string[] {
  if (target.kind === 'OBJECT') {
    const [only, ...otherFields] = target.fields;
    if (only !== undefined && otherFields.length === 0) return [only.name];
    const [keyPath, ...otherPaths] = target.primaryKey;
    if (keyPath?.endsWith('!')) throw fail(`the key of '${target.name}' is an ordinal`);
    // Cut behind what can be followed: a hostile blob could have one long path that very many others lead to.
    if (keyPath !== undefined && otherPaths.length === 0) return keyPath.split('.', pathStepsMax + 2);
  }
  throw fail(`ends on '${target.name}', which has neither a single field nor a primary key of one path`);
}

/**
 * Identity of a schema: 16 hex digits, equal for equal sets of schemas whatever the order they were given in.
 * A 64-bit FNV-1a over Hollow's text form; not meant to withstand forgery.
 */
export function schemaIdOf(schema: DatasetSchema): string {
  const text = canonicalText(schema);
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}

/** The text that Hollow hashes for its header tag `hollow.schema.hash`: all schemas sorted by name, nothing between. */
export function canonicalText(schema: DatasetSchema): string {
  return schema.schemas.map(printSchema).join('');
}
