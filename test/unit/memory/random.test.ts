import { expect, test } from 'vitest';
import { SeededRandom } from '../../../lib/memory/random.ts';

const draw = (seed: number, count: number): number[] => {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => random.uniform());
};

test('a seed gives the same draws for ever', () => {
  expect(draw(42, 5)).toEqual(draw(42, 5));
  // From another implementation of sfc32.
  expect(draw(1, 3)).toEqual([0.6296741127221478, 0.208325885649153, 0.8909522634564552]);
  expect(new SeededRandom(7).bytes(16)).toEqual(new SeededRandom(7).bytes(16));
});

test('other seeds give other draws, large ones too', () => {
  const seeds = [0, 1, 2, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1];
  expect(new Set(seeds.map((seed) => draw(seed, 1)[0])).size).toBe(seeds.length);
});

test('draws are in [0, 1) and spread evenly', () => {
  const draws = draw(3, 100_000);
  const buckets = new Array<number>(10).fill(0);
  for (const value of draws) buckets[Math.floor(value * 10)] = (buckets[Math.floor(value * 10)] ?? 0) + 1;
  expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...draws)).toBeLessThan(1);
  for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});

test('bytes take every value', () => {
  expect(new Set(new SeededRandom(5).bytes(10_000)).size).toBe(256);
});
