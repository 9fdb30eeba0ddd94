import { Duration } from 'aws-cdk-lib';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { checkEnvironment } from '../lib/settings.ts';
import { acknowledgeKeyUse } from './encrypted.ts';
import { ServiceFunction } from './service-function.ts';
import type { Storage } from './storage.ts';

export interface OutboxProps {
  readonly dataset: string;
  readonly logRetention: RetentionDays;
  readonly storage: Storage;
  readonly bus: EventBus;
  readonly undeliveredQueue: Queue;
}

/** Announces every commit from the stream of the heads' table, so that one whose producer died is announced too. */
export class Outbox extends Construct {
  readonly function: ServiceFunction;

  constructor(scope: Construct, id: string, { dataset, storage, bus, ...props }: OutboxProps) {
    super(scope, id);
    this.function = new ServiceFunction(this, 'Outbox', {
      bundle: 'outbox',
      description: `Announces what was committed to the dataset ${dataset}`,
      environment: checkEnvironment('outbox', {
        HOLLOW_DATASET: dataset,
        HOLLOW_TABLE: storage.table.tableName,
        HOLLOW_BUCKET: storage.bucket.bucketName,
        HOLLOW_BUS: bus.eventBusName,
        ...storage.inlineEnvironment,
      }),
      memorySizeMb: 256,
      timeout: Duration.seconds(30),
      logRetention: props.logRetention,
    });
    const { role, alias } = this.function;
    storage.grantAnnounce(role);
    role.addToPolicy(new PolicyStatement({ actions: ['events:PutEvents'], resources: [bus.eventBusArn] }));
    acknowledgeKeyUse(props.undeliveredQueue.encryptionMasterKey, role);
    alias.addEventSource(
      new DynamoEventSource(storage.table, {
        startingPosition: StartingPosition.LATEST,
        batchSize: 100,
        reportBatchItemFailures: true,
        // A hint is worth little after this time; the stream must not be held up for it.
        maxRecordAge: Duration.hours(1),
        retryAttempts: 10,
        onFailure: new SqsDlq(props.undeliveredQueue),
        // Changes of the floor, of pins and of snapshots concern no reader.
        filters: [
          FilterCriteria.filter({
            dynamodb: { NewImage: { lastOp: { S: FilterRule.or('commit', 'schema', 'serve', 'restore') } } },
          }),
        ],
      }),
    );
  }
}
