/**
 * What every part of the local cloud and every program that talks to it agree on: region, account, credentials and the
 * shape of a started service. The credentials are made up; endpoints are always explicit, so no call can leave loopback.
 */
export const localRegion = 'us-east-1';
export const localAccount = '000000000000';
export const localCredentials = { accessKeyId: 'local', secretAccessKey: 'local' } as const;

/** A stand-in that listens on 127.0.0.1. */
export interface LocalService {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly endpoint: string;
  /** Requests so far by operation name (`PutObject`, `UpdateItem`, …), also those that were answered with an error. */
  requests(): ReadonlyMap<string, number>;
  /** Resolves when nothing listens and no child process is left. */
  stop(): Promise<void>;
}

/** Constructor arguments of an SDK client for a local service; retries are left to the caller. */
export function clientConfig(endpoint: string): {
  endpoint: string;
  region: string;
  credentials: typeof localCredentials;
} {
  return { endpoint, region: localRegion, credentials: localCredentials };
}

/** Environment variables that point the SDK's clients of a child process to the local services. */
export function clientEnvironment(endpoints: {
  s3: string;
  dynamodb: string;
  sqs: string;
  eventBridge: string;
  lambda: string;
  codeDeploy: string;
}): Record<string, string> {
  return {
    AWS_REGION: localRegion,
    AWS_DEFAULT_REGION: localRegion,
    AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_SQS: endpoints.sqs,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.eventBridge,
    AWS_ENDPOINT_URL_LAMBDA: endpoints.lambda,
    AWS_ENDPOINT_URL_CODEDEPLOY: endpoints.codeDeploy,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}
