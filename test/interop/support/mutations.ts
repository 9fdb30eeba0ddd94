import { toBase64 } from '../../../lib/bytes/base64.ts';
import type { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import type { RootRecords } from './our-writer.ts';
import type { RandomSchema } from './random-schema.ts';
import { canonical, objectOf, type RecordValue, toEngineValue } from './record-value.ts';
import type { Seeded } from './seeded.ts';

/** Bits of floating values that JSON cannot say: infinity and negative zero. */
const unsayable = new Set(['7f800000', '80000000', '8000000000000000']);

/** The same roots, with a finite value wherever JSON has no word for the one that is there. */
export function sayable({ schema }: RandomSchema, roots: RootRecords): RootRecords {
  return Object.fromEntries(
    Object.entries(roots).map(([type, records]) => [type, records.map((each) => finite(schema, type, each))]),
  );
}

function finite(schema: DatasetSchema, type: string, value: RecordValue): RecordValue {
  if (value === null) return null;
  const own = schema.get(type);
  if (own.kind === 'OBJECT') {
    const fields = own.fields.map(({ name, kind, referencedType }) => {
      const field = objectOf(value)[name] ?? null;
      if (referencedType !== null) return [name, finite(schema, referencedType, field)];
      const isFloating = kind === 'FLOAT' || kind === 'DOUBLE';
      const isUnsayable = isFloating && typeof field === 'string' && unsayable.has(field);
      return [name, isUnsayable ? '0'.repeat(field.length) : field];
    });
    return Object.fromEntries(fields);
  }
  if (!Array.isArray(value)) throw new TypeError(`${type}: not an array`);
  return value.map((element: RecordValue) => {
    if (own.kind !== 'MAP') return finite(schema, own.elementType, element);
    if (!Array.isArray(element)) throw new TypeError(`${type}: not an entry`);
    const [key = null, mapped = null] = element as readonly RecordValue[];
    return [finite(schema, own.keyType, key), finite(schema, own.valueType, mapped)];
  });
}

export interface MutationOptions {
  readonly random: Seeded;
  /** Stamps them, so that a later call wins. */
  readonly timestamp: number;
}

/** The body of a message that turns one set of roots into the other: upserts, patches and deletes. */
export function mutationsBetween(
  model: RandomSchema,
  before: RootRecords,
  after: RootRecords,
  { random, timestamp }: MutationOptions,
): string {
  const mutations: object[] = [];
  for (const [type, records] of Object.entries(after)) {
    const old = new Map((before[type] ?? []).map((record) => [keyText(model, type, record), record]));
    for (const record of records) {
      const key = keyText(model, type, record);
      const known = old.get(key);
      old.delete(key);
      const change = changeOf(model, type, known, record);
      if (change === null) continue;
      mutations.push(
        known !== undefined && random.chance(50)
          ? { op: 'patch', type, key: keyOf(model, type, record), fields: change }
          : { op: 'upsert', type, value: toEngineValue(model.schema, type, record) },
      );
    }
    for (const gone of old.values()) mutations.push({ op: 'delete', type, key: keyOf(model, type, gone) });
  }
  const stamped = mutations.map((mutation, sequence) => ({
    ...mutation,
    order: { timestamp, source: 'interop', sequence },
  }));
  return JSON.stringify({ mutations: stamped }, (_, value: unknown) =>
    value instanceof Uint8Array ? toBase64(value) : value,
  );
}

/** The fields that are new; null: none. */
function changeOf(
  { schema }: RandomSchema,
  type: string,
  before: RecordValue | undefined,
  after: RecordValue,
): Readonly<Record<string, unknown>> | null {
  const text = (record: RecordValue): string => canonical(schema, type, record);
  if (before !== undefined && text(before) === text(after)) return null;
  const fields = objectOf(toEngineValue(schema, type, after) as RecordValue);
  const changed = Object.keys(fields).filter((name) => {
    const only = (record: RecordValue): RecordValue => ({
      ...objectOf(after),
      [name]: objectOf(record)[name] ?? null,
    });
    return before === undefined || text(only(before)) !== text(after);
  });
  return Object.fromEntries(changed.map((name) => [name, fields[name]]));
}

function keyText(model: RandomSchema, type: string, record: RecordValue): string {
  return JSON.stringify(keyOf(model, type, record));
}

/** By key path, as mutations name keys. */
function keyOf(
  { schema }: RandomSchema,
  type: string,
  record: RecordValue,
): Readonly<Record<string, RecordValue>> {
  const names = schema.getObject(type).primaryKey;
  const parts = names.map((name) => {
    const value = objectOf(record)[name] ?? null;
    return value !== null && typeof value === 'object' ? (objectOf(value)['value'] ?? null) : value;
  });
  return Object.fromEntries(schema.keyPaths(type).map(({ path }, i) => [path, parts[i] ?? null]));
}
