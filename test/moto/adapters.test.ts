import { setTimeout as sleep } from 'node:timers/promises';
import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { inject } from 'vitest';
import { AwsBlobStore } from '../../lib/aws/blob-store.ts';
import { dynamoDbClient, s3Client, sqsClient } from '../../lib/aws/clients.ts';
import { AwsHeadStore } from '../../lib/aws/head-store.ts';
import { AwsMutationSink } from '../../lib/aws/mutation-sink.ts';
import { AwsMutationSource } from '../../lib/aws/mutation-source.ts';
import { blobStoreContract } from '../contract/blob-store-contract.ts';
import { headStoreContract } from '../contract/head-store-contract.ts';
import { mutationQueueContract } from '../contract/mutation-queue-contract.ts';
import { headTable, localClientOptions } from '../support/emulators.ts';

const options = localClientOptions(inject('motoEndpoint'));

interface Closable {
  destroy(): void;
}

const destroy = async (...clients: readonly Closable[]) => {
  for (const client of clients) client.destroy();
};

/** S3 takes a digest by itself; moto wants to be told the name of the algorithm, too, or keeps none. */
function nameDigests(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (step) => {
      const algorithm = 'ChecksumSHA256' in step.input ? { ChecksumAlgorithm: 'SHA256' } : {};
      return next({ ...step, input: { ...step.input, ...algorithm } });
    },
    { step: 'initialize', name: 'nameDigests' },
  );
}

headStoreContract('moto', async () => {
  const clients = [dynamoDbClient(options), dynamoDbClient(options)] as const;
  await clients[0].send(new CreateTableCommand(headTable('heads')));
  return {
    stores: [
      new AwsHeadStore({ client: clients[0], table: 'heads' }),
      new AwsHeadStore({ client: clients[1], table: 'heads' }),
    ],
    close: () => destroy(...clients),
  };
});

blobStoreContract('moto', async () => {
  const clients = [s3Client(options), s3Client(options)] as const;
  for (const client of clients) nameDigests(client);
  await clients[0].send(new CreateBucketCommand({ Bucket: 'blobs' }));
  return {
    stores: [
      new AwsBlobStore({ client: clients[0], bucket: 'blobs' }),
      new AwsBlobStore({ client: clients[1], bucket: 'blobs' }),
    ],
    close: () => destroy(...clients),
  };
});

mutationQueueContract('moto', async () => {
  const clients = [sqsClient(options), sqsClient(options)] as const;
  // moto takes its time over large messages; they must not come again meanwhile.
  const Attributes = { VisibilityTimeout: '5' };
  const { QueueUrl: queueUrl = '' } = await clients[0].send(
    new CreateQueueCommand({ QueueName: 'mutations', Attributes }),
  );
  return {
    source: new AwsMutationSource({ client: clients[0], queueUrl }),
    sink: new AwsMutationSink({ client: clients[1], queueUrl }),
    visibilityMs: 5_200, // and a little for moto's own clock
    passMs: (ms) => sleep(ms),
    nowMs: () => Date.now(),
    close: () => destroy(...clients),
  };
});
