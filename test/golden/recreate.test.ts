/**
 * Java's blobs made again, byte for byte, from the JSON of what they contain: records go in through the public write
 * API, and the engine finds ordinals, widths and layout by itself.
 */
import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { readHeader } from '../../lib/blob/decode-header.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { encodeDelta, encodeReverseDelta } from '../../lib/blob/encode-delta.ts';
import { encodeSnapshot } from '../../lib/blob/encode-snapshot.ts';
import { ByteReader } from '../../lib/bytes/byte-reader.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import {
  type ExpectedState,
  expectedRecords,
  expectedSchema,
  readExpected,
  readFixture,
} from '../support/golden-fixtures.ts';

/** The order in which the Java program registered the types: blobs keep it, the JSON does not tell. */
const cases: Readonly<
  Record<string, { types: readonly string[]; parts?: ReadonlyMap<string, readonly string[]> }>
> = {
  'all-field-types': { types: ['All', 'Str'] },
  'header-tags': { types: ['T'] },
  nulls: { types: ['N', 'M'] },
  'single-field-types': {
    types: ['INT', 'LONG', 'BOOLEAN', 'FLOAT', 'DOUBLE', 'STRING', 'BYTES']
      .map((kind) => `Just${kind}`)
      .concat('NoFields'),
  },
  'optional-parts': {
    types: ['Main', 'Extra', 'Extra2'],
    parts: new Map([['extras', ['Extra', 'Extra2']]]),
  },
};

function mustReadExpected(caseName: string, version: number): ExpectedState | null {
  return readExpected(caseName, `expected-${version}.json`);
}

/** The header tags of the JSON in the order of the fixture's: Java's is that of a hash map, and means nothing. */
function inOrderOf(fixture: Uint8Array, tags: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const { headerTags } = readHeader(new ByteReader(fixture));
  expect(Object.fromEntries(headerTags)).toEqual(tags);
  return headerTags;
}

function expectSameBytes(actual: Uint8Array, expected: Uint8Array | null, name: string): void {
  expect(expected, name).not.toBeNull();
  const bytes = expected as Uint8Array;
  const differsAt = bytes.findIndex((byte, i) => byte !== actual[i]);
  const around = (of: Uint8Array) =>
    Buffer.from(of.subarray(Math.max(0, differsAt - 8), differsAt + 24)).toString('hex');
  if (differsAt >= 0)
    expect(`at ${differsAt}: ${around(actual)}`, name).toBe(`at ${differsAt}: ${around(bytes)}`);
  expect(actual.length, `size of ${name}`).toBe(bytes.length);
}

/** Children first: a record can be added only when what it refers to is there. */
function childrenFirst(schema: DatasetSchema): readonly string[] {
  const order = new Set<string>();
  const visited = new Set<string>();
  const visit = (name: string): void => {
    visited.add(name);
    const type = schema.get(name);
    const children =
      type.kind === 'OBJECT'
        ? type.fields.flatMap((field) => field.referencedType ?? [])
        : type.kind === 'MAP'
          ? [type.keyType, type.valueType]
          : [type.elementType];
    for (const child of children) if (!visited.has(child)) visit(child);
    order.add(name);
  };
  for (const { name } of schema.schemas) if (!visited.has(name)) visit(name);
  return [...order];
}

describe.each(Object.entries(cases))('%s', (caseName, { types, parts = new Map() }) => {
  it('every blob of the chain, back and forth', () => {
    const first = mustReadExpected(caseName, 1) as ExpectedState;
    expect(Object.keys(first.types).toSorted()).toEqual(types.toSorted());
    const schema = DatasetSchema.of(types.map((name) => expectedSchema(name, first.types[name] as never)));
    let writer = WriteState.restore(ReadState.empty(schema));
    let blobCount = 0;
    const compare = (blob: ReturnType<typeof encodeDelta>, name: string): void => {
      expectSameBytes(blob.main, readFixture(caseName, name), name);
      for (const part of parts.keys()) {
        const partBytes = blob.parts.get(part) as Uint8Array;
        expectSameBytes(partBytes, readFixture(caseName, `${name}.part-${part}`), `${name}, ${part}`);
      }
      blobCount++;
    };
    for (let version = 1; ; version++) {
      const expected = mustReadExpected(caseName, version);
      if (expected === null) break;
      const cycle = writer.begin({ mode: 'populate' });
      for (const type of childrenFirst(schema)) {
        for (const [ordinal, values] of expectedRecords(expected.types[type] as never)) {
          expect(cycle.addFlat(type, values), `${type} in version ${version}`).toBe(ordinal);
        }
      }
      const fixture = readFixture(caseName, `snapshot-${version}`) as Uint8Array;
      const headerTags = inOrderOf(fixture, expected.headerTags);
      const tag = BigInt(expected.destinationTag);
      const transition = cycle.transition();
      const delta = encodeDelta(transition, { tag, headerTags, parts });
      const { state, changes } = applyDelta(writer.state, delta.main, delta.parts);
      if (version > 1) {
        compare(delta, `delta-${version - 1}-${version}`);
        compare(encodeReverseDelta(transition, { tag, parts }), `reversedelta-${version}-${version - 1}`);
      }
      writer.advance(state, changes);
      compare(encodeSnapshot(state, { parts, statistics: writer.statistics }), `snapshot-${version}`);
    }
    expect(blobCount).toBeGreaterThan(5);
  });
});
