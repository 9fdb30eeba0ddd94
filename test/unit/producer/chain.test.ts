import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../lib/memory/random.ts';
import type { Head } from '../../../lib/ports.ts';
import {
  chainLength,
  defaultChainBounds,
  planFirstCommit,
  planNextCommit,
} from '../../../lib/producer/chain.ts';
import { drawCommitId, tagOfCommit } from '../../../lib/producer/commit-id.ts';

const hex = (number: number): string => String(number).padStart(32, '0');
const next = (version: number) => ({
  version,
  cid: hex(version),
  hashes: { data: hex(version), bookkeeping: hex(0) },
  schemaId: 'schema',
  size: 7,
});

function headAt(version: number, ringFrom: number, snapshots: readonly number[]): Head {
  const entry = (at: number) => ({ version: at, cid: hex(at), hash: hex(at), size: 7, tier: 's3' as const });
  const snapshot = (at: number) => ({ version: at, cid: hex(at), hash: hex(at), size: 7, writtenAtMs: 5 });
  return {
    format: 2,
    era: 3,
    version,
    cid: hex(version),
    hashes: { data: hex(version), bookkeeping: hex(0) },
    recent: Array.from({ length: version - ringFrom + 1 }, (_, i) => entry(ringFrom + i)),
    snapshots: snapshots.map(snapshot),
    floor: 1,
    schemaId: 'schema',
    mapGeneration: 2,
    status: 'open',
    pins: {},
    pinRevision: 0,
    serve: { epoch: 0, pin: null },
    lastOperation: 'commit',
  };
}

describe('planFirstCommit', () => {
  it('creates the chain together with its snapshot', () => {
    expect(planFirstCommit(next(1), { size: 99, writtenAtMs: 5 })).toEqual({
      expected: null,
      ...{ version: 1, cid: hex(1), hashes: next(1).hashes, schemaId: 'schema', mapGeneration: 1 },
      recent: [{ version: 1, cid: hex(1), hash: hex(1), size: 7, tier: 's3' }],
      snapshot: { version: 1, cid: hex(1), hash: hex(1), size: 99, writtenAtMs: 5 },
      operation: 'commit',
    });
  });
});

describe('planNextCommit', () => {
  const bounds = { ...defaultChainBounds, recentEntriesMin: 3 };
  const ringAfter = (head: Head): number[] =>
    planNextCommit(head, next(head.version + 1), bounds).recent.map(({ version }) => version);

  it('names exactly the commit before it', () => {
    const proposal = planNextCommit(headAt(9, 5, [6]), next(10), bounds);
    expect(proposal.expected).toEqual({ era: 3, version: 9, cid: hex(9) });
    expect(proposal).toMatchObject({ version: 10, mapGeneration: 2 });
    expect(proposal.snapshot).toBeUndefined();
  });

  it.each<[string, Head, number[]]>([
    ['keeps all that a cold reader needs', headAt(9, 5, [6]), [6, 7, 8, 9, 10]],
    ['keeps a few for readers that lag', headAt(9, 5, [9]), [8, 9, 10]],
    ['keeps everything while there is only the first snapshot', headAt(4, 1, [1]), [1, 2, 3, 4, 5]],
  ])('%s', (_, head, expected) => {
    expect(ringAfter(head)).toEqual(expected);
  });

  it('counts the deltas of a cold reader', () => {
    expect(chainLength(headAt(9, 5, [2, 6]))).toBe(3);
  });
});

describe('drawCommitId', () => {
  it('derives the tag from the id', () => {
    const { cid, tag } = drawCommitId(new SeededRandom(1), 0n);
    expect(cid).toMatch(/^[0-9a-f]{32}$/);
    expect(tagOfCommit(cid)).toBe(tag);
    expect(tagOfCommit(`8000000000000001${'0'.repeat(16)}`)).toBe(-(2n ** 63n) + 1n);
  });

  it.each<[string, readonly number[]]>([
    ['0', [0, 0, 0, 0]],
    ['all ones', [0xff, 0xff, 0xff, 0xff]],
    ['that of the tag before', [0x12, 0x34, 0x56, 0x78]],
  ])('draws again when the high half would be %s', (_, high) => {
    const draws = [Uint8Array.from([...high, ...Array<number>(12).fill(1)]), new Uint8Array(16).fill(0x42)];
    const random = { uniform: () => 0, bytes: () => draws.shift() ?? new Uint8Array(16) };
    expect(drawCommitId(random, 0x12345678_00000000n).cid).toBe('42'.repeat(16));
  });
});
