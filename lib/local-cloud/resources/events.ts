/** Event buses and their rules. */
import {
  CreateEventBusCommand,
  PutRuleCommand,
  PutTargetsCommand,
  type PutTargetsCommandInput,
} from '@aws-sdk/client-eventbridge';
import { arnOf, type ResourceHandler, requiredText, textAt, valueAt } from './resource.ts';

export const eventBus: ResourceHandler = {
  properties: ['Name'],
  async create({ properties }, { events }) {
    const Name = requiredText(properties, 'Name');
    await events.send(new CreateEventBusCommand({ Name }));
    return { ref: Name, attributes: { Name, Arn: arnOf('events', `event-bus/${Name}`) } };
  },
};

export const rule: ResourceHandler = {
  properties: [
    'Name',
    'EventBusName',
    'EventPattern',
    'State',
    'Targets.Id',
    'Targets.Arn',
    'Targets.RetryPolicy',
    'Targets.DeadLetterConfig',
  ],
  async create({ logicalId, properties }, { events }) {
    const Name = textAt(properties, 'Name') ?? logicalId;
    const EventBusName = textAt(properties, 'EventBusName');
    const State = textAt(properties, 'State') === 'DISABLED' ? 'DISABLED' : 'ENABLED';
    // A schedule, which is not emulated.
    if (valueAt(properties, 'EventPattern') === undefined) {
      return { ref: Name, attributes: { Arn: arnOf('events', `rule/${Name}`) } };
    }
    const EventPattern = JSON.stringify(valueAt(properties, 'EventPattern'));
    const { RuleArn } = await events.send(new PutRuleCommand({ Name, EventBusName, EventPattern, State }));
    // As CloudFormation has them, and the service checks them.
    const Targets = valueAt(properties, 'Targets') as PutTargetsCommandInput['Targets'];
    await events.send(new PutTargetsCommand({ Rule: Name, EventBusName, Targets }));
    const ref = EventBusName === undefined ? Name : `${EventBusName}|${Name}`;
    return { ref, attributes: { Arn: RuleArn ?? '' } };
  },
};
