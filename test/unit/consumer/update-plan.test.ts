import { describe, expect, it } from 'vitest';
import { compareVersions, planUpdate, type UpdatePlan } from '../../../lib/consumer/update-plan.ts';
import { servedHead } from '../../../lib/head-rules.ts';
import type { CommitEntry, Head, ServedRef, SnapshotEntry } from '../../../lib/ports.ts';

/** A cid, hash or other 128-bit text that can be told apart at sight. */
const hex = (text: string): string => text.padEnd(32, '0');
const cidOf = (version: number, line = 'a'): string => hex(`${line}${version}`);

const entry = (version: number, line = 'a'): CommitEntry => ({
  version,
  cid: cidOf(version, line),
  hash: hex(`${version}`),
  size: 10,
  tier: 's3',
});
const snapshotOf = (version: number, line = 'a'): SnapshotEntry => {
  const { cid, hash, size } = entry(version, line);
  return { version, cid, hash, size, writtenAtMs: 0 };
};
const ref = (version: number, era = 1, line = 'a'): ServedRef => ({
  era,
  epoch: 0,
  version,
  cid: cidOf(version, line),
});

interface HeadShape {
  readonly era?: number;
  readonly version: number;
  readonly from: number;
  readonly snapshots: readonly number[];
  readonly floor?: number;
  readonly line?: string;
}

function headOf({ era = 1, version, from, snapshots, floor, line = 'a' }: HeadShape): Head {
  const recent = Array.from({ length: version - from + 1 }, (_, index) => entry(from + index, line));
  return {
    format: 2,
    era,
    version,
    cid: cidOf(version, line),
    hashes: { data: hex(`${version}`), bookkeeping: hex('b') },
    recent,
    snapshots: snapshots.map((at) => snapshotOf(at, line)),
    floor: floor ?? snapshots[0] ?? 1,
    schemaId: '0123456789abcdef',
    mapGeneration: 1,
    status: 'open',
    pins: {},
    pinRevision: 0,
    serve: { epoch: 0, pin: null },
    lastOperation: 'commit',
  };
}

/** `snapshot 4 > 5 > 6`, `deltas 5 > 6`, `none current`: enough to read a table of cases. */
function summary(plan: UpdatePlan): string {
  if (plan.kind === 'none') return `none ${plan.reason}`;
  const steps = plan.deltas.map((step) => String(step.toVersion));
  return [plan.kind === 'snapshot' ? `snapshot ${plan.snapshot.version}` : 'deltas', ...steps].join(' > ');
}

const head = headOf({ version: 9, from: 4, snapshots: [3, 6], floor: 3 });
const restored = headOf({ era: 2, version: 7, from: 4, snapshots: [3, 6], floor: 3 });

describe('planUpdate', () => {
  it.each<[string, ServedRef | null, Head, string]>([
    ['nothing yet: the newest snapshot, then deltas', null, head, 'snapshot 6 > 7 > 8 > 9'],
    ['already there', ref(9), head, 'none current'],
    ['an eventually consistent read shows an older head', ref(10), head, 'none newer'],
    ['a head of an older era', ref(2, 2), head, 'none newer'],
    ['one behind', ref(8), head, 'deltas > 9'],
    ['far behind, but every entry is there', ref(4), head, 'deltas > 5 > 6 > 7 > 8 > 9'],
    [
      'at a registered snapshot whose own entry left the ring',
      ref(3),
      head,
      'deltas > 4 > 5 > 6 > 7 > 8 > 9',
    ],
    ['older than the ring', ref(2), head, 'snapshot 6 > 7 > 8 > 9'],
    ['another commit under the same number', ref(8, 1, 'x'), head, 'snapshot 6 > 7 > 8 > 9'],
    ['another commit under the head’s own number', ref(9, 1, 'x'), head, 'snapshot 6 > 7 > 8 > 9'],
    ['restored table, my version is on its chain', ref(5), restored, 'deltas > 6 > 7'],
    ['restored table, my version is its head', ref(7), restored, 'deltas'],
    ['restored table, my version is lost', ref(7, 1, 'x'), restored, 'snapshot 6 > 7'],
    ['restored table, I am ahead of it', ref(12), restored, 'snapshot 6 > 7'],
  ])('%s', (_, mine, to, expected) => {
    expect(summary(planUpdate(mine, to))).toBe(expected);
  });

  it('does not trust the ring below the floor, where deltas may be gone', () => {
    const swept = headOf({ version: 9, from: 4, snapshots: [6], floor: 6 });
    expect(summary(planUpdate(ref(5), swept))).toBe('snapshot 6 > 7 > 8 > 9');
    expect(summary(planUpdate(ref(6), swept))).toBe('deltas > 7 > 8 > 9');
  });

  describe('to what is to be served', () => {
    const pin = {
      ...{ version: 5, cid: cidOf(5), hashes: { data: hex('5'), bookkeeping: hex('b') }, schemaId: 'older' },
      ...{ snapshot: snapshotOf(3), deltas: [entry(4), entry(5)], expiresAtMs: null },
    };
    const serving = (epoch: number, name: string | null): Head =>
      servedHead({ ...head, pins: { good: pin }, serve: { epoch, pin: name } });
    const at = (version: number, epoch: number): ServedRef => ({ ...ref(version), epoch });

    it.each<[string, ServedRef | null, Head, string]>([
      ['the pin, from nothing', null, serving(1, 'good'), 'snapshot 3 > 4 > 5'],
      [
        'the pin, from a newer version: back, over the snapshot',
        at(9, 0),
        serving(1, 'good'),
        'snapshot 3 > 4 > 5',
      ],
      ['the pin, from on its way', at(4, 0), serving(1, 'good'), 'deltas > 5'],
      ['the pin, from the very version: only the epoch moves', at(5, 0), serving(1, 'good'), 'deltas'],
      ['the pin, again', at(5, 1), serving(1, 'good'), 'none current'],
      ['the head again, from the pin', at(5, 1), serving(2, null), 'deltas > 6 > 7 > 8 > 9'],
      ['an order that is older than the one obeyed', at(5, 2), serving(1, null), 'none newer'],
    ])('%s', (_, mine, to, expected) => {
      expect(summary(planUpdate(mine, to))).toBe(expected);
    });

    it('is the head itself without a pin, and takes version, hashes and schema from a pin', () => {
      expect(servedHead(head)).toBe(head);
      const { version, cid, hashes, schemaId } = pin;
      expect(serving(1, 'good')).toMatchObject({ version, cid, hashes, schemaId, era: 1, floor: 3 });
      expect(() => serving(1, 'gone')).toThrow(expect.objectContaining({ kind: 'corrupt' }));
    });
  });

  it('goes over the snapshot when told to, but never for nothing and never back', () => {
    const forced = { forceSnapshot: true };
    expect(summary(planUpdate(ref(8), head, forced))).toBe('snapshot 6 > 7 > 8 > 9');
    expect(summary(planUpdate(ref(9), head, forced))).toBe('none current');
    expect(summary(planUpdate(ref(10), head, forced))).toBe('none newer');
  });

  it('names both ends of every step', () => {
    expect(planUpdate(ref(7), head)).toEqual({
      kind: 'deltas',
      to: ref(9),
      deltas: [
        {
          fromVersion: 7,
          fromCid: cidOf(7),
          toVersion: 8,
          toCid: cidOf(8),
          hash: hex('8'),
          size: 10,
          tier: 's3',
        },
        {
          fromVersion: 8,
          fromCid: cidOf(8),
          toVersion: 9,
          toCid: cidOf(9),
          hash: hex('9'),
          size: 10,
          tier: 's3',
        },
      ],
    });
  });

  it.each<[string, Head]>([
    ['no snapshot', headOf({ version: 3, from: 1, snapshots: [] })],
    ['its only snapshot is below the floor', headOf({ version: 9, from: 4, snapshots: [5], floor: 6 })],
    ['a hole between snapshot and ring', headOf({ version: 9, from: 8, snapshots: [5] })],
    [
      'an entry that contradicts the snapshot',
      { ...headOf({ version: 9, from: 4, snapshots: [6] }), snapshots: [snapshotOf(6, 'x')] },
    ],
    [
      'a ring that ends elsewhere',
      { ...headOf({ version: 9, from: 4, snapshots: [6] }), cid: cidOf(9, 'x') },
    ],
  ])('refuses a head with %s', (_, broken) => {
    expect(() => planUpdate(null, broken)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });
});

describe('compareVersions', () => {
  it('orders by era first, then by the epoch of what is to be served', () => {
    const [early, late] = [
      { ...ref(9), epoch: 1 },
      { ...ref(5), epoch: 2 },
    ];
    expect([ref(1, 2), late, early, ref(12)].sort(compareVersions)).toEqual([
      ref(12),
      early,
      late,
      ref(1, 2),
    ]);
  });

  it('orders by era before version', () => {
    const sorted = [ref(1, 2), ref(9, 1), ref(3, 2), ref(2, 1)].sort(compareVersions);
    expect(sorted).toEqual([ref(2, 1), ref(9, 1), ref(1, 2), ref(3, 2)]);
  });
});
