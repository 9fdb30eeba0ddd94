/** All of it on one machine, without AWS: files and SQLite. `node examples/one-machine.ts some-folder` */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Consumer, defineDataset, type Telemetry, t, type } from 'serverless-hollow';
import * as local from 'serverless-hollow/local';
import { Producer } from 'serverless-hollow/producer';
import { Sender } from 'serverless-hollow/sender';

const cities = defineDataset({
  City: type({ id: t.int(), name: t.string() }, { primaryKey: ['id'] }),
});

/** Sends a city, and gives its name as a consumer in the same process has it. */
export async function runIn(folder: string): Promise<string | null> {
  mkdirSync(folder, { recursive: true });
  const telemetry: Telemetry = { log: () => undefined, record: () => undefined };
  const [clock, random] = [local.systemClock, local.systemRandom];
  const queueOptions = { file: join(folder, 'queue.sqlite'), clock, random, visibilityMs: 30_000 };
  const queue = new local.LocalMutationQueue(queueOptions);
  const directory = join(folder, 'announcements');
  const announcements = new local.LocalAnnouncements({ directory, clock, telemetry });
  const ports = {
    id: { dataset: 'cities', partition: 0 },
    heads: new local.LocalHeadStore(join(folder, 'heads.sqlite')),
    blobs: new local.LocalBlobStore(join(folder, 'blobs')),
    ...{ clock, random, telemetry },
  };

  const quarantine = new local.LocalQuarantine(join(folder, 'quarantine.sqlite'));
  const producer = new Producer({ ...ports, schema: cities.schema, announcer: announcements, quarantine });
  const stop = new AbortController();
  const running = producer.run(queue, stop.signal); // as many as you like, in any process

  const consumer = new Consumer({ ...ports, dataset: cities });
  consumer.start([announcements]);

  const sender = new Sender({ dataset: cities, sinks: queue, clock, random, telemetry });
  const { accepted } = await sender.upsert('City', { id: 1, name: 'Utrecht' });
  await consumer.waitFor(await accepted, 10_000);
  const { name } = consumer.get('City', 1);

  await sender.close();
  stop.abort();
  await Promise.all([running, consumer.stop()]);
  return name;
}

if (import.meta.main) console.log(await runIn(process.argv[2] ?? '.data'));
