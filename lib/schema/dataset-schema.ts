import { DatasetError } from '../errors.ts';
import { isKindKeyword, isWord, printSchema } from './dsl.ts';
import type { FieldKind, ObjectSchema, Schema } from './schema.ts';

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

/** Bounds every name so that any of them fits the format's 65,535 encoded bytes. */
const nameSizeMax = 16_384;

/** The format counts fields in 16 bits, signed. */
const fieldsMax = 32_767;

/** Longer chains of references than any real key: stops a path that expands through a cycle. */
const pathStepsMax = 64;

/**
 * A closed set of schemas: every type that one of them refers to is in it, and every key path leads to a value.
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
  /** Names of the types with a primary key, sorted. */
  readonly keyedTypes: readonly string[];
  readonly #byName: ReadonlyMap<string, Schema>;
  readonly #keyPaths: ReadonlyMap<string, readonly KeyPath[]>;

  private constructor(byName: ReadonlyMap<string, Schema>) {
    this.#byName = byName;
    this.inBlobOrder = Object.freeze([...byName.values()]);
    this.schemas = Object.freeze([...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)));
    this.#keyPaths = new Map(
      this.schemas.map((schema) => [schema.name, Object.freeze(resolveKey(byName, schema))] as const),
    );
    this.keyedTypes = Object.freeze(
      this.schemas
        .filter((schema) => schema.kind === 'OBJECT' && schema.primaryKey.length > 0)
        .map((schema) => schema.name),
    );
  }

  /** @throws DatasetError `invalid`: a name is used twice or not allowed, a reference or a key path leads nowhere */
  static of(schemas: Iterable<Schema>): DatasetSchema {
    const byName = new Map<string, Schema>();
    for (const schema of schemas) {
      requireTypeName(schema.name);
      if (byName.has(schema.name)) throw invalid(`two schemas are called '${schema.name}'`, schema.name);
      byName.set(schema.name, schema);
    }
    for (const schema of byName.values()) requireReferences(byName, schema);
    return new DatasetSchema(byName);
  }

  find(name: string): Schema | undefined {
    return this.#byName.get(name);
  }

  /** @throws DatasetError `invalid` if there is no such type */
  get(name: string): Schema {
    const schema = this.#byName.get(name);
    if (schema === undefined) throw invalid(`there is no type '${name}'`, name);
    return schema;
  }

  /** @throws DatasetError `invalid` if there is no such type or it is a collection */
  getObject(name: string): ObjectSchema {
    const schema = this.get(name);
    if (schema.kind !== 'OBJECT')
      throw invalid(`the type '${name}' is a ${schema.kind}, not an OBJECT`, name);
    return schema;
  }

  /** The primary key (OBJECT) or hash key (SET, MAP: from the element or the map's key) of a type; empty if it has none. */
  keyPaths(type: string): readonly KeyPath[] {
    const paths = this.#keyPaths.get(type);
    if (paths === undefined) throw invalid(`there is no type '${type}'`, type);
    return paths;
  }
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
      requireFieldNames(schema);
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

function resolveKey(byName: ReadonlyMap<string, Schema>, schema: Schema): readonly KeyPath[] {
  const paths = schema.kind === 'OBJECT' ? schema.primaryKey : schema.kind === 'LIST' ? [] : schema.hashKey;
  const from =
    schema.kind === 'OBJECT' ? schema.name : schema.kind === 'MAP' ? schema.keyType : schema.elementType;
  if (new Set(paths).size < paths.length)
    throw invalid(`the key of '${schema.name}' names a path twice`, schema.name);
  return paths.map((path) => resolveKeyPath(byName, { owner: schema.name, from, path }));
}

/** The key `path` of `owner`, which starts at the type `from`. */
interface DeclaredPath {
  readonly owner: string;
  readonly from: string;
  readonly path: string;
}

function resolveKeyPath(byName: ReadonlyMap<string, Schema>, declared: DeclaredPath): KeyPath {
  const { owner, from, path } = declared;
  const fail = (reason: string) => invalid(`the key path '${path}' of '${owner}': ${reason}`, owner);
  const isOrdinal = path.endsWith('!');
  const names = (isOrdinal ? path.slice(0, -1) : path).split('.');
  const steps: number[] = [];
  const types: string[] = [from];
  for (let i = 0; ; i++) {
    const type = types[i] ?? from;
    const schema = byName.get(type);
    if (schema?.kind !== 'OBJECT') throw fail(`'${type}' is a collection, a path leads through OBJECTs only`);
    const index = schema.fields.findIndex((field) => field.name === names[i]);
    const field = schema.fields[index];
    if (field === undefined) throw fail(`'${type}' has no field ${JSON.stringify(names[i])}`);
    const isLast = i === names.length - 1;
    if (field.referencedType === null || (isLast && isOrdinal)) {
      if (!isLast) throw fail(`'${type}.${field.name}' is no REFERENCE, the path must end there`);
      return Object.freeze({ path, steps, types, leafField: index, leafKind: field.kind });
    }
    if (isLast) names.push(...expansionOf(byName.get(field.referencedType), fail));
    if (i === pathStepsMax) throw fail(`leads through more than ${pathStepsMax} references`);
    steps.push(index);
    types.push(field.referencedType);
  }
}

/**
 * What Hollow appends to a path that ends on a REFERENCE: the only field, or else the only path of the primary key.
 * It goes on from there in the same way until the path ends on a value.
 */
function expansionOf(target: Schema | undefined, fail: (reason: string) => DatasetError): readonly string[] {
  if (target?.kind === 'OBJECT') {
    const [only, ...otherFields] = target.fields;
    if (only !== undefined && otherFields.length === 0) return [only.name];
    const [keyPath, ...otherPaths] = target.primaryKey;
    if (keyPath?.endsWith('!')) throw fail(`the key of '${target.name}' is an ordinal`);
    if (keyPath !== undefined && otherPaths.length === 0) return keyPath.split('.');
  }
  throw fail(`ends on '${target?.name}', which has neither a single field nor a primary key of one path`);
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
