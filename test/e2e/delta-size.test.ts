import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseBlobName } from '../../lib/blob/blob-names.ts';
import { loadCities } from '../../lib/local-cloud/demo/cities.ts';
import { listBlobs, readChain } from '../support/chain.ts';
import { eventually } from '../support/eventually.ts';
import { sqsEvent, sqsRecord } from '../support/lambda-events.ts';
import { citiesId, startTestCloud, type TestCloud } from '../support/test-cloud.ts';

const cities = loadCities().slice(0, 20_000);
const perMessage = 4_000;

let it: TestCloud;

/** All of them in one batch, so that the first version, which is a snapshot, holds them all. */
beforeAll(async () => {
  it = await startTestCloud();
  const records = Array.from({ length: cities.length / perMessage }, (_, i) => {
    const part = cities.slice(i * perMessage, (i + 1) * perMessage);
    return sqsRecord(
      `load-${i}`,
      JSON.stringify({ mutations: part.map((value) => ({ op: 'upsert', type: 'City', value })) }),
    );
  });
  const { answer } = await it.invoke(
    `${it.cloud.getFunction('ProducerFunction').arn}:live`,
    sqsEvent(...records),
  );
  expect(answer).toEqual({ batchItemFailures: [] });
});

afterAll(() => it?.stop());

/** Bytes of blobs that lead to a version, parts included. */
async function sizeOf(kind: 'snapshot' | 'delta', version: number): Promise<number> {
  const sizes = [...(await listBlobs(it))].filter(([key]) => {
    const name = parseBlobName(key)?.name;
    return name?.kind === kind && name.toVersion === version;
  });
  expect(sizes).toHaveLength(2); // the main blob and the bookkeeping part
  return sizes.reduce((sum, [, size]) => sum + size, 0);
}

test('a delta after a change of one percent is at most a twentieth of a snapshot', async () => {
  const changed = cities.filter((_, index) => index % 100 === 0);
  const mutations = changed.map(({ cityId, population }) => ({
    op: 'patch',
    type: 'City',
    key: { cityId },
    fields: { population: population + 17 },
  }));
  await it.sink.send([{ body: JSON.stringify({ mutations }) }]);
  await eventually(async () => expect((await it.heads.load(citiesId, 'strong'))?.version).toBe(2));
  const { versions } = await readChain(it);
  expect(versions.map(({ state }) => state.type('City').count)).toEqual([20_000, 20_000]);
  expect(versions[1]?.changes?.get('City')?.added.length).toBe(200);
  const [snapshot, delta] = [await sizeOf('snapshot', 1), await sizeOf('delta', 2)];
  const percent = (100 * delta) / snapshot;
  process.stdout.write(
    `delta-size.test.ts: 200 of 20,000 cities: delta ${delta} B, snapshot ${snapshot} B, ${percent.toFixed(2)} %\n`,
  );
  expect(snapshot).toBeGreaterThan(500_000);
  expect(delta).toBeGreaterThan(200);
  expect(percent).toBeLessThanOrEqual(5);
});
