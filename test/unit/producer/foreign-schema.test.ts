import { expect, it } from 'vitest';
import { DatasetError } from '../../../lib/errors.ts';
import { DatasetSchema, schemaIdOf } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { citySchema, MemoryCloud, plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';

const newer = DatasetSchema.of(
  parseSchemas(
    'City @PrimaryKey(cityId) { int cityId; String name; int population; String note; } String { string value; }',
  ),
);
const noted = { op: 'upsert', type: 'City', value: { cityId: 2, name: 'Delft', note: 'new' } };

it('a bundle that does not know the schema gives back what it does not understand, and sets nothing aside', async () => {
  const cloud = new MemoryCloud();
  await cloud.commit(upsertCity(1, 'Utrecht'));
  const [old, next] = [cloud.producer(), cloud.producer({ schema: newer })];
  expect(await next.advanceSchema(schemaIdOf(citySchema), plentyOfTime)).toBe(true);
  const messages = [cloud.message(noted), cloud.message('not JSON'), cloud.message(upsertCity(3, 'Gouda'))];
  const { acknowledged, failed } = await old.process(messages, plentyOfTime);
  expect(acknowledged).toEqual([]);
  expect(failed).toHaveLength(3);
  expect(cloud.quarantine.records()).toEqual([]);
  expect(await next.process(messages, plentyOfTime)).toMatchObject({ failed: [] });
  expect(cloud.quarantine.records()).toMatchObject([{ reason: expect.stringContaining('not JSON') }]);
  const consumer = cloud.consumer();
  await consumer.refresh();
  expect(consumer.get('City', 2).toObject()).toMatchObject({ name: 'Delft', note: 'new' });
  expect(consumer.state.type('City').count).toBe(3);
});

it('nothing is set aside as long as nobody knows what the schema is', async () => {
  const cloud = new MemoryCloud();
  const { heads } = cloud;
  const load = heads.load.bind(heads);
  heads.load = () => Promise.reject(new DatasetError('unavailable', 'no answer'));
  const message = cloud.message('not JSON');
  expect(await cloud.producer().process([message], plentyOfTime)).toMatchObject({ failed: [{ message }] });
  expect(cloud.quarantine.records()).toEqual([]);
  heads.load = load;
  expect(await cloud.producer().process([message], plentyOfTime)).toMatchObject({ failed: [] });
});
