import { expect, test } from 'vitest';
import { DatasetError } from '../../../lib/errors.ts';
import { limits } from '../../../lib/limits.ts';
import { VirtualClock } from '../../../lib/memory/clock.ts';
import { SeededRandom } from '../../../lib/memory/random.ts';
import { MemoryTelemetry } from '../../../lib/memory/telemetry.ts';
import { Breaker } from '../../../lib/producer/breaker.ts';

function scene() {
  const clock = new VirtualClock();
  const telemetry = new MemoryTelemetry();
  const breaker = new Breaker('store', { clock, random: new SeededRandom(1), telemetry });
  const world = { calls: 0, kind: 'unavailable' as 'unavailable' | 'denied' | null };
  const call = () =>
    breaker.run(async () => {
      world.calls += 1;
      if (world.kind !== null) throw new DatasetError(world.kind, 'down');
      return 'up';
    });
  const fail = async (times: number) => {
    for (let i = 0; i < times; i++) await expect(call()).rejects.toMatchObject({ kind: 'unavailable' });
  };
  return { clock, telemetry, world, call, fail };
}

test('after failures in a row nothing is called, then one probe is, and the pause grows', async () => {
  const { clock, telemetry, world, call, fail } = scene();
  await fail(limits.breakerFailuresMax + 20);
  expect(world.calls).toBe(limits.breakerFailuresMax);
  await clock.advance(limits.breakerPauseMsMin);
  await fail(5);
  expect(world.calls).toBe(limits.breakerFailuresMax + 1);
  await clock.advance(limits.breakerPauseMsMin * 2);
  world.kind = null;
  const results = await Promise.allSettled([call(), call(), call()]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect(await call()).toBe('up');
  expect(telemetry.sum('BreakersOpened')).toBe(2);
  expect(telemetry.lines('info').map(({ message }) => message)).toEqual(['a dependency is called again']);
});

test('the pause has an end, however long the dependency is down', async () => {
  const { clock, world, fail } = scene();
  await fail(limits.breakerFailuresMax);
  for (let i = 1; i <= 12; i++) {
    await clock.advance(limits.breakerPauseMsMax);
    await fail(1);
    expect(world.calls).toBe(limits.breakerFailuresMax + i);
  }
});

test('a success, or an answer of any other kind, starts the count again', async () => {
  const { world, call, fail } = scene();
  await fail(limits.breakerFailuresMax - 1);
  world.kind = 'denied';
  await expect(call()).rejects.toMatchObject({ kind: 'denied' });
  world.kind = 'unavailable';
  await fail(limits.breakerFailuresMax - 1);
  world.kind = null;
  expect(await call()).toBe('up');
});

test('a call from before, that fails while a probe is out, lets no second one through', async () => {
  const clock = new VirtualClock();
  const ports = { clock, random: new SeededRandom(1), telemetry: new MemoryTelemetry() };
  const breaker = new Breaker('store', ports);
  const down = () => Promise.reject(new DatasetError('unavailable', 'down'));
  const early = Promise.withResolvers<string>();
  const old = breaker.run(() => early.promise);
  for (let i = 0; i < limits.breakerFailuresMax; i++) await expect(breaker.run(down)).rejects.toThrow('down');
  await clock.advance(limits.breakerPauseMsMin);
  const answer = Promise.withResolvers<string>();
  const probe = breaker.run(() => answer.promise);
  early.reject(new DatasetError('unavailable', 'too late'));
  await expect(old).rejects.toThrow('too late');
  await clock.advance(limits.breakerPauseMsMax);
  await expect(breaker.run(down)).rejects.toThrow('is not called');
  answer.resolve('up');
  expect(await probe).toBe('up');
});
