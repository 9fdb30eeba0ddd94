import { expect, test } from 'vitest';
import { compareStamps, deriveStamp, oldestStamp } from '../../../lib/producer/order-stamp.ts';

test('stamps are ordered by timestamp, then source by code units, then sequence', () => {
  const ascending = [
    oldestStamp,
    { timestamp: 0, source: '', sequence: 0 },
    { timestamp: 5, source: 'A', sequence: 9 },
    { timestamp: 5, source: 'a', sequence: 1 },
    { timestamp: 5, source: 'a', sequence: 2 },
    { timestamp: 5, source: 'a', sequence: 10 },
    { timestamp: 5, source: 'aa', sequence: 0 },
    // Code units, not code points: U+1F600 begins with the unit D83D, which is below FF5E.
    { timestamp: 5, source: '\u{1f600}', sequence: 0 },
    { timestamp: 5, source: '\uff5e', sequence: 0 },
    { timestamp: 6, source: '', sequence: 0 },
    { timestamp: Number.MAX_SAFE_INTEGER, source: '', sequence: 0 },
  ];
  for (const [i, a] of ascending.entries()) {
    for (const [j, b] of ascending.entries()) expect(Math.sign(compareStamps(a, b))).toBe(Math.sign(i - j));
  }
});

test('a message gives each of its mutations a stamp of its own', () => {
  const message = { id: 'm-1', sentAtMs: 1234 };
  expect(deriveStamp(message, 0)).toEqual({ timestamp: 1234, source: 'm-1', sequence: 0 });
  expect(compareStamps(deriveStamp(message, 0), deriveStamp(message, 1))).toBeLessThan(0);
});
