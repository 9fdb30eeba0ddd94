/** Blobs that are made to take time: what they may cost grows with their bytes (docs/format.md, "Damaged and hostile blobs"). */
import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../../lib/blob/decode-snapshot.ts';
import { BitWriter } from '../../../lib/bytes/bit-writer.ts';
import { ByteWriter } from '../../../lib/bytes/byte-writer.ts';
import { UniqueKeyIndex } from '../../../lib/indexes/unique-key.ts';
import type { Field, Schema } from '../../../lib/schema/schema.ts';
import { stateChecksum } from '../../../lib/state/checksum.ts';
import { blob, type Section, writeShards } from '../../fuzz/hostile.ts';

/** Far above what these take, far below what they took when time grew faster than their bytes. */
const msMax = 5_000;

const object = (fields: readonly Field[], primaryKey: readonly string[] = []): Schema => ({
  kind: 'OBJECT',
  name: 'A',
  fields,
  primaryKey,
});

function ms(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

function writePopulated(out: ByteWriter, count: number, has: (ordinal: number) => boolean): void {
  out.writeInt32(Math.ceil(count / 64));
  for (let word = 0; word < count; word += 64) {
    for (const half of [word + 32, word]) {
      let bits = 0;
      for (let i = 0; i < 32; i++) if (half + i < count && has(half + i)) bits |= 1 << i;
      out.writeInt32(bits);
    }
  }
}

/** As many records without fields in each of 2^14 shards. */
function manyShards(recordsPerShard: number): Uint8Array {
  const shardCount = 2 ** 14;
  const write = (out: ByteWriter): void => {
    writeShards(out, shardCount);
    out.writeVarInt(shardCount * recordsPerShard - 1);
    for (let shard = 0; shard < shardCount; shard++) {
      out.writeVarInt(recordsPerShard - 1);
      out.writeVarInt(0);
    }
    writePopulated(out, shardCount * recordsPerShard, () => true);
  };
  return blob([{ schema: object([]), write }], 1n);
}

describe('very many shards', () => {
  it('take no pass over all records each for the checksum', () => {
    const state = decodeSnapshot(manyShards(60));
    expect(state.type('A').count).toBe(60 * 2 ** 14);
    expect(ms(() => stateChecksum(state))).toBeLessThan(msMax);
  });

  it('take no pass over all changes each when a delta is folded', () => {
    const before = decodeSnapshot(manyShards(1));
    const added = 200_000;
    const write = (out: ByteWriter): void => {
      writeShards(out, 1);
      out.writeVarInt(2 ** 14 + added - 1);
      out.writeVarInt(0);
      // The first of them takes three bytes.
      out.writeVarInt(added + 2);
      out.writeVarInt(2 ** 14);
      for (let i = 1; i < added; i++) out.writeByte(1);
      out.writeVarInt(0);
    };
    const delta = blob([{ schema: object([]), write }], 2n, 1n);
    let count = 0;
    expect(ms(() => (count = applyDelta(before, delta).state.type('A').count))).toBeLessThan(msMax);
    expect(count).toBe(2 ** 14 + added);
  });
});

describe('records that all hold the same bytes, with none in between', () => {
  const size = 1_000;
  /** Ends of slots 0, 1, 2, …: of those without a record nothing, of the others all. */
  const endOf = (slot: number): number => (slot % 2 === 1 ? size : 0);

  const bytesOf = (out: ByteWriter): void => {
    for (let i = 0; i < size; i++) out.writeByte(0x61);
  };

  function writeEnds(out: ByteWriter, slots: number, sizeWidth: number): void {
    const bits = new BitWriter(slots * (11 + sizeWidth));
    for (let slot = 0; slot < slots; slot++) {
      bits.append(endOf(slot), 11);
      bits.append(0, sizeWidth);
    }
    bits.writeTo(out);
  }

  function collection(schema: Schema, widths: readonly number[], sizeWidth: number, bits: number): Section {
    const write = (out: ByteWriter): void => {
      writeShards(out, 1);
      out.writeVarInt(99);
      for (const width of widths) out.writeVarInt(width);
      out.writeVarLong(size);
      writeEnds(out, 100, sizeWidth);
      new BitWriter(size * bits).writeTo(out);
      writePopulated(out, 100, (ordinal) => ordinal % 2 === 1);
    };
    return { schema, write };
  }

  /** In shards: there the slots are every so many ordinals. */
  function texts(kind: 'STRING' | 'BYTES', shardCount: number): Section {
    const write = (out: ByteWriter): void => {
      writeShards(out, shardCount);
      if (shardCount > 1) out.writeVarInt(100 * shardCount - 1);
      for (let shard = 0; shard < shardCount; shard++) {
        out.writeVarInt(99);
        out.writeVarInt(12);
        writeEnds(out, 100, 1);
        out.writeVarInt(size);
        bytesOf(out);
      }
      writePopulated(out, 100 * shardCount, (ordinal) => Math.floor(ordinal / shardCount) % 2 === 1);
    };
    return { schema: object([{ name: 'value', kind, referencedType: null }]), write };
  }

  const set: Schema = { kind: 'SET', name: 'A', elementType: 'A', hashKey: [] };
  const map: Schema = { kind: 'MAP', name: 'A', keyType: 'A', valueType: 'A', hashKey: [] };
  it.each([
    ['a STRING', texts('STRING', 1)],
    ['BYTES', texts('BYTES', 1)],
    ['a STRING in 2 shards', texts('STRING', 2)],
    ['a STRING in 32 shards', texts('STRING', 32)],
    ['a STRING in 64 shards', texts('STRING', 64)],
    ['a LIST', collection({ kind: 'LIST', name: 'A', elementType: 'A' }, [11, 1], 0, 1)],
    ['a SET', collection(set, [11, 1, 1], 1, 1)],
    ['a MAP', collection(map, [11, 1, 1, 1], 1, 2)],
  ])('are refused: %s', (_, section) => {
    const corrupt = expect.objectContaining({ kind: 'corrupt' });
    expect(() => decodeSnapshot(blob([section], 1n))).toThrow(corrupt);
  });
});

describe('very many keys that go on by one very long path', () => {
  it('do not take it apart each', () => {
    const empty = (schema: Schema): Section => ({
      schema,
      write: (out) => {
        writeShards(out, 1);
        out.writeVarInt(-1);
        for (let i = 0; i < (schema.kind === 'OBJECT' ? schema.fields.length : 0) * 2 + 1; i++)
          out.writeVarInt(0);
        out.writeInt32(0);
      },
    });
    const path = Array.from({ length: 30_000 }, () => 'x').join('.');
    const fields = (...targets: readonly string[]): Field[] =>
      targets.map((referencedType, i) => ({ name: 'xyz'.charAt(i), kind: 'REFERENCE', referencedType }));
    const target: Schema = { kind: 'OBJECT', name: 'A', fields: fields('None', 'None'), primaryKey: [path] };
    const others = Array.from({ length: 6_000 }, (_, i): Schema => {
      return { kind: 'OBJECT', name: `B${i}`, fields: fields('A'), primaryKey: ['x'] };
    });
    const bytes = blob([target, ...others].map(empty), 1n);
    expect(ms(() => expect(decodeSnapshot(bytes).typeNames.length).toBe(6_001))).toBeLessThan(msMax);
  });
});

describe('very many records without fields that a single one has', () => {
  const fieldCount = 500;
  const fields = Array.from({ length: fieldCount }, (_, i): Field => {
    return { name: `f${i}`, kind: 'LONG', referencedType: null };
  });
  const schema = object(fields);

  function writeZeros(out: ByteWriter, count: number): void {
    for (let i = 0; i < count; i++) out.writeVarInt(0);
  }

  /** Behind the greatest ordinal: none removed, `count` added from `first` on; of no bits, or one with all of them. */
  function writeAdded(out: ByteWriter, first: number, count: number, width: 0 | 64): void {
    const gaps = new ByteWriter();
    gaps.writeVarInt(first);
    for (let i = 1; i < count; i++) gaps.writeByte(1);
    out.writeVarInt(0);
    out.writeVarInt(gaps.position);
    out.writeBytes(gaps.bytes, 0, gaps.position);
    for (let i = 0; i < fieldCount; i++) out.writeVarInt(width);
    new BitWriter(fieldCount * width).writeTo(out);
    writeZeros(out, fieldCount);
  }

  const snapshot = (count: number): Uint8Array => {
    const write = (out: ByteWriter): void => {
      writeShards(out, 1);
      out.writeVarInt(count - 1);
      writeZeros(out, 2 * fieldCount + 1);
      writePopulated(out, count, () => true);
    };
    return blob([{ schema, write }], 1n);
  };
  const delta = (tag: bigint, first: number, count: number, width: 0 | 64): Uint8Array => {
    const write = (out: ByteWriter): void => {
      writeShards(out, 1);
      out.writeVarInt(first + count - 1);
      writeAdded(out, first, count, width);
    };
    return blob([{ schema, write }], tag, tag - 1n);
  };
  const incompatible = expect.objectContaining({ kind: 'incompatible' });

  it('do not get room for them in one layer of a delta', () => {
    const count = 50_000;
    const write = (out: ByteWriter): void => {
      writeShards(out, 2);
      out.writeVarInt(2 * count - 1);
      out.writeVarInt(count - 1);
      writeAdded(out, 0, 1, 64);
      out.writeVarInt(count - 1);
      writeAdded(out, 0, count, 0);
    };
    const bytes = blob([{ schema, write }], 2n, 1n);
    expect(() => applyDelta(decodeSnapshot(snapshot(0)), bytes)).toThrow(incompatible);
  });

  it('do not get room for them when layers are folded', () => {
    const one = applyDelta(decodeSnapshot(snapshot(20_000)), delta(2n, 20_000, 1, 64)).state;
    expect(one.objectType('A').readLong(20_000, 0)).toBe(0n);
    expect(one.objectType('A').isNull(19_999, 0)).toBe(true);
    expect(() => applyDelta(one, delta(3n, 20_001, 3_000, 0))).toThrow(incompatible);
  });
});

describe('many records with one key', () => {
  it('take no pass over all of them each when they are indexed', () => {
    const count = 200_000;
    const write = (out: ByteWriter): void => {
      writeShards(out, 1);
      out.writeVarInt(count - 1);
      out.writeVarInt(1);
      new BitWriter(count).writeTo(out);
      out.writeVarInt(0);
      writePopulated(out, count, (ordinal) => ordinal > 4);
    };
    const schema = object([{ name: 'id', kind: 'INT', referencedType: null }], ['id']);
    const state = decodeSnapshot(blob([{ schema, write }], 1n));
    expect(ms(() => expect(UniqueKeyIndex.build(state, 'A').find(0)).toBe(5))).toBeLessThan(msMax);
  });
});
