import { AssertionError } from '../assert.ts';
import { fromBase64, toBase64 } from '../bytes/base64.ts';
import type { DatasetSchema } from './dataset-schema.ts';
import type { PlainObject } from './plain-object.ts';
import { readKeyPath } from './record.ts';
import type { FieldKind } from './schema.ts';

/**
 * One value of a key, in the form that it has everywhere. A LONG is a number if that is exact, else a bigint. A
 * FLOAT is rounded to 32 bits. A REFERENCE (a path that ends in `!`) is the ordinal.
 */
export type KeyPart = number | bigint | boolean | string | Uint8Array;

/** A primary key by value. */
export class RecordKey {
  /** In the order of the primary key's paths. */
  readonly parts: readonly KeyPart[];

  constructor(parts: readonly KeyPart[]) {
    this.parts = parts;
  }

  /** Equal texts mean equal keys, within one type. */
  get text(): string {
    return this.parts.map(textOf).join(',');
  }

  /** As {@link text}, for a Map: most keys are one whole number, of which no text needs to be made. */
  get identity(): string | number {
    const [only] = this.parts;
    return this.parts.length === 1 && typeof only === 'number' && (only | 0) === only && !Object.is(only, -0)
      ? only
      : this.text;
  }
}

/** The key of a record that passed validateRecord. */
export function keyOfRecord(schema: DatasetSchema, type: string, record: PlainObject): RecordKey {
  const paths = schema.keyPaths(type);
  return new RecordKey(paths.map((path) => keyPartOf(path.leafKind, readKeyPath(schema, path, record))));
}

/** The key that an object of key paths names, which passed validateKey. */
export function keyOfPaths(schema: DatasetSchema, type: string, key: PlainObject): RecordKey {
  return new RecordKey(schema.keyPaths(type).map(({ path, leafKind }) => keyPartOf(leafKind, key[path])));
}

function keyPartOf(kind: FieldKind, value: unknown): KeyPart {
  if (kind === 'LONG') return longPart(value);
  if (kind === 'BYTES' && typeof value === 'string') return fromBase64(value);
  // An INT has no negative zero: it would be stored as 0, and must be found as 0.
  if (kind === 'INT' && typeof value === 'number') return value | 0;
  if (kind === 'FLOAT' && typeof value === 'number') return Math.fround(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return value;
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  throw new AssertionError(`a key part of kind ${kind} was not validated`);
}

/** A number wherever it is exact: a bigint takes many times as long to make, to compare, and to hash. */
function longPart(value: unknown): number | bigint {
  if (typeof value === 'number') return value === 0 ? 0 : value;
  if (typeof value !== 'string' && typeof value !== 'bigint')
    throw new AssertionError('a key part of kind LONG was not validated');
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt(value);
}

/** Strings carry their length, so that no two lists of parts have one text. */
function textOf(part: KeyPart): string {
  if (typeof part === 'string') return `${part.length}:${part}`;
  if (part instanceof Uint8Array) return toBase64(part);
  return Object.is(part, -0) ? '-0' : String(part);
}
