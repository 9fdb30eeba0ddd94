import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstHead } from '../../../lib/head-rules.ts';
import { bestLength, defaultCadence, planSnapshot } from '../../../lib/housekeeping/cadence.ts';
import type { Head } from '../../../lib/ports.ts';
import { commitEntry, firstProposal, snapshotEntry } from '../../support/heads.ts';

const hour = 3_600_000;
const size = 1_000_000;

/** `length` versions since a snapshot that is `ageMs` old; deltas of `deltaSize` bytes. */
function headAfter(length: number, deltaSize = 10): Head {
  const version = 1 + length;
  const recent = Array.from({ length: version }, (_, i) => ({ ...commitEntry(i + 1), size: deltaSize }));
  const snapshots = [{ ...snapshotEntry(1), size, writtenAtMs: 0 }];
  return { ...firstHead(firstProposal()), version, recent, snapshots };
}

const cadence = { ...defaultCadence, coldLoadsPerHour: 360, snapshotUsd: 1e-4, snapshotUsdPerByte: 0 };

describe('bestLength', () => {
  it('is where snapshots and deltas together cost least', () => {
    // One commit a second, a cold load each ten: sqrt(2 * 1 * 1e-4 / (0.1 * 5e-7)) = 63.
    expect(bestLength(3_600, size, cadence)).toBe(63);
    expect(bestLength(360, size, cadence)).toBe(20);
  });

  it('stays within its bounds, also when nobody ever starts cold', () => {
    expect(bestLength(1e9, size, cadence)).toBe(64);
    expect(bestLength(0.001, size, cadence)).toBe(8);
    expect(bestLength(3_600, size, { ...cadence, coldLoadsPerHour: 0 })).toBe(64);
  });

  it('grows with the snapshot and shrinks with cold loads', () => {
    const positive = fc.double({ min: 1, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(positive, positive, (commits, bytes) => {
        const priced = { ...cadence, snapshotUsdPerByte: 1e-12 };
        const length = bestLength(commits, bytes, priced);
        expect(bestLength(commits, bytes * 2, priced)).toBeGreaterThanOrEqual(length);
        expect(bestLength(commits, bytes, { ...priced, coldLoadsPerHour: 720 })).toBeLessThanOrEqual(length);
      }),
    );
  });
});

describe('planSnapshot', () => {
  it.each<[string, Head, number, string | null]>([
    ['nothing since the last one, however old', headAfter(0), 100 * hour, null],
    ['a version that is young', headAfter(1), hour, null],
    ['a version that is old', headAfter(1), 6 * hour, 'age'],
    ['enough versions for their rate', headAfter(63), 63_000, 'length'],
    ['not yet enough versions for their rate', headAfter(62), 62_000, null],
    ['slower commits: fewer versions', headAfter(20), 200_000, 'length'],
    ['deltas that weigh more than half the snapshot', headAfter(10, 60_000), 10_000, 'bytes'],
    ['deltas that weigh less', headAfter(10, 40_000), 10_000, null],
    ['a heavy delta alone', headAfter(1, 10 * size), 1_000, null],
    ['a clock that went back', headAfter(64), -5_000, 'length'],
  ])('%s', (_, head, nowMs, expected) => {
    expect(planSnapshot(head, nowMs, cadence)).toBe(expected);
  });
});
