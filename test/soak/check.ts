import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { AwsBlobStore } from '../../lib/aws/blob-store.ts';
import { s3Client } from '../../lib/aws/clients.ts';
import { AwsHeadStore } from '../../lib/aws/head-store.ts';
import { Consumer } from '../../lib/consumer/consumer.ts';
import { systemClock } from '../../lib/local/system-clock.ts';
import { systemRandom } from '../../lib/local/system-random.ts';
import type { LocalCloud } from '../../lib/local-cloud/cloud.ts';
import { clientConfig } from '../../lib/local-cloud/environment.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import { cities, type Load } from './load.ts';
import type { Reader } from './reader.ts';

const quietMsMax = 180_000;

/** Messages of a queue: delayed, visible, and being worked on. */
export async function queueDepth(sqs: SQSClient, queueUrl: string): Promise<number> {
  const command = new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['All'] });
  const { Attributes: attributes = {} } = await sqs.send(command);
  return (['Delayed', '', 'NotVisible'] as const).reduce(
    (total, state) => total + Number(attributes[`ApproximateNumberOfMessages${state}`] ?? 0),
    0,
  );
}

export interface State {
  readonly cloud: LocalCloud;
  readonly sqs: SQSClient;
  /** Population by id of every city that must be there. */
  readonly expected: () => ReadonlyMap<number, number | null>;
}

export interface Checked {
  /** Empty: all is well. */
  readonly problems: readonly string[];
  readonly version: number;
  readonly recordCount: number;
}

/** Waits until nothing is under way, and compares what is there with what was accepted. */
export async function checkState({ cloud, sqs, expected }: State): Promise<Checked> {
  const { outputs, endpoints } = cloud;
  const url = (name: string): string => outputs[name] ?? '';
  const dynamodb = new DynamoDBClient(clientConfig(endpoints.dynamodb));
  const s3 = s3Client(clientConfig(endpoints.s3));
  const problems: string[] = [];
  try {
    const isEmpty = await within(
      quietMsMax,
      async () => (await queueDepth(sqs, url('MutationQueueUrl'))) === 0,
    );
    if (!isEmpty) problems.push('the queue does not become empty');
    const consumer = new Consumer({
      id: { dataset: 'cities', partition: 0 },
      dataset: cities,
      heads: new AwsHeadStore({ client: dynamodb, table: url('TableName') }),
      blobs: new AwsBlobStore({ client: s3, bucket: url('BucketName') }),
      clock: systemClock,
      random: systemRandom,
      telemetry: new MemoryTelemetry(),
    });
    await consumer.refresh();
    const found = new Map(
      Array.from(consumer.state.type('City'), ({ cityId, population }) => [cityId, population] as const),
    );
    problems.push(...differences(expected(), found));
    for (const name of ['QuarantineQueueUrl', 'DeadLetterQueueUrl']) {
      const { Messages: messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url(name) }));
      for (const { Body: body } of messages) problems.push(`${name} has ${body?.slice(0, 300)}`);
    }
    return { problems, version: consumer.version?.version ?? 0, recordCount: found.size };
  } finally {
    dynamodb.destroy();
    s3.destroy();
  }
}

export interface End {
  readonly cloud: LocalCloud;
  readonly reader: Reader;
  readonly load: Load;
  readonly sqs: SQSClient;
}

/** The state, and that the reader has come to it without ever going back. Empty: all is well. */
export async function check({ cloud, reader, load, sqs }: End): Promise<readonly string[]> {
  const earlier = [...reader.problems];
  const { problems, version, recordCount } = await checkState({
    cloud,
    sqs,
    expected: () => load.expected(),
  });
  const isServed = await within(60_000, async () => (await reader.version()) === version);
  const lag = isServed ? [] : [`the consumer service serves ${await reader.version()}, not ${version}`];
  process.stdout.write(`checked ${recordCount} records at version ${version}\n`);
  return [...earlier, ...problems, ...lag];
}

function differences(
  expected: ReadonlyMap<number, number | null>,
  found: ReadonlyMap<number, number | null>,
): readonly string[] {
  const problems: string[] = [];
  for (const cityId of new Set([...expected.keys(), ...found.keys()])) {
    const [wanted, got] = [expected.get(cityId), found.get(cityId)];
    if (wanted !== got) problems.push(`city ${cityId} has ${got}, not ${wanted}`);
  }
  return problems;
}

async function within(timeoutMs: number, isSo: () => Promise<boolean>): Promise<boolean> {
  for (const endMs = performance.now() + timeoutMs; performance.now() < endMs; await sleep(200)) {
    if (await isSo()) return true;
  }
  return false;
}
