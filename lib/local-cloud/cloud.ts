/**
 * A region on one machine: the services, a template deployed to them, and one call that stops it all.
 *
 *   start.ts     what `npm start` runs              cloud.ts      (this file) services and deployment, for tests too
 *   template.ts, resources/  what is deployed        not-emulated.ts  what is left out, and why
 *   stack.ts     how it is deployed, and changed     code-deploy/     how new versions get their traffic
 *   s3-server.ts, s3/   dynamodb.ts   sqs.ts        event-bus.ts, events/
 *   lambda/      functions                          event-source-mapping.ts, stream-mapping.ts, mappings/
 *   demo/        the job that `npm start` shows
 *
 * Everything listens on 127.0.0.1, credentials are made up, and children end when this process does, however it ends.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { assert } from '../assert.ts';
import type { Assembly } from './assembly.ts';
import { CodeDeploy, type CodeDeployOptions } from './code-deploy/code-deploy.ts';
import { startCodeDeployApi } from './code-deploy/code-deploy-api.ts';
import { startDynamoDb } from './dynamodb.ts';
import { clientConfig, clientEnvironment, type LocalService } from './environment.ts';
import { startEventBus } from './event-bus.ts';
import { EventSourceMapping } from './event-source-mapping.ts';
import type { EventTargets } from './events/event-delivery.ts';
import { FunctionLog, type LogListener, type MetricTotals } from './lambda/function-log.ts';
import { startInvokeApi } from './lambda/invoke-api.ts';
import type { FunctionPorts, LambdaFunction } from './lambda/lambda-function.ts';
import { LambdaService, parseReference } from './lambda/lambda-service.ts';
import type { Surroundings } from './resources/resource.ts';
import { startS3Server } from './s3-server.ts';
import { startSqs } from './sqs.ts';
import { QueueSender } from './sqs-client.ts';
import { type Deployment, deployTemplate, updateStack } from './stack.ts';
import { StreamMapping } from './stream-mapping.ts';

export interface LocalCloudOptions extends Assembly {
  /** Keeps tables, queues and buckets between runs. Absent: gone with the process. */
  readonly dataDirectory?: string;
  /** Where functions and other programs reach a service: through a proxy, say, that fails now and then. Default: the service. */
  readonly reroute?: (service: ServiceName, endpoint: string) => Promise<string>;
  /** Gets every line that functions print, but for metrics. */
  readonly onLog?: LogListener;
  /** Sandboxes of one function at once, unless the template reserves others. Default: 3; each is a process. */
  readonly concurrencyMax?: number;
  /** How later versions of functions get their traffic. Default: by real minutes, and no alarm is ever on. */
  readonly rollouts?: CodeDeployOptions;
  /** Gets every alarm of the template when it is made or changed, in its turn among the other resources. Default: nobody evaluates them. */
  readonly onAlarm?: Surroundings['onAlarm'];
  /** Chances and ends of invocations. */
  readonly invocations?: Partial<Omit<FunctionPorts, 'log'>>;
}

export type ServiceName = 's3' | 'dynamodb' | 'sqs' | 'eventBridge' | 'lambda' | 'codeDeploy';

export interface LocalCloud extends Pick<Deployment, 'outputs' | 'resources'> {
  readonly endpoints: Readonly<Record<ServiceName, string>>;
  /** Environment variables that point the SDK of another process here. */
  readonly environment: Readonly<Record<string, string>>;
  readonly lambda: LambdaService;
  readonly codeDeploy: CodeDeploy;
  readonly mappings: readonly EventSourceMapping[];
  readonly streams: readonly StreamMapping[];
  /** Where programs beside the functions can have their output read. */
  readonly log: FunctionLog;
  /** Requests so far by service and operation. */
  requests(): Readonly<Record<ServiceName, ReadonlyMap<string, number>>>;
  /** Totals of the metrics that functions have printed. */
  metrics(): ReadonlyMap<string, MetricTotals>;
  /** The one function whose name has this in it (logical ids carry their construct path). */
  getFunction(namePart: string): LambdaFunction;
  /** Process id of the DynamoDB stand-in. */
  readonly dynamodbProcessId: number;
  /** Deploys another template in place of this one: all of it, or, with the reason, nothing. */
  update(assembly: Assembly): Promise<void>;
  /** Resolves when nothing listens any more and no process is left. */
  stop(): Promise<void>;
}

/** How long invocations that are under way may still take when the cloud stops. */
const stopGraceMs = 3000;

/**
 * @example
 * const cloud = await startLocalCloud(readAssembly('cdk.out', 'serverless-hollow-dev'));
 * await sqs.send(new SendMessageCommand({ QueueUrl: cloud.outputs.MutationQueueUrl, MessageBody }));
 * await cloud.stop();
 */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const stops: (() => Promise<void> | void)[] = [];
  try {
    return await start(options, stops);
  } catch (error) {
    await stopAll(stops);
    throw error;
  }
}

/** In the reverse order of starting. */
async function stopAll(stops: (() => Promise<void> | void)[]): Promise<void> {
  for (const stop of stops.splice(0).toReversed()) await stop();
}

async function start(options: LocalCloudOptions, stops: (() => Promise<void> | void)[]): Promise<LocalCloud> {
  const storage = await startStorage(options.dataDirectory, stops);
  const sender = new QueueSender(storage.sqs.endpoint);
  stops.push(() => sender.close());
  const log = new FunctionLog(options.onLog);
  const sendToQueue = (arn: string, body: string, attributes?: Readonly<Record<string, string>>) =>
    sender.send(arn, body, attributes);
  const policy = { retryMsBase: 1000, throttleMs: 100, sendToQueue };
  const lambda = new LambdaService(log, policy, options.invocations);
  const codeDeploy = new CodeDeploy(lambda, options.rollouts ?? { minuteMs: 60_000, isAlarmOn: () => false });
  const codeDeployApi = await startCodeDeployApi(codeDeploy);
  stops.push(() => codeDeployApi.stop());
  const invokeApi = await startInvokeApi(lambda);
  stops.push(() => invokeApi.stop());
  const eventBridge = await startEvents(lambda, sendToQueue);
  const services = { ...storage, eventBridge, lambda: invokeApi, codeDeploy: codeDeployApi };
  const endpoints = mapServices((name) => services[name].endpoint);
  const environment = clientEnvironment(await rerouted(endpoints, options.reroute));
  const mappings: EventSourceMapping[] = [];
  const streams: StreamMapping[] = [];
  stops.push(() => stopCompute(lambda, [...mappings, ...streams], () => eventBridge.stop()));
  stops.push(() => codeDeploy.stop());
  const shared = {
    lambda,
    codeDeploy,
    environment,
    concurrencyMax: options.concurrencyMax ?? 3,
    onAlarm: options.onAlarm ?? (() => {}),
    queueUrl: (name: string) => storage.sqs.queueUrl(name),
    addMapping: (config: ConstructorParameters<typeof EventSourceMapping>[0]) =>
      void mappings.push(new EventSourceMapping(config, lambda, endpoints.sqs)),
    addStreamMapping: (config: ConstructorParameters<typeof StreamMapping>[0]) =>
      void streams.push(new StreamMapping(config, { lambda, endpoint: endpoints.dynamodb, sendToQueue })),
  };
  let assembly: Assembly = options;
  const around = (clients: Clients, { findAsset }: Assembly) => ({ ...clients, ...shared, findAsset });
  let deployment = await withClients(endpoints, (clients) =>
    deployTemplate(assembly.template, around(clients, assembly)),
  );
  for (const mapping of [...mappings, ...streams]) await mapping.start();
  return {
    get outputs() {
      return deployment.outputs;
    },
    get resources() {
      return deployment.resources;
    },
    async update(next) {
      deployment = await withClients(endpoints, (clients) =>
        updateStack(deployment, next.template, around(clients, next), around(clients, assembly)),
      );
      assembly = next;
    },
    endpoints,
    environment,
    lambda,
    codeDeploy,
    mappings,
    streams,
    log,
    dynamodbProcessId: storage.dynamodb.processId,
    requests: () => mapServices((name) => services[name].requests()),
    metrics: () => log.metrics(),
    getFunction: (namePart) => getFunction(lambda, namePart),
    stop: () => stopAll(stops),
  };
}

function startEvents(lambda: LambdaService, sendToQueue: EventTargets['sendToQueue']): Promise<LocalService> {
  return startEventBus({
    targets: {
      async invokeLambda(arn, payload, ruleArn) {
        const reference = parseReference(arn);
        lambda.checkPermission(reference, 'events.amazonaws.com', ruleArn);
        lambda.invokeLater(reference, Buffer.from(payload));
      },
      sendToQueue,
    },
  });
}

async function startStorage(dataDirectory: string | undefined, stops: (() => Promise<void> | void)[]) {
  const place = (name: string) =>
    dataDirectory === undefined ? {} : { directory: join(dataDirectory, name) };
  const dynamodb = await startDynamoDb(place('dynamodb'));
  stops.push(() => dynamodb.stop());
  const s3 = await startS3Server(place('s3'));
  stops.push(() => s3.stop());
  const sqs = await startSqs(place('sqs'));
  stops.push(() => sqs.stop());
  return { dynamodb, s3, sqs };
}

type Clients = Pick<Surroundings, 'dynamodb' | 's3' | 'sqs' | 'events'>;

async function withClients<T>(
  endpoints: Readonly<Record<ServiceName, string>>,
  work: (clients: Clients) => Promise<T>,
): Promise<T> {
  const clients = {
    dynamodb: new DynamoDBClient(clientConfig(endpoints.dynamodb)),
    s3: new S3Client({ ...clientConfig(endpoints.s3), forcePathStyle: true }),
    sqs: new SQSClient(clientConfig(endpoints.sqs)),
    events: new EventBridgeClient(clientConfig(endpoints.eventBridge)),
  };
  try {
    return await work(clients);
  } finally {
    for (const client of Object.values(clients)) client.destroy();
  }
}

/** Polling ends first, then what was received is finished, unless it takes too long. */
async function stopCompute(
  lambda: LambdaService,
  mappings: readonly { stop(): Promise<void> }[],
  stopEvents: () => Promise<void>,
): Promise<void> {
  const polling = Promise.all(mappings.map((mapping) => mapping.stop()));
  const grace = new AbortController();
  await Promise.race([polling, sleep(stopGraceMs, undefined, { signal: grace.signal }).catch(() => {})]);
  grace.abort();
  await stopEvents();
  await lambda.stop();
  await polling;
}

async function rerouted(
  endpoints: Readonly<Record<ServiceName, string>>,
  reroute: LocalCloudOptions['reroute'] = (_, endpoint) => Promise.resolve(endpoint),
): Promise<Record<ServiceName, string>> {
  const found = { ...endpoints };
  for (const name of ['s3', 'dynamodb', 'sqs', 'eventBridge'] as const) {
    found[name] = await reroute(name, endpoints[name]);
  }
  return found;
}

function mapServices<T>(of: (name: ServiceName) => T): Record<ServiceName, T> {
  return {
    s3: of('s3'),
    dynamodb: of('dynamodb'),
    sqs: of('sqs'),
    eventBridge: of('eventBridge'),
    lambda: of('lambda'),
    codeDeploy: of('codeDeploy'),
  };
}

function getFunction(lambda: LambdaService, namePart: string): LambdaFunction {
  const [name, ...others] = lambda.names.filter((each) => each.includes(namePart));
  assert(
    name !== undefined && others.length === 0,
    `"${namePart}" names not one function of ${lambda.names.join()}`,
  );
  return lambda.get(name);
}
