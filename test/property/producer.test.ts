import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MemoryQuarantine } from '../../lib/memory/quarantine.ts';
import { MemoryCloud, plentyOfTime } from '../support/memory-cloud.ts';

/** A mutation with a place in time of its own. */
interface Step {
  readonly op: 'upsert' | 'patch' | 'delete' | 'increment' | 'nothing';
  readonly cityId: number;
  readonly name: string | null;
  readonly population: number | null;
  readonly patched: 'name' | 'population' | 'both';
}

const step: fc.Arbitrary<Step> = fc.record({
  op: fc.constantFrom('upsert', 'upsert', 'patch', 'delete', 'increment', 'increment'),
  cityId: fc.integer({ min: 1, max: 4 }),
  name: fc.option(fc.constantFrom('Utrecht', 'Delft', '', '\u{1f3db}')),
  population: fc.option(fc.integer({ min: -5, max: 5 })),
  patched: fc.constantFrom('name', 'population', 'both'),
});

function mutationOf({ op, cityId, name, population, patched }: Step, timestamp: number): object {
  const common = { op, type: 'City', order: { timestamp, source: 'app', sequence: 0 } };
  if (op === 'upsert') return { ...common, value: { cityId, name, population } };
  if (op === 'delete') return { ...common, key: { cityId } };
  if (op === 'increment') {
    return { ...common, key: { cityId }, fields: { population: population ?? 7 }, opId: `op-${timestamp}` };
  }
  const fields = patched === 'both' ? { name, population } : patched === 'name' ? { name } : { population };
  return { ...common, key: { cityId }, fields };
}

/** The same in a Map, in the order of time. */
function replay(steps: readonly Step[]): Map<number, object> {
  const cities = new Map<
    number,
    { readonly cityId: number; readonly name: string | null; readonly population: number | null }
  >();
  for (const { op, cityId, name, population, patched } of steps) {
    const before = cities.get(cityId);
    if (op === 'upsert') cities.set(cityId, { cityId, name, population });
    if (op === 'delete') cities.delete(cityId);
    if (op === 'increment' && before !== undefined) {
      cities.set(cityId, { ...before, population: (before.population ?? 0) + (population ?? 7) });
    }
    if (op !== 'patch' || before === undefined) continue;
    cities.set(cityId, {
      ...before,
      ...(patched === 'population' ? {} : { name }),
      ...(patched === 'name' ? {} : { population }),
    });
  }
  return cities;
}

const arrivals = fc.array(step, { minLength: 1, maxLength: 25 }).chain((steps) =>
  fc.record({
    steps: fc.constant(steps),
    // Every mutation at least once, some twice, in any order, cut into batches anywhere.
    order: fc
      .tuple(
        fc.shuffledSubarray([...steps.keys()], { minLength: steps.length }),
        fc.subarray([...steps.keys()]),
      )
      .map(([all, again]) => [...all, ...again]),
    batchSizes: fc.infiniteStream(fc.integer({ min: 1, max: 6 })),
    restarts: fc.infiniteStream(fc.boolean()),
  }),
);

it('makes the same of mutations as a Map does, whatever their order, repetition, batches and restarts', async () => {
  await fc.assert(
    fc.asyncProperty(arrivals, async ({ steps, order, batchSizes, restarts }) => {
      const cloud = new MemoryCloud();
      let producer = cloud.producer();
      const rest = [...order];
      while (rest.length > 0) {
        const batch = rest.splice(0, batchSizes.next().value);
        const message = cloud.message({
          mutations: batch.map((at) => mutationOf(steps[at] as Step, 1_000 + at)),
        });
        const { failed } = await producer.process([message], plentyOfTime);
        expect(failed).toEqual([]);
        if (restarts.next().value === true) producer = cloud.producer();
      }
      const consumer = cloud.consumer();
      await consumer.refresh();
      const expected = replay(steps);
      expect(consumer.loaded?.state.type('City').count ?? 0).toBe(expected.size);
      for (const [cityId, city] of expected) expect(consumer.find('City', cityId)?.toObject()).toEqual(city);
    }),
    { numRuns: 120 },
  );
});

const purges = fc.infiniteStream(fc.option(fc.integer({ min: 0, max: 25 }), { freq: 3 }));

it('forgets the past and brings nothing back: what is late is set aside, everything else is as if nothing were forgotten', async () => {
  let lateCount = 0;
  await fc.assert(
    fc.asyncProperty(arrivals, purges, async ({ steps, order, batchSizes }, untils) => {
      const cloud = new MemoryCloud();
      const late = new MemoryQuarantine();
      const delivered = new Set<number>();
      const lateSteps = new Set<number>();
      const rest = [...order];
      while (rest.length > 0) {
        const batch = rest.splice(0, batchSizes.next().value);
        const mutations = batch.map((at) => mutationOf(steps[at] as Step, 1_000 + at));
        const before = late.records().length;
        const until = untils.next().value ?? null;
        const purgeHorizonMs = until === null ? 0 : cloud.clock.nowMs() - (1_000 + until);
        const producer = cloud.producer({ lateQueue: late, purgeHorizonMs });
        expect((await producer.process([cloud.message({ mutations })], plentyOfTime)).failed).toEqual([]);
        const lateIndexes = new Set(
          late
            .records()
            .slice(before)
            .map(({ index }) => index),
        );
        const isLate = (at: number) => lateIndexes.has(batch.indexOf(at));
        // What was taken in before and is late when it comes again is in. What is late beside something of its key that is
        // older than an increment may be in time when it comes again by itself.
        for (const at of batch) {
          if (!isLate(at)) lateSteps.delete(at);
          else if (!delivered.has(at)) lateSteps.add(at);
          delivered.add(at);
        }
        if (until !== null) await producer.purge(plentyOfTime);
      }
      lateCount += lateSteps.size;
      const consumer = cloud.consumer();
      await consumer.refresh();
      const expected = replay(
        steps.map((step, at) => (lateSteps.has(at) ? { ...step, op: 'nothing' } : step)),
      );
      expect(consumer.loaded?.state.type('City').count ?? 0).toBe(expected.size);
      for (const [cityId, city] of expected) expect(consumer.find('City', cityId)?.toObject()).toEqual(city);
    }),
    { numRuns: 120 },
  );
  expect(lateCount).toBeGreaterThan(20);
});
