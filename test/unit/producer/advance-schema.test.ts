import { expect, test } from 'vitest';
import type { MutationMessage } from '../../../lib/ports.ts';
import { requireAdvance } from '../../../lib/schema/compatible-advance.ts';
import { DatasetSchema, schemaIdOf } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { MemoryCloud, plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';

const schemaOf = (text: string) => DatasetSchema.of(parseSchemas(text));
const city = 'int cityId; String name; int population;';
const old = schemaOf(`City @PrimaryKey(cityId) { ${city} } String { string value; }`);
const next = schemaOf(
  `City @PrimaryKey(cityId) { ${city} String mayor; double area; } String { string value; }
   River @PrimaryKey(name) { string name; long length; }`,
);
const river = { op: 'upsert', type: 'River', value: { name: 'Rhine', length: 1_233 } };

async function start() {
  const cloud = new MemoryCloud();
  const before = cloud.producer({ schema: old });
  const first = cloud.message({ mutations: [upsertCity(1, 'Utrecht', 1), upsertCity(2, 'Delft', 2)] });
  await before.process([first], plentyOfTime);
  await before.process([cloud.message(upsertCity(2, 'Delft', 3))], plentyOfTime);
  const head = () => cloud.heads.load(cloud.id, 'strong');
  return { cloud, before, after: cloud.producer({ schema: next }), first, head };
}

async function cityOf(cloud: MemoryCloud, id: number): Promise<unknown> {
  const consumer = cloud.consumer();
  await consumer.refresh();
  return consumer.find('City', id)?.toObject();
}

test('a version of its own, with a snapshot: same records, new fields null, new types empty; then both kinds of write go on', async () => {
  const { cloud, after, first, head } = await start();
  const reader = cloud.consumer();
  await reader.refresh();
  expect(await after.advanceSchema(schemaIdOf(old), plentyOfTime)).toBe(true);
  expect(await head()).toMatchObject({
    version: 3,
    schemaId: schemaIdOf(next),
    lastOperation: 'schema',
    snapshots: [{ version: 1 }, { version: 3 }],
  });
  expect(await cityOf(cloud, 2)).toEqual({
    cityId: 2,
    name: 'Delft',
    population: 3,
    mayor: null,
    area: null,
  });
  // A reader on the deltas sees it too, and goes on from there.
  await reader.refresh();
  expect(reader.find('City', 1)?.toObject()).toHaveProperty('mayor', null);
  const mayor = { op: 'patch', type: 'City', key: { cityId: 1 }, fields: { mayor: 'Ann' } };
  const { failed } = await after.process([first, cloud.message({ mutations: [mayor, river] })], plentyOfTime);
  expect(failed).toEqual([]);
  await reader.refresh();
  expect(reader.find('City', 1)?.toObject()).toHaveProperty('mayor', 'Ann');
  expect(reader.find('City', 2)?.toObject()).toHaveProperty('population', 3);
  expect(reader.find('River', 'Rhine')?.toObject()).toEqual({ name: 'Rhine', length: 1_233 });
  expect(
    cloud.telemetry.lines('info').filter(({ message }) => message === 'the schema was advanced'),
  ).toHaveLength(1);
});

test('what does not know the schema of the head refuses, on either side of the advance, and its messages stay', async () => {
  const { cloud, before, after } = await start();
  const messages: MutationMessage[] = [cloud.message(river)];
  const refused = [{ message: messages[0], reason: expect.stringMatching(/^incompatible: /) }];
  expect((await after.process(messages, plentyOfTime)).failed).toEqual(refused);
  await after.advanceSchema(schemaIdOf(old), plentyOfTime);
  const late = cloud.message(upsertCity(1, 'Utrecht', 9));
  expect((await before.process([late], plentyOfTime)).failed).toMatchObject([{ message: late }]);
  expect((await after.process([late, ...messages], plentyOfTime)).failed).toEqual([]);
  expect(await cityOf(cloud, 1)).toMatchObject({ population: 9 });
});

test('only from the schema that was named, and once; a dataset without a version needs none', async () => {
  const { cloud, after, head } = await start();
  await expect(after.advanceSchema('another', plentyOfTime)).rejects.toMatchObject({ kind: 'incompatible' });
  const results = await Promise.all(
    [1, 2, 3].map(() =>
      cloud
        .producer({ schema: next, clock: cloud.instantClock })
        .advanceSchema(schemaIdOf(old), plentyOfTime),
    ),
  );
  expect(results.filter((isMine) => isMine)).toHaveLength(1);
  expect((await head())?.version).toBe(3);
  expect(await new MemoryCloud().producer({ schema: next }).advanceSchema('x', plentyOfTime)).toBe(false);
});

test('a producer that is told to does it before its first batch, and again when the table was set back to before it', async () => {
  const { cloud, head } = await start();
  const earlier = await head();
  if (earlier === null) throw new Error('there is no head');
  const producer = cloud.producer({ schema: next, advanceFrom: schemaIdOf(old) });
  const message = cloud.message(river);
  const failedNow = async () => (await producer.process([message], plentyOfTime)).failed;
  expect(await failedNow()).toEqual([]);
  expect(await head()).toMatchObject({ version: 4, schemaId: schemaIdOf(next) });
  await cloud.heads.replace(cloud.id, await head(), { ...earlier, era: 2 });
  expect(await failedNow()).toMatchObject([{ reason: expect.stringMatching(/^incompatible: /) }]);
  expect(await failedNow()).toEqual([]);
  expect(await head()).toMatchObject({ era: 2, version: 4, schemaId: schemaIdOf(next) });
});

test('a producer that cannot advance it says so, and takes nothing in', async () => {
  const { cloud } = await start();
  const producer = cloud.producer({ schema: next, advanceFrom: 'another' });
  const message = cloud.message(river);
  expect((await producer.process([message], plentyOfTime)).failed).toHaveLength(1);
  expect(cloud.telemetry.lines('error')).toContainEqual(
    expect.objectContaining({ message: 'the schema was not advanced' }),
  );
});

test.each([
  ['a field of a type', 'City @PrimaryKey(cityId) { int cityId; }', /City lost the field 'name'/],
  [
    'a field',
    'City @PrimaryKey(cityId) { int cityId; String name; } String { string value; }',
    /City lost the field 'population'/,
  ],
  [
    'a kind',
    `City @PrimaryKey(cityId) { int cityId; String name; long population; } String { string value; }`,
    /another kind of field 'population'/,
  ],
  ['a key', `City @PrimaryKey(name) { ${city} } String { string value; }`, /another primary key/],
  [
    'a kind of type',
    `City @PrimaryKey(cityId) { int cityId; String name; int population; } String List<City>;`,
    /was a OBJECT and is a LIST/,
  ],
])('loses nothing: not %s', async (_, text, reason) => {
  const { cloud, head } = await start();
  const producer = cloud.producer({ schema: schemaOf(text) });
  await expect(producer.advanceSchema(schemaIdOf(old), plentyOfTime)).rejects.toMatchObject({
    kind: 'incompatible',
    message: expect.stringMatching(reason),
  });
  expect((await head())?.version).toBe(2);
});

test('loses nothing: not a type', () => {
  const [a, b] = ['A @PrimaryKey(a) { int a; }', 'B List<A>;'];
  const both = schemaOf(`${a} ${b}`);
  expect(() => requireAdvance(both, schemaOf(a))).toThrow(/B is gone/);
  expect(() => requireAdvance(both, schemaOf(`${a} B Set<A>;`))).toThrow(/was a LIST and is a SET/);
  expect(() => requireAdvance(both, schemaOf(`${a} C { int c; } B List<C>;`))).toThrow(/other elements/);
  requireAdvance(schemaOf(a), both);
});
