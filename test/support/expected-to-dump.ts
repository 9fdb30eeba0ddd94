/**
 * The golden fixtures' `expected-N.json` (what the Java reader saw) as the lines of `hollow dump`: the oracle for every
 * program that writes such lines.
 */
import { z } from 'zod';
import { printSchema } from '../../lib/schema/dsl.ts';
import type { Field, Schema } from '../../lib/schema/schema.ts';

const fieldShape = z.object({
  name: z.string(),
  type: z.enum(['REFERENCE', 'INT', 'LONG', 'BOOLEAN', 'FLOAT', 'DOUBLE', 'STRING', 'BYTES']),
  ref: z.string().optional(),
});
const paths = z.array(z.string()).nullable();
const schemaShape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('OBJECT'), primaryKey: paths, fields: z.array(fieldShape) }),
  z.object({ kind: z.literal('LIST'), element: z.string() }),
  z.object({ kind: z.literal('SET'), element: z.string(), hashKey: paths }),
  z.object({ kind: z.literal('MAP'), key: z.string(), value: z.string(), hashKey: paths }),
]);
type ExpectedSchema = z.infer<typeof schemaShape>;

const scalar = z.union([z.number(), z.string(), z.boolean(), z.null()]);
const objectRecord = z.array(scalar);
const listRecord = z.array(z.number());
const setRecord = z.object({ size: z.number(), buckets: z.array(z.number()) });
const mapRecord = z.object({
  size: z.number(),
  buckets: z.array(z.union([z.literal(-1), z.tuple([z.number(), z.number()])])),
});

const expectedShape = z.object({
  destinationTag: z.string(),
  headerTags: z.record(z.string(), z.string()),
  checksum: z.number(),
  types: z.record(
    z.string(),
    z.object({
      schema: schemaShape,
      numShards: z.number(),
      checksum: z.number(),
      records: z.record(z.string(), z.unknown()),
    }),
  ),
});

/** `text` is the content of an `expected-N.json`. */
export function expectedToDump(text: string): readonly string[] {
  const expected = expectedShape.parse(JSON.parse(text));
  const tag = BigInt.asUintN(64, BigInt(expected.destinationTag)).toString(16).padStart(16, '0');
  const headerTags = Object.fromEntries(Object.entries(expected.headerTags).toSorted(byName));
  const state = { kind: 'state', randomizedTag: tag, headerTags, checksum: expected.checksum };
  const lines = [JSON.stringify(state)];
  for (const [name, type] of Object.entries(expected.types).toSorted(byName)) {
    const records = Object.entries(type.records);
    lines.push(
      JSON.stringify({
        kind: 'type',
        name,
        schema: printSchema(toSchema(name, type.schema)),
        numShards: type.numShards,
        count: records.length,
        checksum: type.checksum,
      }),
    );
    for (const [ordinal, record] of records) {
      lines.push(JSON.stringify([Number(ordinal), ...toDumpRecord(type.schema, record)]));
    }
  }
  return lines;
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

function toSchema(name: string, schema: ExpectedSchema): Schema {
  switch (schema.kind) {
    case 'OBJECT':
      return {
        kind: 'OBJECT',
        name,
        fields: schema.fields.map(toField),
        primaryKey: schema.primaryKey ?? [],
      };
    case 'LIST':
      return { kind: 'LIST', name, elementType: schema.element };
    case 'SET':
      return { kind: 'SET', name, elementType: schema.element, hashKey: schema.hashKey ?? [] };
    case 'MAP':
      return {
        kind: 'MAP',
        name,
        keyType: schema.key,
        valueType: schema.value,
        hashKey: schema.hashKey ?? [],
      };
  }
}

function toField(field: z.infer<typeof fieldShape>): Field {
  return { name: field.name, kind: field.type, referencedType: field.ref ?? null };
}

function toDumpRecord(schema: ExpectedSchema, record: unknown): readonly unknown[] {
  switch (schema.kind) {
    case 'OBJECT':
      return objectRecord.parse(record).map((value, i) => toDumpValue(schema.fields[i]?.type, value));
    case 'LIST':
      return [listRecord.parse(record)];
    case 'SET':
      return [
        setRecord
          .parse(record)
          .buckets.filter((element) => element !== -1)
          .toSorted((a, b) => a - b),
      ];
    case 'MAP':
      return [
        mapRecord
          .parse(record)
          .buckets.filter((entry) => entry !== -1)
          .toSorted((a, b) => a[0] - b[0]),
      ];
  }
}

/** FLOAT, DOUBLE and BYTES come as `f:`, `d:` or `x:` and hex digits. */
function toDumpValue(kind: string | undefined, value: z.infer<typeof scalar>): unknown {
  if (value === null) return null;
  if (kind === 'INT' || kind === 'LONG') return String(value);
  if (kind === 'FLOAT' || kind === 'DOUBLE' || kind === 'BYTES') return String(value).slice(2);
  return value;
}
