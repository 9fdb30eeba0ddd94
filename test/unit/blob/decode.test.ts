import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../../lib/blob/decode-snapshot.ts';
import { writeHeader, writePartHeader, writeSchema } from '../../../lib/blob/encode-header.ts';
import { BitWriter } from '../../../lib/bytes/bit-writer.ts';
import { ByteWriter } from '../../../lib/bytes/byte-writer.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import type { Schema } from '../../../lib/schema/schema.ts';
import { hashState, updateHash } from '../../../lib/state/state-hash.ts';
import { recordView } from '../../support/record-view.ts';
import { recordsOf } from '../../support/writer-model.ts';

const kindOf = (kind: string, message?: RegExp) =>
  expect.objectContaining({ kind, ...(message && { message: expect.stringMatching(message) }) });

function schemaOf(text: string): Schema {
  return parseSchemas(text)[0] as Schema;
}

const row = schemaOf('Row { int n; }');

/** One section with 8-bit INTs, written by hand: each part can be wrong. */
interface Section {
  readonly schema?: Schema;
  readonly shards?: readonly number[];
  readonly width?: number;
  readonly max?: number;
  readonly values: readonly number[];
  /** Of a snapshot. */
  readonly populated?: bigint;
  /** Of a delta: gap lists. */
  readonly removed?: readonly number[];
  readonly added?: readonly number[];
}

function writeSection(section: Section, out: ByteWriter): void {
  const { schema = row, shards = [2, 0, 1], width = 8, values } = section;
  writeSchema(schema, out);
  for (const byte of shards) out.writeByte(byte);
  out.writeVarInt(section.max ?? values.length - 1);
  for (const gaps of [section.removed, section.added]) {
    if (gaps === undefined) continue;
    out.writeVarInt(gaps.length);
    for (const gap of gaps) out.writeByte(gap);
  }
  out.writeVarInt(width);
  const bits = new BitWriter(values.length * 8);
  for (const value of values) bits.append(value * 2, 8);
  bits.writeTo(out);
  out.writeVarInt(0);
  if (section.populated === undefined) return;
  out.writeInt32(1);
  out.writeInt64(section.populated);
}

interface BlobFields {
  readonly from?: bigint;
  readonly to?: bigint;
  readonly part?: string;
}

function blob(sections: readonly Section[], { from = -1n, to = 1n, part }: BlobFields = {}): Uint8Array {
  const out = new ByteWriter();
  const schemas = sections.map(({ schema = row }) => schema);
  const header = { originTag: from, tag: to, schemas, headerTags: new Map([['k', 'v']]) };
  if (part === undefined) writeHeader(header, out);
  else writePartHeader(part, header, out);
  for (const section of sections) writeSection(section, out);
  return out.take();
}

const three: Section = { values: [10, 11, 12], populated: 0b111n };
const start = decodeSnapshot(blob([three]));

function valuesOf(state = start): number[] {
  const rows = state.objectType('Row');
  const values: number[] = [];
  for (let o = rows.nextPopulated(0); o >= 0; o = rows.nextPopulated(o + 1)) values.push(rows.readInt(o, 0));
  return values;
}

describe('decodeSnapshot', () => {
  it('reads a blob written by hand', () => {
    expect(valuesOf()).toEqual([10, 11, 12]);
    expect([start.tag, start.originTag, start.headerTags.get('k')]).toEqual([1n, -1n, 'v']);
  });

  it('keeps nothing of the bytes it was given', () => {
    const bytes = blob([three]);
    const state = decodeSnapshot(bytes);
    bytes.fill(0xff);
    expect(valuesOf(state)).toEqual([10, 11, 12]);
  });

  it('refuses another format, and nothing at all', () => {
    expect(() => decodeSnapshot(Uint8Array.of(0, 0, 4, 5))).toThrow(kindOf('incompatible', /format 1029/));
    expect(() => decodeSnapshot(new Uint8Array(0))).toThrow(
      kindOf('corrupt', /format of the blob at offset 0/),
    );
  });

  it.each([
    ['a shard count that is no power of two', { shards: [2, 0, 3] }, /shards of Row .* 3 is not/],
    ['more shards than bytes', { shards: [4, 0, 0x84, 0x80, 0] }, /not a possible number/],
    ['no shard', { shards: [2, 0, 0] }, /not a possible number/],
    ['a greatest ordinal below -1', { max: -2 }, /-2 is not within/],
    ['a greatest ordinal above 2^29', { max: 2 ** 30 }, /is not within -1/],
    ['more records than bits', { max: 20 }, /1 words cannot hold 168 bits/],
    ['a width that the kind does not have', { width: 33 }, /33 bits for INT/],
    ['a populated ordinal above the greatest', { populated: 0b1111n }, /above the greatest ordinal 2/],
  ])('refuses %s', (_, wrong: Partial<Section>, message) => {
    expect(() => decodeSnapshot(blob([{ ...three, ...wrong }]))).toThrow(kindOf('corrupt', message));
  });

  it('refuses a type twice, and bytes behind the end', () => {
    expect(() => decodeSnapshot(blob([three, three]))).toThrow(kindOf('corrupt', /'Row' is there twice/));
    expect(() => decodeSnapshot(Uint8Array.of(...blob([three]), 0))).toThrow(
      kindOf('corrupt', /1 bytes too many/),
    );
  });

  it('refuses schemas that do not fit together', () => {
    const keyless = { ...three, schema: schemaOf('Row @PrimaryKey(missing) { int n; }') };
    expect(() => decodeSnapshot(blob([keyless]))).toThrow(kindOf('incompatible', /has no field "missing"/));
  });

  it('reads blobs of writers from before shards and schemas in the header', () => {
    const out = new ByteWriter();
    out.writeInt32(1030);
    out.writeInt64(0n);
    out.writeInt64(5n);
    for (const byte of [0, 0, 0, 1]) out.writeByte(byte);
    writeSection({ ...three, shards: [0] }, out);
    expect(valuesOf(decodeSnapshot(out.take()))).toEqual([10, 11, 12]);
  });

  it('takes parts that belong to the blob, and no others', () => {
    const extra = { ...three, schema: schemaOf('Extra { int n; }') };
    const parts = (bytes: Uint8Array, name = 'x') => new Map([[name, bytes]]);
    const main = blob([three]);
    const part = blob([extra], { part: 'x' });
    expect(decodeSnapshot(main, parts(part)).typeNames).toEqual(['Row', 'Extra']);
    expect(() => decodeSnapshot(main, parts(part, 'y'))).toThrow(kindOf('corrupt', /'x' instead of 'y'/));
    const older = blob([extra], { part: 'x', to: 2n });
    expect(() => decodeSnapshot(main, parts(older))).toThrow(kindOf('corrupt', /another main blob/));
    const other = blob([extra], { part: 'x', from: 2n });
    expect(() => decodeSnapshot(main, parts(other))).toThrow(kindOf('corrupt', /another main blob/));
    expect(() => decodeSnapshot(main, parts(main))).toThrow(kindOf('incompatible', /format 1030/));
  });
});

describe('applyDelta', () => {
  const delta = (section: Section, fields: BlobFields = {}) =>
    blob([section], { from: 1n, to: 2n, ...fields });
  /** Removes 1, adds 3 with the value 13. */
  const change: Section = { values: [13], max: 3, removed: [1], added: [3] };

  it('leads to the next state, and says what changed', () => {
    const { state, changes } = applyDelta(start, delta(change));
    expect(valuesOf(state)).toEqual([10, 12, 13]);
    expect([state.tag, state.originTag]).toEqual([2n, 1n]);
    expect(changes).toEqual(new Map([['Row', { removed: Int32Array.of(1), added: Int32Array.of(3) }]]));
    expect(valuesOf()).toEqual([10, 11, 12]);
    expect(state.objectType('Row').readInt(1, 0)).toBe(11);
  });

  it('refuses a delta from another state', () => {
    expect(() => applyDelta(start, delta(change, { from: 7n }))).toThrow(
      kindOf('corrupt', /starts at the tag 0{15}7,/),
    );
  });

  it.each([
    ['an ordinal above the greatest', { added: [4] }, /ordinal 4 is not ascending or above 3/],
    ['ordinals that do not ascend', { removed: [1, 0] }, /is not ascending/],
    ['more ordinals than records', { added: [0, 1, 1, 1], width: 32, max: 9 }, /words cannot hold/],
  ])('refuses %s', (_, wrong: Partial<Section>, message) => {
    expect(() => applyDelta(start, delta({ ...change, ...wrong }))).toThrow(kindOf('corrupt', message));
  });

  it('reads past types that the state does not have', () => {
    const unknown = { ...change, schema: schemaOf('New { int n; }') };
    const { state, changes } = applyDelta(start, blob([unknown, change], { from: 1n, to: 2n }));
    expect(state.typeNames).toEqual(['Row']);
    expect([...changes.keys()]).toEqual(['Row']);
    expect(valuesOf(state)).toEqual([10, 12, 13]);
  });

  it('reads fields that are gone as null, and past those that are new', () => {
    const { state } = applyDelta(start, delta({ ...change, schema: schemaOf('Row { int other; }') }));
    const rows = state.objectType('Row');
    expect([rows.readInt(0, 0), rows.isNull(0, 0), rows.isNull(3, 0)]).toEqual([10, false, true]);
    expect(recordView(state, 'Row', 3)['n']).toBeNull();
  });

  it.each(['Row { long n; }', 'Row { Other n; }', 'Row List<Row>;'])(
    'refuses a type that became %s',
    (text) => {
      expect(() => applyDelta(start, delta({ ...change, schema: schemaOf(text) }))).toThrow(
        kindOf('incompatible', /'Row/),
      );
    },
  );

  it('stays right where a chain replaces records that are populated, or removes what is not there', () => {
    const odd: Section = { values: [20, 21], max: 1, removed: [9], added: [0, 1] };
    const { state, changes } = applyDelta(start, delta(odd));
    expect(valuesOf(state)).toEqual([20, 21, 12]);
    expect(changes.get('Row')).toEqual({ removed: Int32Array.of(0, 1), added: Int32Array.of(0, 1) });
    expect(state.objectType('Row').maxOrdinal).toBe(2);
    const all = () => true;
    expect(updateHash(hashState(start, all), start, state, changes, all)).toEqual(hashState(state, all));
  });

  it('takes a type in another number of shards', () => {
    const out = new ByteWriter();
    writeHeader({ originTag: 1n, tag: 2n, schemas: [row], headerTags: new Map() }, out);
    writeSchema(row, out);
    for (const byte of [2, 0, 2, /* greatest */ 3]) out.writeByte(byte);
    for (const [removed, added, value] of [
      [1, null, 0],
      [null, 1, 33],
    ]) {
      out.writeByte(1);
      for (const ordinal of [removed, added]) {
        out.writeByte(ordinal === null ? 0 : 1);
        if (ordinal !== null && ordinal !== undefined) out.writeByte(ordinal);
      }
      out.writeByte(8);
      const bits = new BitWriter(added === null ? 0 : 8);
      if (added !== null) bits.append(Number(value) * 2, 8);
      bits.writeTo(out);
      out.writeByte(0);
    }
    const { state, changes } = applyDelta(start, out.take());
    expect(valuesOf(state)).toEqual([10, 11, 33]);
    expect(changes.get('Row')).toEqual({ removed: Int32Array.of(2), added: Int32Array.of(3) });
    expect(state.objectType('Row').shardCount).toBe(2);
  });
});

describe('a type state', () => {
  it('reads as null where there is no record', () => {
    const rows = start.objectType('Row');
    expect([-1, 3, 2 ** 29, 2 ** 31].map((o) => rows.isPopulated(o))).toEqual([false, false, false, false]);
    for (const ordinal of [-1, 3, 2 ** 29, 2 ** 31, Number.NaN]) {
      expect(rows.isNull(ordinal, 0)).toBe(true);
      expect(rows.readInt(ordinal, 0)).toBe(-(2 ** 31));
    }
  });

  it('compares records with canonical bytes', () => {
    const rows = start.objectType('Row');
    expect(recordsOf(start, 'Row').get(0)).toBe('14');
    expect(rows.recordEquals(0, Uint8Array.of(9, 20, 9), 1, 2)).toBe(true);
    expect(rows.recordEquals(0, Uint8Array.of(20, 0), 0, 2)).toBe(false);
    expect(rows.recordEquals(0, Uint8Array.of(), 0, 0)).toBe(false);
    expect(rows.recordEquals(0, Uint8Array.of(0x80), 0, 1)).toBe(false);
    expect(rows.recordEquals(5, Uint8Array.of(0x80), 0, 1)).toBe(true);
  });
});
