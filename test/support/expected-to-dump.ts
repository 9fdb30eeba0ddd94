import { printSchema } from '../../lib/schema/dsl.ts';
import { type ExpectedState, type ExpectedType, expectedSchema } from './golden-fixtures.ts';

/** What Java's reader saw (`expected-N.json`) as the lines of `hollow dump`: the oracle for all that writes such lines. */
export function expectedToDump(expected: ExpectedState): readonly string[] {
  const tag = BigInt.asUintN(64, BigInt(expected.destinationTag)).toString(16).padStart(16, '0');
  const headerTags = Object.fromEntries(Object.entries(expected.headerTags).toSorted(byName));
  const { checksum } = expected;
  const lines = [JSON.stringify({ kind: 'state', randomizedTag: tag, headerTags, checksum })];
  for (const [name, type] of Object.entries(expected.types).toSorted(byName)) {
    const records = Object.entries(type.records);
    lines.push(
      JSON.stringify({
        kind: 'type',
        name,
        schema: printSchema(expectedSchema(name, type)),
        numShards: type.numShards,
        count: records.length,
        checksum: type.checksum,
      }),
    );
    for (const [ordinal, record] of records) {
      lines.push(JSON.stringify([Number(ordinal), ...dumpContent(type, record)]));
    }
  }
  return lines;
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

function dumpContent({ schema }: ExpectedType, record: ExpectedType['records'][string]): readonly unknown[] {
  if (Array.isArray(record)) {
    return schema.kind === 'OBJECT'
      ? record.map((value, i) => dumpValue(schema.fields[i]?.type, value))
      : [record];
  }
  const used = record.buckets.filter((entry) => entry !== -1);
  return [used.toSorted((a, b) => keyOf(a) - keyOf(b))];
}

const keyOf = (entry: number | readonly [number, number]): number =>
  typeof entry === 'number' ? entry : entry[0];

/** FLOAT, DOUBLE and BYTES come as `f:`, `d:` or `x:` and hex digits. */
function dumpValue(kind: string | undefined, value: number | string | boolean | null): unknown {
  if (value === null) return null;
  if (kind === 'INT' || kind === 'LONG') return String(value);
  if (kind === 'FLOAT' || kind === 'DOUBLE' || kind === 'BYTES') return String(value).slice(2);
  return value;
}
