/** Changes of a table, through its stream, to a toy function. */
import { CreateTableCommand, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startDynamoDb } from '../../../lib/local-cloud/dynamodb.ts';
import { clientConfig, type LocalService } from '../../../lib/local-cloud/environment.ts';
import { compilePattern } from '../../../lib/local-cloud/events/event-pattern.ts';
import { FunctionLog } from '../../../lib/local-cloud/lambda/function-log.ts';
import { LambdaService } from '../../../lib/local-cloud/lambda/lambda-service.ts';
import { StreamMapping, type StreamMappingConfig } from '../../../lib/local-cloud/stream-mapping.ts';
import { hasDynamoDb } from '../../support/emulators.ts';
import { type ToyFunction, toyFunction } from '../../support/toy-function.ts';

/** Prints the batch; fails at the first record that says so, the first `times` times. */
const teller = `
let failedCount = 0;
export async function handler({ Records }) {
  const values = Records.map(({ dynamodb }) => dynamodb.NewImage.value.S);
  console.log(JSON.stringify(values));
  const at = values.findIndex((value) => value.startsWith('fail'));
  if (at < 0 || failedCount++ >= Number(values[at].slice(5))) return { batchItemFailures: [] };
  return { batchItemFailures: [{ itemIdentifier: Records[at].dynamodb.SequenceNumber }] };
}`;

let database: LocalService;
let client: DynamoDBClient;
let lambda: LambdaService;
let toy: ToyFunction;
let mapping: StreamMapping;
const batches: string[][] = [];
const dead: string[] = [];

const seen = (): string[] => batches.flat();

async function start(more: Partial<StreamMappingConfig> = {}): Promise<void> {
  const { TableDescription } = await client.send(
    new CreateTableCommand({
      TableName: 'heads',
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
    }),
  );
  await put('before');
  const config: StreamMappingConfig = {
    streamArn: TableDescription?.LatestStreamArn ?? '',
    functionReference: 'teller',
    batchSize: 10,
    startingPosition: 'LATEST',
    patterns: [],
    reportsBatchItemFailures: true,
    retriesMax: 3,
    onFailureArn: 'arn:aws:sqs:us-east-1:000000000000:dead',
    ...more,
  };
  const sendToQueue = async (_: string, body: string) => void dead.push(body);
  mapping = new StreamMapping(config, { lambda, endpoint: database.endpoint, sendToQueue });
  await mapping.start();
}

async function put(...values: readonly string[]): Promise<void> {
  for (const value of values) {
    await client.send(
      new UpdateItemCommand({
        TableName: 'heads',
        Key: { pk: { S: 'cities' } },
        UpdateExpression: 'SET #value = :value',
        ExpressionAttributeNames: { '#value': 'value' },
        ExpressionAttributeValues: { ':value': { S: value } },
      }),
    );
  }
}

beforeEach(async (context) => {
  if (!hasDynamoDb()) return context.skip(`no DynamoDB stand-in for ${process.platform}-${process.arch}`);
  batches.length = 0;
  dead.length = 0;
  database = await startDynamoDb();
  client = new DynamoDBClient(clientConfig(database.endpoint));
  const log = new FunctionLog((_, line) => {
    if (line.startsWith('[')) batches.push(JSON.parse(line));
  });
  lambda = new LambdaService(log, { retryMsBase: 1, throttleMs: 1, sendToQueue: async () => undefined });
  toy = toyFunction('teller', teller);
  lambda.putFunction(toy.config);
});

afterEach(async () => {
  await mapping?.stop();
  await lambda?.stop();
  client?.destroy();
  await database?.stop();
  toy?.remove();
});

test('hands over every change from its start on, in order, with the new image', async () => {
  await start();
  await put('a', 'b', 'c');
  await vi.waitFor(() => expect(seen()).toEqual(['a', 'b', 'c']), { timeout: 10_000 });
  expect([...mapping.batches.all().keys()]).toEqual(['succeeded']);
});

test('from the horizon on it also sees what was there before', async () => {
  await start({ startingPosition: 'TRIM_HORIZON' });
  await put('a');
  await vi.waitFor(() => expect(seen()).toEqual(['before', 'a']), { timeout: 10_000 });
});

test('leaves out what no pattern matches', async () => {
  const pattern = { dynamodb: { NewImage: { value: { S: ['commit', 'serve'] } } } };
  await start({ patterns: [compilePattern(pattern)] });
  await put('commit', 'floor', 'pin', 'serve');
  await vi.waitFor(() => expect(seen()).toEqual(['commit', 'serve']), { timeout: 10_000 });
});

test('brings a batch back from its first failed record on, and lets nothing overtake it', async () => {
  await start();
  await put('a', 'fail 2', 'b');
  await vi.waitFor(() => expect(seen().at(-1)).toBe('b'), { timeout: 10_000 });
  await put('c');
  await vi.waitFor(() => expect(seen().at(-1)).toBe('c'), { timeout: 10_000 });
  const order = seen().filter((value, index, all) => all.indexOf(value) === index);
  expect(order).toEqual(['a', 'fail 2', 'b', 'c']);
  expect(seen().filter((value) => value === 'a')).toHaveLength(1);
  expect(seen().filter((value) => value === 'fail 2')).toHaveLength(3);
  expect(dead).toEqual([]);
});

test('gives a batch up after its retries, says so, and goes on behind it', async () => {
  await start({ batchSize: 1, retriesMax: 1 });
  await put('fail 9', 'b');
  await vi.waitFor(() => expect(seen()).toEqual(['fail 9', 'fail 9', 'b']), { timeout: 10_000 });
  expect(dead.map((body) => JSON.parse(body))).toMatchObject([
    { requestContext: { condition: 'RetryAttemptsExhausted' }, DDBStreamBatchInfo: { batchSize: 1 } },
  ]);
});
