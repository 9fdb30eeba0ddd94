import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DatasetError } from '../../../lib/errors.ts';
import { clientConfig } from '../../../lib/local-cloud/environment.ts';
import { type LocalEventBus, startEventBus } from '../../../lib/local-cloud/event-bus.ts';

const queueArn = 'arn:aws:sqs:us-east-1:000000000000:q';
const deadLetterArn = 'arn:aws:sqs:us-east-1:000000000000:dead';
const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:f:live';

const invokeLambda = vi.fn<(arn: string, payload: string, ruleArn: string) => Promise<void>>();
const sendToQueue = vi.fn<(arn: string, body: string, attributes: object) => Promise<void>>();
let bus: LocalEventBus;
let client: EventBridgeClient;

beforeEach(async () => {
  invokeLambda.mockReset().mockResolvedValue();
  sendToQueue.mockReset().mockResolvedValue();
  bus = await startEventBus({ targets: { invokeLambda, sendToQueue }, retryMsBase: 1 });
  client = new EventBridgeClient({ ...clientConfig(bus.endpoint), maxAttempts: 1 });
  await client.send(new CreateEventBusCommand({ Name: 'hollow' }));
  const EventPattern = JSON.stringify({ source: ['serverless-hollow'] });
  await client.send(new PutRuleCommand({ Name: 'r', EventBusName: 'hollow', EventPattern }));
});
afterEach(async () => {
  client.destroy();
  await bus.stop();
});

function addTarget(Arn: string, more: object = {}) {
  const Targets = [{ Id: `t${Arn}`, Arn, ...more }];
  return client.send(new PutTargetsCommand({ Rule: 'r', EventBusName: 'hollow', Targets }));
}

function putEvent(more: object = {}) {
  const entry = {
    EventBusName: 'hollow',
    Source: 'serverless-hollow',
    DetailType: 'T',
    Detail: '{"n":1}',
    ...more,
  };
  return client.send(new PutEventsCommand({ Entries: [entry] }));
}

test('a matching event reaches queue and function in the envelope of AWS', async () => {
  await addTarget(queueArn);
  await addTarget(functionArn);
  const answer = await putEvent({ Time: new Date('2026-11-23T10:11:12.345Z') });
  expect(answer.FailedEntryCount).toBe(0);
  await vi.waitFor(() => expect(bus.deliveries().get('delivered')).toBe(2), { timeout: 10_000 });
  expect(sendToQueue.mock.calls[0]?.[0]).toBe(queueArn);
  expect(JSON.parse(sendToQueue.mock.calls[0]?.[1] ?? '')).toEqual({
    version: '0',
    id: answer.Entries?.[0]?.EventId,
    'detail-type': 'T',
    source: 'serverless-hollow',
    account: '000000000000',
    time: '2026-11-23T10:11:12Z',
    region: 'us-east-1',
    resources: [],
    detail: { n: 1 },
  });
  expect(invokeLambda.mock.calls[0]?.[0]).toBe(functionArn);
  expect(bus.requests().get('PutEvents')).toBe(1);
});

test('an event that no rule matches goes nowhere', async () => {
  await addTarget(queueArn);
  await putEvent({ Source: 'other' });
  await putEvent();
  await vi.waitFor(() => expect(bus.deliveries().get('delivered')).toBe(1), { timeout: 10_000 });
  expect(sendToQueue).toHaveBeenCalledTimes(1);
});

test('a failing target is tried again', async () => {
  await addTarget(functionArn);
  invokeLambda.mockRejectedValueOnce(new Error('busy')).mockRejectedValueOnce(new Error('busy'));
  await putEvent();
  await vi.waitFor(() => expect(bus.deliveries().get('delivered')).toBe(1), { timeout: 10_000 });
  expect(invokeLambda).toHaveBeenCalledTimes(3);
});

test('after the last attempt the event goes to the dead-letter queue of the target', async () => {
  await addTarget(functionArn, {
    RetryPolicy: { MaximumRetryAttempts: 2 },
    DeadLetterConfig: { Arn: deadLetterArn },
  });
  invokeLambda.mockRejectedValue(new Error('broken'));
  await putEvent();
  await vi.waitFor(() => expect(bus.deliveries().get('dead-lettered')).toBe(1), { timeout: 10_000 });
  expect(invokeLambda).toHaveBeenCalledTimes(3);
  expect(sendToQueue.mock.calls[0]?.[0]).toBe(deadLetterArn);
  expect(sendToQueue.mock.calls[0]?.[2]).toMatchObject({
    RULE_ARN: 'arn:aws:events:us-east-1:000000000000:rule/hollow/r',
    RETRY_ATTEMPTS: '2',
    EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
  });
});

test('a target that does not exist is not tried again; without a dead-letter queue the event is dropped', async () => {
  await addTarget(functionArn);
  invokeLambda.mockRejectedValue(new DatasetError('invalid', 'no such function'));
  await putEvent();
  await vi.waitFor(() => expect(bus.deliveries().get('dropped')).toBe(1), { timeout: 10_000 });
  expect(invokeLambda).toHaveBeenCalledTimes(1);
});

test('bad entries fail one by one', async () => {
  const good = { EventBusName: 'hollow', Source: 's', DetailType: 't', Detail: '{}' };
  const entries = [
    good,
    { ...good, Detail: 'x' },
    { ...good, Source: '' },
    { ...good, EventBusName: 'none' },
  ];
  const answer = await client.send(new PutEventsCommand({ Entries: entries }));
  expect(answer.FailedEntryCount).toBe(3);
  expect(answer.Entries?.map((entry) => entry.ErrorCode)).toEqual([
    undefined,
    'MalformedDetail',
    'InvalidArgument',
    'ResourceNotFoundException',
  ]);
});

test('refuses bad patterns and targets it could not serve', async () => {
  const bad = new PutRuleCommand({ Name: 'x', EventBusName: 'hollow', EventPattern: '{"a":[{"cidr":"x"}]}' });
  await expect(client.send(bad)).rejects.toMatchObject({ name: 'InvalidEventPatternException' });
  await expect(addTarget('arn:aws:sns:us-east-1:000000000000:t')).rejects.toMatchObject({
    name: 'ValidationException',
  });
  await expect(addTarget(queueArn, { InputPath: '$.detail' })).rejects.toMatchObject({
    name: 'ValidationException',
  });
});
