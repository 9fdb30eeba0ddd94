/**
 * Where a dataset is deployed and how careful that place is, as data. One stack per stage.
 *
 *   app.ts              the app: one stack per stage, checks on
 *   stages.ts           the stages (this file)
 *   dataset-stack.ts    a stack with one dataset, and its outputs
 *   index.ts            the public door "./infra"
 *   dataset.ts          HollowDataset, the construct for other people's stacks
 *   storage.ts          table of heads, bucket of blobs, and who may do what with them
 *   bucket-rules.ts     what the bucket refuses, whoever asks
 *   replica.ts          HollowReplica: the dataset in another region, for readers
 *   replica-home.ts     what its home may do there from another account; elsewhere.ts is what both sides check
 *   ingestion.ts        of each partition: mutation queue, its dead-letter and quarantine queues, producer function
 *   backups.ts          table and bucket in a vault of AWS Backup
 *   dissemination.ts    bus, archive, rules, announcement queues, consumer functions
 *   container-service.ts  the long-lived consumer in Fargate behind a load balancer
 *   service-function.ts a Lambda function as every function here is made
 *   housekeeping.ts     of each partition: snapshotter and cleaner on their schedules
 *   outbox.ts           announces from the stream of the heads' table
 *   settings-profile.ts  settings that change at run time, in AppConfig
 *   rollouts.ts         new versions in stages: checked, then a part of the traffic, then all
 *   metrics.ts          the library's metrics as CloudWatch knows them
 *   alarm-meanings.ts   what each alarm means; alarms.ts makes them, and groups that page once
 *   dashboard.ts        a widget for each metric; prices.ts is what its estimate counts with
 *   service-levels.ts   promises and their error budgets
 *   acknowledge.ts      reasons for findings of cdk-nag
 */
import * as z from 'zod';
import { runtimeSettings } from '../lib/runtime-settings.ts';

const stageSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
  /** Fixed, so that templates are the same on every machine and no account is asked. */
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/),
  /** True: data outlives the stack, and the table cannot be deleted by accident. */
  keepsData: z.boolean(),
  /** How traffic moves to new versions of functions. */
  rollout: z.enum(['all-at-once', 'canary', 'linear']),
  logRetentionDays: z.union([z.literal(7), z.literal(30), z.literal(90)]),
  /** Copies of table and bucket in a vault of AWS Backup. */
  hasBackups: z.boolean().prefault(false),
  /** What functions are told at run time, at first; absent: nothing, and no AppConfig. */
  settings: runtimeSettings.optional(),
});

export type Stage = Readonly<z.infer<typeof stageSchema>>;

/**
 * @throws ZodError that names each wrong or unknown key
 */
export function parseStages(data: unknown): readonly Stage[] {
  const parsed = z.array(stageSchema).parse(data);
  const names = parsed.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`the stage ${twice} is there twice`);
  return parsed;
}

export const stages = parseStages([
  { name: 'dev', region: 'eu-west-1', keepsData: false, logRetentionDays: 7, rollout: 'all-at-once' },
  {
    name: 'staging',
    region: 'eu-west-1',
    keepsData: false,
    logRetentionDays: 30,
    rollout: 'canary',
    settings: {},
  },
  {
    name: 'prod',
    region: 'eu-west-1',
    keepsData: true,
    logRetentionDays: 90,
    rollout: 'linear',
    settings: {},
    hasBackups: true,
  },
]);
