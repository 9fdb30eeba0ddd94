import { expect, it } from 'vitest';
import { fromHex, hexOfInt32, toHex } from '../../lib/hex.ts';

it('goes through every byte and back, from digits of either case', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const text = toHex(bytes);
  expect(text).toBe(Buffer.from(bytes).toString('hex'));
  expect(fromHex(text)).toEqual(bytes);
  expect(fromHex(text.toUpperCase())).toEqual(bytes);
});

it('writes numbers of 32 bits with all their digits, signed or not', () => {
  expect([0, 1, 0x7fff_ffff, 0xdead_beef, -1].map(hexOfInt32)).toEqual([
    '00000000',
    '00000001',
    '7fffffff',
    'deadbeef',
    'ffffffff',
  ]);
});
