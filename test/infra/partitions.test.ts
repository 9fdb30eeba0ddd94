/** A dataset in two partitions as a user's stack has it, deployed to a local cloud: queues, producers, sender, consumer. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HollowDataset } from '../../infra/dataset.ts';
import { AwsBlobStore } from '../../lib/aws/blob-store.ts';
import { s3Client, sqsClient } from '../../lib/aws/clients.ts';
import { AwsHeadStore } from '../../lib/aws/head-store.ts';
import { AwsMutationSink } from '../../lib/aws/mutation-sink.ts';
import { AwsMutationSource } from '../../lib/aws/mutation-source.ts';
import { PartitionedConsumer } from '../../lib/consumer/partitioned-consumer.ts';
import { systemClock } from '../../lib/local/system-clock.ts';
import { systemRandom } from '../../lib/local/system-random.ts';
import { readAssembly } from '../../lib/local-cloud/assembly.ts';
import { type LocalCloud, startLocalCloud } from '../../lib/local-cloud/cloud.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import { defineDataset } from '../../lib/schema/builder.ts';
import { Sender } from '../../lib/sender/sender.ts';
import { cities as whole } from '../soak/load.ts';
import { localClientOptions } from '../support/emulators.ts';
import { eventually } from '../support/eventually.ts';
import { root } from '../support/source-tree.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { context } from './template.ts';

const cities = defineDataset(whole.types, { partitions: 2 });
const ids = Array.from({ length: 200 }, (_, i) => i + 1);
const { path: outdir, remove } = await temporaryDirectory();
let cloud: LocalCloud;
let consumer: PartitionedConsumer<typeof cities>;
let stops: (() => Promise<void> | void)[] = [];

function synthesize(): void {
  const app = new App({ context, outdir, analyticsReporting: false, builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'Parts', { env: { region: 'eu-west-1' } });
  const schema = readFileSync(join(root, 'datasets', 'cities.hollow'), 'utf8');
  const { storage, partitions } = new HollowDataset(stack, 'Cities', {
    dataset: 'cities',
    schema,
    partitions: cities.partitions.count,
    keepsData: false,
  });
  new CfnOutput(stack, 'Table', { value: storage.table.tableName });
  new CfnOutput(stack, 'Bucket', { value: storage.bucket.bucketName });
  for (const { partition, mutationQueue, quarantineQueue } of partitions) {
    new CfnOutput(stack, `Mutations${partition}`, { value: mutationQueue.queueUrl });
    new CfnOutput(stack, `Aside${partition}`, { value: quarantineQueue.queueUrl });
  }
  app.synth();
}

const output = (name: string): string => cloud.outputs[name] ?? expect.fail(`no output ${name}`);

beforeAll(async () => {
  synthesize();
  cloud = await startLocalCloud(readAssembly(outdir, 'Parts'));
  const { timeoutMs: _, ...options } = localClientOptions(cloud.endpoints.dynamodb);
  const dynamodb = new DynamoDBClient(options);
  const s3 = s3Client(localClientOptions(cloud.endpoints.s3));
  const sqs = sqsClient(localClientOptions(cloud.endpoints.sqs));
  stops = [() => cloud.stop(), () => dynamodb.destroy(), () => s3.destroy(), () => sqs.destroy(), remove];
  const ports = { clock: systemClock, random: systemRandom, telemetry: new MemoryTelemetry() };
  const sinks = [0, 1].map((p) => new AwsMutationSink({ client: sqs, queueUrl: output(`Mutations${p}`) }));
  const sender = new Sender({ ...ports, dataset: cities, sinks });
  for (const cityId of ids) await sender.upsert('City', { cityId, name: `City ${cityId}` });
  await sender.close();
  const heads = new AwsHeadStore({ client: dynamodb, table: output('Table') });
  const blobs = new AwsBlobStore({ client: s3, bucket: output('Bucket') });
  consumer = new PartitionedConsumer({ ...ports, heads, blobs, dataset: cities, id: { dataset: 'cities' } });
  await eventually(async () => {
    await consumer.refresh();
    expect(consumer.state.type('City').count).toBe(ids.length);
  }, 60_000);
  // To the wrong queue, as a sender with another idea of the partitions would.
  const stray = ids.find((cityId) => cities.partitionOf('City', cityId) === 1);
  const body = JSON.stringify({ op: 'delete', type: 'City', key: { cityId: stray } });
  await sinks[0]?.send([{ body }]);
  const aside = new AwsMutationSource({ client: sqs, queueUrl: output('Aside0') });
  const [entry] = await aside.receive(1, 20_000);
  expect(JSON.parse(entry?.body ?? '{}')).toMatchObject({
    content: body,
    reason: 'the key belongs to partition 1 of 2, and this is 0',
  });
}, 180_000);

afterAll(async () => {
  for (const stop of stops) await stop();
});

describe('a dataset in two partitions', () => {
  it('has each record in the partition that its key says', () => {
    for (const partition of [0, 1]) {
      const own = ids.filter((cityId) => cities.partitionOf('City', cityId) === partition);
      expect(own.length).toBeGreaterThan(50);
      const records = consumer.state.partition(partition).type('City');
      expect(new Set(Array.from(records, ({ cityId }) => cityId))).toEqual(new Set(own));
    }
  });

  it('is read as one', async () => {
    await consumer.refresh();
    for (const cityId of ids) expect(consumer.get('City', cityId).name).toBe(`City ${cityId}`);
  });
});
