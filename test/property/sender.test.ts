import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DatasetError } from '../../lib/errors.ts';
import { limits } from '../../lib/limits.ts';
import { VirtualClock } from '../../lib/memory/clock.ts';
import { SeededRandom } from '../../lib/memory/random.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import { messageSize } from '../../lib/message-rules.ts';
import { defineDataset, type } from '../../lib/schema/builder.ts';
import { t } from '../../lib/schema/field-specs.ts';
import { Sender } from '../../lib/sender/sender.ts';
import { mutationsOf, noAnswer, RecordingSink, type SentMutation } from '../support/recording-sink.ts';

const notes = defineDataset(
  { Note: type({ id: t.int(), text: t.string(), more: t.string() }, { primaryKey: ['id'] }) },
  { partitions: 3 },
);

const step = fc.record({
  id: fc.integer({ min: 0, max: 9 }),
  size: fc.oneof({ weight: 8, arbitrary: fc.nat(2_000) }, { weight: 1, arbitrary: fc.nat(250_000) }),
  isWide: fc.boolean(),
  priority: fc.constantFrom('high', 'normal', 'low'),
  correlationId: fc.option(fc.constantFrom('a', 'b'), { nil: undefined, freq: 8 }),
  isAwaited: fc.boolean(),
  pauseMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(20)),
});
const scenario = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 40 }),
  seed: fc.nat(),
  lingerMs: fc.constantFrom(0, 5, 50),
  messageSizeMax: fc.constantFrom(1_000, 20_000, limits.messageSizeMax),
  bufferSizeMax: fc.constantFrom(3_000, 100_000, limits.sendBufferSizeMax),
  failing: fc.constantFrom(0, 0.2, 0.7, 1),
});

/** What became of one call. */
type Fate = 'taken' | 'unsent' | 'shed';

it('brings each mutation into exactly one message, or says that it did not; in bounds and in order', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ steps, seed, lingerMs, messageSizeMax, bufferSizeMax, failing }) => {
      const clock = new VirtualClock();
      const chance = new SeededRandom(seed);
      const telemetry = new MemoryTelemetry();
      // A failed request has been taken or not: both happen, and the sender cannot tell.
      const failure = () =>
        chance.uniform() < failing ? { error: noAnswer, isTaken: chance.uniform() < 0.5 } : null;
      const sinks = [0, 1, 2].map(() => new RecordingSink(clock, { latencyMs: 30, failure }));
      const sender = new Sender({
        ...{ dataset: notes, sinks, clock, random: new SeededRandom(seed), telemetry },
        ...{ lingerMs, messageSizeMax, bufferSizeMax },
      });
      let isOver = false;
      const fates: Promise<Fate>[] = [];
      const calls = (async () => {
        for (const { id, size, isWide, isAwaited, pauseMs, ...options } of steps) {
          const text = (isWide ? '漢' : 'x').repeat(size);
          const { correlationId, ...others } = options;
          const call = sender.upsert(
            'Note',
            { id, text, more: null },
            correlationId === undefined ? others : { ...others, correlationId },
          );
          fates.push(
            call.then(
              ({ accepted }) =>
                accepted.then(
                  () => 'taken' as const,
                  () => 'unsent' as const,
                ),
              (error: unknown) => {
                expect(error).toMatchObject({
                  kind: 'unavailable',
                  message: expect.stringContaining('shed'),
                });
                return 'shed' as const;
              },
            ),
          );
          if (isAwaited) await call.catch(() => undefined);
          if (pauseMs > 0) await clock.sleep(pauseMs);
        }
        const closed = await sender.close().catch((error: unknown) => error);
        isOver = true;
        return closed;
      })();
      while (!isOver && (await clock.advanceToNext()));
      const closed = await calls;
      const results = await Promise.all(fates);
      const unsentCount = results.filter((fate) => fate === 'unsent').length;
      if (unsentCount === 0) expect(closed).toBeUndefined();
      else expect(closed).toMatchObject({ details: { count: unsentCount } });
      expect(closed === undefined || closed instanceof DatasetError).toBe(true);
      expect(telemetry.sum('MutationsShed')).toBe(results.filter((fate) => fate === 'shed').length);
      const bySequence = messagesBySequence(sinks);
      for (const [index, fate] of results.entries()) {
        const { id, correlationId } = steps[index] ?? { id: -1, correlationId: undefined };
        const found = bySequence.get(index + 1);
        // One that was given back may be there all the same; one that was taken must be, in one message however often sent.
        if (fate === 'taken') expect(found?.bodies.size).toBe(1);
        if (fate === 'shed') expect(found).toBeUndefined();
        if (found === undefined) continue;
        expect(found.mutation).toMatchObject({ value: { id } });
        expect(found.partition).toBe(notes.partitionOf('Note', id));
        expect(found.correlationId).toBe(correlationId);
      }
      for (const sink of sinks) expect(Math.max(0, ...sink.sizes)).toBeLessThanOrEqual(limits.messageSizeMax);
      for (const message of sinks.flatMap((sink) => sink.messages)) {
        const isAlone = mutationsOf(message).length === 1;
        if (!isAlone) expect(messageSize(message)).toBeLessThanOrEqual(messageSizeMax);
      }
    }),
    { numRuns: 150 },
  );
});

interface Found {
  readonly partition: number;
  readonly correlationId: string | undefined;
  readonly mutation: SentMutation;
  readonly bodies: Set<string>;
}

/** Sequences count the calls, so they name them. */
function messagesBySequence(sinks: readonly RecordingSink[]): ReadonlyMap<number, Found> {
  const found = new Map<number, Found>();
  for (const [partition, sink] of sinks.entries()) {
    for (const message of sink.messages) {
      for (const mutation of mutationsOf(message)) {
        const { sequence } = mutation.order;
        const known = found.get(sequence);
        const { correlationId } = message;
        if (known === undefined) {
          found.set(sequence, { partition, correlationId, mutation, bodies: new Set([message.body]) });
        } else {
          expect(known.partition).toBe(partition);
          known.bodies.add(message.body);
        }
      }
    }
  }
  return found;
}
