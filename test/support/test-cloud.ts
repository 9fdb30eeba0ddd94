/**
 * The stage `dev` as it is deployed, in a local cloud of its own, and clients of the AWS SDK to look at it with. Nothing
 * here reaches into a program: what tests see is what stands in queues, buckets, tables and logs.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import { inject } from 'vitest';
import { AwsBlobStore } from '../../lib/aws/blob-store.ts';
import { s3Client, sqsClient } from '../../lib/aws/clients.ts';
import { AwsHeadStore } from '../../lib/aws/head-store.ts';
import { AwsMutationSink } from '../../lib/aws/mutation-sink.ts';
import { Consumer } from '../../lib/consumer/consumer.ts';
import { systemClock } from '../../lib/local/system-clock.ts';
import { systemRandom } from '../../lib/local/system-random.ts';
import { readAssembly } from '../../lib/local-cloud/assembly.ts';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../lib/local-cloud/cloud.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import type { DatasetId, MutationSink, QuarantineEntry } from '../../lib/ports.ts';
import { localClientOptions } from './emulators.ts';

export const citiesId: DatasetId = { dataset: 'cities', partition: 0 };

/** A line of JSON that a program printed. */
export type LogLine = {
  readonly source: string;
  readonly level?: string;
  readonly message?: string;
} & Readonly<Record<string, unknown>>;

export interface TestCloud {
  readonly cloud: LocalCloud;
  /** What functions and programs have printed so far, without metrics. */
  readonly log: readonly LogLine[];
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly dynamodb: DynamoDBClient;
  readonly heads: AwsHeadStore;
  readonly blobs: AwsBlobStore;
  /** To the mutation queue. */
  readonly sink: MutationSink;
  /** One of the outputs of the stack. */
  output(name: string): string;
  /** A synchronous invocation of a function by its ARN or name, as the SDK makes it: an HTTP request with JSON. */
  invoke(name: string, event: unknown): Promise<Invocation>;
  /** A consumer in this process, that nobody starts. */
  newConsumer(): Consumer;
  /** Messages of a queue, given by the output with its URL, that are delayed, visible, and being worked on. */
  depthsOf(name: string): Promise<readonly number[]>;
  /** Takes all messages out of a queue: bodies, parsed. */
  drain(queueUrl: string): Promise<unknown[]>;
  quarantined(): Promise<QuarantineEntry[]>;
  stop(): Promise<void>;
}

export interface Invocation {
  readonly status: number;
  /** `Unhandled` when the function failed. */
  readonly functionError: string | null;
  readonly answer: unknown;
}

/**
 * @param more keep the data in a directory, for one
 * @param outbox it tells of each commit a second time. Default: it does not run, since most tests count requests and hints
 */
export async function startTestCloud(
  more: Partial<LocalCloudOptions> = {},
  { outbox = false }: { readonly outbox?: boolean } = {},
): Promise<TestCloud> {
  const log: LogLine[] = [];
  const cloud = await startLocalCloud({
    ...readAssembly(inject('assemblyDirectory'), 'serverless-hollow-dev'),
    onLog: (source, line, logStream) => log.push({ ...parseLine(line), source, logStream }),
    ...more,
  });
  if (!outbox) for (const stream of cloud.streams) await stream.stop();
  const { endpoints } = cloud;
  const s3 = s3Client(localClientOptions(endpoints.s3));
  const sqs = sqsClient(localClientOptions(endpoints.sqs));
  const { timeoutMs: _, ...dynamodbOptions } = localClientOptions(endpoints.dynamodb);
  const dynamodb = new DynamoDBClient(dynamodbOptions);
  const output = (name: string) => {
    const value = cloud.outputs[name];
    if (value === undefined) throw new Error(`the stack has no output ${name}`);
    return value;
  };
  const heads = new AwsHeadStore({ client: dynamodb, table: output('TableName') });
  const blobs = new AwsBlobStore({ client: s3, bucket: output('BucketName') });
  const quarantineEntries: QuarantineEntry[] = [];
  return {
    cloud,
    log,
    s3,
    sqs,
    dynamodb,
    heads,
    blobs,
    output,
    sink: new AwsMutationSink({ client: sqs, queueUrl: output('MutationQueueUrl') }),
    invoke: (name, event) => invoke(endpoints.lambda, name, event),
    newConsumer: () =>
      new Consumer({
        id: citiesId,
        heads,
        blobs,
        clock: systemClock,
        random: systemRandom,
        telemetry: new MemoryTelemetry(),
      }),
    async depthsOf(name) {
      const command = new GetQueueAttributesCommand({ QueueUrl: output(name), AttributeNames: ['All'] });
      const { Attributes: attributes } = await sqs.send(command);
      return (['Delayed', '', 'NotVisible'] as const).map((state) =>
        Number(attributes?.[`ApproximateNumberOfMessages${state}`]),
      );
    },
    drain: (queueUrl) => drain(sqs, queueUrl),
    async quarantined() {
      const bodies = await drain(sqs, output('QuarantineQueueUrl'));
      quarantineEntries.push(...(bodies as QuarantineEntry[]));
      return [...quarantineEntries];
    },
    async stop() {
      await cloud.stop();
      for (const client of [s3, sqs, dynamodb]) client.destroy();
    },
  };
}

function parseLine(line: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(line);
  } catch {
    return { message: line };
  }
}

async function invoke(endpoint: string, name: string, event: unknown): Promise<Invocation> {
  const url = `${endpoint}/2015-03-31/functions/${encodeURIComponent(name)}/invocations`;
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(event) });
  return {
    status: answer.status,
    functionError: answer.headers.get('x-amz-function-error'),
    answer: await answer.json(),
  };
}

async function drain(sqs: SQSClient, queueUrl: string): Promise<unknown[]> {
  const bodies: unknown[] = [];
  for (;;) {
    const receive = new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 0,
    });
    const { Messages: messages = [] } = await sqs.send(receive);
    if (messages.length === 0) return bodies;
    bodies.push(...messages.map((message) => JSON.parse(message.Body ?? '')));
    const Entries = messages.map((message, index) => ({
      Id: String(index),
      ReceiptHandle: message.ReceiptHandle ?? '',
    }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  }
}
