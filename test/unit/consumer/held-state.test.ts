import { expect, it } from 'vitest';
import { hashState } from '../../../lib/state/state-hash.ts';
import { MemoryCloud, patchCity, plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';

it('a state that a reader holds is the same after a thousand refreshes', async () => {
  const cloud = new MemoryCloud();
  const producer = cloud.producer();
  const commit = async (...mutations: readonly object[]) => {
    const { failed } = await producer.process([cloud.message({ mutations })], plentyOfTime);
    expect(failed).toEqual([]);
  };
  const consumer = cloud.consumer();
  await commit(...Array.from({ length: 40 }, (_, i) => upsertCity(i, `city ${i}`)));
  await consumer.refresh();
  const held = [consumer.state];
  const seen = () => held.map(({ version, read }) => [version.version, hashState(read, () => true)]);
  const shown = () => held.map((state) => JSON.stringify([...state.type('City')]));
  const first = consumer.get('City', 7);
  const [before, texts] = [seen(), shown()];
  for (let n = 1; n <= 1_000; n++) {
    const id = (n * 7) % 45;
    await commit(n % 3 === 0 ? patchCity(id, { population: n }) : upsertCity(id, `city ${n % 50}`, n));
    await consumer.refresh();
    if (n === 1 || n === 333 || n === 900) {
      held.push(consumer.state);
      before.push(...seen().slice(-1));
      texts.push(...shown().slice(-1));
    }
  }
  expect(consumer.version?.version).toBe(1_001);
  expect(cloud.telemetry.sum('DeltasApplied')).toBe(1_000);
  expect(seen()).toEqual(before);
  expect(shown()).toEqual(texts);
  expect(first.toObject()).toEqual({ cityId: 7, name: 'city 7', population: 1 });
});
