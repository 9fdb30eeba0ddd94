import { expect, it } from 'vitest';
import { PartitionedConsumer } from '../../../lib/consumer/partitioned-consumer.ts';
import { MemoryMutationQueue } from '../../../lib/memory/mutation-queue.ts';
import { SeededRandom } from '../../../lib/memory/random.ts';
import { defineDataset, type } from '../../../lib/schema/builder.ts';
import { t } from '../../../lib/schema/field-specs.ts';
import { Sender } from '../../../lib/sender/sender.ts';
import { MemoryCloud, plentyOfTime } from '../../support/memory-cloud.ts';

const cities = defineDataset(
  { City: type({ id: t.int(), name: t.string(), population: t.int() }, { primaryKey: ['id'] }) },
  { partitions: 3 },
);

it.each([1, 2, 3, 4, 5])(
  'what was sent last is what is read, whatever the queues do (seed %i)',
  async (seed) => {
    const cloud = new MemoryCloud();
    const random = new SeededRandom(seed);
    const { clock, heads, blobs, telemetry } = cloud;
    const ports = { clock, random, telemetry };
    const queues = [0, 1, 2].map(() => new MemoryMutationQueue({ ...ports, visibilityMs: 30_000 }));
    const producers = queues.map((_, partition) =>
      cloud.producer({
        id: { dataset: 'cities', partition },
        schema: cities.schema,
        partitions: cities.partitions,
      }),
    );
    const sender = new Sender({ ...ports, dataset: cities, sinks: queues, lingerMs: 2, messageSizeMax: 600 });
    const expected = new Map<number, string>();
    for (let i = 0; i < 200; i++) {
      const id = Math.floor(random.uniform() * 20);
      if (random.uniform() < 0.2) {
        await sender.delete('City', { id });
        expected.delete(id);
      } else {
        await sender.upsert('City', { id, name: `${i}` });
        expected.set(id, `${i}`);
      }
      if (random.uniform() < 0.3) await clock.advance(Math.floor(random.uniform() * 5));
    }
    await sender.close();
    for (const [partition, queue] of queues.entries()) {
      while (queue.messageCount > 0) {
        const messages = await queue.receive(3, 0);
        const { acknowledged } = (await producers[partition]?.process(messages, plentyOfTime)) ?? {
          acknowledged: [],
        };
        await queue.acknowledge(acknowledged);
      }
    }
    const consumer = new PartitionedConsumer({
      ...ports,
      heads,
      blobs,
      dataset: cities,
      id: { dataset: 'cities' },
    });
    await consumer.refresh();
    const found = Array.from(consumer.state.type('City'), ({ id, name }) => [id, name]);
    expect(new Map(found as [number, string][])).toEqual(expected);
    expect(cloud.quarantine.records()).toEqual([]);
  },
);
