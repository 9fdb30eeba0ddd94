import { expect, it } from 'vitest';
import { PartitionedConsumer } from '../../../lib/consumer/partitioned-consumer.ts';
import { DatasetError } from '../../../lib/errors.ts';
import { MemoryMutationQueue } from '../../../lib/memory/mutation-queue.ts';
import { SeededRandom } from '../../../lib/memory/random.ts';
import type { MutationSink } from '../../../lib/ports.ts';
import { defineDataset, type } from '../../../lib/schema/builder.ts';
import { t } from '../../../lib/schema/field-specs.ts';
import { Sender } from '../../../lib/sender/sender.ts';
import { MemoryCloud, plentyOfTime } from '../../support/memory-cloud.ts';

const cities = defineDataset(
  { City: type({ id: t.int(), name: t.string(), population: t.int() }, { primaryKey: ['id'] }) },
  { partitions: 3 },
);

/** A queue that takes what it is sent and then does not say so, two times of five. */
function forgetful(queue: MemoryMutationQueue, random: SeededRandom): MutationSink {
  return {
    async send(messages) {
      await queue.send(messages);
      if (random.uniform() < 0.4) throw new DatasetError('unavailable', 'no answer');
    },
  };
}

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
    const small = { lingerMs: 2, messageSizeMax: 600 };
    const sender = new Sender({
      ...ports,
      dataset: cities,
      sinks: queues.map((queue) => forgetful(queue, random)),
      ...small,
    });
    const expected = new Map<number, { name: string; population: number }>();
    for (let i = 0; i < 200; i++) {
      const id = Math.floor(random.uniform() * 20);
      const kind = random.uniform();
      const record = expected.get(id);
      if (kind < 0.2) {
        await sender.delete('City', { id });
        expected.delete(id);
      } else if (kind < 0.6) {
        await sender.increment('City', { id }, { population: i });
        if (record !== undefined) record.population += i;
      } else {
        await sender.upsert('City', { id, name: `${i}`, population: 0 });
        expected.set(id, { name: `${i}`, population: 0 });
      }
      if (random.uniform() < 0.3) await clock.advance(Math.floor(random.uniform() * 5));
    }
    let isSent = false;
    const closed = sender.close().finally(() => {
      isSent = true;
    });
    while (!isSent && (await clock.advanceToNext()));
    await closed;
    expect(telemetry.sum('SendsRepeated')).toBeGreaterThan(5);
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
    const found = Array.from(consumer.state.type('City'), (city) => {
      const { id, name, population } = city;
      return [id, { name, population }] as const;
    });
    expect(new Map(found)).toEqual(expected);
    expect(cloud.quarantine.records()).toEqual([]);
  },
);
