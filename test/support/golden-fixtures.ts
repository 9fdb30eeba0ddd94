/**
 * Blobs written by Java Hollow and, as JSON, what Java's reader sees in them: test/golden/fixtures. A LONG is a decimal
 * string, FLOAT and DOUBLE are `f:` or `d:` and their bits in hex, BYTES `x:` and hex; references are ordinals.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import type { Schema } from '../../lib/schema/schema.ts';

export const fixturesRoot = join(import.meta.dirname, '..', 'golden', 'fixtures');

const fieldShape = z.object({
  name: z.string(),
  type: z.enum(['REFERENCE', 'INT', 'LONG', 'BOOLEAN', 'FLOAT', 'DOUBLE', 'STRING', 'BYTES']),
  ref: z.string().optional(),
});
const pathsShape = z
  .array(z.string())
  .nullable()
  .transform((paths) => paths ?? []);
const schemaShape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('OBJECT'), primaryKey: pathsShape, fields: z.array(fieldShape) }),
  z.object({ kind: z.literal('LIST'), element: z.string() }),
  z.object({ kind: z.literal('SET'), element: z.string(), hashKey: pathsShape }),
  z.object({ kind: z.literal('MAP'), key: z.string(), value: z.string(), hashKey: pathsShape }),
]);
const scalarsShape = z.array(z.union([z.number(), z.string(), z.boolean(), z.null()]));
const collectionShape = z.object({
  size: z.number(),
  buckets: z.array(z.union([z.number(), z.tuple([z.number(), z.number()])])),
});
const stateShape = z.object({
  originTag: z.string(),
  destinationTag: z.string(),
  headerTags: z.record(z.string(), z.string()),
  checksum: z.number(),
  types: z.record(
    z.string(),
    z.object({
      schema: schemaShape,
      numShards: z.number(),
      maxOrdinal: z.number(),
      checksum: z.number(),
      records: z.record(z.string(), z.union([scalarsShape, collectionShape])),
    }),
  ),
});

export type ExpectedState = z.infer<typeof stateShape>;
export type ExpectedType = ExpectedState['types'][string];

/** Names of all cases. */
export const fixtureCases: readonly string[] = readdirSync(fixturesRoot, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** A file of a case, unpacked if it is stored as .gz; null: there is no such file. */
export function readFixture(caseName: string, file: string): Uint8Array | null {
  const path = join(fixturesRoot, caseName, file);
  if (existsSync(path)) return readFileSync(path);
  return existsSync(`${path}.gz`) ? gunzipSync(readFileSync(`${path}.gz`)) : null;
}

export function readExpected(caseName: string, file: string): ExpectedState | null {
  const bytes = readFixture(caseName, file);
  return bytes === null ? null : stateShape.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

export function expectedSchema(name: string, { schema }: ExpectedType): Schema {
  switch (schema.kind) {
    case 'OBJECT': {
      const fields = schema.fields.map((field) => ({
        name: field.name,
        kind: field.type,
        referencedType: field.ref ?? null,
      }));
      return { kind: 'OBJECT', name, fields, primaryKey: schema.primaryKey };
    }
    case 'LIST':
      return { kind: 'LIST', name, elementType: schema.element };
    case 'SET':
      return { kind: 'SET', name, elementType: schema.element, hashKey: schema.hashKey };
    case 'MAP':
      return {
        kind: 'MAP',
        name,
        keyType: schema.key,
        valueType: schema.value,
        hashKey: schema.hashKey,
      };
  }
}

/** The records of a type, by ascending ordinal, as `Cycle.addFlat` takes them. */
export function expectedRecords({ schema, records }: ExpectedType): [ordinal: number, values: unknown[]][] {
  return Object.entries(records)
    .map(([ordinal, record]): [number, unknown[]] => {
      if (!Array.isArray(record)) return [Number(ordinal), record.buckets.filter((entry) => entry !== -1)];
      if (schema.kind !== 'OBJECT') return [Number(ordinal), record];
      return [Number(ordinal), record.map((value, i) => flatValue(schema.fields[i]?.type, value))];
    })
    .toSorted(([a], [b]) => a - b);
}

export function flatValue(kind: string | undefined, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const view = new DataView(new ArrayBuffer(8));
  switch (kind) {
    case 'FLOAT':
      view.setUint32(0, Number.parseInt(value.slice(2), 16));
      return view.getFloat32(0);
    case 'DOUBLE':
      view.setBigUint64(0, BigInt(`0x${value.slice(2)}`));
      return view.getFloat64(0);
    case 'BYTES':
      return Uint8Array.from(value.slice(2).match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));
    default:
      return value;
  }
}
