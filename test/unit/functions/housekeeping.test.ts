import { afterEach, expect, it, vi } from 'vitest';
import { createTelemetry } from '../../../functions/telemetry.ts';
import { parseRuntimeSettings } from '../../../lib/runtime-settings.ts';
import { capture, lambdaContext } from '../../support/lambda-events.ts';

const { run, removeExpiredPins, clean, purge, settings } = vi.hoisted(() => ({
  settings: { text: '{}' },
  purge: vi.fn<() => Promise<number>>(),
  run: vi.fn<() => Promise<{ version: number; reason: 'length' } | null>>(),
  removeExpiredPins: vi.fn<() => Promise<readonly string[]>>(),
  clean: vi.fn<() => Promise<{ floor: number | null; names: readonly string[]; isComplete: boolean }>>(),
}));

vi.mock(import('../../../functions/runtime.ts'), async (importOriginal) => ({
  ...(await importOriginal()),
  composeSnapshotter: () =>
    ({
      snapshotter: { run },
      telemetry: createTelemetry('snapshotter', 'cities'),
      currentSettings: async () => parseRuntimeSettings(settings.text),
    }) as never,
  composeCleaner: () => ({
    removeExpiredPins,
    clean,
    telemetry: createTelemetry('cleaner', 'cities'),
    currentSettings: async () => parseRuntimeSettings(settings.text),
  }),
  composeProducer: () =>
    ({
      producer: { purge },
      telemetry: createTelemetry('producer', 'cities'),
      currentSettings: async () => parseRuntimeSettings(settings.text),
    }) as never,
}));

const { handler: snapshotter } = await import('../../../functions/snapshotter.ts');
const { handler: cleaner } = await import('../../../functions/cleaner.ts');
const { handler: purger } = await import('../../../functions/purger.ts');

afterEach(() => {
  settings.text = '{}';
});

async function answerOf(call: () => Promise<unknown>): Promise<unknown> {
  const { outcome } = await capture(call);
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}

it('the snapshotter function tells which version it wrote, or none', async () => {
  run.mockResolvedValueOnce({ version: 7, reason: 'length' }).mockResolvedValueOnce(null);
  expect(await answerOf(() => snapshotter({}, lambdaContext(1_000)))).toEqual({ version: 7 });
  expect(await answerOf(() => snapshotter({}, lambdaContext(1_000)))).toEqual({ version: null });
});

it('the cleaner function lets go of expired pins before it cleans', async () => {
  const order: string[] = [];
  removeExpiredPins.mockImplementation(async () => {
    order.push('pins');
    return ['old'];
  });
  clean.mockImplementation(async () => {
    order.push('clean');
    return { floor: 9, names: ['a', 'b'], isComplete: false };
  });
  expect(await answerOf(() => cleaner({}, lambdaContext(1_000)))).toEqual({
    removedPins: ['old'],
    floor: 9,
    deletedCount: 2,
    isComplete: false,
  });
  expect(order).toEqual(['pins', 'clean']);
});

it('a failure is a failed invocation, so that the schedule and the alarm know', async () => {
  clean.mockRejectedValueOnce(new Error('no'));
  await expect(answerOf(() => cleaner({}, lambdaContext(1_000)))).rejects.toThrow('no');
});

it('nothing is written, purged or deleted while it is paused, and only nothing deleted while cleaning is off', async () => {
  for (const mock of [run, removeExpiredPins, clean, purge]) mock.mockClear();
  const nothing = { removedPins: [], floor: null, deletedCount: 0, isComplete: false };
  settings.text = '{"isPaused":true}';
  expect(await answerOf(() => snapshotter({}, lambdaContext(1_000)))).toEqual({ version: null });
  expect(await answerOf(() => purger({}, lambdaContext(1_000)))).toEqual({ purgedCount: 0 });
  expect(await answerOf(() => cleaner({}, lambdaContext(1_000)))).toEqual(nothing);
  settings.text = '{"isCleaning":false}';
  expect(await answerOf(() => cleaner({}, lambdaContext(1_000)))).toEqual(nothing);
  for (const mock of [run, removeExpiredPins, clean, purge]) expect(mock).not.toHaveBeenCalled();
  run.mockResolvedValueOnce({ version: 8, reason: 'length' });
  purge.mockResolvedValueOnce(3);
  expect(await answerOf(() => snapshotter({}, lambdaContext(1_000)))).toEqual({ version: 8 });
  expect(await answerOf(() => purger({}, lambdaContext(1_000)))).toEqual({ purgedCount: 3 });
});
