/** The deployed bundle, which knows the old schema, beside a producer that knows the new one, at one queue. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AwsMutationSource } from '../../lib/aws/mutation-source.ts';
import { AwsQuarantine } from '../../lib/aws/quarantine.ts';
import type { Consumer } from '../../lib/consumer/consumer.ts';
import { systemClock } from '../../lib/local/system-clock.ts';
import { systemRandom } from '../../lib/local/system-random.ts';
import { MemoryAnnouncements } from '../../lib/memory/announcements.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import { Producer } from '../../lib/producer/producer.ts';
import { DatasetSchema, schemaIdOf } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { eventually } from '../support/eventually.ts';
import { root } from '../support/source-tree.ts';
import { citiesId, startTestCloud, type TestCloud } from '../support/test-cloud.ts';

const oldText = readFileSync(join(root, 'datasets', 'cities.hollow'), 'utf8');
const oldSchema = DatasetSchema.of(parseSchemas(oldText));
const newSchema = DatasetSchema.of(
  parseSchemas(oldText.replace('String muniSub;', 'String muniSub;\n  String note;')),
);
const ids = Array.from({ length: 60 }, (_, i) => i + 1);
const upsert = (cityId: number, more: object = {}) => ({
  body: JSON.stringify({ op: 'upsert', type: 'City', value: { cityId, name: `City ${cityId}`, ...more } }),
});

let it: TestCloud;
let consumer: Consumer;

async function queueIsEmpty(): Promise<void> {
  expect(await it.depthsOf('MutationQueueUrl')).toEqual([0, 0, 0]);
}

beforeAll(async () => {
  it = await startTestCloud();
  const queueUrl = it.output('MutationQueueUrl');
  // What the old bundle gives back comes again soon.
  const Attributes = { VisibilityTimeout: '1' };
  await it.sqs.send(new SetQueueAttributesCommand({ QueueUrl: queueUrl, Attributes }));
  await it.sink.send(ids.map((cityId) => upsert(cityId)));
  await eventually(queueIsEmpty);
  const { heads, blobs } = it;
  const producer = new Producer({
    ...{ id: citiesId, schema: newSchema, heads, blobs, clock: systemClock, random: systemRandom },
    announcer: new MemoryAnnouncements(),
    quarantine: new AwsQuarantine({ client: it.sqs, queueUrl: it.output('QuarantineQueueUrl') }),
    telemetry: new MemoryTelemetry(),
  });
  await producer.advanceSchema(schemaIdOf(oldSchema), { remainingMs: () => 60_000 });
  const stop = new AbortController();
  const running = producer.run(new AwsMutationSource({ client: it.sqs, queueUrl }), stop.signal);
  // Both kinds of senders are about, and both kinds of producers are at the queue.
  await it.sink.send(
    ids.map((cityId) => upsert(cityId, cityId % 2 === 0 ? { note: `note ${cityId}` } : { population: 7 })),
  );
  await eventually(queueIsEmpty, 90_000);
  stop.abort();
  await running;
  consumer = it.newConsumer();
  await consumer.refresh();
}, 180_000);

afterAll(() => it?.stop());

describe('old and new bundles on one dataset', () => {
  test('drop nothing: every record has what was sent last, new fields too', () => {
    for (const cityId of ids) {
      const record = consumer.get('City', cityId).toObject();
      if (cityId % 2 === 0) expect(record).toMatchObject({ name: `City ${cityId}`, note: `note ${cityId}` });
      else expect(record).toMatchObject({ name: `City ${cityId}`, population: 7, note: null });
    }
  });

  test('set nothing aside, and the old one was really there', async () => {
    expect(await it.quarantined()).toEqual([]);
    expect(await it.drain(it.output('DeadLetterQueueUrl'))).toEqual([]);
    expect(it.cloud.metrics().get('MessagesFailed')?.sum ?? 0).toBeGreaterThan(0);
  });
});
