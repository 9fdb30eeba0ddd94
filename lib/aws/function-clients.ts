/** Clients of our own functions and commands: not at the door `./aws`, whose users then need not install them. */
import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { CodeDeployClient } from '@aws-sdk/client-codedeploy';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { type AwsClientOptions, configOf, requestWithin } from './clients.ts';

/** Invocations are waited for, and a function that starts loads a dataset first. */
export function lambdaClient(options: AwsClientOptions = {}): LambdaClient {
  return new LambdaClient(configOf(options, requestWithin(options.timeoutMs ?? 60_000)));
}

export function codeDeployClient(options: AwsClientOptions = {}): CodeDeployClient {
  return new CodeDeployClient(configOf(options, requestWithin(options.timeoutMs ?? 5_000)));
}

/** Settings can wait for the next look; a batch cannot wait for them. */
export function appConfigClient(options: AwsClientOptions = {}): AppConfigDataClient {
  return new AppConfigDataClient({
    ...configOf(options, requestWithin(options.timeoutMs ?? 1_000)),
    maxAttempts: 1,
  });
}
