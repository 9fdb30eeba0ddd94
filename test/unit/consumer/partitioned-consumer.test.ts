import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { type PartitionChange, PartitionedConsumer } from '../../../lib/consumer/partitioned-consumer.ts';
import { DatasetError } from '../../../lib/errors.ts';
import { SeededRandom } from '../../../lib/memory/random.ts';
import type { AnnouncementWatcher, DatasetId } from '../../../lib/ports.ts';
import { defineDataset, type } from '../../../lib/schema/builder.ts';
import { t } from '../../../lib/schema/field-specs.ts';
import { MemoryCloud, plentyOfTime } from '../../support/memory-cloud.ts';

const cities = defineDataset(
  {
    City: type({ cityId: t.int(), name: t.string(), population: t.int() }, { primaryKey: ['cityId'] }),
  },
  { partitions: 4 },
);
const count = cities.partitions.count;
const cityIds = Array.from({ length: 40 }, (_, i) => i + 1);
const home = (cityId: number) => cities.partitionOf('City', cityId);
const upsert = (cityId: number, name: string) => ({ op: 'upsert', type: 'City', value: { cityId, name } });

let cloud: MemoryCloud;
const partitionId = (partition: number): DatasetId => ({ dataset: 'cities', partition });

/** One version in each partition that has a change. */
async function commit(...mutations: readonly ReturnType<typeof upsert>[]): Promise<void> {
  for (let partition = 0; partition < count; partition++) {
    const own = mutations.filter(({ value }) => home(value.cityId) === partition);
    if (own.length === 0) continue;
    const producer = cloud.producer({
      id: partitionId(partition),
      schema: cities.schema,
      partitions: cities.partitions,
    });
    const message = cloud.message({ mutations: own });
    expect(await producer.process([message], plentyOfTime)).toMatchObject({ failed: [] });
  }
}

function consumerOf(partitions?: readonly number[]): PartitionedConsumer<typeof cities> {
  const { heads, blobs, clock, telemetry } = cloud;
  const ports = { heads, blobs, clock, telemetry, random: new SeededRandom(7), dataset: cities };
  return new PartitionedConsumer({
    ...ports,
    id: { dataset: 'cities' },
    ...(partitions === undefined ? {} : { partitions }),
  });
}

beforeEach(async () => {
  cloud = new MemoryCloud();
  await commit(...cityIds.map((cityId) => upsert(cityId, `City ${cityId}`)));
});

describe('a consumer of all partitions', () => {
  it('finds every record where its key belongs, and goes through all of them', async () => {
    const consumer = consumerOf();
    await consumer.refresh();
    for (const cityId of cityIds) expect(consumer.get('City', cityId).name).toBe(`City ${cityId}`);
    expect(consumer.find('City', 99)).toBeUndefined();
    expect(() => consumer.get('City', 99)).toThrow('there is no City with the key (number 99)');
    const { state } = consumer;
    expect(state.type('City').count).toBe(cityIds.length);
    expect(state.type('City').name).toBe('City');
    expect(Array.from(state.type('City'), ({ cityId }) => cityId).toSorted((a, b) => a - b)).toEqual(cityIds);
    expect(state.type('City').get(7).name).toBe('City 7');
    expect(state.type('City').find(99)).toBeUndefined();
    expectTypeOf(consumer.get('City', 1).name).toEqualTypeOf<string | null>();
  });

  it('keeps a state that was taken as it is, and has a version of each partition', async () => {
    const consumer = consumerOf();
    await consumer.refresh();
    const before = consumer.state;
    await commit(upsert(7, 'Seven'));
    await consumer.refresh();
    expect(consumer.get('City', 7).name).toBe('Seven');
    expect(before.type('City').get(7).name).toBe('City 7');
    const versions = (of: ReadonlyMap<number, { readonly version: number } | null>) =>
      Array.from(of.values(), (ref) => ref?.version);
    expect(versions(before.versions)).toEqual([1, 1, 1, 1]);
    expect(versions(consumer.versions)).toEqual([0, 1, 2, 3].map((p) => (p === home(7) ? 2 : 1)));
  });

  it('tells of each swap and of its partition, and refreshes one partition alone', async () => {
    const consumer = consumerOf();
    await consumer.refresh();
    const changes: PartitionChange[] = [];
    const forget = consumer.onChange((change) => changes.push(change));
    await commit(upsert(7, 'Seven'));
    const other = (home(7) + 1) % count;
    await consumer.partition(other).refresh();
    expect(changes).toEqual([]);
    await consumer.partition(home(7)).refresh();
    expect(changes).toMatchObject([
      { partition: home(7), from: { ref: { version: 1 } }, to: { ref: { version: 2 } } },
    ]);
    forget();
    await commit(upsert(7, 'VII'));
    await consumer.refresh();
    expect(changes).toHaveLength(1);
  });

  it('goes on in the other partitions where one fails', async () => {
    const consumer = consumerOf();
    await consumer.refresh();
    await commit(...cityIds.map((cityId) => upsert(cityId, 'new')));
    const broken = home(7);
    const { heads } = cloud;
    const load = heads.load.bind(heads);
    heads.load = async (id, consistency) => {
      if (id.partition === broken) throw new DatasetError('unavailable', 'no answer');
      return load(id, consistency);
    };
    await expect(consumer.refresh()).rejects.toThrow('no answer');
    for (const cityId of cityIds) {
      expect(consumer.get('City', cityId).name).toBe(home(cityId) === broken ? `City ${cityId}` : 'new');
    }
    expect(consumer.health).toMatchObject({ isReady: true, failuresInRow: 1, lastError: 'no answer' });
    heads.load = load;
    await consumer.refresh();
    expect(consumer.health).toMatchObject({
      failuresInRow: 0,
      lastError: null,
      headAgeMs: 0,
      lagVersions: 0,
    });
  });
});

describe('a consumer of some partitions', () => {
  it('loads those, and says so of keys that belong elsewhere', async () => {
    const consumer = consumerOf([home(7)]);
    expect(() => consumer.state).toThrow('no version is loaded yet');
    await consumer.refresh();
    expect(consumer.get('City', 7).name).toBe('City 7');
    expect(consumer.state.type('City').count).toBe(cityIds.filter((id) => home(id) === home(7)).length);
    const elsewhere = cityIds.find((id) => home(id) !== home(7)) ?? 0;
    expect(() => consumer.find('City', elsewhere)).toThrow(`partition ${home(elsewhere)} is not loaded`);
    expect(() => consumer.state.type('City').find(elsewhere)).toThrow('is not loaded');
  });

  it.each([[[4]], [[-1]], [[]]])('refuses the partitions %j', (partitions) => {
    expect(() => consumerOf(partitions)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });
});

describe('a receipt', () => {
  it('is asked of its partition, which alone is refreshed for it', async () => {
    const consumer = consumerOf();
    await consumer.refresh();
    const elsewhere = cityIds.find((id) => home(id) !== home(7)) ?? 0;
    await commit(upsert(elsewhere, 'moved on'));
    const progress = { source: 'app', sequence: 1 };
    const receipt = { partition: home(7), ...progress };
    expect(await consumer.waitFor(receipt, 0)).toBe(false);
    const waiting = consumer.waitFor(receipt, 5_000);
    const producer = cloud.producer({
      id: partitionId(home(7)),
      schema: cities.schema,
      partitions: cities.partitions,
    });
    await producer.process([cloud.message({ mutations: [upsert(7, 'Seven')], progress })], plentyOfTime);
    await cloud.clock.advance(2_000);
    expect(await waiting).toBe(true);
    expect(consumer.has(receipt)).toBe(true);
    expect(consumer.has({ ...receipt, partition: home(elsewhere) })).toBe(false);
    expect(consumer.get('City', 7).name).toBe('Seven');
    expect(consumer.get('City', elsewhere).name).toBe(`City ${elsewhere}`);
  });

  it('of a partition that is not loaded is a mistake', async () => {
    const consumer = consumerOf([0]);
    const receipt = { partition: 1, source: 'app', sequence: 1 };
    expect(() => consumer.has(receipt)).toThrow('partition 1 is not loaded');
    await expect(consumer.waitFor(receipt, 1_000)).rejects.toMatchObject({ kind: 'invalid' });
  });
});

describe('a started consumer', () => {
  it('watches each watcher once and gives every partition its hints', async () => {
    let watching = 0;
    let fails = 1;
    const watcher: AnnouncementWatcher = {
      async watch(listener, signal) {
        watching += 1;
        expect(watching).toBe(1);
        try {
          if (fails-- > 0) throw new DatasetError('unavailable', 'no queue');
          await cloud.announcements.watch(listener, signal);
        } finally {
          watching -= 1;
        }
      },
    };
    const consumer = consumerOf();
    consumer.start([watcher]);
    await cloud.clock.advance(500);
    expect(consumer.state.type('City').count).toBe(cityIds.length);
    expect(watching).toBe(1);
    await commit(upsert(7, 'Seven'));
    await cloud.clock.advance(1); // no poll is due: it was a hint
    expect(consumer.get('City', 7).name).toBe('Seven');
    await consumer.stop();
    expect(watching).toBe(0);
    await commit(upsert(7, 'VII'));
    await cloud.clock.advance(120_000);
    expect(consumer.get('City', 7).name).toBe('Seven');
  });
});
