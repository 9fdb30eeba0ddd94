import { Duration } from 'aws-cdk-lib';
import { type EventBus, Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { MetricType } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { limits } from '../lib/limits.ts';
import { checkEnvironment } from '../lib/settings.ts';
import { acknowledge } from './acknowledge.ts';
import { grantKey, securedQueue } from './encrypted.ts';
import { ServiceFunction, type ServiceFunctionProps } from './service-function.ts';
import type { SettingsProfile } from './settings-profile.ts';
import type { Storage } from './storage.ts';

export interface IngestionProps {
  readonly dataset: string;
  readonly partition: number;
  /** As `HOLLOW_PARTITIONS` has them. */
  readonly partitions: string;
  readonly schema: string;
  readonly memorySizeMb: number;
  readonly logRetention: RetentionDays;
  readonly storage: Storage;
  readonly bus: EventBus;
  /** Takes what a schedule could not deliver. */
  readonly undeliveredQueue: Queue;
  readonly encryptionKey?: IKey;
  /** Absent: nothing changes at run time. */
  readonly settings?: SettingsProfile;
}

/** SQS keeps a message this long at most; it is the dataset's write-ahead log, so it keeps it as long as it can. */
const retentionPeriod = Duration.days(14);
const functionTimeout = Duration.seconds(30);

/** From a partition's mutation queue to the commit. */
export class Ingestion extends Construct {
  readonly partition: number;
  readonly memorySizeMb: number;
  readonly mutationQueue: Queue;
  readonly deadLetterQueue: Queue;
  readonly quarantineQueue: Queue;
  /** Mutations of keys whose history is purged: whether they are in already, nobody can tell any more. */
  readonly lateQueue: Queue;
  readonly producer: ServiceFunction;
  /** Commits, too: what was deleted long ago is forgotten. */
  readonly purger: ServiceFunction;

  constructor(scope: Construct, id: string, props: IngestionProps) {
    super(scope, id);
    this.partition = props.partition;
    this.memorySizeMb = props.memorySizeMb;
    const common = { ...securedQueue(props.encryptionKey), retentionPeriod };
    this.deadLetterQueue = new Queue(this, 'DeadLetters', common);
    this.quarantineQueue = new Queue(this, 'Quarantine', common);
    this.lateQueue = new Queue(this, 'Late', common);
    this.mutationQueue = new Queue(this, 'Mutations', {
      ...common,
      maxMessageSizeBytes: limits.messageSizeMax,
      receiveMessageWaitTime: Duration.seconds(20),
      visibilityTimeout: Duration.seconds(6 * functionTimeout.toSeconds()),
      // High, because bad messages are quarantined at once: what comes back again and again is trouble with the
      // infrastructure, and that must not push good messages out of the queue.
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: 100 },
    });
    acknowledge(
      this.deadLetterQueue,
      ['Serverless-SQSRedrivePolicy'],
      'This is the dead-letter queue of the mutations; an alarm says when something is in it.',
    );
    this.producer = this.#createProducer(props);
    this.purger = this.#createPurger(props);
    for (const queue of [this.quarantineQueue, this.lateQueue]) {
      acknowledge(
        queue,
        ['AwsSolutions-SQS3', 'Serverless-SQSRedrivePolicy'],
        'Here ends what the producer set aside for a person to look at; nothing consumes it automatically.',
      );
    }
  }

  #createProducer(props: IngestionProps): ServiceFunction {
    const producer = this.#createWriter('Producer', props, {
      bundle: 'producer',
      description: `Commits mutations of the dataset ${props.dataset}`,
      timeout: functionTimeout,
    });
    producer.alias.addEventSource(
      new SqsEventSource(this.mutationQueue, {
        // No window: a message waits for nobody. Senders pack, and the producer merges what it gets into one delta.
        batchSize: limits.batchEntriesMax,
        reportBatchItemFailures: true,
        // The least there is: nearly no commit conflicts, and a second poller when one is stuck.
        maxConcurrency: 2,
        metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
      }),
    );
    acknowledge(
      producer.alias,
      ['Serverless-LambdaEventSourceMappingDestination'],
      'What was not committed stays in the queue, whose redrive policy sets it aside in the end.',
    );
    return producer;
  }

  #createPurger(props: IngestionProps): ServiceFunction {
    const purger = this.#createWriter('Purger', props, {
      bundle: 'purger',
      description: `Forgets what was deleted long ago from the dataset ${props.dataset}`,
      timeout: Duration.minutes(5),
    });
    const every = Duration.days(1);
    const deadLetterQueue = props.undeliveredQueue;
    new Rule(this, 'PurgerSchedule', {
      description: 'Runs the purger',
      schedule: Schedule.rate(every),
      targets: [new LambdaFunction(purger.alias, { deadLetterQueue, retryAttempts: 2, maxEventAge: every })],
    });
    return purger;
  }

  /** A function that may commit, and set aside what it must not. */
  #createWriter(
    id: string,
    props: IngestionProps,
    own: Pick<ServiceFunctionProps, 'bundle' | 'description' | 'timeout'>,
  ): ServiceFunction {
    const { storage, bus } = props;
    const writer = new ServiceFunction(this, id, {
      ...own,
      environment: checkEnvironment('producer', {
        HOLLOW_DATASET: props.dataset,
        HOLLOW_PARTITION: String(props.partition),
        HOLLOW_PARTITIONS: props.partitions,
        HOLLOW_SCHEMA: props.schema,
        HOLLOW_TABLE: storage.table.tableName,
        HOLLOW_BUCKET: storage.bucket.bucketName,
        HOLLOW_BUS: bus.eventBusName,
        HOLLOW_QUARANTINE_QUEUE_URL: this.quarantineQueue.queueUrl,
        HOLLOW_LATE_QUEUE_URL: this.lateQueue.queueUrl,
        ...storage.inlineEnvironment,
        ...(props.settings === undefined ? {} : { HOLLOW_RUNTIME_SETTINGS: props.settings.place }),
      }),
      memorySizeMb: props.memorySizeMb,
      logRetention: props.logRetention,
    });
    storage.grantCommit(writer.role, props.partition);
    storage.grantTake(writer.role);
    props.settings?.grantRead(writer.role);
    grantKey(props.encryptionKey, writer.role, 'write');
    writer.role.addToPolicy(
      new PolicyStatement({ actions: ['events:PutEvents'], resources: [bus.eventBusArn] }),
    );
    writer.role.addToPolicy(
      new PolicyStatement({
        actions: ['sqs:SendMessage'],
        resources: [this.quarantineQueue.queueArn, this.lateQueue.queueArn],
      }),
    );
    return writer;
  }
}
