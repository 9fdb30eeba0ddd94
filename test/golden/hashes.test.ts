/** Every hash of Hollow's that decides where something lies in a blob, against values computed by Java. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ByteWriter } from '../../lib/bytes/byte-writer.ts';
import { hashTableSize, mixInt, mixLong, murmur3 } from '../../lib/bytes/hash.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { HashKeys } from '../../lib/state/hash-keys.ts';
import { RecordWriter } from '../../lib/state/record-writer.ts';
import { TypePlans } from '../../lib/state/type-plans.ts';
import { flatValue, readFixture } from '../support/golden-fixtures.ts';

const shape = z.array(z.object({ fn: z.string(), in: z.unknown(), out: z.number() }));
const text = new TextDecoder().decode(readFixture('.', 'hashes.json') ?? undefined);
const hashes = shape.parse(JSON.parse(text));
const of = (fn: string) => hashes.filter((hash) => hash.fn === fn);

function unitsOf(value: unknown): [Uint8Array, number, number] {
  const out = new ByteWriter();
  out.writeUnits(String(value));
  return [out.bytes, 0, out.position];
}

/** The hash of a record with these fields as an element of a set whose hash key they are. */
function hashAsElement(kinds: readonly string[], values: readonly unknown[]): number {
  const fields = kinds.map((kind, i) => `${kind === 'REFERENCE' ? 'Element' : kind.toLowerCase()} f${i};`);
  const paths = kinds.map((kind, i) => (kind === 'REFERENCE' ? `f${i}!` : `f${i}`));
  const schema = DatasetSchema.of(
    parseSchemas(
      `Element { boolean before; ${fields.join(' ')} } Elements Set<Element> @HashKey(${paths.join(', ')});`,
    ),
  );
  let record = new Uint8Array(0);
  const out = new ByteWriter();
  const writer = new RecordWriter(new TypePlans([schema.get('Element')]), {
    open: () => out,
    close: () => {
      record = out.take();
      return 0;
    },
    closeHashed: () => 0,
    touch: () => undefined,
    isNew: () => true,
    keptStrings: () => null,
  });
  writer.writeFlat(0, [true, ...values.map((value, i) => flatValue(kinds[i], value))]);
  const keys = new HashKeys(schema, (_, __, out) => out.writeBytes(record));
  return keys.ofType('Elements')(0);
}

describe('hashes', () => {
  it.each(of('mixInt'))('mixInt $in', (hash) => expect(mixInt(Number(hash.in))).toBe(hash.out));

  it.each(of('mixLong'))('mixLong $in', (hash) => {
    const value = BigInt.asUintN(64, BigInt(String(hash.in)));
    expect(mixLong(Number(value >> 32n), Number(value & 0xffff_ffffn))).toBe(hash.out);
  });

  it.each(of('murmurBytes'))('murmur of bytes $in', (hash) => {
    const bytes = flatValue('BYTES', hash.in) as Uint8Array;
    const shifted = Uint8Array.of(9, 9, 9, ...bytes, 9);
    expect(murmur3(shifted, 3, 3 + bytes.length)).toBe(hash.out);
  });

  it.each(of('murmurString').filter((hash) => hash.in !== null))('murmur of a string', (hash) =>
    expect(murmur3(...unitsOf(hash.in))).toBe(hash.out),
  );

  it.each(of('hashTableSize'))('table of $in', (hash) =>
    expect(hashTableSize(Number(hash.in))).toBe(hash.out),
  );

  it.each(hashes.filter(({ fn }) => /^hashKey\.[A-Z]+$/.test(fn)))('$fn of $in', (hash) => {
    // A reference is an ordinal: there are no negative ones.
    const kind = hash.fn.slice('hashKey.'.length);
    if (kind === 'REFERENCE' && Number(hash.in) < 0) expect(mixInt(Number(hash.in))).toBe(hash.out);
    else expect(hashAsElement([kind], [hash.in])).toBe(hash.out);
  });

  it.each(of('hashKey.multi[INT,STRING,LONG]'))('several fields: $in', (hash) =>
    expect(hashAsElement(['INT', 'STRING', 'LONG'], hash.in as unknown[])).toBe(hash.out),
  );

  it('were all looked at', () => {
    const [indexFields, nulls] = [
      hashes.filter(({ fn }) => fn.startsWith('indexField.')),
      of('murmurString'),
    ];
    expect(nulls.filter((hash) => hash.in === null)).toHaveLength(1);
    // Those of indexes are private to a reader: ours hashes keys in its own way.
    expect(hashes.length - indexFields.length).toBe(188);
  });
});
