import { describe, expect, it } from 'vitest';
import { BitWriter, bitLength, bitLengthOfBits } from '../../lib/bytes/bit-writer.ts';
import { ByteWriter, unitsSize, varIntSize } from '../../lib/bytes/byte-writer.ts';

const hexOf = (write: (out: ByteWriter) => void): string => {
  const out = new ByteWriter();
  write(out);
  return [...out.take()].map((byte) => byte.toString(16).padStart(2, '0')).join('');
};

describe('var-ints', () => {
  it.each([
    [0, '00'],
    [127, '7f'],
    [128, '8100'],
    [300, '822c'],
    [16383, 'ff7f'],
    [16384, '818000'],
    [2 ** 28 - 1, 'ffffff7f'],
    [2 ** 28, '8180808000'],
    [-1, '8fffffff7f'],
    [-(2 ** 31), '8880808000'],
  ])('writes %d as %s', (value, hex) => {
    expect(hexOf((out) => out.writeVarInt(value))).toBe(hex);
    if (value >= 0) {
      expect(hexOf((out) => out.writeVarLong(value))).toBe(hex);
      expect(varIntSize(value)).toBe(hex.length / 2);
    }
  });

  it('writes every length of a 64-bit pattern with the fewest groups', () => {
    for (let bits = 0; bits < 64; bits++) {
      const value = 1n << BigInt(bits);
      const hex = hexOf((out) => out.writeVarLongBits(Number(value >> 32n), Number(value & 0xffff_ffffn)));
      const groups: string[] = [];
      for (let rest = value, last = true; last || rest > 0n; rest >>= 7n, last = false) {
        groups.unshift((Number(rest & 0x7fn) | (last ? 0 : 0x80)).toString(16).padStart(2, '0'));
      }
      expect(hex).toBe(groups.join(''));
    }
    expect(hexOf((out) => out.writeVarLongBits(-1, -1))).toBe('81ffffffffffffffff7f');
    expect(hexOf((out) => out.writeVarLong(2 ** 53))).toBe('90808080808080' + '00');
    expect(hexOf((out) => out.writeVarNull())).toBe('80');
  });
});

describe('texts', () => {
  it('writes modified UTF-8: NUL in two bytes, surrogates one by one', () => {
    expect(hexOf((out) => out.writeUtf('a\0é€'))).toBe('000861' + 'c080' + 'c3a9' + 'e282ac');
    expect(hexOf((out) => out.writeUtf('\u{1f600}'))).toBe('0006eda0bdedb880');
  });

  it('refuses a text beyond 65535 bytes', () => {
    expect(() => hexOf((out) => out.writeUtf('é'.repeat(32768)))).toThrow(/65535/);
    expect(hexOf((out) => out.writeUtf('x'.repeat(65535))).slice(0, 6)).toBe('ffff78');
  });

  it('writes STRING bytes as one var-int per code unit', () => {
    for (const text of ['', 'Ab', 'é', '\u3fff\u4000\uffff', '\ud800', '\u{1f600}']) {
      const units = hexOf((out) => out.writeUnits(text));
      const expected = hexOf((out) => {
        for (let i = 0; i < text.length; i++) out.writeVarInt(text.charCodeAt(i));
      });
      expect(units).toBe(expected);
      expect(unitsSize(text)).toBe(units.length / 2);
    }
  });

  it('writes a STRING behind its size, short or long, ASCII or not', () => {
    const ends = ['', '\0', '\x7f', 'é', '\u4000', '\ud800', '\u{1f600}'];
    for (const length of [0, 1, 47, 48, 127, 128, 300]) {
      for (const text of ends.flatMap((end) => [
        `${'a'.repeat(length)}${end}`,
        `${end}${'b'.repeat(length)}`,
      ])) {
        const expected = hexOf((out) => {
          out.writeVarInt(unitsSize(text));
          out.writeUnits(text);
        });
        expect(hexOf((out) => out.writeSizedUnits(text))).toBe(expected);
      }
    }
  });
});

describe('growth', () => {
  it('keeps what was written', () => {
    const out = new ByteWriter(1);
    const long = Uint8Array.from({ length: 5000 }, (_, i) => i);
    out.writeBytes(long, 10, 20);
    out.writeBytes(long);
    out.writeInt64(-2n);
    expect([...out.take()]).toEqual([
      ...long.subarray(10, 20),
      ...long,
      255,
      255,
      255,
      255,
      255,
      255,
      255,
      254,
    ]);
  });
});

describe('what was written', () => {
  it.each([
    ['without a copy where it fills its memory', 1000, 990, true],
    ['in memory of its own where it does not', 1000, 900, false],
  ])('is taken %s', (_, room, size, isSame) => {
    const out = new ByteWriter(room);
    out.writeBytes(new Uint8Array(size).fill(7));
    const { buffer } = out.bytes;
    const taken = out.take();
    expect([taken.length, taken.buffer === buffer]).toEqual([size, isSame]);
    expect(taken.every((byte) => byte === 7)).toBe(true);
  });
});

describe('BitWriter', () => {
  it('packs like one big number per word, low bits first', () => {
    const fields: [bigint, number][] = [
      [5n, 3],
      [0xffff_ffffn, 32],
      [0n, 0],
      [1n, 1],
      [0xdead_beef_cafe_f00dn, 64],
      [(1n << 33n) + 7n, 34],
      [3n, 2],
      [0x1f_ffff_ffff_ffffn, 53],
    ];
    const total = fields.reduce((sum, [, width]) => sum + width, 0) + 77;
    const writer = new BitWriter(total);
    let expected = 0n;
    let at = 0n;
    for (const [value, width] of fields) {
      const high = Number(value >> 32n);
      const low = Number(value & 0xffff_ffffn);
      if (width === 53) writer.appendNumber(Number(value), width);
      else writer.appendBits(high, low, width);
      expected |= value << at;
      at += BigInt(width);
    }
    writer.skip(70);
    writer.appendOnes(7);
    expected |= 0x7fn << (at + 70n);
    const out = new ByteWriter();
    writer.writeTo(out);
    const bytes = out.take();
    const words = Math.ceil(total / 64);
    expect(bytes[0]).toBe(words);
    expect(bytes.length).toBe(1 + words * 8);
    const view = new DataView(bytes.buffer, 1);
    for (let i = 0; i < words; i++) {
      expect(view.getBigUint64(i * 8)).toBe((expected >> BigInt(64 * i)) & 0xffff_ffff_ffff_ffffn);
    }
  });

  it('counts bits', () => {
    expect([0, 1, 2, 4, 255, 2 ** 32 - 1, 2 ** 32, 2 ** 53].map(bitLength)).toEqual([
      0, 1, 2, 3, 8, 32, 33, 54,
    ]);
    expect(bitLengthOfBits(0, 0)).toBe(0);
    expect(bitLengthOfBits(0, 0x8000_0000)).toBe(32);
    expect(bitLengthOfBits(1, 0)).toBe(33);
  });
});
