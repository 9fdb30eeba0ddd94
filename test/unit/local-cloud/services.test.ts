import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startDynamoDb } from '../../../lib/local-cloud/dynamodb.ts';
import { clientConfig } from '../../../lib/local-cloud/environment.ts';
import { startSqs } from '../../../lib/local-cloud/sqs.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'unit-services-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('DynamoDB keeps its tables in the directory and counts operations', async () => {
  const first = await startDynamoDb({ directory });
  const client = new DynamoDBClient(clientConfig(first.endpoint));
  await client.send(
    new CreateTableCommand({
      TableName: 'heads',
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  const item = { pk: { S: 'a' }, n: { N: '1' } };
  await client.send(new PutItemCommand({ TableName: 'heads', Item: item }));
  expect(first.requests().get('PutItem')).toBe(1);
  client.destroy();
  await first.stop();
  await expect(fetch(first.endpoint)).rejects.toThrow('fetch failed');

  const second = await startDynamoDb({ directory });
  const again = new DynamoDBClient(clientConfig(second.endpoint));
  const answer = await again.send(new GetItemCommand({ TableName: 'heads', Key: { pk: { S: 'a' } } }));
  expect(answer.Item).toEqual(item);
  again.destroy();
  await second.stop();
});

test('SQS keeps messages in the directory, also those made visible again', async () => {
  const first = await startSqs({ directory });
  const client = new SQSClient(clientConfig(first.endpoint));
  const created = await client.send(new CreateQueueCommand({ QueueName: 'q' }));
  expect(created.QueueUrl).toBe(first.queueUrl('q'));
  const QueueUrl = first.queueUrl('q');
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'kept' }));
  const received = await client.send(new ReceiveMessageCommand({ QueueUrl }));
  const ReceiptHandle = received.Messages?.[0]?.ReceiptHandle;
  await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
  expect(first.requests().get('SendMessage')).toBe(1);
  client.destroy();
  await first.stop();

  const second = await startSqs({ directory });
  const again = new SQSClient(clientConfig(second.endpoint));
  const answer = await again.send(
    new ReceiveMessageCommand({ QueueUrl: second.queueUrl('q'), MessageSystemAttributeNames: ['All'] }),
  );
  expect(answer.Messages?.[0]?.Body).toBe('kept');
  expect(answer.Messages?.[0]?.Attributes?.['ApproximateReceiveCount']).toBe('2');
  again.destroy();
  await second.stop();
});
