/** A small template with one of each kind of resource, around a toy function (toy-function.ts) under the key `toy.zip`. */
import type { Template } from '../../lib/local-cloud/template.ts';

export interface TemplateVariant {
  readonly batchSize?: number;
  readonly windowSeconds?: number;
  readonly maxReceiveCount?: number;
  readonly reports?: boolean;
  readonly permission?: boolean;
  /** Seconds. Short where messages have to come back, else long, so that a slow machine brings none back. */
  readonly visibilityTimeout?: number;
}

export function toyTemplate(variant: TemplateVariant = {}): Template {
  const alias = { Ref: 'Live' };
  return {
    Resources: {
      Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: {} } },
      Table: {
        Type: 'AWS::DynamoDB::GlobalTable',
        Properties: {
          BillingMode: 'PAY_PER_REQUEST',
          KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
          Replicas: [{ Region: 'us-east-1' }],
          StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
        },
      },
      Blobs: { Type: 'AWS::S3::Bucket', Properties: { VersioningConfiguration: { Status: 'Enabled' } } },
      DeadLetters: { Type: 'AWS::SQS::Queue' },
      Work: {
        Type: 'AWS::SQS::Queue',
        Properties: {
          VisibilityTimeout: variant.visibilityTimeout ?? 60,
          RedrivePolicy: {
            deadLetterTargetArn: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] },
            maxReceiveCount: variant.maxReceiveCount ?? 2,
          },
        },
      },
      Worker: {
        Type: 'AWS::Lambda::Function',
        DependsOn: ['Role'],
        Properties: {
          Code: { S3Bucket: { 'Fn::Sub': 'assets-${AWS::AccountId}' }, S3Key: 'toy.zip' },
          Handler: 'index.handler',
          Runtime: 'nodejs24.x',
          Timeout: 1,
          Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
          Environment: { Variables: { TABLE: { Ref: 'Table' }, BUCKET: { Ref: 'Blobs' } } },
        },
      },
      V1: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Worker' } } },
      Live: {
        Type: 'AWS::Lambda::Alias',
        Properties: {
          FunctionName: { Ref: 'Worker' },
          FunctionVersion: { 'Fn::GetAtt': ['V1', 'Version'] },
          Name: 'live',
        },
      },
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          BatchSize: variant.batchSize ?? 10,
          MaximumBatchingWindowInSeconds: variant.windowSeconds ?? 0,
          EventSourceArn: { 'Fn::GetAtt': ['Work', 'Arn'] },
          FunctionName: alias,
          FunctionResponseTypes: variant.reports === false ? [] : ['ReportBatchItemFailures'],
          ScalingConfig: { MaximumConcurrency: 2 },
        },
      },
      Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: 'announcements' } },
      Rule: {
        Type: 'AWS::Events::Rule',
        Properties: {
          EventBusName: { Ref: 'Bus' },
          EventPattern: { source: ['toy'] },
          Targets: [
            { Id: 'f', Arn: alias, DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] } } },
          ],
        },
      },
      ...(variant.permission === false
        ? {}
        : {
            Permission: {
              Type: 'AWS::Lambda::Permission',
              Properties: {
                Action: 'lambda:InvokeFunction',
                FunctionName: alias,
                Principal: 'events.amazonaws.com',
                SourceArn: { 'Fn::GetAtt': ['Rule', 'Arn'] },
              },
            },
          }),
    },
    Outputs: {
      WorkUrl: { Value: { Ref: 'Work' } },
      DeadUrl: { Value: { Ref: 'DeadLetters' } },
      TableName: { Value: { Ref: 'Table' } },
    },
  };
}
