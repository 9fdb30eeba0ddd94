import { expect, test } from 'vitest';
import { VirtualClock } from '../../../lib/memory/clock.ts';

test('time stands still until it is moved, for both clocks alike', async () => {
  const clock = new VirtualClock(5_000);
  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([5_000, 0]);
  await clock.advance(250);
  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([5_250, 250]);
});

test('sleepers wake in order of time, then of arrival, each at its own time', async () => {
  const clock = new VirtualClock();
  const woken: [string, number][] = [];
  const sleep = async (name: string, ms: number): Promise<void> => {
    await clock.sleep(ms);
    woken.push([name, clock.monotonicMs()]);
  };
  const all = [
    sleep('late', 30),
    sleep('early', 10),
    sleep('also early', 10),
    sleep('never here', 31),
    sleep('now', 0),
  ];
  await clock.advance(30);
  expect(woken).toEqual([
    ['now', 0],
    ['early', 10],
    ['also early', 10],
    ['late', 30],
  ]);
  expect(clock.sleeperCount).toBe(1);
  await clock.advance(1);
  await Promise.all(all);
  expect(clock.sleeperCount).toBe(0);
});

test('who goes to sleep while time is moved wakes at the right time on the way', async () => {
  const clock = new VirtualClock();
  const ticks: number[] = [];
  const ticking = (async () => {
    for (let tick = 0; tick < 5; tick++) {
      await clock.sleep(10);
      for (let hop = 0; hop < 500; hop++) await Promise.resolve(); // long chains of promises are no time
      ticks.push(clock.monotonicMs());
    }
  })();
  await clock.advance(100);
  await ticking;
  expect(ticks).toEqual([10, 20, 30, 40, 50]);
  expect(clock.monotonicMs()).toBe(100);
});

test('a signal wakes at once, without moving time, and leaves nothing behind', async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const sleeping = clock.sleep(1_000, stop.signal);
  stop.abort();
  await sleeping;
  await clock.sleep(1_000, stop.signal);
  expect([clock.monotonicMs(), clock.sleeperCount]).toEqual([0, 0]);
});

test('a run can jump from sleeper to sleeper until nobody sleeps', async () => {
  const clock = new VirtualClock();
  void clock.sleep(3_600_000).then(() => clock.sleep(60_000));
  let jumps = 0;
  while (await clock.advanceToNext()) jumps += 1;
  expect([jumps, clock.monotonicMs()]).toEqual([2, 3_660_000]);
});
