import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskOf, readBits } from '../../../lib/bytes/bit-reader.ts';
import { BitSet } from '../../../lib/bytes/bit-set.ts';
import { BitWriter } from '../../../lib/bytes/bit-writer.ts';
import { ByteReader } from '../../../lib/bytes/byte-reader.ts';
import { ByteWriter } from '../../../lib/bytes/byte-writer.ts';
import { decodeUnits, textHash, unitsEqual, unitsHash } from '../../../lib/bytes/code-units.ts';
import { readGapList } from '../../../lib/bytes/gap-list.ts';
import { readLongs } from '../../../lib/bytes/longs.ts';
import {
  asciiText,
  asciiTextPlain,
  copyWords,
  copyWordsPlain,
  placeWords,
  placeWordsPlain,
  unitsText,
  unitsTextPlain,
} from '../../../lib/bytes/platform.ts';

/** Any UTF-16 code units, lone surrogates too. */
const unit = fc.nat(0xffff).map((code) => String.fromCharCode(code));
const units = fc.oneof(fc.string({ unit }), fc.string({ unit, minLength: 20, maxLength: 40 }));

const corrupt = (offset: number) =>
  expect.objectContaining({ kind: 'corrupt', details: expect.objectContaining({ offset }) });

function written(write: (out: ByteWriter) => void): ByteReader {
  const out = new ByteWriter();
  write(out);
  return new ByteReader(out.take());
}

describe('ByteReader', () => {
  it('reads what ByteWriter writes', () => {
    const int32 = fc.oneof(fc.integer(), fc.integer({ min: -200, max: 200 }));
    fc.assert(
      fc.property(
        int32,
        fc.maxSafeNat(),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        units,
        (i, n, b, s) => {
          const reader = written((out) => {
            out.writeVarInt(i);
            out.writeVarLong(n);
            out.writeInt64(b);
            out.writeInt32(i);
            out.writeInt16(i);
            out.writeUtf(s);
          });
          expect(reader.readVarInt('')).toBe(i);
          expect(reader.readVarLong('')).toBe(n);
          expect(reader.readInt64('')).toBe(b);
          expect(reader.readInt32('')).toBe(i);
          expect(reader.readInt16('')).toBe((i << 16) >> 16);
          expect(reader.readUtf('')).toBe(s);
          expect(reader.remaining).toBe(0);
        },
      ),
    );
  });

  it('gives out plain bytes, even of a Buffer, whose slices are no copies', () => {
    const buffer = Buffer.from([1, 2, 3]);
    const copy = new ByteReader(buffer).bytes.slice(1);
    buffer[1] = 9;
    expect(copy).toEqual(Uint8Array.of(2, 3));
  });

  it('names the offset of damage and what was being read', () => {
    const read = (bytes: number[], use: (reader: ByteReader) => unknown) => () =>
      use(new ByteReader(Uint8Array.from(bytes)));
    expect(read([], (r) => r.readByte('x'))).toThrow(corrupt(0));
    expect(read([1, 2, 3], (r) => r.readInt32('x'))).toThrow(/^x at offset 0: needs 4 bytes, 3 are left/);
    expect(read([0x81], (r) => r.readVarInt('x'))).toThrow(corrupt(1));
    expect(read([0x80, 0], (r) => r.readVarInt('x'))).toThrow(corrupt(0));
    expect(read([0x8f, 0xff, 0xff, 0xff, 0xff, 1], (r) => r.readVarInt('x'))).toThrow(corrupt(0));
    expect(read([0x81, 255, 255, 255, 255, 255, 255, 255, 255, 0x7f], (r) => r.readVarLong('x'))).toThrow(
      corrupt(0),
    );
    expect(read([0xa0, 128, 128, 128, 128, 128, 128, 0], (r) => r.readVarLong('x'))).toThrow(corrupt(0));
    expect(read([5], (r) => r.readCount('x', 4))).toThrow(corrupt(0));
    expect(read([0x8f, 0xff, 0xff, 0xff, 0x7f], (r) => r.readCount('x', 4))).toThrow(corrupt(0));
    expect(read([0, 2, 0xc3, 0x41], (r) => r.readUtf('x'))).toThrow(corrupt(0));
    expect(read([0, 1, 0xff], (r) => r.readUtf('x'))).toThrow(corrupt(0));
    expect(read([0, 2, 0xe0, 0x80], (r) => r.readUtf('x'))).toThrow(corrupt(0));
    expect(read([1], (r) => r.skip(-1, 'x'))).toThrow(corrupt(0));
    expect(read([1], (r) => r.skip(Number.NaN, 'x'))).toThrow(corrupt(0));
  });
});

describe('packed bits', () => {
  const field = fc
    .integer({ min: 0, max: 64 })
    .chain((width) =>
      fc.record({ width: fc.constant(width), value: fc.bigInt({ min: 0n, max: 2n ** BigInt(width) - 1n }) }),
    );

  it('are read as they were written, at any offset and width', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 40 }), (fields) => {
        const total = fields.reduce((sum, { width }) => sum + width, 0);
        const writer = new BitWriter(total);
        for (const { width, value } of fields) {
          writer.appendBits(Number(value >> 32n), Number(value & 0xffff_ffffn), width);
        }
        const out = new ByteWriter();
        writer.writeTo(out);
        const bits = readLongs(new ByteReader(out.take()), total, 'x');
        let position = 0;
        for (const { width, value } of fields) {
          const low = readBits(bits, position, maskOf(width)) >>> 0;
          const high = readBits(bits, position + 32, maskOf(Math.max(width - 32, 0))) >>> 0;
          expect((BigInt(high) << 32n) | BigInt(low)).toBe(value);
          position += width;
        }
      }),
    );
  });

  it('are found above bit 2^31, and above 2^32', () => {
    const bits = new Uint32Array(2 ** 27 + 4);
    for (const position of [2 ** 31 + 7, 2 ** 32 - 3, 2 ** 32 + 5]) {
      const index = Math.floor(position / 32);
      bits.fill(0xffff_ffff, index, index + 2);
      expect(readBits(bits, position, 0xff)).toBe(0xff);
      expect(readBits(bits, position - 64, 0xff)).toBe(0);
    }
  });

  it('are refused if there are fewer than announced, before anything is allocated', () => {
    const reader = () => written((out) => out.writeVarLong(2 ** 40));
    expect(() => readLongs(reader(), 10, 'bits of T')).toThrow(
      /bits of T at offset 6: needs 8796093022208 bytes, 0/,
    );
    const small = written((out) => {
      out.writeVarLong(1);
      out.writeInt64(0n);
    });
    expect(() => readLongs(small, 65, 'x')).toThrow(corrupt(0));
  });
});

describe('the platform', () => {
  it('does the same with and without Buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400, size: 'max' }), fc.nat(9), (bytes, offset) => {
        const words = Math.max(Math.floor((bytes.length - offset) / 8), 0);
        const fast = new Uint32Array(words * 2 + 2);
        const plain = new Uint32Array(words * 2 + 2);
        copyWords(bytes, offset, words, fast);
        if (words > 0) copyWordsPlain(bytes, offset, words, plain);
        expect(fast).toEqual(plain);
        const written = bytes.map((byte) => byte ^ 0xff);
        placeWords(fast.subarray(0, words * 2), written, offset);
        expect(written.subarray(offset, offset + words * 8)).toEqual(
          bytes.subarray(offset, offset + words * 8),
        );
        const writtenPlain = bytes.map((byte) => byte ^ 0xff);
        placeWordsPlain(fast.subarray(0, words * 2), writtenPlain, offset);
        expect(writtenPlain).toEqual(written);
        const ascii = bytes.map((byte) => byte & 0x7f);
        expect(asciiText(ascii, 0, ascii.length)).toBe(asciiTextPlain(ascii, 0, ascii.length));
        const units = Uint16Array.from(bytes, (byte) => byte * 257);
        expect(unitsText(units)).toBe(unitsTextPlain(units));
        expect(unitsText(units)).toHaveLength(units.length);
      }),
    );
    const long = new Uint8Array(10_000).fill(65);
    expect(asciiTextPlain(long, 0, long.length)).toBe('A'.repeat(10_000));
    expect(unitsTextPlain(new Uint16Array(10_000).fill(0x30ab))).toBe('カ'.repeat(10_000));
  });
});

describe('code units', () => {
  it('come back as the text they were, compare and hash like it', () => {
    const text = fc.oneof(fc.string(), units, fc.string({ minLength: 1500, maxLength: 3000, unit }));
    fc.assert(
      fc.property(text, text, fc.nat(5), (a, b, shift) => {
        const out = new ByteWriter();
        out.writeBytes(new Uint8Array(shift).fill(0xaa));
        out.writeUnits(a);
        const bytes = out.take();
        expect(decodeUnits(bytes, shift, bytes.length)).toBe(a);
        expect(unitsEqual(bytes, shift, bytes.length, a)).toBe(true);
        expect(unitsEqual(bytes, shift, bytes.length, b)).toBe(a === b);
        expect(unitsEqual(bytes, shift, bytes.length, `${a}x`)).toBe(false);
        expect(unitsEqual(bytes, shift, bytes.length, a.slice(0, -1))).toBe(a === '');
        expect(unitsHash(bytes, shift, bytes.length)).toBe(textHash(a));
      }),
    );
    expect(textHash('hello')).toBe(99162322);
  });

  it('drop a unit that does not end, as Java does: its setNull leaves one', () => {
    for (const size of [1, 9, 40]) {
      const bytes = new Uint8Array(size).fill(97);
      bytes[size - 1] = 0x80;
      expect(decodeUnits(bytes, 0, size)).toBe('a'.repeat(size - 1));
    }
  });

  it('of damaged bytes are some text', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (bytes, text) => {
        expect(decodeUnits(bytes, 0, bytes.length).length).toBeLessThanOrEqual(bytes.length);
        expect(typeof unitsEqual(bytes, 0, bytes.length, text)).toBe('boolean');
      }),
    );
  });
});

describe('gap lists', () => {
  it('come back as the ordinals they were', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 2 ** 29 - 1 })), (unsorted) => {
        const ordinals = unsorted.toSorted((a, b) => a - b);
        const gaps = new ByteWriter();
        ordinals.forEach((ordinal, i) => gaps.writeVarInt(ordinal - (ordinals[i - 1] ?? 0)));
        const reader = written((out) => {
          out.writeVarLong(gaps.position);
          out.writeBytes(gaps.bytes, 0, gaps.position);
        });
        expect([...readGapList(reader, 2 ** 29 - 1, 'x')]).toEqual(ordinals);
      }),
    );
  });

  it('must ascend, stay below the greatest ordinal and end with an ordinal', () => {
    const read =
      (...bytes: number[]) =>
      () =>
        readGapList(new ByteReader(Uint8Array.from(bytes)), 10, 'x');
    expect([...read(2, 0, 10)()]).toEqual([0, 10]);
    expect(read(2, 3, 0)).toThrow(corrupt(2));
    expect(read(2, 3, 8)).toThrow(corrupt(2));
    expect(read(2, 3, 0x81)).toThrow(corrupt(2));
    expect(read(3, 3)).toThrow(corrupt(1));
  });
});

describe('BitSet', () => {
  it('finds what is behind a page that ends before the place from where it looks', () => {
    const set = BitSet.empty.with(Int32Array.of(), Int32Array.of(3, 32_768, 70_000));
    const room = new Int32Array(3);
    for (const from of [4, 1_000, 32_767]) {
      expect(set.next(from)).toBe(32_768);
      expect([set.list(from, room), ...room.subarray(0, 2)]).toEqual([2, 32_768, 70_000]);
    }
  });

  it('agrees with a Set, and its predecessors stay as they were', () => {
    const index = fc.oneof(fc.nat(70), fc.integer({ min: 4090, max: 4100 }), fc.nat(40_000));
    const step = fc.record({ removed: fc.uniqueArray(index), added: fc.uniqueArray(index) });
    fc.assert(
      fc.property(
        fc.uniqueArray(index),
        fc.array(step, { maxLength: 5 }),
        fc.array(index),
        (first, steps, probes) => {
          const start = new Uint32Array(1252);
          for (const i of first) start[i >>> 5] = (start[i >>> 5] as number) | (1 << (i & 31));
          let model = new Set(first);
          let set = BitSet.of(start);
          const history: [BitSet, ReadonlySet<number>][] = [[set, model]];
          for (const { removed, added } of steps) {
            set = set.with(Int32Array.from(removed), Int32Array.from(added));
            model = new Set(model);
            for (const i of removed) model.delete(i);
            for (const i of added) model.add(i);
            history.push([set, model]);
          }
          for (const [each, expected] of history) expectEqual(each, expected, probes);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  function expectEqual(set: BitSet, model: ReadonlySet<number>, probes: readonly number[]): void {
    const sorted = [...model].sort((a, b) => a - b);
    const seen: number[] = [];
    for (let i = set.next(0); i >= 0; i = set.next(i + 1)) seen.push(i);
    expect(seen).toEqual(sorted);
    expect(set.count).toBe(model.size);
    expect(set.last()).toBe(sorted.at(-1) ?? -1);
    const room = new Int32Array(7);
    for (const i of probes) {
      expect(set.has(i)).toBe(model.has(i));
      const listed = room.subarray(0, set.list(i, room));
      expect([...listed]).toEqual(sorted.filter((element) => element >= i).slice(0, room.length));
    }
    expect(BitSet.of(set.toHalves(1252)).count).toBe(model.size);
    expect(BitSet.of(set.toHalves(3)).count).toBe(sorted.filter((i) => i < 96).length);
  }
});
