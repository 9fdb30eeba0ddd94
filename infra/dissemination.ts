import { Duration, Stack } from 'aws-cdk-lib';
import { EventBus, type IRuleTarget, Rule } from 'aws-cdk-lib/aws-events';
import { EventBus as EventBusTarget, LambdaFunction, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { namedDataset } from '../lib/settings.ts';
import { acknowledge } from './acknowledge.ts';
import { acknowledgeKeyUse, securedQueue } from './encrypted.ts';
import { ServiceFunction } from './service-function.ts';
import type { ReplicaPlace, Storage } from './storage.ts';

export interface DisseminationProps {
  readonly dataset: string;
  readonly logRetention: RetentionDays;
  readonly storage: Storage;
  readonly encryptionKey?: IKey;
  /** Default: made up by CloudFormation. */
  readonly busName?: string;
}

export interface ConsumerFunctionProps {
  /** A bundle with `index.handler` for Node 24. Default: the consumer of this package. */
  readonly code?: Code;
  readonly description?: string;
  /** The whole dataset must fit. Default 1024 MB. */
  readonly memorySizeMb?: number;
  /** Default 30 s. */
  readonly timeout?: Duration;
  /** Beside the variables that name the dataset. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Sandboxes at once, kept free for this function. Default: those that the account has left. */
  readonly reservedConcurrency?: number;
}

export const consumerMemorySizeMb = 1024;

/** A hint is worth little after this time: a reader that comes later looks at the head anyway. */
const hintAgeMax = Duration.hours(1);

/** From the commit to the readers. */
export class Dissemination extends Construct {
  readonly bus: EventBus;
  /** Hints that EventBridge or Lambda could not deliver, each with the reason as message attributes. */
  readonly undeliveredQueue: Queue;
  readonly #props: DisseminationProps;

  constructor(scope: Construct, id: string, props: DisseminationProps) {
    super(scope, id);
    this.#props = props;
    this.bus = new EventBus(this, 'Bus', {
      eventBusName: props.busName,
      description: `Announcements of the dataset ${props.dataset}`,
    });
    this.bus.archive('Archive', {
      description: `Announcements of the dataset ${props.dataset}, to be replayed to a reader that is new or was away`,
      eventPattern: this.#eventPattern,
      retention: Duration.days(7),
    });
    this.undeliveredQueue = new Queue(this, 'Undelivered', {
      ...securedQueue(props.encryptionKey),
      retentionPeriod: Duration.days(14),
    });
    acknowledge(
      this.undeliveredQueue,
      ['AwsSolutions-SQS3', 'Serverless-SQSRedrivePolicy'],
      'This is the dead-letter queue of the rules and of the consumer functions, which the rule of cdk-nag does not see.',
    );
  }

  addConsumerFunction(
    id: string,
    readerEnvironment: Readonly<Record<string, string>>,
    props: ConsumerFunctionProps,
  ): ServiceFunction {
    const { dataset, logRetention, storage, encryptionKey } = this.#props;
    const consumer = new ServiceFunction(this, id, {
      bundle: 'consumer',
      code: props.code,
      description: props.description ?? `Reads the dataset ${dataset} from memory`,
      environment: { ...props.environment, ...readerEnvironment },
      memorySizeMb: props.memorySizeMb ?? consumerMemorySizeMb,
      timeout: props.timeout ?? Duration.seconds(30),
      reservedConcurrency: props.reservedConcurrency,
      logRetention,
    });
    storage.grantRead(consumer.role);
    consumer.alias.configureAsyncInvoke({
      maxEventAge: Duration.minutes(5),
      retryAttempts: 2,
      onFailure: new SqsDestination(this.undeliveredQueue),
    });
    acknowledgeKeyUse(encryptionKey, consumer.role);
    this.#tell(id, new LambdaFunction(consumer.alias, this.#delivery));
    return consumer;
  }

  addAnnouncementQueue(id: string): Queue {
    const queue = new Queue(this, id, {
      ...securedQueue(this.#props.encryptionKey),
      retentionPeriod: hintAgeMax,
      receiveMessageWaitTime: Duration.seconds(20),
      visibilityTimeout: Duration.seconds(30),
    });
    this.#tell(id, new SqsQueue(queue, this.#delivery));
    acknowledge(
      queue,
      ['AwsSolutions-SQS3', 'Serverless-SQSRedrivePolicy'],
      'Announcements are hints that lose their worth within the hour; the head is the truth and readers poll it.',
    );
    return queue;
  }

  /** To the bus of a replica. A hint may be there before its version is; then the reader looks again. */
  forward({ region, account, busName }: ReplicaPlace): void {
    const arn = Stack.of(this).formatArn({
      service: 'events',
      region,
      account,
      resource: 'event-bus',
      resourceName: busName,
    });
    const bus = EventBus.fromEventBusArn(this, 'ReplicaBus', arn);
    this.#tell('Replica', new EventBusTarget(bus, { deadLetterQueue: this.undeliveredQueue }));
  }

  get #delivery() {
    return { deadLetterQueue: this.undeliveredQueue, maxEventAge: hintAgeMax, retryAttempts: 8 };
  }

  /** A rule for each reader, since a rule has at most five targets. */
  #tell(id: string, target: IRuleTarget): void {
    new Rule(this, `${id}Committed`, {
      description: `New versions of the dataset ${this.#props.dataset}, to ${id}`,
      eventBus: this.bus,
      eventPattern: this.#eventPattern,
      targets: [target],
    });
  }

  get #eventPattern() {
    const { tenant, dataset } = namedDataset(this.#props.dataset, 0);
    return {
      source: ['serverless-hollow'],
      detailType: ['Dataset Version Committed'],
      detail: { id: { dataset: [dataset], ...(tenant === undefined ? {} : { tenant: [tenant] }) } },
    };
  }
}
