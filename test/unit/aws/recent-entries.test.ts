import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeRecentEntries, encodeRecentEntries } from '../../../lib/aws/recent-entries.ts';
import { isDatasetError } from '../../../lib/errors.ts';
import { commitEntry } from '../../support/heads.ts';

const hex = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const entries = fc
  .record({
    first: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 100 }),
    rest: fc.array(
      fc.record({
        cid: hex,
        hash: hex,
        size: fc.maxSafeNat(),
        tier: fc.constantFrom('s3' as const, 'inline' as const),
      }),
      {
        maxLength: 50,
      },
    ),
  })
  .map(({ first, rest }) => rest.map((entry, index) => ({ version: first + index, ...entry })));

test('any ring comes back as it went in', () => {
  fc.assert(
    fc.property(entries, (ring) => {
      expect(decodeRecentEntries(encodeRecentEntries(ring))).toEqual(ring);
    }),
  );
});

test('an entry takes at most 48 bytes, everything included, and 512 fit into a small part of an item', () => {
  const ring = Array.from({ length: 512 }, (_, index) => commitEntry(index + 1));
  expect(encodeRecentEntries(ring).length / 512).toBeLessThan(48);
});

test('no damage goes unseen: changed, cut, lengthened or random bytes are refused with a kind', () => {
  const ring = encodeRecentEntries([commitEntry(7), commitEntry(8)]);
  const flips = fc.record({ at: fc.nat(ring.length - 1), mask: fc.integer({ min: 1, max: 255 }) });
  const damaged = fc.oneof(
    flips.map(({ at, mask }) => ring.map((byte, index) => (index === at ? byte ^ mask : byte))),
    fc.nat(ring.length - 1).map((length) => ring.slice(0, length)),
    fc.uint8Array({ minLength: 1, maxLength: 90 }).map((tail) => Uint8Array.of(...ring, ...tail)),
    fc.uint8Array({ maxLength: 200 }),
  );
  fc.assert(
    fc.property(damaged, (bytes) => {
      expect(() => decodeRecentEntries(bytes)).toThrow(
        expect.toSatisfy(
          (error) => isDatasetError(error, 'corrupt') || isDatasetError(error, 'incompatible'),
        ),
      );
    }),
    { numRuns: 500 },
  );
});
