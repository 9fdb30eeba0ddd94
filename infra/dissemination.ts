import { Duration } from 'aws-cdk-lib';
import { EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { checkEnvironment } from '../lib/settings.ts';
import { acknowledge } from './acknowledge.ts';
import { ServiceFunction } from './service-function.ts';
import type { Storage } from './storage.ts';

export interface DisseminationProps {
  readonly dataset: string;
  readonly partition: number;
  readonly memorySizeMb: number;
  readonly logRetention: RetentionDays;
  readonly storage: Storage;
}

/** A hint is worth little after this time: a reader that comes later looks at the head anyway. */
const hintAgeMax = Duration.hours(1);
const functionTimeout = Duration.seconds(30);

/** From the commit to the readers. */
export class Dissemination extends Construct {
  readonly bus: EventBus;
  readonly announcementQueue: Queue;
  /** Hints that EventBridge or Lambda could not deliver, each with the reason as message attributes. */
  readonly undeliveredQueue: Queue;
  readonly consumer: ServiceFunction;

  constructor(scope: Construct, id: string, props: DisseminationProps) {
    super(scope, id);
    const secure = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    this.bus = new EventBus(this, 'Bus', { description: `Announcements of the dataset ${props.dataset}` });
    this.undeliveredQueue = new Queue(this, 'Undelivered', { ...secure, retentionPeriod: Duration.days(14) });
    this.announcementQueue = new Queue(this, 'Announcements', {
      ...secure,
      retentionPeriod: hintAgeMax,
      receiveMessageWaitTime: Duration.seconds(20),
      visibilityTimeout: Duration.seconds(30),
    });
    this.consumer = this.#createConsumer(props);
    const delivery = { deadLetterQueue: this.undeliveredQueue, maxEventAge: hintAgeMax, retryAttempts: 8 };
    new Rule(this, 'Committed', {
      description: `New versions of the dataset ${props.dataset}, to those who read it`,
      eventBus: this.bus,
      eventPattern: {
        source: ['serverless-hollow'],
        detailType: ['Dataset Version Committed'],
        detail: { id: { dataset: [props.dataset] } },
      },
      targets: [
        new LambdaFunction(this.consumer.alias, delivery),
        new SqsQueue(this.announcementQueue, delivery),
      ],
    });
    acknowledge(
      this.undeliveredQueue,
      ['AwsSolutions-SQS3'],
      'This is the dead-letter queue of the rule and of the consumer function, which the rule of cdk-nag does not see.',
    );
    acknowledge(
      this.announcementQueue,
      ['AwsSolutions-SQS3'],
      'Announcements are hints that lose their worth within the hour; the head is the truth and readers poll it.',
    );
  }

  #createConsumer(props: DisseminationProps): ServiceFunction {
    const consumer = new ServiceFunction(this, 'Consumer', {
      bundle: 'consumer',
      description: `Reads the dataset ${props.dataset} from memory`,
      environment: checkEnvironment('consumer', {
        HOLLOW_DATASET: props.dataset,
        HOLLOW_PARTITION: String(props.partition),
        HOLLOW_TABLE: props.storage.table.tableName,
        HOLLOW_BUCKET: props.storage.bucket.bucketName,
      }),
      memorySizeMb: props.memorySizeMb,
      timeout: functionTimeout,
      logRetention: props.logRetention,
    });
    props.storage.grantRead(consumer.role);
    consumer.alias.configureAsyncInvoke({
      maxEventAge: Duration.minutes(5),
      retryAttempts: 2,
      onFailure: new SqsDestination(this.undeliveredQueue),
    });
    return consumer;
  }
}
