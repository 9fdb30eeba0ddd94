import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { checkEnvironment } from '../lib/settings.ts';
import { ServiceFunction } from './service-function.ts';
import type { SettingsProfile } from './settings-profile.ts';
import type { Storage } from './storage.ts';

export interface HousekeepingProps {
  readonly dataset: string;
  readonly partition: number;
  readonly memorySizeMb: number;
  readonly logRetention: RetentionDays;
  readonly storage: Storage;
  /** Takes what a schedule could not deliver. */
  readonly undeliveredQueue: Queue;
  /** Versions, and hours, that stay readable for readers that lag. Default 64 and 1. */
  readonly retention?: { readonly versions?: number; readonly hours?: number };
  /** Absent: nothing changes at run time. */
  readonly settings?: SettingsProfile;
}

/**
 * What keeps a partition's chain short and its bucket small. Both functions look at the head and decide themselves, so
 * any number of runs, at any time, does no harm.
 */
export class Housekeeping extends Construct {
  readonly snapshotter: ServiceFunction;
  readonly cleaner: ServiceFunction;

  constructor(scope: Construct, id: string, props: HousekeepingProps) {
    super(scope, id);
    const { dataset, storage, partition, logRetention, retention = {}, settings } = props;
    const reader = {
      HOLLOW_DATASET: dataset,
      HOLLOW_PARTITION: String(partition),
      HOLLOW_TABLE: storage.table.tableName,
      HOLLOW_BUCKET: storage.bucket.bucketName,
      ...(settings === undefined ? {} : { HOLLOW_RUNTIME_SETTINGS: settings.place }),
    };
    const common = { logRetention, timeout: Duration.minutes(5), reservedConcurrency: 1 };
    this.snapshotter = new ServiceFunction(this, 'Snapshotter', {
      ...common,
      bundle: 'snapshotter',
      description: `Writes snapshots of the dataset ${dataset} when they pay`,
      environment: checkEnvironment('snapshotter', reader),
      memorySizeMb: props.memorySizeMb,
    });
    storage.grantSnapshot(this.snapshotter.role, partition);
    this.cleaner = new ServiceFunction(this, 'Cleaner', {
      ...common,
      bundle: 'cleaner',
      description: `Deletes what no reader of the dataset ${dataset} can need any more`,
      environment: checkEnvironment('cleaner', {
        ...reader,
        ...storage.inlineEnvironment,
        ...(retention.versions === undefined
          ? {}
          : { HOLLOW_RETENTION_VERSIONS: String(retention.versions) }),
        ...(retention.hours === undefined ? {} : { HOLLOW_RETENTION_HOURS: String(retention.hours) }),
      }),
      memorySizeMb: 256,
    });
    storage.grantClean(this.cleaner.role, partition);
    for (const { role } of [this.snapshotter, this.cleaner]) settings?.grantRead(role);
    this.#run('Snapshotter', this.snapshotter, Duration.minutes(5), props.undeliveredQueue);
    this.#run('Cleaner', this.cleaner, Duration.hours(1), props.undeliveredQueue);
  }

  #run(name: string, { alias }: ServiceFunction, every: Duration, deadLetterQueue: Queue): void {
    new Rule(this, `${name}Schedule`, {
      description: `Runs the ${name.toLowerCase()}`,
      schedule: Schedule.rate(every),
      // The next run makes up for one that was missed.
      targets: [new LambdaFunction(alias, { deadLetterQueue, retryAttempts: 2, maxEventAge: every })],
    });
  }
}
