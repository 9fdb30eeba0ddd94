/** The loader of templates and the mappings, with a toy function, through real queues. */

import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ReceiveMessageCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../lib/local-cloud/cloud.ts';
import { clientConfig } from '../../lib/local-cloud/environment.ts';
import { type ToyFunction, toyFunction } from '../support/toy-function.ts';
import { type TemplateVariant, toyTemplate } from '../support/toy-template.ts';

/** Prints each batch as a line; fails the messages whose body says so; fails as a whole for `crash`. */
const worker = `
export async function handler(event) {
  if (event.Records === undefined) return console.log(JSON.stringify({ event, ...process.env }));
  console.log(JSON.stringify(event.Records.map((record) => record.body + '#' + record.attributes.ApproximateReceiveCount)));
  if (event.Records.some((record) => record.body === 'crash')) throw new Error('crash');
  const failures = event.Records.filter((record) => record.body.startsWith('fail'));
  return { batchItemFailures: failures.map((record) => ({ itemIdentifier: record.messageId })) };
}`;

let cloud: LocalCloud | undefined;
let toy: ToyFunction | undefined;
let sqs: SQSClient | undefined;
const batches: string[][] = [];
const events: Record<string, string>[] = [];

async function start(variant: TemplateVariant = {}): Promise<LocalCloud> {
  batches.length = 0;
  events.length = 0;
  const { codeDirectory } = (toy = toyFunction('toy', worker)).config;
  cloud = await startLocalCloud({
    template: toyTemplate(variant),
    findAsset: (key) => (key === 'toy.zip' ? codeDirectory : undefined),
    onLog(_source, line) {
      if (line.startsWith('[')) batches.push(JSON.parse(line));
      if (line.startsWith('{')) events.push(JSON.parse(line));
    },
  });
  sqs = new SQSClient(clientConfig(cloud.endpoints.sqs));
  await warmUp(cloud);
  return cloud;
}

afterEach(async () => {
  sqs?.destroy();
  await cloud?.stop();
  toy?.remove();
});

/** Two at once for the two pollers: a cold start must not outlast a visibility timeout. */
async function warmUp({ lambda }: LocalCloud): Promise<void> {
  const invoke = () => lambda.invoke({ name: 'Worker', qualifier: 'live' }, Buffer.from('{"Records":[]}'));
  await Promise.all([invoke(), invoke()]);
  // What a function prints may come after its answer.
  await vi.waitFor(() => expect(batches).toHaveLength(2));
  batches.length = 0;
}

/** Ten at a time: one poller finds them together. */
async function send(bodies: readonly string[]): Promise<void> {
  const QueueUrl = cloud?.outputs['WorkUrl'];
  for (let i = 0; i < bodies.length; i += 10) {
    const Entries = bodies.slice(i, i + 10).map((MessageBody, index) => ({ Id: String(index), MessageBody }));
    await sqs?.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  }
}

async function deadLetters(waitSeconds: number): Promise<(string | undefined)[]> {
  const QueueUrl = cloud?.outputs['DeadUrl'];
  const command = new ReceiveMessageCommand({
    QueueUrl,
    WaitTimeSeconds: waitSeconds,
    MaxNumberOfMessages: 10,
  });
  return ((await sqs?.send(command))?.Messages ?? []).map((message) => message.Body);
}

const seen = () => batches.flat();

describe('mappings', () => {
  test('deletes what succeeded, brings back what failed, and gives up after maxReceiveCount', async () => {
    await start({ maxReceiveCount: 2, visibilityTimeout: 2 });
    await send(['a', 'fail', 'b']);
    expect(await deadLetters(20)).toEqual(['fail']);
    expect(seen().toSorted()).toEqual(['a#1', 'b#1', 'fail#1', 'fail#2']);
  });

  test('maxReceiveCount of the template decides how often', async () => {
    await start({ maxReceiveCount: 3, visibilityTimeout: 2 });
    await send(['fail']);
    expect(await deadLetters(20)).toEqual(['fail']);
    expect(seen()).toEqual(['fail#1', 'fail#2', 'fail#3']);
  });

  test('a function error brings the whole batch back', async () => {
    await start({ maxReceiveCount: 1, visibilityTimeout: 2 });
    await send(['a', 'crash']);
    expect((await deadLetters(10)).length + (await deadLetters(2)).length).toBe(2);
    expect(batches.map((batch) => batch.length)).toEqual([2]);
  });

  test('without ReportBatchItemFailures an answer deletes everything', async () => {
    const { mappings } = await start({ reports: false, visibilityTimeout: 2 });
    await send(['fail', 'a']);
    await vi.waitFor(() => expect(seen().toSorted()).toEqual(['a#1', 'fail#1']), { timeout: 5000 });
    expect(await deadLetters(3)).toEqual([]);
    expect(mappings[0]?.batches.all().get('partial')).toBeUndefined();
  });

  test.each([1, 3])('no batch is larger than BatchSize %i', async (batchSize) => {
    await start({ batchSize, windowSeconds: 1 });
    const bodies = Array.from({ length: 7 }, (_, i) => `m${i}`);
    await send(bodies);
    await vi.waitFor(() => expect(seen()).toHaveLength(7), { timeout: 15_000 });
    expect(Math.max(...batches.map((batch) => batch.length))).toBe(batchSize);
  });

  test('a window gathers more than ten', async () => {
    await start({ batchSize: 100, windowSeconds: 1 });
    await send(Array.from({ length: 40 }, (_, i) => `m${i}`));
    await vi.waitFor(() => expect(seen()).toHaveLength(40), { timeout: 15_000 });
    expect(Math.max(...batches.map((batch) => batch.length))).toBeGreaterThan(10);
  });
});

describe('a deployed template', () => {
  test('gives functions their environment and events to their targets', async () => {
    const { endpoints, outputs, lambda } = await start();
    expect(outputs['TableName']).toBe('Table');
    const client = new EventBridgeClient(clientConfig(endpoints.eventBridge));
    const event = { EventBusName: 'announcements', Source: 'toy', DetailType: 't', Detail: '{"n":1}' };
    await client.send(new PutEventsCommand({ Entries: [event] }));
    client.destroy();
    await vi.waitFor(() => expect(events).toHaveLength(1), { timeout: 5000 });
    expect(events[0]).toMatchObject({
      TABLE: 'Table',
      BUCKET: 'blobs',
      AWS_LAMBDA_FUNCTION_VERSION: '1',
      AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
      event: { source: 'toy', detail: { n: 1 } },
    });
    await vi.waitFor(() => expect(lambda.asyncOutcomes().get('succeeded')).toBe(1), { timeout: 5000 });
  });

  test('a rule without permission cannot invoke; its event goes to the dead-letter queue', async () => {
    const { endpoints } = await start({ permission: false });
    const client = new EventBridgeClient(clientConfig(endpoints.eventBridge));
    const event = { EventBusName: 'announcements', Source: 'toy', DetailType: 't', Detail: '{}' };
    await client.send(new PutEventsCommand({ Entries: [event] }));
    client.destroy();
    expect(await deadLetters(5)).toHaveLength(1);
    expect(events).toEqual([]);
  });

  test('leaves no process and no port when it stops', async () => {
    const started = await start();
    await send(['a']);
    await vi.waitFor(() => expect(seen()).toHaveLength(1), { timeout: 5000 });
    const pids = started.getFunction('Worker').processIds;
    expect(pids.length).toBeGreaterThan(0);
    await started.stop();
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    await expect(fetch(started.endpoints.dynamodb)).rejects.toThrow('fetch failed');
  });
});
