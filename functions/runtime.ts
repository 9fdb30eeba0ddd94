/**
 * Composition root of the Lambda functions: reads the environment once, makes the ports, wraps handlers.
 *
 *   runtime.ts     this file; with lib/cli/main.ts the only reader of process.env
 *   telemetry.ts   the Telemetry port on powertools
 *   producer.ts    handler: a batch of the mutation queue -> commit
 *   deploy-check.ts  handler: a hook of CodeDeploy -> may the new version have traffic?
 *   consumer.ts    handler: an announcement -> refresh; a lookup -> the record
 *   outbox.ts      handler: changes of the heads' table -> announcements
 *   snapshotter.ts, cleaner.ts, purger.ts   handlers: housekeeping on a schedule
 *
 * A handler's module is evaluated once per sandbox, so what it composes stays warm between invocations. Wrong settings
 * fail there, before the first event.
 */
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { AwsAnnouncer } from '../lib/aws/announcer.ts';
import { AskedFunction } from '../lib/aws/asked-function.ts';
import { AwsBlobStore } from '../lib/aws/blob-store.ts';
import { dynamoDbClient, eventBridgeClient, s3Client, sqsClient } from '../lib/aws/clients.ts';
import { AwsFloorRecord } from '../lib/aws/floor-record.ts';
import { appConfigClient, codeDeployClient, lambdaClient } from '../lib/aws/function-clients.ts';
import { AwsHeadStore } from '../lib/aws/head-store.ts';
import { AwsInlineBlobs } from '../lib/aws/inline-blobs.ts';
import { AwsQuarantine } from '../lib/aws/quarantine.ts';
import { AwsSettingsSource } from '../lib/aws/settings-source.ts';
import { Consumer } from '../lib/consumer/consumer.ts';
import { defaultCadence } from '../lib/housekeeping/cadence.ts';
import { clean } from '../lib/housekeeping/cleaner.ts';
import type { DeployCheckOptions } from '../lib/housekeeping/deploy-check.ts';
import { Outbox } from '../lib/housekeeping/outbox.ts';
import { removeExpiredPins } from '../lib/housekeeping/pins.ts';
import { Snapshotter } from '../lib/housekeeping/snapshotter.ts';
import { BlobInbox } from '../lib/inbox.ts';
import { systemClock } from '../lib/local/system-clock.ts';
import { systemCodec } from '../lib/local/system-codec.ts';
import { systemRandom } from '../lib/local/system-random.ts';
import { metrics as metricUnits } from '../lib/metric-names.ts';
import type { Clock } from '../lib/ports.ts';
import { Producer } from '../lib/producer/producer.ts';
import { validatorsOf } from '../lib/producer/validators.ts';
import { LiveSettings, type RuntimeSettings } from '../lib/runtime-settings.ts';
import { DatasetSchema } from '../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../lib/schema/dsl.ts';
import { parsePartitions } from '../lib/schema/partition-map.ts';
import {
  parseCleanerSettings,
  parseConsumerSettings,
  parseDeployCheckSettings,
  parseOutboxSettings,
  parseProducerSettings,
  parseSnapshotterSettings,
  type ReaderSettings,
  type RuntimeSettingsPlace,
} from '../lib/settings.ts';
import { createTelemetry, type LambdaTelemetry } from './telemetry.ts';

/** What a handler asks before each piece of work: the settings in force. */
type CurrentSettings = () => Promise<RuntimeSettings>;

export function composeProducer(): {
  readonly producer: Producer;
  readonly telemetry: LambdaTelemetry;
  readonly currentSettings: CurrentSettings;
} {
  const settings = parseProducerSettings(process.env);
  const telemetry = createTelemetry('producer', settings.dataset);
  const schema = DatasetSchema.of(parseSchemas(settings.schema));
  const { inline, ...ports } = readerPorts(settings, telemetry);
  const producer = new Producer({
    ...ports,
    ...(settings.inlineDeltas ? { inline } : {}),
    schema,
    advanceFrom: settings.advanceSchemaFrom,
    partitions: parsePartitions(schema, settings.partitions),
    announcer: new AwsAnnouncer({ client: eventBridgeClient(), bus: settings.bus }),
    quarantine: new AwsQuarantine({ client: sqsClient(), queueUrl: settings.quarantineQueueUrl }),
    lateQueue: new AwsQuarantine({
      client: sqsClient(),
      queueUrl: settings.lateQueueUrl ?? settings.quarantineQueueUrl,
    }),
    claims: { inbox: new BlobInbox(ports), codec: systemCodec },
    purgeHorizonMs: settings.purgeHorizonMs,
    validators: validatorsOf(schema, settings.validators),
    validationOverride: settings.validationOverride,
  });
  const currentSettings = followSettings(settings.runtimeSettings, telemetry);
  return { producer, telemetry, currentSettings };
}

export function composeSnapshotter() {
  const settings = parseSnapshotterSettings(process.env);
  const telemetry = createTelemetry('snapshotter', settings.dataset);
  const cadence = { ...defaultCadence, coldLoadsPerHour: settings.coldLoadsPerHour };
  return {
    snapshotter: new Snapshotter({ ...readerPorts(settings, telemetry), cadence }),
    telemetry,
    currentSettings: followSettings(settings.runtimeSettings, telemetry),
  };
}

export function composeCleaner() {
  const settings = parseCleanerSettings(process.env);
  const telemetry = createTelemetry('cleaner', settings.dataset);
  const { id, heads, blobs, inline, clock } = readerPorts(settings, telemetry);
  const floors = new AwsFloorRecord({ client: s3Client(), bucket: settings.bucket });
  const { retention } = settings;
  const shelves = settings.inlineDeltas ? [blobs, inline] : [blobs];
  return {
    removeExpiredPins: () => removeExpiredPins(heads, id, clock.nowMs()),
    clean: () => clean({ heads, shelves, floors, clock, telemetry }, id, { retention }),
    telemetry,
    currentSettings: followSettings(settings.runtimeSettings, telemetry),
  };
}

export function composeOutbox() {
  const settings = parseOutboxSettings(process.env);
  const telemetry = createTelemetry('outbox', settings.dataset);
  const { id, heads, blobs, inline, clock } = readerPorts(settings, telemetry);
  const announcer = new AwsAnnouncer({ client: eventBridgeClient(), bus: settings.bus });
  const copies = settings.inlineDeltas ? { copies: { inline, blobs } } : {};
  return { outbox: new Outbox({ heads, announcer, clock, telemetry, ...copies }), id, telemetry };
}

export function composeConsumer(): {
  readonly consumer: Consumer;
  readonly telemetry: LambdaTelemetry;
  readonly clock: Clock;
} {
  const settings = parseConsumerSettings(process.env);
  const telemetry = createTelemetry('consumer', settings.dataset);
  return { consumer: new Consumer(readerPorts(settings, telemetry)), telemetry, clock: systemClock };
}

export function composeDeployCheck() {
  const settings = parseDeployCheckSettings(process.env);
  const telemetry = createTelemetry('deploy-check', settings.dataset);
  const lambda = lambdaClient();
  const { schema, probe } = settings;
  const ports = readerPorts(settings, telemetry);
  const options: DeployCheckOptions = {
    ...ports,
    // What is asked is whether the new code reads every record right.
    consumer: new Consumer({ ...ports, verify: 'records' }),
    schema: schema === null ? null : DatasetSchema.of(parseSchemas(schema)),
    candidate: new AskedFunction(lambda, settings.candidate),
    live: new AskedFunction(lambda, settings.live),
    probe,
  };
  return { options, codeDeploy: codeDeployClient(), telemetry };
}

function followSettings(place: RuntimeSettingsPlace | null, telemetry: LambdaTelemetry): CurrentSettings {
  const source = place === null ? null : new AwsSettingsSource(appConfigClient(), place);
  const load = source === null ? null : () => source.load();
  const live = new LiveSettings({ load, clock: systemClock, telemetry });
  return async () => {
    const settings = await live.current();
    telemetry.logger.setLogLevel(logLevels[settings.logLevel]);
    return settings;
  };
}

const logLevels = { info: 'INFO', warn: 'WARN', error: 'ERROR' } as const;

function readerPorts(settings: ReaderSettings, telemetry: LambdaTelemetry) {
  const { id } = settings;
  const database = dynamoDbClient();
  return {
    id,
    heads: new AwsHeadStore({ client: database, table: settings.table }),
    inline: new AwsInlineBlobs({ client: database, table: settings.table }),
    blobs: new AwsBlobStore({ client: s3Client(), bucket: settings.bucket }),
    clock: systemClock,
    random: systemRandom,
    telemetry,
  };
}

/**
 * Wraps a handler: the request's id and the handler's own keys on every log line, metrics written at its end whatever
 * its end is, and a failure logged before Lambda sees it.
 */
export function lambdaHandler<Event, Result>(
  { logger, metrics }: LambdaTelemetry,
  handle: (event: Event, context: Context) => Promise<Result>,
) {
  const publish = ({ memoryLimitInMB }: Context) => {
    const usedMb = process.memoryUsage.rss() / 2 ** 20;
    metrics.addMetric(
      'MemoryUsedPercent',
      metricUnits.MemoryUsedPercent,
      (100 * usedMb) / Number(memoryLimitInMB),
    );
    metrics.publishStoredMetrics();
  };
  return middy<Event, Result>()
    .use(injectLambdaContext(logger, { resetKeys: true }))
    .use({
      before: ({ context }) => metrics.captureColdStartMetric(context.functionName),
      after: ({ context }) => publish(context),
      onError: ({ error, context }) => {
        logger.error('the invocation failed', { error });
        publish(context);
      },
    })
    .handler(handle);
}
