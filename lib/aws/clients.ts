import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';

/** What is absent comes from the SDK's own chain: environment, shared configuration, the function's role. */
export interface AwsClientOptions {
  readonly region?: string;
  /** For stand-ins. Absent: AWS, or `AWS_ENDPOINT_URL_…`. */
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Replaces the service's own bound below, for tests on slow machines. */
  readonly timeoutMs?: number;
}

/** The SDK may repeat a transport error twice; every other retry is policy, in producer and consumer. */
const attemptsMax = 3;
const connectMsMax = 1_000;

/** Heads are small and the conditional write is the commit: better to look again soon than to wait. */
export function dynamoDbClient(options: AwsClientOptions = {}): DynamoDBClient {
  return new DynamoDBClient(configOf(options, requestWithin(options.timeoutMs ?? 1_000)));
}

/** Blobs may be large, so what is bounded is silence on the connection, while sending and while receiving. */
export function s3Client(options: AwsClientOptions = {}): S3Client {
  const socketTimeout = options.timeoutMs ?? 3_000;
  return new S3Client(configOf(options, { connectionTimeout: connectMsMax, socketTimeout }));
}

export function sqsClient(options: AwsClientOptions = {}): SQSClient {
  return new SQSClient({
    ...configOf(options, requestWithin(options.timeoutMs ?? 3_000)),
    useQueueUrlAsEndpoint: false, // else a queue's URL decides where a call goes, whatever the endpoint says
  });
}

export function eventBridgeClient(options: AwsClientOptions = {}): EventBridgeClient {
  return new EventBridgeClient(configOf(options, requestWithin(options.timeoutMs ?? 1_000)));
}

/** The parts of a waiting ReceiveMessage: SQS counts whole seconds, up to 20, and the request has to outlast them. */
export function longPoll(waitMs: number): {
  waitSeconds: number;
  requestOptions: { requestTimeout: number };
} {
  const waitSeconds = Math.min(Math.ceil(waitMs / 1_000), 20);
  return { waitSeconds, requestOptions: { requestTimeout: waitSeconds * 1_000 + 5_000 } };
}

interface Timeouts {
  readonly connectionTimeout: number;
  readonly requestTimeout?: number;
  readonly throwOnRequestTimeout?: boolean;
  readonly socketTimeout?: number;
}

export function requestWithin(requestTimeout: number): Timeouts {
  // Without the last one the SDK only prints a warning and waits on.
  return { connectionTimeout: connectMsMax, requestTimeout, throwOnRequestTimeout: true };
}

export function configOf(options: AwsClientOptions, requestHandler: Timeouts) {
  const { timeoutMs: _, ...rest } = options;
  return { ...rest, maxAttempts: attemptsMax, requestHandler };
}
