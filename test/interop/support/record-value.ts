import { z } from 'zod';
import type { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import type { Field } from '../../../lib/schema/schema.ts';

/**
 * A record with all that it refers to, as the Java program takes it: objects with every field, [elements],
 * [[key, value], …]; LONG as decimal string, FLOAT and DOUBLE as hex digits of their bits, BYTES as hex.
 */
export type RecordValue =
  | null
  | number
  | string
  | boolean
  | readonly RecordValue[]
  | { readonly [field: string]: RecordValue };

/** One text for equal records: sets sorted, maps sorted by key, INT as decimal string. */
export function canonical(schema: DatasetSchema, type: string, value: RecordValue): string {
  const own = schema.get(type);
  if (own.kind === 'OBJECT') {
    const fields = own.fields.map((field) => {
      const fieldValue = objectOf(value)[field.name] ?? null;
      if (fieldValue === null || field.referencedType === null) return scalarText(field, fieldValue);
      return canonical(schema, field.referencedType, fieldValue);
    });
    return `{${fields.join(',')}}`;
  }
  const elements = arrayOf(value).map((element) => {
    if (own.kind !== 'MAP') return canonical(schema, own.elementType, element);
    const [key = null, mapped = null] = arrayOf(element);
    return `${canonical(schema, own.keyType, key)}=${canonical(schema, own.valueType, mapped)}`;
  });
  return `[${(own.kind === 'LIST' ? elements : elements.toSorted()).join(',')}]`;
}

function scalarText(field: Field, value: RecordValue): string {
  if (value === null) return 'null';
  return JSON.stringify(field.kind === 'INT' && typeof value === 'number' ? String(value) : value);
}

/** The same record as our own writer takes it. */
export function toEngineValue(schema: DatasetSchema, type: string, value: RecordValue): unknown {
  const own = schema.get(type);
  switch (own.kind) {
    case 'OBJECT':
      return Object.fromEntries(
        own.fields.map((field) => [
          field.name,
          toEngineField(schema, field, objectOf(value)[field.name] ?? null),
        ]),
      );
    case 'LIST':
    case 'SET':
      return arrayOf(value).map((element) => toEngineValue(schema, own.elementType, element));
    case 'MAP':
      return arrayOf(value).map((entry) => {
        const [key = null, mapped = null] = arrayOf(entry);
        return [toEngineValue(schema, own.keyType, key), toEngineValue(schema, own.valueType, mapped)];
      });
  }
}

function toEngineField(schema: DatasetSchema, field: Field, value: RecordValue): unknown {
  if (value === null) return null;
  if (field.referencedType !== null) return toEngineValue(schema, field.referencedType, value);
  const bits = Buffer.from(typeof value === 'string' ? value : '', 'hex');
  switch (field.kind) {
    case 'FLOAT':
      return bits.readFloatBE();
    case 'DOUBLE':
      return bits.readDoubleBE();
    case 'BYTES':
      return new Uint8Array(bits);
    default:
      return value;
  }
}

export function objectOf(value: RecordValue): { readonly [field: string]: RecordValue } {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new TypeError('not an object');
  return value as { readonly [field: string]: RecordValue };
}

function arrayOf(value: RecordValue): readonly RecordValue[] {
  if (!Array.isArray(value)) throw new TypeError('not an array');
  return value;
}

const dumpLine = z.union([
  z.object({ kind: z.literal('state') }),
  z.object({ kind: z.literal('type'), name: z.string() }),
  z.array(z.json()).min(1),
]);

type DumpRecord = readonly z.infer<ReturnType<typeof z.json>>[];

/** Records out of the lines of `hollow dump`, followed along their references: canonical texts, sorted. */
export function canonicalRecords(
  schema: DatasetSchema,
  type: string,
  lines: readonly string[],
): readonly string[] {
  const types = new Map<string, Map<number, DumpRecord>>();
  let current = new Map<number, DumpRecord>();
  for (const line of lines) {
    const parsed = dumpLine.parse(JSON.parse(line));
    if (Array.isArray(parsed)) {
      current.set(Number(parsed[0]), parsed.slice(1));
    } else if (parsed.kind === 'type') {
      current = new Map();
      types.set(parsed.name, current);
    }
  }
  const known = new Map<string, string>();
  const text = (name: string, ordinal: number): string => {
    const at = `${name} ${ordinal}`;
    const result = known.get(at) ?? textOf(name, types.get(name)?.get(ordinal));
    known.set(at, result);
    return result;
  };
  const textOf = (name: string, record: DumpRecord | undefined): string => {
    if (record === undefined) throw new Error(`a reference leads to a missing record of ${name}`);
    const own = schema.get(name);
    if (own.kind === 'OBJECT') {
      const fields = own.fields.map((field, i) => {
        const value = record[i] ?? null;
        if (value === null) return 'null';
        return field.referencedType === null
          ? JSON.stringify(value)
          : text(field.referencedType, Number(value));
      });
      return `{${fields.join(',')}}`;
    }
    const elements = z.array(z.union([z.number(), z.tuple([z.number(), z.number()])])).parse(record[0]);
    const texts = elements.map((element) => {
      if (own.kind === 'MAP' && Array.isArray(element)) {
        return `${text(own.keyType, element[0])}=${text(own.valueType, element[1])}`;
      }
      return own.kind === 'MAP' ? '' : text(own.elementType, Number(element));
    });
    return `[${(own.kind === 'LIST' ? texts : texts.toSorted()).join(',')}]`;
  };
  return [...(types.get(type)?.keys() ?? [])].map((ordinal) => text(type, ordinal)).toSorted();
}
