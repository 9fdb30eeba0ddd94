/**
 * How the resources of a template become things of the local cloud. One file per service; each says which properties it
 * acts on, and template.ts sees to it that there are no others.
 *
 *   resource.ts   (this file) the contract      storage.ts     tables and buckets
 *   queues.ts     queues and their redrive       events.ts      buses and rules
 *   functions.ts  functions, versions, mappings, permissions, asynchronous invocation
 *   deployments.ts  deployment groups, and aliases, which move by them      alarms.ts   alarms
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { CodeDeploy } from '../code-deploy/code-deploy.ts';
import { localAccount, localRegion } from '../environment.ts';
import type { MappingConfig } from '../event-source-mapping.ts';
import type { LambdaService } from '../lambda/lambda-service.ts';
import type { StreamMappingConfig } from '../stream-mapping.ts';

/** What resources are made with: the SDK's clients where there is a service, else the service itself. */
export interface Surroundings {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly events: EventBridgeClient;
  readonly lambda: LambdaService;
  readonly codeDeploy: CodeDeploy;
  /** Gets an alarm's name and properties when it is made or changed. */
  readonly onAlarm: (name: string, properties: Properties) => void;
  readonly queueUrl: (name: string) => string;
  /** Starts polling when everything else is there. */
  readonly addMapping: (config: MappingConfig) => void;
  readonly addStreamMapping: (config: StreamMappingConfig) => void;
  /** Invocations of one function at once, unless the template reserves others. */
  readonly concurrencyMax: number;
  /** Directory of a function's code, by its key in the bucket of assets. */
  readonly findAsset: (key: string) => string | undefined;
  /** What every function's environment gets beside its own: the services' endpoints. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Properties without references in them any more. */
export type Properties = Readonly<Record<string, unknown>>;

export interface ResourceInput {
  readonly logicalId: string;
  readonly properties: Properties;
  /** The resource's UpdatePolicy; empty: it has none. */
  readonly updatePolicy: Properties;
}

/** What `Ref` and `Fn::GetAtt` give. */
export interface CreatedResource {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ResourceHandler {
  /** Paths of the properties it acts on; a path covers everything below it, list elements have their list's path. */
  readonly properties: readonly string[];
  /** Paths inside its UpdatePolicy that it acts on. Absent: it takes none. */
  readonly updatePolicy?: readonly string[];
  create(input: ResourceInput, surroundings: Surroundings): Promise<CreatedResource>;
  /** Gives what is there other properties. Absent: it cannot change once it is there. */
  update?(input: ResourceInput, surroundings: Surroundings): Promise<CreatedResource>;
  /** Absent: it stays until the local cloud stops. */
  remove?(created: CreatedResource, surroundings: Surroundings): void;
}

export function arnOf(service: string, resource: string): string {
  return `arn:aws:${service}:${localRegion}:${localAccount}:${resource}`;
}

/** The value at a path of property names; undefined if any of them is missing. */
export function valueAt(properties: Properties, ...path: readonly string[]): unknown {
  let value: unknown = properties;
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}

export function textAt(properties: Properties, ...path: readonly string[]): string | undefined {
  const value = valueAt(properties, ...path);
  if (value === undefined || typeof value === 'string') return value;
  throw new TypeError(`${path.join('.')} must be a string`);
}

export function requiredText(properties: Properties, ...path: readonly string[]): string {
  const value = textAt(properties, ...path);
  if (value === undefined) throw new TypeError(`${path.join('.')} is missing`);
  return value;
}

/** Numbers of a template may be written as strings. */
export function numberAt(properties: Properties, ...path: readonly string[]): number | undefined {
  const value = valueAt(properties, ...path);
  if (value === undefined) return undefined;
  const number = typeof value === 'string' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw new TypeError(`${path.join('.')} must be a number`);
}
