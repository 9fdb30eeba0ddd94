/**
 * test/integration: one border of the deployed architecture at a time, on the built bundles in the local cloud.
 *
 *   quarantine        what breaks a rule is set aside with a reason that names the field, and holds nobody up
 *   consumer-service  health, outage and end of the long-lived consumer
 */
import type { SQSRecord } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../lib/limits.ts';
import type { QuarantineEntry } from '../../lib/ports.ts';
import { eventually } from '../support/eventually.ts';
import { sqsEvent, sqsRecord } from '../support/lambda-events.ts';
import { citiesId, startTestCloud, type TestCloud } from '../support/test-cloud.ts';

const city = (cityId: number) => ({ cityId, name: `City ${cityId}`, country: 'XX', population: cityId * 10 });
const upsert = (value: object) => ({ op: 'upsert', type: 'City', value });
const message = (mutation: object) => JSON.stringify(mutation);

interface BadMessage {
  readonly what: string;
  readonly body: string;
  /** Of the entry that it leaves in the quarantine. */
  readonly index: number | null;
  readonly field: string;
  readonly reason: RegExp;
}

const bad: readonly BadMessage[] = [
  { what: 'no JSON', body: '{"op":"upsert",', index: null, field: '', reason: /^not JSON: / },
  {
    what: 'an unknown type',
    body: message({ op: 'upsert', type: 'Village', value: city(1) }),
    index: 0,
    field: 'type',
    reason: /^type: unknown type: .*Village/,
  },
  {
    what: 'an unknown operation',
    body: message({ op: 'rename', type: 'City', key: { cityId: 1 } }),
    index: 0,
    field: 'op',
    reason: /^op: expected 'upsert', 'patch', 'delete' or 'increment', got .*rename/,
  },
  {
    what: 'no key field',
    body: message(upsert({ name: 'Nowhere' })),
    index: 0,
    field: 'value.cityId',
    reason: /^value\.cityId: /,
  },
  {
    what: 'a field of another type',
    body: message(upsert({ ...city(2), population: 'many' })),
    index: 0,
    field: 'value.population',
    reason: /^value\.population: expected INT, got .*many/,
  },
  {
    what: 'a field __proto__',
    body: '{"op":"upsert","type":"City","value":{"cityId":3,"__proto__":{"population":1}}}',
    index: 0,
    field: 'value.__proto__',
    reason: /^value\.__proto__: /,
  },
  {
    what: 'a patch of a field that does not exist',
    body: message({ op: 'patch', type: 'City', key: { cityId: 1 }, fields: { mayor: 'x' } }),
    index: 0,
    field: 'fields.mayor',
    reason: /^fields\.mayor: /,
  },
  {
    what: 'one bad mutation between good ones',
    body: message({ mutations: [upsert(city(101)), upsert({ cityId: 'x' }), upsert(city(102))] }),
    index: 1,
    field: 'mutations[1].value.cityId',
    reason: /^mutations\[1\]\.value\.cityId: expected INT, got /,
  },
];

const goodIds = Array.from({ length: 20 }, (_, i) => 200 + i);
let it: TestCloud;
let entries: readonly QuarantineEntry[];

const entryOf = (what: string) => entries.filter(({ correlationId }) => correlationId === what);

beforeAll(async () => {
  it = await startTestCloud();
  const good = goodIds.map((cityId) => ({ body: message(upsert(city(cityId))), correlationId: 'good' }));
  const wrong = bad.map(({ what, body }) => ({ body, correlationId: what }));
  // Mixed, so that bad ones are in batches with good ones.
  await it.sink.send(good.flatMap((each, i) => [each, ...wrong.slice(i, i + 1)]));
  await eventually(async () => {
    entries = await it.quarantined();
    expect(entries.length).toBeGreaterThanOrEqual(bad.length);
  });
});

afterAll(() => it?.stop());

describe('what comes through the queue', () => {
  test.each(bad)('$what is set aside with its reason', ({ what, body, index, field, reason }) => {
    const found = entryOf(what);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ id: citiesId, index, field });
    expect(found[0]?.reason).toMatch(reason);
    const content = index === 1 ? message(upsert({ cityId: 'x' })) : body;
    expect(found[0]?.content).toBe(content);
    expect(found[0]?.messageId).toMatch(/^[0-9a-f-]{36}$/);
    expect(found[0]?.sentAtMs).toBeGreaterThan(Date.now() - 120_000);
  });

  test('every good mutation is in, and nothing of the bad ones', async () => {
    const consumer = it.newConsumer();
    await eventually(async () => {
      await consumer.refresh();
      expect(consumer.loaded?.state.type('City').count).toBe(goodIds.length + 2);
    });
    for (const cityId of [...goodIds, 101, 102]) {
      expect(consumer.find('City', cityId)?.toObject()).toMatchObject(city(cityId));
    }
  });

  test('no message is held up, comes again, or is a dead letter', async () => {
    await eventually(async () => expect(await it.depthsOf('MutationQueueUrl')).toEqual([0, 0, 0]));
    expect(await it.depthsOf('DeadLetterQueueUrl')).toEqual([0, 0, 0]);
    expect([...(it.cloud.mappings[0]?.batches.all().keys() ?? [])]).toEqual(['succeeded']);
    const metrics = it.cloud.metrics();
    expect(metrics.get('MutationsQuarantined')?.sum).toBe(bad.length);
    expect(metrics.get('MessagesReceived')?.sum).toBe(bad.length + goodIds.length);
    expect(metrics.get('MessagesFailed')).toBeUndefined();
  });
});

describe('what no queue would carry, handed to the function', () => {
  const invoke = (...records: readonly SQSRecord[]) => it.invoke(producer(), sqsEvent(...records));
  const producer = () => `${it.cloud.getFunction('ProducerFunction').arn}:live`;

  test('a body over the limit is set aside, its neighbour is committed', async () => {
    const large = message(upsert({ ...city(301), name: 'x'.repeat(limits.messageSizeMax) }));
    const { answer, functionError } = await invoke(
      sqsRecord('large', large, 'large'),
      sqsRecord('small', message(upsert(city(302)))),
    );
    expect([functionError, answer]).toEqual([null, { batchItemFailures: [] }]);
    entries = await it.quarantined();
    const [entry] = entryOf('large');
    expect(entry).toMatchObject({
      messageId: 'large',
      index: null,
      reason: `larger than ${limits.messageSizeMax} bytes`,
    });
    expect(entry?.content).toBe(large.slice(0, limits.quarantineContentSizeMax));
    const consumer = it.newConsumer();
    await consumer.refresh();
    expect(consumer.find('City', 302)?.toObject()).toMatchObject(city(302));
    expect(consumer.find('City', 301)).toBeUndefined();
  });

  test('a value over the limit of its field names the field', async () => {
    const name = 'x'.repeat(limits.stringSizeMax + 1);
    await invoke(sqsRecord('long', message(upsert({ ...city(303), name })), 'long'));
    entries = await it.quarantined();
    expect(entryOf('long')).toMatchObject([{ index: 0, field: 'value.name' }]);
  });

  test('an event that is not of SQS fails as a whole, so nothing is deleted for it', async () => {
    const { functionError } = await it.invoke(producer(), {
      Records: [{ messageId: 'x', body: '{}' }],
    });
    expect(functionError).toBe('Unhandled');
  });
});
