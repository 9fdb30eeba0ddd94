/**
 * Settings: plain strings from the environment, parsed once at the edge into a frozen object. infra checks what it
 * writes into a function's environment with the same schemas, so a function cannot be deployed with settings it refuses.
 */
import * as z from 'zod';
import { datasetIdProblem } from './dataset-id.ts';
import { DatasetError } from './errors.ts';
import { limits } from './limits.ts';
import type { DatasetId } from './ports.ts';

const name = z.string().min(1, 'must not be empty');

/** A check by a function that gives null, or the rule that the value breaks. */
function keeps<T>(problemOf: (value: T) => string | null): z.core.CheckFn<T> {
  return (context) => {
    const message = problemOf(context.value);
    if (message !== null) context.issues.push({ code: 'custom', message, input: context.value });
  };
}

/** What is asked of the records of one type, before a version is committed (lib/producer/validators.ts). */
const validatorRule = z.strictObject({
  /** At least so many records, once there were. */
  countMin: z.int().min(1).optional(),
  /** The count changes by at most this part of itself in one version. */
  countChangeMax: z.number().positive().optional(),
  /** At most this part of the records is removed or replaced in one version. */
  changeRateMax: z.number().positive().optional(),
});

/** By type. */
export type ValidatorRules = Readonly<Record<string, z.output<typeof validatorRule>>>;

const validatorRules = z
  .string()
  .prefault('{}')
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.issues.push({ code: 'custom', message: 'must be JSON', input: text });
      return {};
    }
  })
  .pipe(z.record(z.string(), validatorRule));

/** The id that `dataset` or `tenant/dataset` is the name of. Not checked: see {@link datasetIdProblem}. */
export function namedDataset(name: string, partition: number): DatasetId {
  const slash = name.indexOf('/');
  if (slash < 0) return { dataset: name, partition };
  return { tenant: name.slice(0, slash), dataset: name.slice(slash + 1), partition };
}

/** Every variable there is. A `HOLLOW_` variable that is not here is a typing mistake and refused. */
const variables = {
  /** Name of the dataset: lower-case letters, digits, hyphens; of a tenant `tenant/dataset`. */
  HOLLOW_DATASET: z.string().check(keeps((name: string) => datasetIdProblem(namedDataset(name, 0)))),
  /** 0-based partition of the dataset. */
  HOLLOW_PARTITION: z
    .string()
    .regex(/^\d{1,9}$/, 'must be a number from 0')
    .prefault('0')
    .transform(Number)
    .check(keeps((partition: number) => datasetIdProblem({ dataset: 'any', partition }))),
  /** How many partitions the dataset has, and their keys: `4`, `4 Customer(id) Order(customer)`. */
  HOLLOW_PARTITIONS: name.prefault('1'),
  /** The schemas of the dataset in Hollow's text form. */
  HOLLOW_SCHEMA: name,
  /** DynamoDB table of the heads. */
  HOLLOW_TABLE: name,
  /** S3 bucket of the blobs. */
  HOLLOW_BUCKET: name,
  /** EventBridge bus of the announcements, by name. */
  HOLLOW_BUS: name,
  /** SQS queue for mutations that broke a rule. */
  HOLLOW_QUARANTINE_QUEUE_URL: name,
  /** SQS queue for mutations that came too late. Not set: they go to the quarantine queue. */
  HOLLOW_LATE_QUEUE_URL: name.optional(),
  /** Days for which deletions and operations are remembered: not less than two full retentions of a queue. */
  HOLLOW_PURGE_HORIZON_DAYS: z
    .string()
    .regex(/^\d{1,4}$/, 'must be a number of days')
    .prefault('28')
    .transform(Number)
    .refine((days) => days * 86_400_000 >= limits.purgeHorizonMs, 'must be at least 28'),
  /** Identity of the schema that the dataset has and that this producer's is to follow. Not set: it never advances it. */
  HOLLOW_ADVANCE_SCHEMA_FROM: name.optional(),
  /** JSON by type: `{"City":{"countMin":100,"countChangeMax":0.2,"changeRateMax":0.5}}`. Not set: nothing is asked. */
  HOLLOW_VALIDATORS: validatorRules,
  /** Leave to commit one version that validators refuse: `<version>@<commit id>`, as the refusal says. */
  HOLLOW_VALIDATION_OVERRIDE: z
    .string()
    .regex(/^\d{1,16}@([0-9a-f]{32})?$/, 'must be <version>@<commit id>')
    .optional(),
  /** SQS queue from which a long-lived consumer hears of new versions. */
  HOLLOW_ANNOUNCEMENT_QUEUE_URL: name,
  /** Slowest look of a long-lived consumer at the head, seconds: less where several take hints from the same queue. */
  HOLLOW_POLL_SECONDS_MAX: z
    .string()
    .regex(/^\d{1,2}$/, 'must be a number of seconds')
    .prefault(String(limits.pollMsMax / 1000))
    .transform(Number)
    .refine((seconds) => seconds >= 1 && seconds * 1000 <= limits.pollMsMax, 'must be from 1 to 20'),
  /** What a long-lived consumer calls itself in logs and metrics. */
  HOLLOW_SERVICE: name.prefault('consumer-service'),
  /** How often the dataset is loaded from nothing: the more often, the more snapshots pay. */
  HOLLOW_COLD_LOADS_PER_HOUR: z
    .string()
    .regex(/^\d{1,9}$/, 'must be a number from 0')
    .prefault('60')
    .transform(Number),
  /** Versions that stay readable for readers that lag, and for how many hours what was the newest does. */
  HOLLOW_RETENTION_VERSIONS: z
    .string()
    .regex(/^\d{1,6}$/, 'must be a number from 0')
    .prefault('64')
    .transform(Number),
  HOLLOW_RETENTION_HOURS: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a number of hours')
    .prefault('1')
    .transform(Number),
  /** Version of a function that is about to be deployed, by ARN; what it is asked (lib/housekeeping/deploy-check.ts). */
  HOLLOW_CANDIDATE: name,
  HOLLOW_PROBE: z.enum(['lookups', 'batch', 'announcement']),
  /** Alias of that function that callers use, by ARN. */
  HOLLOW_LIVE: name,
  /** `on`: small deltas are committed as items of the table, which is faster. The outbox copies them to the bucket. */
  HOLLOW_INLINE_DELTAS: z
    .enum(['on', 'off'], 'must be on or off')
    .prefault('off')
    .transform((word) => word === 'on'),
  /** Where settings that change at run time are, in AppConfig: `<application>/<environment>/<profile>`. Not set: none change. */
  HOLLOW_RUNTIME_SETTINGS: z
    .string()
    .refine((place) => place.split('/').length === 3, 'must be <application>/<environment>/<profile>')
    .optional(),
  /** Address on which a long-lived consumer answers HTTP: itself only, unless told otherwise. */
  HOST: z.string().min(1, 'must not be empty').prefault('127.0.0.1'),
  /** Port on which a long-lived consumer answers HTTP. */
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port number')
    .prefault('8080')
    .transform(Number)
    .refine((port) => port <= 65_535, 'must be at most 65535'),
};

const { HOLLOW_DATASET, HOLLOW_PARTITION, HOLLOW_TABLE, HOLLOW_BUCKET } = variables;
const reader = { HOLLOW_DATASET, HOLLOW_PARTITION, HOLLOW_TABLE, HOLLOW_BUCKET };
const { HOLLOW_PARTITIONS, HOLLOW_SCHEMA, HOLLOW_BUS, HOLLOW_QUARANTINE_QUEUE_URL } = variables;
const { HOLLOW_LATE_QUEUE_URL, HOLLOW_PURGE_HORIZON_DAYS, HOLLOW_ADVANCE_SCHEMA_FROM } = variables;
const { HOLLOW_VALIDATORS, HOLLOW_VALIDATION_OVERRIDE } = variables;
const { HOLLOW_ANNOUNCEMENT_QUEUE_URL, HOLLOW_POLL_SECONDS_MAX, HOLLOW_SERVICE, HOST, PORT } = variables;
const { HOLLOW_INLINE_DELTAS, HOLLOW_RUNTIME_SETTINGS } = variables;
const { HOLLOW_COLD_LOADS_PER_HOUR, HOLLOW_RETENTION_VERSIONS, HOLLOW_RETENTION_HOURS } = variables;
const { HOLLOW_CANDIDATE, HOLLOW_PROBE, HOLLOW_LIVE } = variables;

/** Which variables each program reads. Those of other programs may be present and are ignored. */
const schemas = {
  consumer: z.object(reader),
  producer: z.object({
    ...reader,
    HOLLOW_INLINE_DELTAS,
    HOLLOW_PARTITIONS,
    HOLLOW_SCHEMA,
    HOLLOW_BUS,
    HOLLOW_QUARANTINE_QUEUE_URL,
    HOLLOW_LATE_QUEUE_URL,
    HOLLOW_PURGE_HORIZON_DAYS,
    HOLLOW_ADVANCE_SCHEMA_FROM,
    HOLLOW_VALIDATORS,
    HOLLOW_VALIDATION_OVERRIDE,
    HOLLOW_RUNTIME_SETTINGS,
  }),
  snapshotter: z.object({ ...reader, HOLLOW_COLD_LOADS_PER_HOUR, HOLLOW_RUNTIME_SETTINGS }),
  cleaner: z.object({
    ...reader,
    HOLLOW_RETENTION_VERSIONS,
    HOLLOW_RETENTION_HOURS,
    HOLLOW_INLINE_DELTAS,
    HOLLOW_RUNTIME_SETTINGS,
  }),
  outbox: z.object({ ...reader, HOLLOW_BUS, HOLLOW_INLINE_DELTAS }),
  'deploy-check': z.object({
    ...reader,
    HOLLOW_CANDIDATE,
    HOLLOW_PROBE,
    HOLLOW_LIVE,
    HOLLOW_SCHEMA: HOLLOW_SCHEMA.optional(),
  }),
  service: z.object({
    ...reader,
    HOLLOW_ANNOUNCEMENT_QUEUE_URL,
    HOLLOW_POLL_SECONDS_MAX,
    HOLLOW_SERVICE,
    HOST,
    PORT,
  }),
};

type Schemas = typeof schemas;
export type Program = keyof Schemas;

/** What a program's environment holds; values may be deploy-time placeholders when infra writes them. */
export type Environment<P extends Program> = z.input<Schemas[P]>;

export type PlainRecord = Readonly<Record<string, string | undefined>>;

export interface ReaderSettings {
  /** As logs and metrics name it: with the tenant, if it is one's. */
  readonly dataset: string;
  readonly id: DatasetId;
  readonly table: string;
  readonly bucket: string;
}

/** Names or ids of AppConfig. */
export interface RuntimeSettingsPlace {
  readonly application: string;
  readonly environment: string;
  readonly profile: string;
}

interface WriterSettings extends ReaderSettings {
  /** Null: nothing changes at run time. */
  readonly runtimeSettings: RuntimeSettingsPlace | null;
}

export interface ProducerSettings extends WriterSettings {
  readonly schema: string;
  /** As `PartitionMap.toString` prints it. */
  readonly partitions: string;
  readonly bus: string;
  readonly quarantineQueueUrl: string;
  /** Null: late mutations go to the quarantine queue. */
  readonly lateQueueUrl: string | null;
  readonly purgeHorizonMs: number;
  readonly inlineDeltas: boolean;
  /** Null: the schema is never advanced. */
  readonly advanceSchemaFrom: string | null;
  readonly validators: ValidatorRules;
  readonly validationOverride: string | null;
}

export interface SnapshotterSettings extends WriterSettings {
  readonly coldLoadsPerHour: number;
}

export interface CleanerSettings extends WriterSettings {
  readonly retention: { readonly versionsMin: number; readonly ageMsMin: number };
  readonly inlineDeltas: boolean;
}

export interface OutboxSettings extends ReaderSettings {
  readonly bus: string;
  readonly inlineDeltas: boolean;
}

export interface ServiceSettings extends ReaderSettings {
  readonly announcementQueueUrl: string;
  readonly pollMsMax: number;
  /** Name in logs and metrics. */
  readonly service: string;
  readonly host: string;
  readonly port: number;
}

export interface DeployCheckSettings extends ReaderSettings {
  readonly candidate: string;
  readonly probe: 'lookups' | 'batch' | 'announcement';
  readonly live: string;
  /** Null: the function only reads. */
  readonly schema: string | null;
}

function parse<S extends z.ZodType>(program: Program, schema: S, environment: PlainRecord): z.output<S> {
  const unknown = Object.keys(environment).filter((key) => key.startsWith('HOLLOW_') && !(key in variables));
  const result = z.safeParse(schema, environment);
  const problems = [
    ...unknown.map((key) => `${key}: no such setting`),
    ...(result.error?.issues ?? []).map((issue) => {
      const key = issue.path.join('.');
      return `${key}: ${environment[key] === undefined ? 'is not set' : issue.message}`;
    }),
  ];
  if (!result.success || problems.length > 0) {
    throw new DatasetError('invalid', `settings of the ${program}: ${problems.join('; ')}`, {
      variables: problems.map((problem) => problem.split(':', 1)[0]).join(','),
    });
  }
  return result.data;
}

function readerSettings(parsed: z.output<Schemas['consumer']>): ReaderSettings {
  return {
    dataset: parsed.HOLLOW_DATASET,
    id: namedDataset(parsed.HOLLOW_DATASET, parsed.HOLLOW_PARTITION),
    table: parsed.HOLLOW_TABLE,
    bucket: parsed.HOLLOW_BUCKET,
  };
}

function placeOf(text: string | undefined): RuntimeSettingsPlace | null {
  const [application, environment, profile] = text?.split('/') ?? [];
  if (application === undefined || environment === undefined || profile === undefined) return null;
  return { application, environment, profile };
}

/**
 * @example
 * const settings = parseProducerSettings(process.env); // throws `invalid` and names each wrong variable
 */
export function parseProducerSettings(environment: PlainRecord): ProducerSettings {
  const parsed = parse('producer', schemas.producer, environment);
  return Object.freeze({
    ...readerSettings(parsed),
    schema: parsed.HOLLOW_SCHEMA,
    partitions: parsed.HOLLOW_PARTITIONS,
    bus: parsed.HOLLOW_BUS,
    quarantineQueueUrl: parsed.HOLLOW_QUARANTINE_QUEUE_URL,
    lateQueueUrl: parsed.HOLLOW_LATE_QUEUE_URL ?? null,
    purgeHorizonMs: parsed.HOLLOW_PURGE_HORIZON_DAYS * 86_400_000,
    inlineDeltas: parsed.HOLLOW_INLINE_DELTAS,
    advanceSchemaFrom: parsed.HOLLOW_ADVANCE_SCHEMA_FROM ?? null,
    validators: parsed.HOLLOW_VALIDATORS,
    validationOverride: parsed.HOLLOW_VALIDATION_OVERRIDE ?? null,
    runtimeSettings: placeOf(parsed.HOLLOW_RUNTIME_SETTINGS),
  });
}

export function parseConsumerSettings(environment: PlainRecord): ReaderSettings {
  return Object.freeze(readerSettings(parse('consumer', schemas.consumer, environment)));
}

export function parseSnapshotterSettings(environment: PlainRecord): SnapshotterSettings {
  const parsed = parse('snapshotter', schemas.snapshotter, environment);
  return Object.freeze({
    ...readerSettings(parsed),
    coldLoadsPerHour: parsed.HOLLOW_COLD_LOADS_PER_HOUR,
    runtimeSettings: placeOf(parsed.HOLLOW_RUNTIME_SETTINGS),
  });
}

export function parseCleanerSettings(environment: PlainRecord): CleanerSettings {
  const parsed = parse('cleaner', schemas.cleaner, environment);
  const retention = {
    versionsMin: parsed.HOLLOW_RETENTION_VERSIONS,
    ageMsMin: parsed.HOLLOW_RETENTION_HOURS * 3_600_000,
  };
  return Object.freeze({
    ...readerSettings(parsed),
    retention,
    inlineDeltas: parsed.HOLLOW_INLINE_DELTAS,
    runtimeSettings: placeOf(parsed.HOLLOW_RUNTIME_SETTINGS),
  });
}

export function parseOutboxSettings(environment: PlainRecord): OutboxSettings {
  const parsed = parse('outbox', schemas.outbox, environment);
  const inlineDeltas = parsed.HOLLOW_INLINE_DELTAS;
  return Object.freeze({ ...readerSettings(parsed), bus: parsed.HOLLOW_BUS, inlineDeltas });
}

export function parseServiceSettings(environment: PlainRecord): ServiceSettings {
  const parsed = parse('service', schemas.service, environment);
  return Object.freeze({
    ...readerSettings(parsed),
    announcementQueueUrl: parsed.HOLLOW_ANNOUNCEMENT_QUEUE_URL,
    pollMsMax: parsed.HOLLOW_POLL_SECONDS_MAX * 1000,
    service: parsed.HOLLOW_SERVICE,
    host: parsed.HOST,
    port: parsed.PORT,
  });
}

export function parseDeployCheckSettings(environment: PlainRecord): DeployCheckSettings {
  const parsed = parse('deploy-check', schemas['deploy-check'], environment);
  return Object.freeze({
    ...readerSettings(parsed),
    candidate: parsed.HOLLOW_CANDIDATE,
    probe: parsed.HOLLOW_PROBE,
    live: parsed.HOLLOW_LIVE,
    schema: parsed.HOLLOW_SCHEMA ?? null,
  });
}

/** Checks an environment that is about to be deployed, as the program will check it when it starts. */
export function checkEnvironment<P extends Program>(
  program: P,
  environment: Environment<P>,
): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [key, value] of Object.entries(environment)) if (typeof value === 'string') plain[key] = value;
  parse(program, schemas[program], plain);
  return plain;
}
