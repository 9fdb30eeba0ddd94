/**
 * `serverless-hollow/aws`: the ports on AWS, each of which takes the client it uses. Needs `@aws-sdk/client-dynamodb`,
 * `-s3`, `-sqs` and `-eventbridge`.
 *
 * @example
 * import { AwsBlobStore, AwsHeadStore, dynamoDbClient, s3Client } from 'serverless-hollow/aws';
 *
 * const heads = new AwsHeadStore({ client: dynamoDbClient(), table: 'cities-heads' });
 * const blobs = new AwsBlobStore({ client: s3Client(), bucket: 'cities-blobs' });
 */

export { AwsAnnouncementWatcher, type AwsAnnouncementWatcherOptions } from './aws/announcement-watcher.ts';
export { AwsAnnouncer, type AwsAnnouncerOptions } from './aws/announcer.ts';
export { AwsBlobStore, type AwsBlobStoreOptions } from './aws/blob-store.ts';
export {
  type AwsClientOptions,
  dynamoDbClient,
  eventBridgeClient,
  s3Client,
  sqsClient,
} from './aws/clients.ts';
export { AwsFloorRecord, type AwsFloorRecordOptions } from './aws/floor-record.ts';
export { AwsHeadStore, type AwsHeadStoreOptions } from './aws/head-store.ts';
export { AwsInlineBlobs, type AwsInlineBlobsOptions } from './aws/inline-blobs.ts';
export { AwsMutationSink, type AwsMutationSinkOptions } from './aws/mutation-sink.ts';
export { AwsMutationSource, type AwsMutationSourceOptions } from './aws/mutation-source.ts';
export { AwsQuarantine, type AwsQuarantineOptions } from './aws/quarantine.ts';
