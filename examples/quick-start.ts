/** Define a dataset, write it, read it: all in memory. `node examples/quick-start.ts` */
import { Consumer, defineDataset, messageBody, type RecordOf, t, type } from 'serverless-hollow';
import { Producer } from 'serverless-hollow/producer';
import * as testing from 'serverless-hollow/testing';

const cities = defineDataset({
  City: type(
    { id: t.int(), name: t.string(), population: t.int(), founded: t.date(), tags: t.set(t.string()) },
    { primaryKey: ['id'] },
  ),
});
type City = RecordOf<typeof cities, 'City'>;

const ports = {
  id: { dataset: 'cities', partition: 0 },
  heads: new testing.MemoryHeadStore(),
  blobs: new testing.MemoryBlobStore(),
  clock: new testing.VirtualClock(),
  random: new testing.SeededRandom(1),
  telemetry: new testing.MemoryTelemetry(),
};

// Write: applications send messages, a producer commits them as one new version.
const queue = new testing.MemoryMutationQueue({ ...ports, visibilityMs: 30_000 });
const founded = new Date('1122-06-02');
const utrecht = { id: 1, name: 'Utrecht', population: 361_924, founded, tags: ['canals', 'bicycles'] };
const body = messageBody(cities, [{ op: 'upsert', type: 'City', value: utrecht }]);
await queue.send([{ body }]);

const aside = { announcer: new testing.MemoryAnnouncements(), quarantine: new testing.MemoryQuarantine() };
const producer = new Producer({ ...ports, ...aside, schema: cities.schema });
const messages = await queue.receive(10, 0);
const { acknowledged } = await producer.process(messages, { remainingMs: () => 10_000 });
await queue.acknowledge(acknowledged);

// Read: one copy in memory, no await.
const consumer = new Consumer({ ...ports, dataset: cities });
await consumer.refresh();
const describe = (city: City) => `${city.name}, founded ${city.founded?.getUTCFullYear()}`;
export const answer = describe(consumer.get('City', 1));
export const hasCanals = consumer.get('City', 1).tags?.has('canals');
console.log(answer, hasCanals); // Utrecht, founded 1122 true
