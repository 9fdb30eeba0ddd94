import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createTelemetry } from '../../../functions/telemetry.ts';
import { Consumer } from '../../../lib/consumer/consumer.ts';
import { DatasetError } from '../../../lib/errors.ts';
import { MemoryBlobStore } from '../../../lib/memory/blob-store.ts';
import { VirtualClock } from '../../../lib/memory/clock.ts';
import { MemoryHeadStore } from '../../../lib/memory/head-store.ts';
import { MemoryQuarantine } from '../../../lib/memory/quarantine.ts';
import { SeededRandom } from '../../../lib/memory/random.ts';
import { MemoryTelemetry } from '../../../lib/memory/telemetry.ts';
import type { Announcement } from '../../../lib/ports.ts';
import { Producer } from '../../../lib/producer/producer.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { announcementEvent, capture, lambdaContext } from '../../support/lambda-events.ts';

const id = { dataset: 'cities', partition: 0 };
const heads = new MemoryHeadStore();
const blobs = new MemoryBlobStore();
const clock = new VirtualClock();
const random = new SeededRandom(1);
const announced: Announcement[] = [];

vi.mock(import('../../../functions/runtime.ts'), async (importOriginal) => ({
  ...(await importOriginal()),
  composeConsumer: () => {
    const telemetry = createTelemetry('consumer', 'cities');
    return { consumer: new Consumer({ id, heads, blobs, clock, random, telemetry }), telemetry, clock };
  },
}));

const { handler } = await import('../../../functions/consumer.ts');

const schemaText = readFileSync(join(import.meta.dirname, '../../../datasets/cities.hollow'), 'utf8');
const producer = new Producer({
  id,
  heads,
  blobs,
  clock,
  random,
  schema: DatasetSchema.of(parseSchemas(schemaText)),
  announcer: { announce: async (announcement) => void announced.push(announcement) },
  quarantine: new MemoryQuarantine(),
  telemetry: new MemoryTelemetry(),
});

let messageCount = 0;
async function commit(cityId: number, name: string): Promise<Announcement> {
  const body = JSON.stringify({ op: 'upsert', type: 'City', value: { cityId, name, population: 5 } });
  const message = { id: `m${messageCount++}`, body, sentAtMs: clock.nowMs(), receiveCount: 1, receipt: 'r' };
  const { failed } = await producer.process([message], { remainingMs: () => 30_000 });
  expect(failed).toEqual([]);
  return announced.at(-1) as Announcement;
}

async function invoke(event: unknown) {
  const { outcome, lines } = await capture(() => handler(event, lambdaContext()));
  if (outcome.status === 'rejected') throw outcome.reason;
  return { answer: outcome.value, lines };
}

const paris = { type: 'City', key: { cityId: 1 } };

describe('the consumer function', () => {
  it('answers before anything was committed', async () => {
    expect((await invoke(paris)).answer).toMatchObject({ version: null, record: null });
  });

  describe('with a dataset', () => {
    beforeAll(() => commit(1, 'Paris'));

    it('finds a record by its key, all fields of it', async () => {
      expect((await invoke(paris)).answer).toEqual({
        version: 1,
        record: {
          cityId: 1,
          name: 'Paris',
          altName: null,
          country: null,
          featureCode: null,
          adminCode: null,
          population: 5,
          lat: null,
          lon: null,
          muni: null,
          muniSub: null,
        },
        headAgeMs: 0,
      });
    });

    it('answers null for a key that is not there', async () => {
      const lookup = { type: 'City', key: { cityId: 2 } };
      expect((await invoke(lookup)).answer).toMatchObject({ version: 1, record: null });
    });

    it('sees a version that nobody told it of', async () => {
      await commit(1, 'Lutetia');
      expect((await invoke(paris)).answer).toMatchObject({ version: 2, record: { name: 'Lutetia' } });
    });

    it('refreshes to an announced version and says how long it took to get here', async () => {
      const announcement = await commit(1, 'Paname');
      await clock.advance(250);
      const { answer, lines } = await invoke(announcementEvent(announcement));
      expect(answer).toEqual({ version: 3 });
      expect(lines).toContainEqual(
        expect.objectContaining({ service: 'consumer', dataset: 'cities', PropagationLagMs: 250 }),
      );
    });

    it('does not read the head for an announcement of what it has, however late it comes', async () => {
      const load = vi.spyOn(heads, 'load');
      const { answer } = await invoke(announcementEvent(announced[0] as Announcement));
      expect(answer).toEqual({ version: 3 });
      expect(load).not.toHaveBeenCalled();
    });

    it('ignores the announcement of another dataset', async () => {
      const load = vi.spyOn(heads, 'load');
      const other = {
        ...(announced.at(-1) as Announcement),
        version: 99,
        id: { dataset: 'rivers', partition: 0 },
      };
      await invoke(announcementEvent(other));
      expect(load).not.toHaveBeenCalled();
    });

    it('goes on serving what it has when the head cannot be read, and tells its age', async () => {
      vi.spyOn(heads, 'load').mockRejectedValue(new DatasetError('unavailable', 'no answer'));
      await clock.advance(1_000);
      const { answer, lines } = await invoke(paris);
      expect(answer).toMatchObject({ version: 3, record: { name: 'Paname' }, headAgeMs: expect.any(Number) });
      expect('headAgeMs' in answer && answer.headAgeMs).toBeGreaterThanOrEqual(1_000);
      expect(lines).toContainEqual(expect.objectContaining({ level: 'WARN', message: 'a refresh failed' }));
    });

    it('fails on an announced version that it cannot reach, so that Lambda tries again', async () => {
      vi.spyOn(heads, 'load').mockRejectedValue(new DatasetError('unavailable', 'no answer'));
      const next = { ...(announced.at(-1) as Announcement), version: 4 };
      await expect(invoke(announcementEvent(next))).rejects.toMatchObject({ kind: 'unavailable' });
    });

    it.each([
      [{}, 'neither an announcement nor'],
      [null, 'neither an announcement nor'],
      [{ type: 'City' }, 'neither an announcement nor'],
      [{ type: 'City', key: { cityId: 'one' } }, 'key.cityId'],
      [{ type: 'City', key: {} }, 'key.cityId'],
      [{ type: 'Village', key: {} }, "there is no type 'Village'"],
      [{ type: 'String', key: {} }, "type 'String' has no primary key"],
    ])('refuses a wrong lookup by name: %j', async (event, message) => {
      await expect(invoke(event)).rejects.toMatchObject({
        kind: 'invalid',
        message: expect.stringContaining(message),
      });
    });
  });
});
