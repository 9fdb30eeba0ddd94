import { expect, it, vi } from 'vitest';
import { createTelemetry } from '../../../functions/telemetry.ts';
import { capture, lambdaContext } from '../../support/lambda-events.ts';

const { run, removeExpiredPins, clean } = vi.hoisted(() => ({
  run: vi.fn<() => Promise<{ version: number; reason: 'length' } | null>>(),
  removeExpiredPins: vi.fn<() => Promise<readonly string[]>>(),
  clean: vi.fn<() => Promise<{ floor: number | null; names: readonly string[]; isComplete: boolean }>>(),
}));

vi.mock(import('../../../functions/runtime.ts'), async (importOriginal) => ({
  ...(await importOriginal()),
  composeSnapshotter: () =>
    ({ snapshotter: { run }, telemetry: createTelemetry('snapshotter', 'cities') }) as never,
  composeCleaner: () => ({ removeExpiredPins, clean, telemetry: createTelemetry('cleaner', 'cities') }),
}));

const { handler: snapshotter } = await import('../../../functions/snapshotter.ts');
const { handler: cleaner } = await import('../../../functions/cleaner.ts');

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
