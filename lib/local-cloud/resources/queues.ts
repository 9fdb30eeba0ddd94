/** Queues, with their dead-letter queues. */
import { CreateQueueCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { arnOf, type ResourceHandler, textAt, valueAt } from './resource.ts';

/** Template property -> queue attribute, where both have the same name. */
const attributes = [
  'VisibilityTimeout',
  'ReceiveMessageWaitTimeSeconds',
  'DelaySeconds',
  'MaximumMessageSize',
] as const;

export const queue: ResourceHandler = {
  properties: [
    'QueueName',
    'RedrivePolicy.deadLetterTargetArn',
    'RedrivePolicy.maxReceiveCount',
    ...attributes,
  ],
  async create({ logicalId, properties }, { sqs, queueUrl }) {
    const QueueName = textAt(properties, 'QueueName') ?? logicalId;
    const values = attributes.map((name) => [name, valueAt(properties, name)] as const);
    const Attributes: Record<string, string> = Object.fromEntries(
      values.filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]),
    );
    const redrive = valueAt(properties, 'RedrivePolicy');
    if (redrive !== undefined) Attributes['RedrivePolicy'] = JSON.stringify(redrive);
    // Two steps, because creating refuses a queue of an earlier run that has other attributes.
    await sqs.send(new CreateQueueCommand({ QueueName }));
    if (Object.keys(Attributes).length > 0) {
      await sqs.send(new SetQueueAttributesCommand({ QueueUrl: queueUrl(QueueName), Attributes }));
    }
    return { ref: queueUrl(QueueName), attributes: { Arn: arnOf('sqs', QueueName), QueueName } };
  },
};
