import { describe, expect, it } from 'vitest';
import { runCommitPath } from '../bench/commit/commit-path.ts';

const scenario = { seed: 5, recordsPerMessage: 5, durationMs: 1_000 };

describe('with the latencies of AWS, on a virtual clock', () => {
  it('four partitions take in at least three times what one does', async () => {
    const full = { ...scenario, producers: 2, messagesPerSecond: null };
    const one = await runCommitPath({ ...full, partitions: 1 });
    const four = await runCommitPath({ ...full, partitions: 4 });
    expect(four.recordsPerSecond / one.recordsPerSecond).toBeGreaterThanOrEqual(3);
    expect(one.conflicts / (one.conflicts + one.commits)).toBeLessThan(0.6);
  });

  it('one producer has 95 of 100 batches committed within 100 ms of its start, and none is lost on the way', async () => {
    const result = await runCommitPath({
      ...scenario,
      durationMs: 5_000,
      partitions: 2,
      producers: 1,
      messagesPerSecond: 20,
    });
    const { handlerMs, toCommitMs, toVisibleMs, records, conflicts, returned } = result;
    expect(handlerMs[Math.floor(handlerMs.length * 0.95)]).toBeLessThan(100);
    expect(toCommitMs.length * scenario.recordsPerMessage).toBe(records);
    expect(toVisibleMs).toHaveLength(toCommitMs.length);
    expect([conflicts, returned]).toEqual([0, 0]);
  });

  it('small deltas in the table are in within half of that', async () => {
    const steady = { ...scenario, durationMs: 5_000, partitions: 1, producers: 1, messagesPerSecond: 20 };
    const { handlerMs, toVisibleMs } = await runCommitPath({ ...steady, isInline: true });
    expect(handlerMs[Math.floor(handlerMs.length * 0.95)]).toBeLessThan(50);
    expect(toVisibleMs.length).toBeGreaterThan(50);
  });

  it('gives the same numbers for the same seed', async () => {
    const run = () => runCommitPath({ ...scenario, partitions: 2, producers: 2, messagesPerSecond: 20 });
    expect(await run()).toEqual(await run());
  });
});
