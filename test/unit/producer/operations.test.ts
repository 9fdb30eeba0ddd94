import { expect, test } from 'vitest';
import type { MutationMessage } from '../../../lib/ports.ts';
import type { Producer } from '../../../lib/producer/producer.ts';
import { deleteCity, MemoryCloud, patchCity, plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';

const at = (timestamp: number) => ({ order: { timestamp, source: 'app', sequence: 0 } });

const increment = (population: number, more: object = {}, cityId = 1) => ({
  op: 'increment',
  type: 'City',
  key: { cityId },
  fields: { population },
  ...more,
});

async function send(producer: Producer, ...messages: MutationMessage[]): Promise<void> {
  const { failed } = await producer.process(messages, plentyOfTime);
  expect(failed).toEqual([]);
}

async function populationOf(cloud: MemoryCloud, cityId = 1): Promise<unknown> {
  const consumer = cloud.consumer();
  await consumer.refresh();
  return consumer.find('City', cityId)?.toObject()['population'];
}

const reasons = (cloud: MemoryCloud): string[] => cloud.quarantine.records().map(({ reason }) => reason);

test('an increment counts once, however often its message comes and whichever producer takes it', async () => {
  const cloud = new MemoryCloud();
  const [a, b] = [cloud.producer(), cloud.producer()];
  await send(a, cloud.message(upsertCity(1, 'Utrecht', 10)));
  const message = cloud.message(increment(5));
  await send(a, message, message);
  await send(b, message);
  await send(a, { ...message, receiveCount: 2 });
  expect(await populationOf(cloud)).toBe(15);
});

test('the same operation id in two messages counts once; another record with it is quarantined', async () => {
  const cloud = new MemoryCloud();
  const producer = cloud.producer();
  await send(producer, cloud.message({ mutations: [upsertCity(1, 'a', 0), upsertCity(2, 'b', 0)] }));
  const once = { opId: 'order-7', ...at(cloud.clock.nowMs() + 1) };
  await send(producer, cloud.message(increment(3, once)), cloud.message(increment(3, once)));
  await send(producer, cloud.message(increment(3, once, 2)));
  expect([await populationOf(cloud), await populationOf(cloud, 2)]).toEqual([3, 0]);
  expect(reasons(cloud)).toEqual([expect.stringContaining('the operation id was used before')]);
});

test('an increment stands in the order of stamps: older than an upsert it is gone, newer it is in, whatever came first', async () => {
  for (const first of ['increments', 'upsert']) {
    const cloud = new MemoryCloud();
    const producer = cloud.producer();
    await send(producer, cloud.message({ ...upsertCity(1, 'a', 0), ...at(1) }));
    const increments = cloud.message({
      mutations: [increment(1, { ...at(5), opId: 'x' }), increment(10, { ...at(15), opId: 'y' })],
    });
    const upsert = cloud.message({ ...upsertCity(1, 'b', 100), ...at(10) });
    for (const message of first === 'upsert' ? [upsert, increments] : [increments, upsert]) {
      await send(producer, message);
    }
    expect(await populationOf(cloud)).toBe(110);
    await send(producer, cloud.message({ ...patchCity(1, { population: 7 }), ...at(12) }), increments);
    expect(await populationOf(cloud)).toBe(17);
  }
});

test('an increment of a record that is not there waits for it', async () => {
  const cloud = new MemoryCloud();
  await send(cloud.producer(), cloud.message(increment(5, at(20))));
  expect(await populationOf(cloud)).toBeUndefined();
  await send(cloud.producer(), cloud.message({ ...upsertCity(1, 'a', 100), ...at(10) }));
  expect(await populationOf(cloud)).toBe(105);
});

test('ifAbsent: the first one wins, the second is told so, also when it comes again', async () => {
  const cloud = new MemoryCloud();
  const producer = cloud.producer();
  const condition = { ifAbsent: true };
  const [first, second] = [1, 2].map((sequence) =>
    cloud.message({
      ...upsertCity(1, `city ${sequence}`, sequence),
      condition,
      order: { timestamp: 5, source: 'app', sequence },
    }),
  ) as [MutationMessage, MutationMessage];
  await send(producer, second, first);
  expect(await populationOf(cloud)).toBe(1);
  expect(cloud.quarantine.records()).toMatchObject([
    { messageId: second.id, index: 0, reason: 'condition: ifAbsent, and the record is there' },
  ]);
  await send(producer, cloud.message({ ...deleteCity(1), ...at(10) }));
  await send(producer, first, second);
  expect(await populationOf(cloud)).toBeUndefined();
  expect(reasons(cloud)).toHaveLength(2);
});

test('ifVersion: names what was read last; a patch or an increment makes a new version', async () => {
  const cloud = new MemoryCloud();
  const producer = cloud.producer();
  const version = (timestamp: number) => ({ condition: { ifVersion: at(timestamp).order } });
  await send(producer, cloud.message({ ...upsertCity(1, 'a', 1), ...at(10) }));
  await send(producer, cloud.message({ ...patchCity(1, { population: 2 }), ...at(20), ...version(10) }));
  await send(producer, cloud.message({ ...upsertCity(1, 'lost', 9), ...at(25), ...version(10) }));
  await send(producer, cloud.message(increment(1, at(30))));
  await send(producer, cloud.message({ ...deleteCity(1), ...at(40), ...version(20) }));
  await send(producer, cloud.message({ ...upsertCity(1, 'older', 9), ...at(30), ...version(30) }));
  expect(await populationOf(cloud)).toBe(3);
  expect(reasons(cloud)).toEqual([
    'condition: ifVersion [10,"app",0], and the record is at [20,"app",0]',
    'condition: ifVersion [20,"app",0], and the record is at [30,"app",0]',
    'condition: it holds, but the order stamp [30,"app",0] is not newer than [30,"app",0]',
  ]);
  await send(producer, cloud.message({ ...deleteCity(1), ...at(40), ...version(30) }));
  expect(await populationOf(cloud)).toBeUndefined();
});

test('an atomic message with a condition that fails does nothing at all, and never will', async () => {
  const cloud = new MemoryCloud();
  const producer = cloud.producer();
  await send(producer, cloud.message({ ...upsertCity(1, 'a', 1), ...at(1) }));
  const message = cloud.message({
    atomic: true,
    mutations: [
      { ...upsertCity(2, 'b', 1), ...at(5) },
      increment(5, at(6)),
      { ...upsertCity(1, 'x', 9), ...at(7), condition: { ifAbsent: true } },
    ],
  });
  await send(producer, message);
  await send(producer, cloud.message({ ...deleteCity(1), ...at(2) }), message);
  expect([await populationOf(cloud), await populationOf(cloud, 2)]).toEqual([undefined, undefined]);
  expect(cloud.quarantine.records()).toMatchObject([
    { index: null, messageId: message.id, content: message.body },
    { index: null, messageId: message.id },
  ]);
});

test('an atomic message is taken in one version, its parts seeing each other', async () => {
  const cloud = new MemoryCloud();
  const message = cloud.message({
    atomic: true,
    mutations: [
      { ...upsertCity(1, 'a', 1), ...at(1), condition: { ifAbsent: true } },
      increment(5, at(2)),
      { ...patchCity(1, { name: 'b' }), ...at(3), condition: { ifVersion: at(2).order } },
      { ...upsertCity(2, 'c', 7), ...at(3) },
    ],
  });
  const producer = cloud.producer();
  await send(producer, message, message);
  expect((await cloud.heads.load(cloud.id, 'strong'))?.version).toBe(1);
  await send(producer, message);
  expect((await cloud.heads.load(cloud.id, 'strong'))?.version).toBe(1);
  expect([await populationOf(cloud), await populationOf(cloud, 2)]).toEqual([6, 7]);
  expect(cloud.quarantine.records()).toEqual([]);
});

test('a failed condition is acknowledged only when quarantine has it', async () => {
  const cloud = new MemoryCloud();
  await send(cloud.producer(), cloud.message(upsertCity(1, 'a')));
  const message = cloud.message({ ...upsertCity(1, 'b'), condition: { ifAbsent: true } });
  const { DatasetError } = await import('../../../lib/errors.ts');
  const broken = { send: () => Promise.reject(new DatasetError('unavailable', 'away')) };
  const { failed } = await cloud.producer({ quarantine: broken }).process([message], plentyOfTime);
  expect(failed).toEqual([{ message, reason: 'quarantine: away' }]);
  await send(cloud.producer(), message);
  expect(reasons(cloud)).toHaveLength(1);
});

test('sums stay within the field', async () => {
  const cloud = new MemoryCloud();
  const producer = cloud.producer();
  await send(producer, cloud.message({ ...upsertCity(1, 'a', 2_147_483_000), ...at(1) }));
  await send(producer, cloud.message(increment(1_000, at(2))));
  expect(await populationOf(cloud)).toBe(2_147_483_647);
});

test('a box of null stays where another field is patched or added to', async () => {
  const cloud = new MemoryCloud();
  const producer = cloud.producer();
  const value = { cityId: 1, name: { value: null }, population: 1 };
  await send(producer, cloud.message({ op: 'upsert', type: 'City', value }));
  for (const change of [patchCity(1, { population: 5 }), increment(2)]) {
    await send(producer, cloud.message(change));
    const consumer = cloud.consumer();
    await consumer.refresh();
    expect(consumer.state.type('String').count).toBe(1);
  }
  expect(await populationOf(cloud)).toBe(7);
});
