import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromBase64, toBase64 } from '../../../lib/bytes/base64.ts';

test.each([
  ['', ''],
  ['f', 'Zg=='],
  ['fo', 'Zm8='],
  ['foo', 'Zm9v'],
  ['foobar', 'Zm9vYmFy'],
])('RFC 4648: %j is %s', (text, base64) => {
  expect(toBase64(new TextEncoder().encode(text))).toBe(base64);
  expect(new TextDecoder().decode(fromBase64(base64))).toBe(text);
});

test('agrees with the platform for all bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const base64 = toBase64(bytes);
      expect(base64).toBe(Buffer.from(bytes).toString('base64'));
      expect(Array.from(fromBase64(base64))).toEqual(Array.from(bytes));
    }),
  );
});
