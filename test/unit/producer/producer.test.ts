import { describe, expect, it } from 'vitest';
import { DatasetError } from '../../../lib/errors.ts';
import { judgeHealth } from '../../../lib/health-rules.ts';
import { limits } from '../../../lib/limits.ts';
import { MemoryMutationQueue } from '../../../lib/memory/mutation-queue.ts';
import { SeededRandom } from '../../../lib/memory/random.ts';
import type { Announcement } from '../../../lib/ports.ts';
import type { ProducerOptions } from '../../../lib/producer/producer.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { PartitionMap } from '../../../lib/schema/partition-map.ts';
import {
  citySchema,
  MemoryCloud,
  patchCity as patch,
  plentyOfTime as plenty,
  deleteCity as remove,
  upsertCity as upsert,
} from '../../support/memory-cloud.ts';

function setUp() {
  const cloud = new MemoryCloud();
  const hints: Announcement[] = [];
  void cloud.announcements.watch((hint) => hints.push(hint), new AbortController().signal);
  const { id, clock, heads, blobs, quarantine, telemetry, instantClock } = cloud;
  return {
    ...{ id, clock, heads, blobs, quarantine, telemetry, instantClock, hints },
    producer: (more: Partial<ProducerOptions> = {}) => cloud.producer(more),
    consumer: () => cloud.consumer(),
    message: (...args: Parameters<MemoryCloud['message']>) => cloud.message(...args),
  };
}

describe('Producer', () => {
  it('begins a chain with a snapshot and goes on with deltas that consumers follow', async () => {
    const { producer, consumer, message, heads, blobs, id } = setUp();
    const own = producer();
    const reader = consumer();
    const first = message(upsert(1, 'Utrecht', 360_000));
    expect(await own.process([first], plenty)).toEqual({ acknowledged: [first], failed: [] });
    await reader.refresh();
    expect(reader.get('City', 1).toObject()).toEqual({ cityId: 1, name: 'Utrecht', population: 360_000 });
    await own.process([message(upsert(2, 'Delft')), message(remove(1))], plenty);
    await reader.refresh();
    expect(reader.find('City', 1)).toBeUndefined();
    expect(reader.get('City', 2)['name']).toBe('Delft');
    const head = await heads.load(id, 'strong');
    expect(head).toMatchObject({ era: 1, version: 2, floor: 1, lastOperation: 'commit' });
    expect(reader.version).toEqual({ era: 1, epoch: 0, version: 2, cid: head?.cid });
    expect(blobs.names().map((name) => name.replace(/[0-9a-f]{32}/, 'CID'))).toEqual([
      'd/cities/1/0/snapshot/0000000000000001-CID',
      'd/cities/1/0/snapshot/0000000000000001-CID.part-bookkeeping',
      'd/cities/1/0/delta/0000000000000001-0000000000000002-CID',
      'd/cities/1/0/delta/0000000000000001-0000000000000002-CID.part-bookkeeping',
    ]);
  });

  it('commits nothing for what is in already, whoever brought it in', async () => {
    const { producer, message, heads, id } = setUp();
    const batch = [message(upsert(1, 'Utrecht')), message(upsert(2, 'Delft'))];
    await producer().process(batch, plenty);
    const again = await producer().process([...batch].reverse(), plenty);
    expect(again.acknowledged).toHaveLength(2);
    expect((await heads.load(id, 'strong'))?.version).toBe(1);
  });

  it('lets the later mutation win, in whatever order they arrive', async () => {
    const { producer, consumer, message } = setUp();
    const at = (timestamp: number): object => ({ order: { timestamp, source: 'app', sequence: 0 } });
    const own = producer();
    await own.process([message({ ...remove(1), ...at(30) })], plenty);
    await own.process([message({ ...upsert(1, 'older'), ...at(20) })], plenty);
    await own.process([message({ ...patch(2, { population: 5 }), ...at(50) })], plenty);
    await own.process([message({ ...upsert(2, 'patched'), ...at(40) })], plenty);
    const reader = consumer();
    await reader.refresh();
    expect(reader.find('City', 1)).toBeUndefined();
    expect(reader.get('City', 2).toObject()).toEqual({ cityId: 2, name: 'patched', population: 5 });
  });

  it('quarantines what is bad and commits the rest of the message', async () => {
    const { producer, consumer, message, quarantine } = setUp();
    const mixed = message({ mutations: [upsert(1, 'Utrecht'), { ...upsert(2, 'x'), type: 'Town' }] });
    const broken = message('{');
    const good = message(upsert(3, 'Delft'));
    const result = await producer().process([mixed, broken, good], plenty);
    expect(result.acknowledged).toEqual([mixed, broken, good]);
    expect(quarantine.records()).toMatchObject([
      { messageId: mixed.id, index: 1, field: 'mutations[1].type' },
      { messageId: broken.id, index: null },
    ]);
    const reader = consumer();
    await reader.refresh();
    expect(reader.get('City', 1)['name']).toBe('Utrecht');
    expect(reader.get('City', 3)['name']).toBe('Delft');
  });

  it('keeps messages whose bad part could not be set aside, but commits what is good', async () => {
    const { producer, consumer, message } = setUp();
    const down = { send: () => Promise.reject(new DatasetError('unavailable', 'down')) };
    const mixed = message({ mutations: [upsert(1, 'Utrecht'), { op: 'noop' }] });
    const good = message(upsert(2, 'Delft'));
    const result = await producer({ quarantine: down }).process([mixed, good], plenty);
    expect(result.acknowledged).toEqual([good]);
    expect(result.failed).toEqual([{ message: mixed, reason: 'quarantine: down' }]);
    const reader = consumer();
    await reader.refresh();
    expect(reader.get('City', 1)['name']).toBe('Utrecht');
  });

  it('announces each commit, and survives that the announcement fails', async () => {
    const { producer, message, hints, telemetry, heads, id } = setUp();
    await producer().process([message(upsert(1, 'Utrecht'), { correlationId: 'order-7' })], plenty);
    const first = await heads.load(id, 'strong');
    const deaf = { announce: () => Promise.reject(new DatasetError('unavailable', 'down')) };
    const result = await producer({ announcer: deaf }).process([message(upsert(2, 'Delft'))], plenty);
    expect(result.acknowledged).toHaveLength(1);
    expect(hints).toEqual([
      expect.objectContaining({ version: 1, cid: first?.cid, previousCid: '', correlationIds: ['order-7'] }),
    ]);
    expect(telemetry.sum('AnnouncementsFailed')).toBe(1);
    expect(telemetry.sum('Commits')).toBe(2);
  });

  it('refuses to write to a dataset of another schema', async () => {
    const { producer, message } = setUp();
    await producer().process([message(upsert(1, 'Utrecht'))], plenty);
    const other = DatasetSchema.of(parseSchemas('City @PrimaryKey(cityId) { int cityId; }'));
    const late = message({ op: 'upsert', type: 'City', value: { cityId: 9 } });
    const result = await producer({ schema: other }).process([late], plenty);
    expect(result.failed[0]?.reason).toMatch(/^incompatible/);
  });

  it('starts no round without time for it', async () => {
    const { producer, message, heads, id } = setUp();
    const result = await producer().process([message(upsert(1, 'Utrecht'))], { remainingMs: () => 1_999 });
    expect(result.failed[0]?.reason).toMatch(/^unavailable/);
    expect(await heads.load(id, 'strong')).toBeNull();
  });

  it('writes a snapshot when the chain has grown, and trims the ring by it', async () => {
    const { producer, consumer, message, heads, id } = setUp();
    const chainBounds = { recentEntriesMin: 3, chainLengthForSnapshot: 4, chainLengthMax: 8 };
    const own = producer({ chainBounds });
    for (let i = 0; i < 10; i++) await own.process([message(upsert(i, `city ${i}`))], plenty);
    const head = await heads.load(id, 'strong');
    expect(head?.snapshots.map(({ version }) => version)).toEqual([1, 5, 9]);
    expect(head?.recent.map(({ version }) => version)).toEqual([8, 9, 10]);
    const reader = consumer();
    await reader.refresh();
    expect(reader.state.type('City').count).toBe(10);
    await producer({ chainBounds }).process([message(upsert(3, 'again'))], plenty);
    await reader.refresh();
    expect(reader.get('City', 3)['name']).toBe('again');
  });

  it('takes no commit when the chain is too long and no snapshot can be written', async () => {
    const { producer, message, heads, blobs, id, clock, instantClock } = setUp();
    const chainBounds = { recentEntriesMin: 3, chainLengthForSnapshot: 2, chainLengthMax: 3 };
    let isDown = false;
    const flaky: ProducerOptions['blobs'] = {
      get: (name) => blobs.get(name),
      put: (name, bytes, metadata) =>
        isDown && name.includes('/snapshot/')
          ? Promise.reject(new DatasetError('unavailable', 'down'))
          : blobs.put(name, bytes, metadata),
    };
    const own = producer({ chainBounds, blobs: flaky, clock: instantClock });
    await own.process([message(upsert(0, 'first'))], plenty);
    isDown = true;
    for (let i = 1; i <= 3; i++) await own.process([message(upsert(i, `city ${i}`))], plenty);
    const result = await own.process([message(upsert(9, 'too many'))], plenty);
    expect(result.failed).toHaveLength(1);
    expect((await heads.load(id, 'strong'))?.version).toBe(4);
    isDown = false;
    await clock.advance(limits.breakerPauseMsMax);
    expect((await own.process([message(upsert(9, 'now'))], plenty)).failed).toHaveLength(0);
    expect((await heads.load(id, 'strong'))?.snapshots.at(-1)?.version).toBeGreaterThanOrEqual(4);
  });

  it('loses nothing when many producers race', async () => {
    const { producer, consumer, message, heads, id, instantClock } = setUp();
    const racers = Array.from({ length: 4 }, () => producer({ clock: instantClock }));
    let expected = 0;
    for (let round = 0; round < 10; round++) {
      const results = await Promise.all(
        racers.map((own, at) => own.process([message(upsert(++expected, `from ${at}`))], plenty)),
      );
      expect(results.flatMap((result) => result.failed)).toEqual([]);
    }
    const reader = consumer();
    await reader.refresh();
    expect(reader.state.type('City').count).toBe(40);
    expect((await heads.load(id, 'strong'))?.version).toBe(40);
  });

  it('finds its own commit again when the answer got lost, and announces it', async () => {
    const { producer, message, heads, hints, telemetry, id, instantClock } = setUp();
    let isLossy = true;
    const lossy: ProducerOptions['heads'] = {
      load: (...args) => heads.load(...args),
      registerSnapshot: (...args) => heads.registerSnapshot(...args),
      commit: async (...args) => {
        const outcome = await heads.commit(...args);
        if (isLossy) {
          isLossy = false;
          throw new DatasetError('unavailable', 'no answer');
        }
        return outcome;
      },
    };
    const result = await producer({ heads: lossy, clock: instantClock }).process(
      [message(upsert(1, 'Utrecht'))],
      plenty,
    );
    expect(result.acknowledged).toHaveLength(1);
    expect((await heads.load(id, 'strong'))?.version).toBe(1);
    expect(hints).toHaveLength(1);
    expect(telemetry.sum('Commits')).toBe(1);
    expect(telemetry.sum('CommitsUnknown')).toBe(1);
  });

  it('runs from a queue until it is told to stop', async () => {
    const { producer, consumer, clock, quarantine } = setUp();
    const queue = new MemoryMutationQueue({ clock, random: new SeededRandom(5), visibilityMs: 60_000 });
    const stop = new AbortController();
    const done = producer().run(queue, stop.signal);
    await queue.send([{ body: JSON.stringify(upsert(1, 'Utrecht')) }, { body: 'nonsense' }]);
    await clock.advance(1_000);
    expect(queue.messageCount).toBe(0);
    expect(quarantine.records()).toHaveLength(1);
    stop.abort();
    await done; // at once: nobody moves the clock on
    const reader = consumer();
    await reader.refresh();
    expect(reader.get('City', 1)['name']).toBe('Utrecht');
  });
});

describe('the health of a producer', () => {
  it('is that of its batches and of its queue: idle is healthy, silence is not', async () => {
    const { producer, clock } = setUp();
    const own = producer();
    const judged = () => judgeHealth({ ...own.health, memoryShare: 0.5 });
    expect(judged()).toEqual({ status: 'unhealthy', reasons: ['no activity yet'] });
    const queue = new MemoryMutationQueue({ clock, random: new SeededRandom(5), visibilityMs: 60_000 });
    const stop = new AbortController();
    const done = own.run(queue, stop.signal);
    await clock.advance(3_600_000);
    expect(judged()).toEqual({ status: 'healthy', reasons: [] });
    stop.abort();
    await clock.advance(60_000);
    await done;
    await clock.advance(61_000);
    expect(judged().status).toBe('unhealthy');
    expect(judged().reasons).toEqual([expect.stringMatching(/^no activity for \d+ s, at most 60 s$/)]);
  });

  it('is degraded when batches come again', async () => {
    const { producer, message } = setUp();
    const down = { send: () => Promise.reject(new DatasetError('unavailable', 'down')) };
    const own = producer({ quarantine: down });
    for (let id = 1; id <= 10; id++) await own.process([message(upsert(id, 'Utrecht'))], plenty);
    expect(own.health).toMatchObject({ errorRate: 0, version: { version: 10 } });
    await own.process([message('not JSON')], plenty);
    expect(judgeHealth({ ...own.health, memoryShare: 0.5 })).toEqual({
      status: 'degraded',
      reasons: ['error rate 9.1 %, at most 5 %'],
    });
  });
});

describe('a producer of one partition', () => {
  it('sets aside what belongs to another partition, and never commits it', async () => {
    const cloud = new MemoryCloud();
    const partitions = PartitionMap.of(citySchema, { partitions: 4 });
    const home = (cityId: number) => partitions.ofKey('City', cityId);
    const ids = Array.from({ length: 20 }, (_, i) => i);
    const producer = cloud.producer({ partitions });
    const message = cloud.message({
      mutations: [...ids.map((id) => upsert(id, 'X')), remove(100), patch(101, { name: 'Y' })],
    });
    expect(await producer.process([message], plenty)).toMatchObject({ acknowledged: [message], failed: [] });
    const consumer = cloud.consumer();
    await consumer.refresh();
    const own = ids.filter((id) => home(id) === 0);
    const found = Array.from(consumer.state.type('City'), (city) => city['cityId']);
    expect(new Set(found)).toEqual(new Set(own));
    const others = [...ids, 100, 101].filter((id) => home(id) !== 0);
    expect(cloud.quarantine.records().map(({ reason }) => reason.replace(/^mutations\[\d+\]: /, ''))).toEqual(
      others.map((id) => `the key belongs to partition ${home(id)} of 4, and this is 0`),
    );
  });

  it('is of a partition that the dataset has', () => {
    const cloud = new MemoryCloud();
    const id = { dataset: 'cities', partition: 4 };
    const partitions = PartitionMap.of(citySchema, { partitions: 4 });
    expect(() => cloud.producer({ id, partitions })).toThrow('there is no partition 4: the dataset has 4');
    expect(() => cloud.producer({ id })).toThrow('the dataset has 1');
  });
});
