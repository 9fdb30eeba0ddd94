/** The loader of templates and the mappings, with a toy function, through real queues. */

import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../../lib/local-cloud/cloud.ts';
import { clientConfig } from '../../../lib/local-cloud/environment.ts';
import { findUnknown, type Template } from '../../../lib/local-cloud/template.ts';
import { type ToyFunction, toyFunction } from '../../support/toy-function.ts';

interface Variant {
  readonly batchSize?: number;
  readonly windowSeconds?: number;
  readonly maxReceiveCount?: number;
  readonly reports?: boolean;
  readonly permission?: boolean;
}

function templateOf(variant: Variant = {}): Template {
  const alias = { Ref: 'Live' };
  return {
    Resources: {
      Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: {} } },
      Table: {
        Type: 'AWS::DynamoDB::GlobalTable',
        Properties: {
          BillingMode: 'PAY_PER_REQUEST',
          KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
          Replicas: [{ Region: 'us-east-1' }],
          StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
        },
      },
      Blobs: { Type: 'AWS::S3::Bucket', Properties: { VersioningConfiguration: { Status: 'Enabled' } } },
      DeadLetters: { Type: 'AWS::SQS::Queue' },
      Work: {
        Type: 'AWS::SQS::Queue',
        Properties: {
          VisibilityTimeout: 1,
          RedrivePolicy: {
            deadLetterTargetArn: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] },
            maxReceiveCount: variant.maxReceiveCount ?? 2,
          },
        },
      },
      Worker: {
        Type: 'AWS::Lambda::Function',
        DependsOn: ['Role'],
        Properties: {
          Code: { S3Bucket: { 'Fn::Sub': 'assets-${AWS::AccountId}' }, S3Key: 'toy.zip' },
          Handler: 'index.handler',
          Runtime: 'nodejs24.x',
          Timeout: 1,
          Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
          Environment: { Variables: { TABLE: { Ref: 'Table' }, BUCKET: { Ref: 'Blobs' } } },
        },
      },
      V1: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Worker' } } },
      Live: {
        Type: 'AWS::Lambda::Alias',
        Properties: {
          FunctionName: { Ref: 'Worker' },
          FunctionVersion: { 'Fn::GetAtt': ['V1', 'Version'] },
          Name: 'live',
        },
      },
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          BatchSize: variant.batchSize ?? 10,
          MaximumBatchingWindowInSeconds: variant.windowSeconds ?? 0,
          EventSourceArn: { 'Fn::GetAtt': ['Work', 'Arn'] },
          FunctionName: alias,
          FunctionResponseTypes: variant.reports === false ? [] : ['ReportBatchItemFailures'],
          ScalingConfig: { MaximumConcurrency: 2 },
        },
      },
      Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: 'announcements' } },
      Rule: {
        Type: 'AWS::Events::Rule',
        Properties: {
          EventBusName: { Ref: 'Bus' },
          EventPattern: { source: ['toy'] },
          Targets: [
            { Id: 'f', Arn: alias, DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] } } },
          ],
        },
      },
      ...(variant.permission === false
        ? {}
        : {
            Permission: {
              Type: 'AWS::Lambda::Permission',
              Properties: {
                Action: 'lambda:InvokeFunction',
                FunctionName: alias,
                Principal: 'events.amazonaws.com',
                SourceArn: { 'Fn::GetAtt': ['Rule', 'Arn'] },
              },
            },
          }),
    },
    Outputs: {
      WorkUrl: { Value: { Ref: 'Work' } },
      DeadUrl: { Value: { Ref: 'DeadLetters' } },
      TableName: { Value: { Ref: 'Table' } },
    },
  };
}

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

async function start(variant: Variant = {}): Promise<LocalCloud> {
  batches.length = 0;
  events.length = 0;
  const { codeDirectory } = (toy = toyFunction('toy', worker)).config;
  cloud = await startLocalCloud({
    template: templateOf(variant),
    findAsset: (key) => (key === 'toy.zip' ? codeDirectory : undefined),
    onLog(_source, line) {
      if (line.startsWith('[')) batches.push(JSON.parse(line));
      if (line.startsWith('{')) events.push(JSON.parse(line));
    },
  });
  sqs = new SQSClient(clientConfig(cloud.endpoints.sqs));
  return cloud;
}

afterEach(async () => {
  sqs?.destroy();
  await cloud?.stop();
  toy?.remove();
});

async function send(bodies: readonly string[]): Promise<void> {
  const QueueUrl = cloud?.outputs['WorkUrl'];
  await Promise.all(
    bodies.map(async (MessageBody) => sqs?.send(new SendMessageCommand({ QueueUrl, MessageBody }))),
  );
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
    await start({ maxReceiveCount: 2 });
    await send(['a', 'fail', 'b']);
    expect(await deadLetters(10)).toEqual(['fail']);
    expect(seen().toSorted()).toEqual(['a#1', 'b#1', 'fail#1', 'fail#2']);
  });

  test('maxReceiveCount of the template decides how often', async () => {
    await start({ maxReceiveCount: 3 });
    await send(['fail']);
    expect(await deadLetters(10)).toEqual(['fail']);
    expect(seen()).toEqual(['fail#1', 'fail#2', 'fail#3']);
  });

  test('a function error brings the whole batch back', async () => {
    await start({ maxReceiveCount: 1, windowSeconds: 1 });
    await send(['a', 'crash']);
    expect((await deadLetters(10)).length + (await deadLetters(2)).length).toBe(2);
    expect(batches.map((batch) => batch.length)).toEqual([2]);
  });

  test('without ReportBatchItemFailures an answer deletes everything', async () => {
    const { mappings } = await start({ reports: false });
    await send(['fail', 'a']);
    await vi.waitFor(() => expect(seen().toSorted()).toEqual(['a#1', 'fail#1']));
    expect(await deadLetters(3)).toEqual([]);
    expect(mappings[0]?.batches.all().get('partial')).toBeUndefined();
  });

  test.each([1, 3])('no batch is larger than BatchSize %i', async (batchSize) => {
    await start({ batchSize, windowSeconds: 1 });
    const bodies = Array.from({ length: 7 }, (_, i) => `m${i}`);
    await send(bodies);
    await vi.waitFor(() => expect(seen()).toHaveLength(7), { timeout: 8000 });
    expect(Math.max(...batches.map((batch) => batch.length))).toBe(batchSize);
  });

  test('a window gathers more than ten', async () => {
    await start({ batchSize: 100, windowSeconds: 1 });
    await send(Array.from({ length: 40 }, (_, i) => `m${i}`));
    await vi.waitFor(() => expect(seen()).toHaveLength(40), { timeout: 8000 });
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
    await vi.waitFor(() => expect(events).toHaveLength(1));
    expect(events[0]).toMatchObject({
      TABLE: 'Table',
      BUCKET: 'blobs',
      AWS_LAMBDA_FUNCTION_VERSION: '1',
      AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
      event: { source: 'toy', detail: { n: 1 } },
    });
    await vi.waitFor(() => expect(lambda.asyncOutcomes().get('succeeded')).toBe(1));
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
    await vi.waitFor(() => expect(seen()).toHaveLength(1));
    const pids = started.getFunction('Worker').processIds;
    expect(pids.length).toBeGreaterThan(0);
    await started.stop();
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    await expect(fetch(started.endpoints.dynamodb)).rejects.toThrow('fetch failed');
  });
});

describe('what the loader does not know', () => {
  const withResource = (resource: Template['Resources'][string]): Template => ({
    Resources: { Thing: resource },
  });

  test('the template of these tests has nothing unknown', () => {
    expect(findUnknown(templateOf())).toEqual([]);
  });

  const table: readonly (readonly [string, Template, string])[] = [
    ['a type', withResource({ Type: 'AWS::SNS::Topic' }), 'Thing: type AWS::SNS::Topic'],
    [
      'a property',
      withResource({ Type: 'AWS::SQS::Queue', Properties: { FifoQueue: true } }),
      'Thing: AWS::SQS::Queue FifoQueue',
    ],
    [
      'a property inside a list',
      withResource({ Type: 'AWS::Events::Rule', Properties: { Targets: [{ Id: 'a', InputPath: '$' }] } }),
      'Thing: AWS::Events::Rule Targets.InputPath',
    ],
    [
      'a property inside a property',
      withResource({ Type: 'AWS::Lambda::Function', Properties: { Code: { ZipFile: 'x' } } }),
      'Thing: AWS::Lambda::Function Code.ZipFile',
    ],
    [
      'a condition',
      withResource({ Type: 'AWS::SQS::Queue', Condition: 'Never' }),
      'Thing: Condition of a resource',
    ],
    ['a section', { Resources: {}, Transform: 'x' }, 'section Transform'],
  ];
  test.each(table)('fails: %s', async (_name, template, expected) => {
    expect(findUnknown(template)).toEqual([expected]);
    await expect(startLocalCloud({ template, findAsset: () => undefined })).rejects.toThrow(expected);
  });
});
