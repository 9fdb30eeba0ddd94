import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { HollowDataset } from './dataset.ts';
import type { Stage } from './stages.ts';

const schemaPath = join(import.meta.dirname, '..', 'datasets', 'cities.hollow');

/** The example dataset, as it is deployed in one stage. */
export class DatasetStack extends Stack {
  readonly dataset: HollowDataset;

  constructor(scope: Construct, stage: Stage) {
    super(scope, `serverless-hollow-${stage.name}`, {
      env: { region: stage.region },
      description: `Dataset "cities", stage ${stage.name}`,
      terminationProtection: stage.keepsData,
      tags: { project: 'serverless-hollow', stage: stage.name },
    });
    this.dataset = new HollowDataset(this, 'Cities', {
      dataset: 'cities',
      schema: readFileSync(schemaPath, 'utf8'),
      keepsData: stage.keepsData,
      logRetention: stage.logRetentionDays,
      rollout: stage.rollout,
      settings: stage.settings,
      ...(stage.hasBackups ? { backups: {} } : {}),
    });
    const consumer = this.dataset.addConsumerFunction('Consumer');
    const announcements = this.dataset.addAnnouncementQueue('Announcements');
    this.#addOutputs({
      ConsumerFunctionArn: consumer.alias.functionArn,
      AnnouncementQueueUrl: announcements.queueUrl,
    });
  }

  #addOutputs(more: Readonly<Record<string, string>>): void {
    const { storage, partitions, dissemination } = this.dataset;
    const outputs: Record<string, string> = {
      BucketName: storage.bucket.bucketName,
      TableName: storage.table.tableName,
      BusName: dissemination.bus.eventBusName,
      ...more,
    };
    for (const { partition, mutationQueue, deadLetterQueue, quarantineQueue } of partitions) {
      const suffix = partition === 0 ? '' : String(partition);
      outputs[`MutationQueueUrl${suffix}`] = mutationQueue.queueUrl;
      outputs[`DeadLetterQueueUrl${suffix}`] = deadLetterQueue.queueUrl;
      outputs[`QuarantineQueueUrl${suffix}`] = quarantineQueue.queueUrl;
    }
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
