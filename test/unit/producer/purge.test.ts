import { describe, expect, test } from 'vitest';
import type { ConsumerOptions } from '../../../lib/consumer/consumer.ts';
import type { LoadedVersion } from '../../../lib/consumer/loaded-version.ts';
import { DatasetError } from '../../../lib/errors.ts';
import { limits } from '../../../lib/limits.ts';
import { MemoryQuarantine } from '../../../lib/memory/quarantine.ts';
import type { MutationMessage } from '../../../lib/ports.ts';
import { bookkeepingTypesOf, withBookkeeping } from '../../../lib/producer/bookkeeping-schema.ts';
import type { Producer, ProducerOptions } from '../../../lib/producer/producer.ts';
import { deleteCity, MemoryCloud, patchCity, plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';

const start = 1_700_000_000_000;
const at = (ms: number) => ({ order: { timestamp: start + ms, source: 'app', sequence: 0 } });
const increment = (population: number, more: object) => ({
  op: 'increment',
  ...patchIncrement(population),
  ...more,
});
const patchIncrement = (population: number) => ({ type: 'City', key: { cityId: 1 }, fields: { population } });
const horizon = { purgeHorizonMs: 1_000 };

class Scene {
  readonly cloud = new MemoryCloud();
  readonly late = new MemoryQuarantine();

  producer(more: Partial<ProducerOptions> = {}): Producer {
    return this.cloud.producer({ ...horizon, lateQueue: this.late, ...more });
  }

  async send(...contents: (object | MutationMessage)[]): Promise<void> {
    const messages = contents.map((content) =>
      'receipt' in content ? content : this.cloud.message(content),
    );
    const { failed } = await this.producer().process(messages, plentyOfTime);
    expect(failed).toEqual([]);
  }

  /** Everything up to `ms` is forgotten. */
  async purge(ms: number): Promise<number> {
    await this.cloud.clock.advance(start + ms + 1_000 - this.cloud.clock.nowMs());
    return this.producer().purge(plentyOfTime);
  }

  async city(): Promise<unknown> {
    const consumer = this.cloud.consumer();
    await consumer.refresh();
    return consumer.find('City', 1)?.toObject();
  }

  /** How many keys have stamps. */
  async bookkeepingCount(): Promise<number> {
    const schema = (await this.loaded())?.state.schema;
    if (schema === undefined) return 0;
    const parts = new Map([['bookkeeping', bookkeepingTypesOf(withBookkeeping(schema))]]);
    return (await this.loaded({ parts }))?.state.type('OrderStampOfCity').count ?? 0;
  }

  async loaded(more: Partial<ConsumerOptions> = {}): Promise<LoadedVersion | null> {
    const consumer = this.cloud.consumer(more);
    await consumer.refresh();
    return consumer.loaded;
  }

  lateBodies(): unknown[] {
    return this.late.records().map(({ content }) => JSON.parse(content));
  }
}

describe('purge', () => {
  test('forgets deletions up to the horizon, and keeps newer ones and records', async () => {
    const scene = new Scene();
    await scene.send({
      mutations: [
        { ...deleteCity(1), ...at(10) },
        { ...deleteCity(2), ...at(20) },
        { ...upsertCity(3, 'c'), ...at(1) },
      ],
    });
    expect(await scene.bookkeepingCount()).toBe(3);
    expect(await scene.purge(10)).toBe(1);
    expect(await scene.bookkeepingCount()).toBe(2);
    const version = (await scene.cloud.heads.load(scene.cloud.id, 'strong'))?.version;
    expect(await scene.purge(10)).toBe(0);
    expect((await scene.cloud.heads.load(scene.cloud.id, 'strong'))?.version).toBe(version);
    expect(await scene.purge(20)).toBe(1);
    expect(scene.cloud.telemetry.sum('BookkeepingPurged')).toBe(2);
  });

  test('of a dataset that has no version there is nothing to forget', async () => {
    expect(await new Scene().purge(10)).toBe(0);
  });

  test('goes on over several versions, and announces each', async () => {
    const scene = new Scene();
    const count = limits.purgeRecordsMax + 5;
    await scene.send(
      ...[0, 1].map((half) => ({
        mutations: Array.from({ length: Math.ceil(count / 2) }, (_, i) => ({
          ...deleteCity(2 * i + half),
          ...at(1),
        })),
      })),
    );
    expect(await scene.purge(5)).toBe(Math.ceil(count / 2) * 2);
    expect((await scene.cloud.heads.load(scene.cloud.id, 'strong'))?.version).toBe(3);
    expect(await scene.bookkeepingCount()).toBe(0);
  });
});

describe('what comes after its past was forgotten', () => {
  test('does not bring back what was deleted: it goes to the late queue with its stamp', async () => {
    const scene = new Scene();
    const old = scene.cloud.message({ ...upsertCity(1, 'old', 5) }, { sentAtMs: start + 5 });
    await scene.send({ ...deleteCity(1), ...at(10) });
    await scene.purge(10);
    await scene.send(old);
    expect(await scene.city()).toBeUndefined();
    const order = { timestamp: start + 5, source: old.id, sequence: 0 };
    expect(scene.lateBodies()).toEqual([{ ...upsertCity(1, 'old', 5), order }]);
    expect(scene.late.records()).toMatchObject([
      { messageId: old.id, index: 0, reason: expect.stringMatching(/^late: /) },
    ]);
    // Sent again as it is, it is late again.
    await scene.send(scene.lateBodies()[0] as object);
    expect(await scene.city()).toBeUndefined();
    expect(scene.lateBodies()[1]).toEqual(scene.lateBodies()[0]);
    expect(scene.cloud.telemetry.sum('MutationsLate')).toBe(2);
  });

  test('nor does it where a newer patch waits for a record', async () => {
    const scene = new Scene();
    await scene.send({ ...deleteCity(1), ...at(10) });
    await scene.purge(10);
    const patch = { op: 'patch', type: 'City', key: { cityId: 1 }, fields: { name: 'patched' } };
    await scene.send({ ...patch, ...at(20) });
    await scene.send({ ...upsertCity(1, 'old', 5), ...at(5) });
    expect(await scene.city()).toBeUndefined();
    expect(scene.lateBodies()).toEqual([{ ...upsertCity(1, 'old', 5), ...at(5) }]);
    // The same on the way that batches with operations take.
    await scene.send({ ...upsertCity(1, 'old', 5), ...at(6) }, increment(1, { ...at(30), opId: 'x' }));
    expect(await scene.city()).toBeUndefined();
    await scene.send({ ...upsertCity(1, 'new', 5), ...at(15) });
    expect(await scene.city()).toMatchObject({ name: 'patched', population: 6 });
  });

  test('what is newer than the watermark, or of a key that is known, is taken in', async () => {
    const scene = new Scene();
    await scene.send({ ...upsertCity(1, 'a', 1), ...at(3) }, { ...deleteCity(2), ...at(5) });
    await scene.purge(10);
    await scene.send({ ...upsertCity(1, 'b', 2), ...at(7) }, { ...upsertCity(2, 'c'), ...at(11) });
    expect(await scene.city()).toMatchObject({ name: 'b' });
    expect(scene.late.records()).toEqual([]);
  });

  test('of a message only the late mutations are set aside, and not those that something in time replaces', async () => {
    const scene = new Scene();
    await scene.send({ ...deleteCity(1), ...at(5) }, { ...deleteCity(9), ...at(1) });
    await scene.purge(10);
    const message = scene.cloud.message({
      mutations: [
        { ...upsertCity(1, 'late'), ...at(6) },
        { ...upsertCity(2, 'replaced'), ...at(6) },
        { ...upsertCity(2, 'in time'), ...at(12) },
        { ...patchCity(1, { population: 3 }), ...at(13) },
      ],
    });
    await scene.send(message);
    expect(scene.late.records().map(({ index }) => index)).toEqual([0]);
    await scene.send({ ...upsertCity(1, 'again', 1), ...at(11) });
    expect(await scene.city()).toMatchObject({ name: 'again', population: 3 });
  });

  test('an operation that old is late, since its entry may be gone; one that is known stays done', async () => {
    const scene = new Scene();
    const counted = scene.cloud.message(increment(5, { ...at(8), opId: 'x' }));
    const kept = scene.cloud.message(increment(7, { ...at(12), opId: 'y' }));
    await scene.send({ ...upsertCity(1, 'a', 1), ...at(1) }, counted, kept);
    await scene.purge(10);
    await scene.send(counted, kept);
    expect(await scene.city()).toMatchObject({ population: 13 });
    expect(scene.lateBodies()).toEqual([increment(5, { ...at(8), opId: 'x' })]);
    // Older than an increment that is forgotten: what it would leave cannot be said.
    await scene.send({ ...patchCity(1, { population: 100 }), ...at(6) });
    expect(await scene.city()).toMatchObject({ population: 13 });
    expect(scene.late.records()).toHaveLength(2);
    await scene.send({ ...patchCity(1, { population: 100 }), ...at(11) });
    expect(await scene.city()).toMatchObject({ population: 107 });
  });

  test('an atomic message is late as a whole', async () => {
    const scene = new Scene();
    await scene.send({ ...deleteCity(1), ...at(5) });
    await scene.purge(10);
    const mutations = [
      { ...upsertCity(2, 'fine'), ...at(20) },
      { ...upsertCity(1, 'late'), ...at(6) },
    ];
    await scene.send({ mutations, atomic: true });
    expect(await scene.city()).toBeUndefined();
    expect(scene.lateBodies()).toEqual([{ mutations, atomic: true }]);
    expect(scene.late.records()).toMatchObject([{ index: null }]);
  });

  test('it is acknowledged only when the late queue has it, which without one is the quarantine', async () => {
    const scene = new Scene();
    await scene.send({ ...deleteCity(1), ...at(5) });
    await scene.purge(10);
    const message = scene.cloud.message({ ...upsertCity(1, 'late'), ...at(6) });
    const lateQueue = { send: () => Promise.reject(new DatasetError('unavailable', 'away')) };
    const { failed } = await scene.producer({ lateQueue }).process([message], plentyOfTime);
    expect(failed).toEqual([{ message, reason: 'late queue: away' }]);
    await scene.cloud.producer().process([message], plentyOfTime);
    expect(scene.cloud.quarantine.records()).toMatchObject([{ messageId: message.id }]);
  });
});
