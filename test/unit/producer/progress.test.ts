import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../../lib/limits.ts';
import { readProgress } from '../../../lib/receipt.ts';
import { MemoryCloud, plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';

const noted = (source: string, sequence: number, ...mutations: object[]) => ({
  mutations,
  progress: { source, sequence },
});

async function progressOf(cloud: MemoryCloud): Promise<object> {
  const consumer = cloud.consumer();
  await consumer.refresh();
  return Object.fromEntries(readProgress(consumer.loaded?.state.headerTags ?? new Map()));
}

async function take(cloud: MemoryCloud, ...contents: object[]): Promise<void> {
  const messages = contents.map((content) => cloud.message(content));
  expect((await cloud.producer().process(messages, plentyOfTime)).failed).toEqual([]);
}

describe('progress', () => {
  test('is how far each source is done without a gap, in whatever order its messages come', async () => {
    const cloud = new MemoryCloud();
    await take(cloud, noted('a', 1, upsertCity(1, 'x')), noted('b', 2), noted('a', 3));
    expect(await progressOf(cloud)).toEqual({ a: 1, b: 0 });
    await take(cloud, noted('a', 2), noted('b', 1));
    expect(await progressOf(cloud)).toEqual({ a: 3, b: 2 });
    const version = (await cloud.heads.load(cloud.id, 'strong'))?.version;
    await take(cloud, noted('a', 3), noted('b', 2));
    expect((await cloud.heads.load(cloud.id, 'strong'))?.version).toBe(version);
    // Other commits, and snapshots, carry it on.
    await take(cloud, upsertCity(2, 'y'));
    await cloud
      .producer({ chainBounds: { recentEntriesMin: 1, chainLengthForSnapshot: 1, chainLengthMax: 9 } })
      .process([cloud.message(upsertCity(3, 'z'))], plentyOfTime);
    expect((await cloud.heads.load(cloud.id, 'strong'))?.snapshots).toHaveLength(2);
    expect(await progressOf(cloud)).toEqual({ a: 3, b: 2 });
  });

  test('any order and repetition leads to the same', async () => {
    const count = 12;
    const all = Array.from({ length: count }, (_, i) => i + 1);
    const arrivals = fc.tuple(
      fc.shuffledSubarray(all, { minLength: count }),
      fc.array(fc.integer({ min: 1, max: count }), { maxLength: 6 }),
      fc.integer({ min: 1, max: 5 }),
    );
    await fc.assert(
      fc.asyncProperty(arrivals, async ([once, again, size]) => {
        const cloud = new MemoryCloud();
        const rest = [...once, ...again];
        const seen = new Set<number>();
        while (rest.length > 0) {
          const batch = rest.splice(0, size);
          for (const sequence of batch) seen.add(sequence);
          await take(cloud, ...batch.map((sequence) => noted('s', sequence)));
          const gap = all.find((sequence) => !seen.has(sequence)) ?? count + 1;
          expect(await progressOf(cloud)).toEqual({ s: gap - 1 });
        }
      }),
      { numRuns: 40 },
    );
  });

  test('what is quarantined is done, too', async () => {
    const cloud = new MemoryCloud();
    await take(cloud, noted('a', 1, { op: 'nonsense' }), {
      ...noted('a', 2, { op: 'nonsense' }),
      atomic: true,
    });
    expect(cloud.quarantine.records()).toHaveLength(2);
    expect(await progressOf(cloud)).toEqual({ a: 2 });
  });

  test('is kept of so many sources, those that sent last, and of so many gaps', async () => {
    const cloud = new MemoryCloud();
    await take(cloud, noted('first', 1));
    await cloud.clock.advance(1);
    await take(cloud, ...Array.from({ length: limits.progressSourcesMax }, (_, i) => noted(`s${i}`, 1)));
    const known = await progressOf(cloud);
    expect(Object.keys(known)).toHaveLength(limits.progressSourcesMax);
    expect(known).not.toHaveProperty('first');
    const gappy = Array.from({ length: limits.progressGapsMax + 1 }, (_, i) => noted('s1', 2 * i + 3));
    await take(cloud, ...gappy);
    expect(await progressOf(cloud)).toHaveProperty('s1', 3);
  });
});

describe('a reader', () => {
  test('says whether it has what a receipt is for, and waits for it', async () => {
    const cloud = new MemoryCloud();
    const consumer = cloud.consumer();
    const receipt = { partition: 0, source: 'app', sequence: 2 };
    expect(consumer.has(receipt)).toBe(false);
    await take(cloud, noted('app', 1, upsertCity(1, 'a')));
    expect(await consumer.waitFor(receipt, 0)).toBe(false);
    const waiting = consumer.waitFor(receipt, 5_000);
    await take(cloud, noted('app', 2, upsertCity(1, 'b')));
    while (!consumer.has(receipt)) await cloud.clock.advance(10);
    expect(await waiting).toBe(true);
    expect(consumer.find('City', 1)?.toObject()).toMatchObject({ name: 'b' });
    expect(consumer.has({ ...receipt, sequence: 3 })).toBe(false);
    expect(() => consumer.has({ ...receipt, partition: 1 })).toThrow(
      expect.objectContaining({ kind: 'invalid' }),
    );
  });
});
