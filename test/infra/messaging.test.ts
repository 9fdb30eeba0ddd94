import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { announcementDetailType, announcementSource } from '../../lib/announcement.ts';
import { limits } from '../../lib/limits.ts';
import { headOperations } from '../../lib/ports.ts';
import { resource, templateOf } from './template.ts';

let template: Template;
beforeAll(() => {
  template = templateOf();
});

const fourteenDays = 14 * 24 * 3600;

describe('the mutation queue', () => {
  it('keeps messages as long as SQS can, and gives the producer time', () => {
    expect(resource(template, 'AWS::SQS::Queue', 'Mutations')['Properties']).toMatchObject({
      MessageRetentionPeriod: fourteenDays,
      VisibilityTimeout: 180,
      MaximumMessageSize: limits.messageSizeMax,
      SqsManagedSseEnabled: true,
      RedrivePolicy: { maxReceiveCount: 100 },
    });
  });

  it('is read by the alias of the producer, message by message in the reply', () => {
    template.resourceCountIs('AWS::Lambda::EventSourceMapping', 2);
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 10,
      MaximumBatchingWindowInSeconds: Match.absent(),
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 2 },
      FunctionName: Match.objectLike({ 'Fn::Join': ['', Match.arrayWith([':live'])] }),
    });
  });
});

describe('every queue', () => {
  it('is encrypted and refuses plain HTTP', () => {
    const queues = template.findResources('AWS::SQS::Queue');
    const policies = Object.values(template.findResources('AWS::SQS::QueuePolicy'));
    for (const [id, queue] of Object.entries(queues)) {
      expect(queue['Properties'].SqsManagedSseEnabled, id).toBe(true);
      const own = policies.filter((policy) => JSON.stringify(policy['Properties'].Queues).includes(id));
      expect(JSON.stringify(own), id).toContain('"aws:SecureTransport":"false"');
    }
    expect(Object.keys(queues)).toHaveLength(6);
  });

  it.each(['DeadLetters', 'Quarantine', 'Late', 'Undelivered'])('keeps what a person must see: %s', (id) => {
    const queue = resource(template, 'AWS::SQS::Queue', id);
    expect(queue['Properties']).toMatchObject({ MessageRetentionPeriod: fourteenDays });
  });
});

describe('the rules', () => {
  it('match what the announcer sends', () => {
    const patterns = Object.values(template.findResources('AWS::Events::Rule')).flatMap(
      (rule) => rule['Properties'].EventPattern ?? [],
    );
    const pattern = {
      source: [announcementSource],
      'detail-type': [announcementDetailType],
      detail: { id: { dataset: ['cities'] } },
    };
    expect(patterns).toEqual([pattern, pattern]);
  });

  it.each([
    ['ConsumerCommitted', 'ConsumerLive'],
    ['AnnouncementsCommitted', 'Announcements'],
  ])('have one target each, and nothing that fails is lost without a trace: %s', (id, target) => {
    const { Properties } = resource(template, 'AWS::Events::Rule', id) as {
      Properties: { Targets: { Arn: unknown; DeadLetterConfig: unknown }[] };
    };
    expect(Properties.Targets).toHaveLength(1);
    expect(JSON.stringify(Properties.Targets[0]?.Arn)).toContain(target);
    expect(JSON.stringify(Properties.Targets[0]?.DeadLetterConfig)).toContain('Undelivered');
  });

  it('reach the consumer through its alias; what Lambda gives up on is kept', () => {
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('Undelivered'), 'Arn'] } },
      },
    });
  });

  it('leave what they matched in an archive for a week', () => {
    template.hasResourceProperties('AWS::Events::Archive', {
      RetentionDays: 7,
      EventPattern: Match.objectLike({ source: [announcementSource] }),
    });
  });
});

describe('the outbox', () => {
  it('hears of commits, from the stream of the heads, and of nothing that concerns no reader', () => {
    const mapping = resource(template, 'AWS::Lambda::EventSourceMapping', 'Outbox') as {
      Properties: { FilterCriteria: { Filters: { Pattern: string }[] }; EventSourceArn: unknown };
    };
    expect(mapping.Properties).toMatchObject({
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      MaximumRecordAgeInSeconds: 3600,
      StartingPosition: 'LATEST',
      DestinationConfig: { OnFailure: { Destination: expect.anything() } },
    });
    expect(JSON.stringify(mapping.Properties.EventSourceArn)).toContain('StreamArn');
    const [filter] = mapping.Properties.FilterCriteria.Filters;
    const { dynamodb } = JSON.parse(filter?.Pattern ?? '{}');
    const heard: readonly string[] = dynamodb.NewImage.lastOp.S;
    expect(headOperations.filter((operation) => !heard.includes(operation))).toEqual([
      'snapshot',
      'floor',
      'pin',
    ]);
    expect(heard.every((each) => headOperations.some((operation) => operation === each))).toBe(true);
  });
});

describe('schedules', () => {
  it.each([
    ['Snapshotter', 'rate(5 minutes)'],
    ['Cleaner', 'rate(1 hour)'],
  ])('run the %s at its %s, one at a time', (id, rate) => {
    expect(resource(template, 'AWS::Events::Rule', `${id}Schedule`)['Properties']).toMatchObject({
      ScheduleExpression: rate,
      Targets: [{ DeadLetterConfig: expect.anything() }],
    });
    expect(resource(template, 'AWS::Lambda::Function', id)['Properties']).toMatchObject({
      ReservedConcurrentExecutions: 1,
    });
  });
});
