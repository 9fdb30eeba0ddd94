/**
 * test/e2e: the synthesized template and the built bundles in the local cloud, from SendMessage to an answer.
 *
 *   data-path      one message, step by step as docs/architecture.md tells them
 *   crash          producers that are killed, duplicates, another order, poison
 *   two-producers  two processes commit to one dataset at once
 *   delta-size     what a change of one percent costs beside a snapshot
 */
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAnnouncement } from '../../lib/announcement.ts';
import { blobName } from '../../lib/blob/blob-names.ts';
import { clientConfig, localAccount, localRegion } from '../../lib/local-cloud/environment.ts';
import type { Announcement, Head } from '../../lib/ports.ts';
import { type Chain, listBlobs, readChain, recordsOf } from '../support/chain.ts';
import { connectionsOf } from '../support/connections.ts';
import { eventually } from '../support/eventually.ts';
import { recordRequests } from '../support/request-recorder.ts';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import { citiesId, startTestCloud, type TestCloud } from '../support/test-cloud.ts';

const berlin = {
  cityId: 2950159,
  name: 'Berlin',
  country: 'DE',
  population: 3_426_354,
  lat: 52.52,
  lon: 13.41,
};
const paris = { cityId: 2988507, name: 'Paris', country: 'FR', population: 2_138_551, lat: 48.85, lon: 2.35 };
const moved = { ...berlin, population: 3_700_000 };
const absent = { altName: null, featureCode: null, adminCode: null, muni: null, muniSub: null };

const upsert = (value: typeof berlin) => ({ op: 'upsert', type: 'City', value });
const body = JSON.stringify(upsert(moved));

let it: TestCloud;
let service: ServiceProcess;
let recorder: ReturnType<typeof recordRequests>;
let probeUrl: string;
let messageId: string;
/** As they are after the message that is walked. */
let head: Head;
let chain: Chain;
let announcement: Announcement;

beforeAll(async () => {
  it = await startTestCloud();
  service = await startService(it);
  probeUrl = await addProbe();
  await it.sink.send([{ body: JSON.stringify({ mutations: [upsert(berlin), upsert(paris)] }) }]);
  // Version 1, and everybody warm: the walk is about deltas.
  await eventually(() => expect(served('service')).toEqual([1]));
  await eventually(() => expect(served('function')).toEqual([1]));
  expect(await it.drain(probeUrl)).toHaveLength(1);
});

afterAll(async () => {
  recorder?.stop();
  await service?.stop();
  await it?.stop();
});

/** A queue of our own behind the bus, because the one of the stack has its reader. */
async function addProbe(): Promise<string> {
  const { QueueUrl = '' } = await it.sqs.send(new CreateQueueCommand({ QueueName: 'probe' }));
  const events = new EventBridgeClient(clientConfig(it.cloud.endpoints.eventBridge));
  const rule = { EventBusName: it.output('BusName') };
  const EventPattern = JSON.stringify({ source: ['serverless-hollow'] });
  await events.send(new PutRuleCommand({ ...rule, Name: 'probe', EventPattern }));
  const Targets = [{ Id: 'probe', Arn: `arn:aws:sqs:${localRegion}:${localAccount}:probe` }];
  await events.send(new PutTargetsCommand({ ...rule, Rule: 'probe', Targets }));
  events.destroy();
  return QueueUrl;
}

/** Versions that a consumer says it went to. */
function served(by: 'service' | 'function'): unknown[] {
  const lines = by === 'service' ? service.log : it.log.filter(({ source }) => source.includes('Consumer'));
  return lines.filter(({ message }) => message === 'serving a new version').map((line) => line['version']);
}

const at = (request: string): number => recorder.requests.indexOf(request);
const countOf = (request: string): number => recorder.requests.filter((each) => each === request).length;

describe('one message, step by step', () => {
  test('0: it stands in the queue', async () => {
    const sent = await it.sqs.send(
      new SendMessageCommand({
        QueueUrl: it.output('MutationQueueUrl'),
        MessageBody: body,
        DelaySeconds: 1,
        MessageAttributes: { correlationId: { DataType: 'String', StringValue: 'walk-17' } },
      }),
    );
    messageId = sent.MessageId ?? '';
    expect(await it.depthsOf('MutationQueueUrl')).toEqual([1, 0, 0]);
    recorder = recordRequests(it.cloud);
  });

  test('1: the producer function gets it in a batch, in the sandbox that is warm', async () => {
    await eventually(() => expect(served('service')).toEqual([1, 2]));
    await eventually(() => expect(served('function')).toEqual([1, 2]));
    await eventually(async () => expect(await it.depthsOf('MutationQueueUrl')).toEqual([0, 0, 0]));
    recorder.stop();
    const committed = it.log.filter(({ message }) => message === 'committed');
    expect(committed.map((line) => line['version'])).toEqual([1, 2]);
    expect(committed[1]).toMatchObject({ keyCount: 1, correlationIds: ['walk-17'], dataset: 'cities' });
    expect(committed[1]?.['function_request_id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(it.cloud.getFunction('ProducerFunction').starts).toBe(1);
    expect([...(it.cloud.mappings[0]?.batches.all() ?? [])]).toEqual([['succeeded', 2]]);
  });

  test('2: it was stamped with the time and the id that the queue gave it, and nothing was set aside', async () => {
    chain = await readChain(it);
    const stamps = recordsOf(chain.versions[1]?.state ?? expect.fail(), 'OrderStampOfCity');
    const { announcement: heard } = await receiveProbe();
    announcement = heard;
    expect(stamps.get(berlin.cityId)).toMatchObject({ source: messageId, sequence: 0, deleted: false });
    const sentAtMs = Number(stamps.get(berlin.cityId)?.['timestamp']);
    expect(announcement.committedAtMs - sentAtMs).toBeGreaterThanOrEqual(0);
    expect(announcement.committedAtMs - sentAtMs).toBeLessThan(30_000);
    expect(await it.quarantined()).toEqual([]);
  });

  test('3: the head was read; the warm state needed no blob', () => {
    const beforePublish = recorder.requests.slice(0, at('s3.PutObject'));
    expect(beforePublish.filter((request) => /^(dynamodb|s3)\./.test(request))).toEqual(['dynamodb.GetItem']);
  });

  test('4 and 5: the plan changes one record; every other one keeps its ordinal', () => {
    const [first, second] = chain.versions;
    if (first === undefined || second === undefined) expect.fail();
    const cities = second.changes?.get('City');
    expect([cities?.removed.length, cities?.added.length]).toEqual([1, 1]);
    const [removed = -1] = cities?.removed ?? [];
    const [added = -1] = cities?.added ?? [];
    expect(first.state.objectType('City').readInt(removed, 0)).toBe(berlin.cityId);
    expect(second.state.objectType('City').readInt(added, 0)).toBe(berlin.cityId);
    // Name and country did not change: no string came or went.
    expect(second.changes?.get('String')?.added.length ?? 0).toBe(0);
    expect(
      [...recordsOf(second.state, 'City').values()].toSorted(
        (a, b) => Number(a['cityId']) - Number(b['cityId']),
      ),
    ).toEqual([
      { ...absent, ...moved },
      { ...absent, ...paris },
    ]);
  });

  test('6 and 8: delta and bookkeeping part are in S3 under names with the commit id, and nothing else', async () => {
    head = chain.head;
    const snapshot = {
      kind: 'snapshot',
      id: citiesId,
      mapGeneration: 1,
      toVersion: 1,
      cid: chain.versions[0]?.cid ?? '',
    } as const;
    const delta = {
      kind: 'delta',
      id: citiesId,
      mapGeneration: 1,
      fromVersion: 1,
      toVersion: 2,
      cid: head.cid,
    } as const;
    expect(blobName(delta)).toBe(`d/cities/1/0/delta/0000000000000001-0000000000000002-${head.cid}`);
    const names = [
      blobName(snapshot),
      blobName(snapshot, 'bookkeeping'),
      blobName(delta),
      blobName(delta, 'bookkeeping'),
    ];
    expect([...(await listBlobs(it)).keys()].toSorted()).toEqual(names.toSorted());
    expect((await it.blobs.get(blobName(delta)))?.metadata).toEqual({
      format: '1',
      era: '1',
      cid: head.cid,
      fromcid: snapshot.cid,
      schemaid: head.schemaId,
      hash: head.hashes.data,
      bookkeepinghash: head.hashes.bookkeeping,
    });
  });

  test('7: the state that the blobs lead to has the hash of the head', () => {
    // readChain has computed it from the records and compared it with the metadata.
    expect(head.recent.at(-1)).toEqual({
      version: 2,
      cid: head.cid,
      hash: head.hashes.data,
      size: chain.versions[1]?.size,
      tier: 's3',
    });
  });

  test('9: one conditional write, after both blobs, moved the head', async () => {
    expect(countOf('s3.PutObject')).toBe(2);
    expect(countOf('dynamodb.UpdateItem')).toBe(1);
    expect(at('dynamodb.UpdateItem')).toBeGreaterThan(recorder.requests.lastIndexOf('s3.PutObject'));
    const Key = { pk: { S: 'C##cities#0' }, sk: { S: 'HEAD' } };
    const { Item: item } = await it.dynamodb.send(
      new GetItemCommand({ TableName: it.output('TableName'), Key, ConsistentRead: true }),
    );
    expect(item).toMatchObject({
      v: { N: '2' },
      cid: { S: head.cid },
      era: { N: '1' },
      snapV: { N: '1' },
      status: { S: 'open' },
      lastOp: { S: 'commit' },
    });
  });

  test('10: then the hint went to the bus, and then the message left the queue', () => {
    expect(countOf('eventBridge.PutEvents')).toBe(1);
    expect(at('eventBridge.PutEvents')).toBeGreaterThan(at('dynamodb.UpdateItem'));
    expect(at('sqs.DeleteMessageBatch')).toBeGreaterThan(at('eventBridge.PutEvents'));
    expect(announcement).toMatchObject({
      id: citiesId,
      era: 1,
      epoch: 0,
      version: 2,
      cid: head.cid,
      previousCid: chain.versions[0]?.cid,
      hash: head.hashes.data,
      size: chain.versions[1]?.size,
      snapshotVersion: 1,
      correlationIds: ['walk-17'],
    });
  });

  test.each(['service', 'function'] as const)('11 to 13: the %s heard of it and applied one delta', (by) => {
    const lines = by === 'service' ? service.log : it.log.filter(({ source }) => source.includes('Consumer'));
    const line = lines.findLast(({ message }) => message === 'serving a new version');
    expect(line).toMatchObject({ version: 2, cid: head.cid, fromSnapshot: false, deltaCount: 1 });
    // The id that the sender gave the message is in the logs on this side too.
    const told = by === 'service' ? lines.findLast(({ message }) => message === 'told of a version') : line;
    expect(told).toMatchObject({ correlationIds: ['walk-17'] });
    // Both fetched the one blob that was new, and not the bookkeeping.
    expect(countOf('s3.GetObject')).toBe(2);
    expect(at('s3.GetObject')).toBeGreaterThan(at('dynamodb.UpdateItem'));
  });

  test('14 and 15: the consumer function finds the record by its key', async () => {
    const lookUp = (key: number) =>
      it.invoke(it.output('ConsumerFunctionArn'), { type: 'City', key: { cityId: key } });
    expect(await lookUp(berlin.cityId)).toMatchObject({
      status: 200,
      functionError: null,
      answer: { version: 2, record: { ...absent, ...moved } },
    });
    expect((await lookUp(paris.cityId)).answer).toMatchObject({ record: { ...absent, ...paris } });
    expect((await lookUp(1)).answer).toMatchObject({ version: 2, record: null });
    expect(it.cloud.getFunction('ConsumerFunction').starts).toBe(1);
  });

  test('14 and 15: the service answers with the record over HTTP', async () => {
    const answer = await service.get(`/datasets/cities/City/${berlin.cityId}`);
    expect([answer.status, answer.body]).toEqual([200, { ...absent, ...moved }]);
    expect(answer.headers.get('dataset-version')).toBe('1.2');
    expect((await service.get('/datasets/cities/City/1')).status).toBe(404);
  });

  test('the same message again changes nothing and is acknowledged', async () => {
    // A duplicate as queues make it: a second delivery of the message, with its id and its time of sending.
    const stamps = recordsOf(chain.versions[1]?.state ?? expect.fail(), 'OrderStampOfCity');
    const record = {
      messageId,
      receiptHandle: 'second delivery',
      body,
      attributes: {
        SentTimestamp: String(stamps.get(berlin.cityId)?.['timestamp']),
        ApproximateReceiveCount: '2',
      },
      messageAttributes: {},
    };
    const { answer } = await it.invoke(`${it.cloud.getFunction('ProducerFunction').arn}:live`, {
      Records: [record],
    });
    expect(answer).toEqual({ batchItemFailures: [] });
    expect((await it.heads.load(citiesId, 'strong'))?.cid).toBe(head.cid);
    expect(await listBlobs(it)).toHaveProperty('size', 4);
  });
});

test('producers and consumers are connected to nothing but the services', () => {
  const { endpoints } = it.cloud;
  const places = new Map(Object.entries(endpoints).map(([name, url]) => [new URL(url).host, name]));
  const reached = (processId: number, own?: number) =>
    connectionsOf(processId)
      .filter(({ local }) => own === undefined || !local.endsWith(`:${own}`)) // what others opened to it
      .map(({ remote }) => places.get(remote) ?? remote);
  const sandboxes = (name: string) => it.cloud.getFunction(name).processIds.flatMap((id) => reached(id));
  // A sandbox also holds a connection to its Runtime API, on a port of its own.
  const foreign = [...sandboxes('ProducerFunction'), ...sandboxes('ConsumerFunction')].filter((place) =>
    place.includes(':'),
  );
  expect(foreign.filter((place) => !place.startsWith('127.0.0.1:'))).toEqual([]);
  expect(new Set(foreign).size).toBeLessThanOrEqual(2);
  expect(reached(service.processId, service.port).filter((place) => place.includes(':'))).toEqual([]);
  expect(new Set(sandboxes('ProducerFunction'))).toContain('dynamodb');
});

async function receiveProbe(): Promise<{ announcement: Announcement }> {
  const receive = new ReceiveMessageCommand({ QueueUrl: probeUrl, MaxNumberOfMessages: 10 });
  const { Messages: messages = [] } = await it.sqs.send(receive);
  expect(messages).toHaveLength(1);
  const event: { source: string; 'detail-type': string; detail: unknown } = JSON.parse(
    messages[0]?.Body ?? '',
  );
  expect([event.source, event['detail-type']]).toEqual(['serverless-hollow', 'Dataset Version Committed']);
  return { announcement: parseAnnouncement(event.detail) };
}
