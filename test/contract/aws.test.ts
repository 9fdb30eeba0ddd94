import { setTimeout as sleep } from 'node:timers/promises';
import { type AttributeValue, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { AwsAnnouncementWatcher } from '../../lib/aws/announcement-watcher.ts';
import { AwsAnnouncer } from '../../lib/aws/announcer.ts';
import { AwsBlobStore } from '../../lib/aws/blob-store.ts';
import { AwsFloorRecord } from '../../lib/aws/floor-record.ts';
import { headKey } from '../../lib/aws/head-item.ts';
import { AwsHeadStore } from '../../lib/aws/head-store.ts';
import { AwsInlineBlobs } from '../../lib/aws/inline-blobs.ts';
import { AwsMutationSink } from '../../lib/aws/mutation-sink.ts';
import { AwsMutationSource } from '../../lib/aws/mutation-source.ts';
import { AwsQuarantine } from '../../lib/aws/quarantine.ts';
import { limits } from '../../lib/limits.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import {
  hasDynamoDb,
  sayNotRun,
  startDynamoDbEmulator,
  startEventBusEmulator,
  startS3Emulator,
  startSqsEmulator,
} from '../support/emulators.ts';
import { firstProposal, freshId, nextProposal, snapshotEntry } from '../support/heads.ts';
import { announcementsContract } from './announcements-contract.ts';
import { type BlobShelfHarness, blobShelfContract } from './blob-shelf-contract.ts';
import { blobStoreContract } from './blob-store-contract.ts';
import { floorRecordContract } from './floor-record-contract.ts';
import { committed, type HeadStoreHarness, headStoreContract } from './head-store-contract.ts';
import { headUpkeepContract } from './head-upkeep-contract.ts';
import { inboxContract } from './inbox-contract.ts';
import { mutationQueueContract } from './mutation-queue-contract.ts';
import { quarantineContract } from './quarantine-contract.ts';

if (hasDynamoDb()) {
  const openHeads = async (): Promise<HeadStoreHarness> => {
    const { clients, stop } = await startDynamoDbEmulator('heads');
    const [first, second] = clients;
    const stores = [
      new AwsHeadStore({ client: first, table: 'heads' }),
      new AwsHeadStore({ client: second, table: 'heads' }),
    ] as const;
    return { stores, close: stop };
  };
  headStoreContract('aws-on-emulators', openHeads);
  headUpkeepContract('aws-on-emulators', openHeads);
  const openInline = async (): Promise<BlobShelfHarness & { sizeMax: number }> => {
    const { clients, stop } = await startDynamoDbEmulator('heads');
    const stores = [
      new AwsInlineBlobs({ client: clients[0], table: 'heads' }),
      new AwsInlineBlobs({ client: clients[1], table: 'heads' }),
    ] as const;
    return { stores, sizeMax: limits.inlineDeltaSizeMax, close: stop };
  };
  blobStoreContract('inline-aws-on-emulators', openInline);
  blobShelfContract('inline-aws-on-emulators', openInline);
  sealedHeadTest();
  inlineItemTest();
} else {
  sayNotRun(
    'HeadStore contract on aws-on-emulators',
    `no DynamoDB stand-in for ${process.platform}-${process.arch}`,
  );
}

const openBlobs = async (): Promise<BlobShelfHarness> => {
  const { clients, stop } = await startS3Emulator('blobs');
  const [first, second] = clients;
  const stores = [
    new AwsBlobStore({ client: first, bucket: 'blobs' }),
    new AwsBlobStore({ client: second, bucket: 'blobs' }),
  ] as const;
  return { stores, close: stop };
};
blobStoreContract('aws-on-emulators', openBlobs);
blobShelfContract('aws-on-emulators', openBlobs);
inboxContract('aws-on-emulators', openBlobs);

floorRecordContract('aws-on-emulators', async () => {
  const { clients, stop } = await startS3Emulator('blobs');
  const [first, second] = clients;
  const records = [
    new AwsFloorRecord({ client: first, bucket: 'blobs' }),
    new AwsFloorRecord({ client: second, bucket: 'blobs' }),
  ] as const;
  return { records, close: stop };
});

announcementsContract('aws-on-emulators', async () => {
  const sqs = await startSqsEmulator();
  // A poll that is cut off may have taken a hint with it: it comes again when this time is over.
  const queueUrl = await sqs.createQueue('announcements', 1);
  const bus = await startEventBusEmulator('datasets', { endpoint: sqs.endpoint, name: 'announcements' });
  const telemetry = new MemoryTelemetry();
  return {
    announcer: new AwsAnnouncer({ client: bus.clients[0], bus: 'datasets' }),
    watcher: new AwsAnnouncementWatcher({ client: sqs.clients[0], queueUrl, telemetry }),
    async close() {
      await bus.stop();
      await sqs.stop();
    },
  };
});

mutationQueueContract('aws-on-emulators', async () => {
  const sqs = await startSqsEmulator();
  const queueUrl = await sqs.createQueue('mutations', 1);
  return {
    source: new AwsMutationSource({ client: sqs.clients[0], queueUrl }),
    sink: new AwsMutationSink({ client: sqs.clients[1], queueUrl }),
    visibilityMs: 1_100, // a second, and a little for the emulator's own timer
    passMs: (ms) => sleep(ms),
    nowMs: () => Date.now(),
    close: sqs.stop,
  };
});

quarantineContract('aws-on-emulators', async () => {
  const sqs = await startSqsEmulator();
  const queueUrl = await sqs.createQueue('quarantine', 30);
  const [client] = sqs.clients;
  const records = async (): Promise<readonly unknown[]> => {
    const bodies: unknown[] = [];
    for (;;) {
      const receive = new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 });
      const { Messages: messages = [] } = await client.send(receive);
      if (messages.length === 0) return bodies;
      bodies.push(...messages.map((message) => JSON.parse(message.Body ?? '')));
      const Entries = messages.map((message, index) => ({
        Id: String(index),
        ReceiptHandle: message.ReceiptHandle ?? '',
      }));
      await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    }
  };
  return { quarantine: new AwsQuarantine({ client, queueUrl }), records, close: sqs.stop };
});

test('malformed hints are logged and leave the queue, the next one is heard', async () => {
  const sqs = await startSqsEmulator();
  const queueUrl = await sqs.createQueue('announcements', 1);
  const [client] = sqs.clients;
  const telemetry = new MemoryTelemetry();
  const detail = {
    id: { dataset: 'cities', partition: 0 },
    era: 1,
    epoch: 0,
    version: 7,
    cid: 'a'.repeat(32),
    mapGeneration: 0,
    previousCid: 'b'.repeat(32),
    hash: 'c'.repeat(32),
    size: 1,
    snapshotVersion: 1,
    committedAtMs: 1,
    correlationIds: [],
  };
  const bodies = [
    'not JSON',
    '[]',
    JSON.stringify({ 'detail-type': 'Another Event', detail }),
    JSON.stringify({ 'detail-type': 'Dataset Version Committed', detail: { ...detail, era: 0 } }),
    JSON.stringify({
      'detail-type': 'Dataset Version Committed',
      detail: { ...detail, id: { dataset: '../x', partition: 0 } },
    }),
    JSON.stringify({ 'detail-type': 'Dataset Version Committed', detail: { ...detail, later: 'field' } }),
  ];
  for (const body of bodies)
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
  const stop = new AbortController();
  const watcher = new AwsAnnouncementWatcher({ client, queueUrl, telemetry });
  const heard: unknown[] = [];
  const ended = watcher.watch((announcement) => {
    heard.push(announcement);
    stop.abort();
  }, stop.signal);
  await ended;
  expect(heard).toEqual([detail]);
  expect(telemetry.lines('warn')).toHaveLength(5);
  await sleep(1_100); // longer than the visibility time-out: what was not deleted would be back
  const { Messages: rest } = await client.send(new ReceiveMessageCommand({ QueueUrl: queueUrl }));
  expect(rest ?? []).toEqual([]);
  await sqs.stop();
});

function inlineItemTest(): void {
  test('the inline tier refuses what is no small blob of a chain, and bytes that are not those that were put', async () => {
    const { clients, stop } = await startDynamoDbEmulator('heads');
    const [client] = clients;
    const store = new AwsInlineBlobs({ client, table: 'heads' });
    const name = `d/cities/1/0/delta/${'1'.padStart(16, '0')}-${'2'.padStart(16, '0')}-${'ab'.repeat(16)}`;
    const invalid = { name: 'DatasetError', kind: 'invalid' };
    const tooLarge = new Uint8Array(limits.inlineDeltaSizeMax + 1);
    await expect(store.put(name, tooLarge, {})).rejects.toMatchObject(invalid);
    for (const other of ['inbox/d/cities/x', 'd/cities/1/0/delta/1', 'd/cities']) {
      await expect(store.put(other, Uint8Array.of(1), {})).rejects.toMatchObject(invalid);
      await expect(store.get(other)).rejects.toMatchObject(invalid);
      await expect(store.delete([other])).rejects.toMatchObject(invalid);
    }
    await expect(store.list('inbox/d/', null)).rejects.toMatchObject(invalid);
    expect(await store.get(name)).toBeNull();
    await store.put(name, Uint8Array.of(1, 2, 3), {});
    const update = (field: string, expression: string, values?: Record<string, AttributeValue>) =>
      new UpdateItemCommand({
        TableName: 'heads',
        Key: { pk: { S: 'B##cities#0' }, sk: { S: name } },
        UpdateExpression: expression,
        ExpressionAttributeNames: { '#field': field },
        ...(values === undefined ? {} : { ExpressionAttributeValues: values }),
      });
    const corrupt = { name: 'DatasetError', kind: 'corrupt' };
    await client.send(update('bytes', 'SET #field = :bytes', { ':bytes': { B: Uint8Array.of(1, 2, 4) } }));
    await expect(store.get(name)).rejects.toMatchObject(corrupt);
    await client.send(update('bytes', 'REMOVE #field'));
    await expect(store.get(name)).rejects.toMatchObject(corrupt);
    await stop();
  });
}

function sealedHeadTest(): void {
  test('a sealed chain takes no commit, but still takes snapshots', async () => {
    const { clients, stop } = await startDynamoDbEmulator('heads');
    const [client] = clients;
    const store = new AwsHeadStore({ client, table: 'heads' });
    const id = freshId();
    const first = committed(await store.commit(id, firstProposal()));
    const second = committed(await store.commit(id, nextProposal(first)));
    await client.send(
      new UpdateItemCommand({
        TableName: 'heads',
        Key: headKey(id),
        UpdateExpression: 'SET #status = :sealed',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':sealed': { S: 'sealed' } },
      }),
    );
    const sealed = { ...second, status: 'sealed' };
    expect(await store.commit(id, nextProposal(second))).toEqual({ kind: 'conflict', head: sealed });
    expect((await store.registerSnapshot(id, 1, snapshotEntry(2))).kind).toBe('committed');
    await stop();
  });
}
