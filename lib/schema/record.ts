/**
 * Is this value a record of that type? The check at the door for everything that comes from outside; what passes can be
 * written without another look.
 *
 * Records are plain data, as from JSON.parse:
 *
 * | kind           | value                                                                                     |
 * |----------------|-------------------------------------------------------------------------------------------|
 * | INT            | number, whole, -2147483647 … 2147483647 (-2^31 means null in the format)                    |
 * | LONG           | number (whole, up to ±2^53), bigint or decimal string; -2^63 means null in the format      |
 * | FLOAT, DOUBLE  | finite number                                                                             |
 * | BOOLEAN        | boolean                                                                                   |
 * | STRING         | string; lone surrogates are fine                                                          |
 * | BYTES          | Uint8Array or base64 (standard alphabet, padded)                                          |
 * | REFERENCE      | the record referred to; if its type has just one field, and that is no REFERENCE, also the bare value of it |
 * | LIST, SET      | array of elements                                                                         |
 * | MAP            | array of [key, value]; if the key is a box of STRING, also a plain object                 |
 *
 * null, undefined and an absent field are all null. Elements of collections and key fields must not be null.
 */
import { limits } from '../limits.ts';
import type { DatasetSchema, KeyPath } from './dataset-schema.ts';
import { isPlainObject } from './plain-object.ts';
import { RecordCheck } from './record-check.ts';
import {
  boxedField,
  type Field,
  type FieldKind,
  type MapSchema,
  type ObjectSchema,
  type Schema,
} from './schema.ts';

/** One thing that is wrong with a value. */
export interface Problem {
  /** Path to the offending value, e.g. `value.location.lat` or `value.tags[2]`. */
  readonly field: string;
  /** What was expected and what came. */
  readonly reason: string;
}

/**
 * Null: `value` is a record of `type`. Otherwise the first problem, its path prefixed with `at`. Never throws for any
 * plain data.
 *
 * @throws DatasetError `invalid` if the schema has no such type
 * @example
 * validateRecord(schema, 'City', { id: 'x' }, 'value')
 * // { field: 'value.id', reason: 'expected INT, got string "x"' }
 */
export function validateRecord(
  schema: DatasetSchema,
  type: string,
  value: unknown,
  at: string,
): Problem | null {
  let check = checks.get(schema);
  if (check === undefined) {
    check = new RecordCheck(schema);
    checks.set(schema, check);
  }
  return check.passes(type, value) ? null : placed(at, checkType(schema, schema.get(type), value, 0));
}

const checks = new WeakMap<DatasetSchema, RecordCheck>();

/** Null: `value` can be the field `name` of a record of `type`. `at` is the path of the fields' parent. */
export function validateField(
  schema: DatasetSchema,
  type: string,
  [name, value]: readonly [name: string, value: unknown],
  at: string,
): Problem | null {
  const object = schema.getObject(type);
  const field = object.fields.find((candidate) => candidate.name === name);
  if (field === undefined) return placed(at, unknownField(name, object));
  if (value === null || value === undefined) return null;
  return placed(at, placed(`.${name}`, checkField(schema, field, value, 0)));
}

/** Null: `fields` can be set by a patch: at least one, none of them part of the primary key. */
export function validatePatch(
  schema: DatasetSchema,
  type: string,
  fields: unknown,
  at: string,
): Problem | null {
  if (!isPlainObject(fields)) return { field: at, reason: `expected an object, got ${describe(fields)}` };
  const entries = Object.entries(fields);
  if (entries.length === 0) return { field: at, reason: 'expected at least one field' };
  const { primaryKey } = schema.getObject(type);
  for (const entry of entries) {
    const problem = validateField(schema, type, entry, at);
    if (problem !== null) return problem;
    const [name] = entry;
    if (primaryKey.some((path) => path === name || path.startsWith(`${name}.`))) {
      return {
        field: `${at}.${name}`,
        reason: `part of the primary key of ${type}: a patch cannot change it`,
      };
    }
  }
  return null;
}

/** Null: `key` is an object of exactly the primary key's paths (`{ id: 1 }`, `{ 'country.code': 'NL', id: 1 }`), none of them null. */
export function validateKey(schema: DatasetSchema, type: string, key: unknown, at: string): Problem | null {
  const paths = schema.keyPaths(type);
  if (!isPlainObject(key)) return { field: at, reason: `expected the key of ${type}, got ${describe(key)}` };
  for (const { path, leafKind } of paths) {
    const value = Object.hasOwn(key, path) ? key[path] : null;
    const problem = value === null || value === undefined ? nullKey(type) : checkValue(leafKind, value);
    if (problem !== null) return placed(at, placed(pathStep(path), problem));
  }
  const unknown = Object.keys(key).find((name) => paths.every(({ path }) => path !== name));
  if (unknown === undefined) return null;
  return placed(at, problemAt(nameStep(unknown), `is not part of the key of ${type}`));
}

/** What a key path finds in a record that passed {@link validateRecord}; null if it, or a record on the way, is null. */
export function readKeyPath(
  schema: DatasetSchema,
  { steps, types, leafField }: KeyPath,
  record: unknown,
): unknown {
  let value = record;
  for (let i = 0; i < types.length; i++) {
    if (value === null || value === undefined) return null;
    // A bare value stands for the only field of its record, and then the path ends there.
    if (!isPlainObject(value)) return value;
    const field = schema.getObject(types[i] ?? '').fields[steps[i] ?? leafField];
    value = field !== undefined && Object.hasOwn(value, field.name) ? value[field.name] : null;
  }
  return value ?? null;
}

/** `depth` counts the references followed: records that contain themselves are refused, not followed for ever. */
function checkType(schema: DatasetSchema, type: Schema, value: unknown, depth: number): Problem | null {
  if (depth > limits.jsonDepthMax) return problemAt('', `nested deeper than ${limits.jsonDepthMax} levels`);
  switch (type.kind) {
    case 'OBJECT':
      return checkObject(schema, type, value, depth);
    case 'LIST':
    case 'SET':
      return checkElements(schema, type, value, depth);
    case 'MAP':
      return checkMap(schema, type, value, depth);
  }
}

function checkObject(
  schema: DatasetSchema,
  object: ObjectSchema,
  value: unknown,
  depth: number,
): Problem | null {
  if (!isPlainObject(value))
    return problemAt('', `expected a record of ${object.name}, got ${describe(value)}`);
  let countFound = 0;
  for (const field of object.fields) {
    if (!Object.hasOwn(value, field.name)) continue;
    countFound++;
    const fieldValue = value[field.name];
    if (fieldValue === null || fieldValue === undefined) continue;
    const problem = checkField(schema, field, fieldValue, depth);
    if (problem !== null) return placed(`.${field.name}`, problem);
  }
  const names = Object.keys(value);
  if (names.length !== countFound) {
    const unknown = names.find((name) => object.fields.every((field) => field.name !== name));
    return unknownField(unknown ?? '', object);
  }
  for (const path of object.primaryKey.length === 0 ? [] : schema.keyPaths(object.name)) {
    if (readKeyPath(schema, path, value) === null) return placed(pathStep(path.path), nullKey(object.name));
  }
  return null;
}

function checkField(schema: DatasetSchema, field: Field, value: unknown, depth: number): Problem | null {
  if (field.referencedType === null) return checkValue(field.kind, value);
  return checkReference(schema, schema.get(field.referencedType), value, depth);
}

function checkReference(
  schema: DatasetSchema,
  target: Schema,
  value: unknown,
  depth: number,
): Problem | null {
  if (value === null || value === undefined)
    return problemAt('', `expected ${target.name}, got ${describe(value)}`);
  const box = isPlainObject(value) ? null : boxedField(target);
  return box === null ? checkType(schema, target, value, depth + 1) : checkValue(box.kind, value);
}

function checkElements(
  schema: DatasetSchema,
  collection: Exclude<Schema, ObjectSchema | MapSchema>,
  value: unknown,
  depth: number,
): Problem | null {
  if (!Array.isArray(value))
    return problemAt('', `expected an array (${collection.name}), got ${describe(value)}`);
  const target = schema.get(collection.elementType);
  for (let i = 0; i < value.length; i++) {
    const problem = checkReference(schema, target, value[i], depth);
    if (problem !== null) return placed(`[${i}]`, problem);
  }
  return null;
}

function checkMap(schema: DatasetSchema, map: MapSchema, value: unknown, depth: number): Problem | null {
  const [keyType, valueType] = [schema.get(map.keyType), schema.get(map.valueType)];
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const entry: unknown = value[i];
      if (!Array.isArray(entry) || entry.length !== 2) {
        return problemAt(`[${i}]`, `expected [key, value] (${map.name}), got ${describe(entry)}`);
      }
      const ofKey = checkReference(schema, keyType, entry[0], depth);
      if (ofKey !== null) return placed(`[${i}][0]`, ofKey);
      const ofValue = checkReference(schema, valueType, entry[1], depth);
      if (ofValue !== null) return placed(`[${i}][1]`, ofValue);
    }
    return null;
  }
  if (!isPlainObject(value) || boxedField(keyType)?.kind !== 'STRING') {
    return problemAt('', `expected an array of [key, value] (${map.name}), got ${describe(value)}`);
  }
  for (const [key, entryValue] of Object.entries(value)) {
    // As an own name it is harmless here, but not in every program that copies the object.
    if (key === '__proto__')
      return problemAt(nameStep(key), 'cannot be a name; give the map as [key, value] pairs');
    const problem = checkValue('STRING', key) ?? checkReference(schema, valueType, entryValue, depth);
    if (problem !== null) return placed(nameStep(key), problem);
  }
  return null;
}

const intMax = 2_147_483_647;
const longMax = 9_223_372_036_854_775_807n;
/** A LONG as decimal text, as JSON has it. */
export const longPattern = /^(?:0|-?[1-9][0-9]{0,18})$/;
const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function checkValue(kind: FieldKind, value: unknown): Problem | null {
  switch (kind) {
    case 'INT':
      return checkInt(value);
    case 'LONG':
      return checkLong(value);
    case 'FLOAT':
    case 'DOUBLE':
      return checkFloating(kind, value);
    case 'BOOLEAN':
      return typeof value === 'boolean' ? null : expected(kind, value);
    case 'STRING':
      return typeof value === 'string' ? checkSize(kind, value.length) : expected(kind, value);
    case 'BYTES':
      if (value instanceof Uint8Array) return checkSize(kind, value.length);
      if (typeof value !== 'string') return expected('BYTES (base64 or Uint8Array)', value);
      return (
        checkSize(kind, value.length) ??
        (base64Pattern.test(value) ? null : expected('BYTES (base64)', value))
      );
    case 'REFERENCE':
      return problemAt('', 'is an ordinal, which a record cannot name');
  }
}

function checkInt(value: unknown): Problem | null {
  if (typeof value !== 'number') return expected('INT', value);
  if (!Number.isInteger(value)) return expected('INT, a whole number', value);
  return Math.abs(value) <= intMax ? null : expected(`INT, from -${intMax} to ${intMax}`, value);
}

function checkLong(value: unknown): Problem | null {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return null;
    if (!Number.isInteger(value)) return expected('LONG, a whole number', value);
    return problemAt(
      '',
      `expected LONG, got number ${value}, which is not exact: use a decimal string or a bigint`,
    );
  }
  if (typeof value === 'string' && !longPattern.test(value)) return expected('LONG (decimal)', value);
  if (typeof value !== 'string' && typeof value !== 'bigint') return expected('LONG', value);
  const long = BigInt(value);
  return long <= longMax && long >= -longMax ? null : expected(`LONG, from -${longMax} to ${longMax}`, value);
}

function checkFloating(kind: 'FLOAT' | 'DOUBLE', value: unknown): Problem | null {
  if (typeof value !== 'number') return expected(kind, value);
  const stored = kind === 'FLOAT' ? Math.fround(value) : value;
  return Number.isFinite(stored) ? null : expected(`${kind}, a finite number`, value);
}

function checkSize(kind: FieldKind, size: number): Problem | null {
  if (size <= limits.stringSizeMax) return null;
  return problemAt(
    '',
    `expected ${kind} of at most ${limits.stringSizeMax} characters or bytes, got ${size}`,
  );
}

function problemAt(field: string, reason: string): Problem {
  return { field, reason };
}

/** Prefixes a problem's path. Paths are put together on the way out, so that good values never pay for them. */
function placed(prefix: string, problem: Problem | null): Problem | null {
  if (problem === null) return null;
  const field =
    prefix === '' && problem.field.startsWith('.') ? problem.field.slice(1) : prefix + problem.field;
  return { field, reason: problem.reason };
}

function expected(what: string, value: unknown): Problem {
  return problemAt('', `expected ${what}, got ${describe(value)}`);
}

function unknownField(name: string, { name: type, fields }: ObjectSchema): Problem {
  const known = fields.length > 20 ? '' : ` (its fields: ${fields.map((field) => field.name).join(', ')})`;
  return problemAt(nameStep(name), `unknown field of ${type}${known}`);
}

function nullKey(type: string): Problem {
  return problemAt('', `is part of the primary key of ${type} and must not be null`);
}

/** Names from outside can be long or odd: these come quoted, and cut. */
export function nameStep(name: string): string {
  return name.includes('.') ? `[${quoted(name, 80)}]` : pathStep(name);
}

/** The same for the path of a key, whose dots are steps. */
function pathStep(path: string): string {
  return /^[\w$.]{1,80}$/.test(path) ? `.${path}` : `[${quoted(path, 80)}]`;
}

function quoted(text: string, sizeMax: number): string {
  return JSON.stringify(text.length > sizeMax ? `${text.slice(0, sizeMax)}…` : text);
}

/** A value in a few words, for messages. Never the whole of it. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `string ${quoted(value, 40)}`;
    case 'number':
      return `number ${Object.is(value, -0) ? '-0' : value}`;
    case 'bigint':
      return value > -(2n ** 128n) && value < 2n ** 128n ? `bigint ${value}` : 'a huge bigint';
    case 'boolean':
      return `boolean ${value}`;
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `an array of ${value.length}`;
      if (value instanceof Uint8Array) return `${value.length} bytes`;
      if (value instanceof Date) return `Date ${value.toJSON() ?? 'without a time'}`;
      return isPlainObject(value) ? 'an object' : 'an object of a class';
    case 'undefined':
    case 'function':
    case 'symbol':
      return typeof value;
  }
}
