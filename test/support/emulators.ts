/**
 * The emulated services for tests of lib/aws: each on a free port of 127.0.0.1, with clients that have an explicit
 * endpoint and made-up credentials, so that nothing can leave the machine.
 */
import { createRequire } from 'node:module';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import {
  CreateEventBusCommand,
  type EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { announcementSource } from '../../lib/announcement.ts';
import {
  type AwsClientOptions,
  dynamoDbClient,
  eventBridgeClient,
  s3Client,
  sqsClient,
} from '../../lib/aws/clients.ts';
import { startDynamoDb } from '../../lib/local-cloud/dynamodb.ts';
import { clientConfig, localAccount, localRegion } from '../../lib/local-cloud/environment.ts';
import { startEventBus } from '../../lib/local-cloud/event-bus.ts';
import { startS3Server } from '../../lib/local-cloud/s3-server.ts';
import { startSqs } from '../../lib/local-cloud/sqs.ts';
import { QueueSender } from '../../lib/local-cloud/sqs-client.ts';

/** Two clients, as two processes have them, of one started service. */
export interface Emulator<Client> {
  readonly clients: readonly [Client, Client];
  /** Ends the clients and the service. */
  stop(): Promise<void>;
}

/** Generous: a time-out on a busy machine is repeated by the SDK, and a repeated commit is a conflict with itself. */
const timeoutMs = 15_000;

export function localClientOptions(endpoint: string): AwsClientOptions {
  return { ...clientConfig(endpoint), timeoutMs };
}

/** DynamoDB's stand-in is a native program that does not exist for every platform. */
export function hasDynamoDb(): boolean {
  try {
    createRequire(import.meta.url).resolve(`@dynoxide/${process.platform}-${process.arch}/package.json`);
    return true;
  } catch {
    return false;
  }
}

/** For what a suite cannot run here: said loudly, so that green never means "not run". */
export function sayNotRun(what: string, why: string): void {
  process.stderr.write(`\n${'!'.repeat(78)}\n!! NOT RUN: ${what}\n!! ${why}\n${'!'.repeat(78)}\n\n`);
}

/** With one table. */
export async function startDynamoDbEmulator(table: string): Promise<Emulator<DynamoDBClient>> {
  const service = await startDynamoDb();
  const emulator = withClients(service, dynamoDbClient);
  await emulator.clients[0].send(new CreateTableCommand(headTable(table)));
  return emulator;
}

/** As infra makes it. */
export function headTable(table: string): CreateTableCommandInput {
  return {
    TableName: table,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
  };
}

export async function startS3Emulator(bucket: string): Promise<Emulator<S3Client>> {
  const emulator = withClients(await startS3Server(), s3Client);
  await emulator.clients[0].send(new CreateBucketCommand({ Bucket: bucket }));
  return emulator;
}

export interface SqsEmulator extends Emulator<SQSClient> {
  readonly endpoint: string;
  /** Creates a queue and gives its URL. */
  createQueue(name: string, visibilitySeconds: number): Promise<string>;
}

export async function startSqsEmulator(): Promise<SqsEmulator> {
  const service = await startSqs();
  const emulator = withClients(service, sqsClient);
  return {
    ...emulator,
    endpoint: service.endpoint,
    async createQueue(name, visibilitySeconds) {
      const Attributes = { VisibilityTimeout: String(visibilitySeconds) };
      await emulator.clients[0].send(new CreateQueueCommand({ QueueName: name, Attributes }));
      return service.queueUrl(name);
    },
  };
}

/** A bus with one rule, as infra makes it: announcements go to the queue of that name at the SQS emulator. */
export async function startEventBusEmulator(
  bus: string,
  queue: { readonly endpoint: string; readonly name: string },
): Promise<Emulator<EventBridgeClient>> {
  const sender = new QueueSender(queue.endpoint);
  const service = await startEventBus({
    targets: {
      invokeLambda: () => Promise.reject(new Error('no function here')),
      sendToQueue: (arn, body, attributes) => sender.send(arn, body, attributes),
    },
  });
  const emulator = withClients(service, eventBridgeClient);
  const [client] = emulator.clients;
  const rule = { Name: 'announcements', EventBusName: bus };
  await client.send(new CreateEventBusCommand({ Name: bus }));
  await client.send(
    new PutRuleCommand({ ...rule, EventPattern: JSON.stringify({ source: [announcementSource] }) }),
  );
  const Targets = [{ Id: 'queue', Arn: `arn:aws:sqs:${localRegion}:${localAccount}:${queue.name}` }];
  await client.send(new PutTargetsCommand({ Rule: rule.Name, EventBusName: bus, Targets }));
  return {
    clients: emulator.clients,
    async stop() {
      await emulator.stop();
      sender.close();
    },
  };
}

function withClients<Client extends { destroy(): void }>(
  service: { readonly endpoint: string; stop(): Promise<void> },
  createClient: (options: AwsClientOptions) => Client,
): Emulator<Client> {
  const options = localClientOptions(service.endpoint);
  const clients = [createClient(options), createClient(options)] as const;
  return {
    clients,
    async stop() {
      for (const client of clients) client.destroy();
      await service.stop();
    },
  };
}
