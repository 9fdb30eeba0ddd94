/**
 * The one list of what a template may say and the local cloud does not act on, each with the reason. What is neither here
 * nor handled by a file in resources/ makes the deployment fail: nothing is left out in silence.
 */

/** Types that are only given a name and an ARN, so that others can refer to them. */
export const typesNotEmulated: Readonly<Record<string, string>> = {
  'AWS::IAM::Role': 'no access control here: the rights are checked by assertions on the template',
  'AWS::IAM::Policy': 'no access control here: the rights are checked by assertions on the template',
  'AWS::S3::BucketPolicy': 'no access control here: the rights are checked by assertions on the template',
  'AWS::SQS::QueuePolicy': 'no access control here: the rights are checked by assertions on the template',
  'AWS::CloudWatch::AnomalyDetector': 'replayed against metrics by test/infra/alarms.test.ts',
  'AWS::CloudWatch::CompositeAlarm': 'tells people, changes nothing',
  'AWS::CloudWatch::Dashboard': 'for people, changes nothing',
  'AWS::ApplicationSignals::ServiceLevelObjective': 'for people, changes nothing',
  'AWS::Backup::BackupVault': 'nothing is restored locally',
  'AWS::Backup::BackupPlan': 'nothing is restored locally',
  'AWS::Backup::BackupSelection': 'nothing is restored locally',
  'AWS::CodeDeploy::Application': 'only a name for deployment groups',
  'AWS::Events::Archive': 'nothing is replayed locally',
  'AWS::Logs::LogGroup': 'what functions print is read directly (lambda/function-log.ts)',
};

const encryption = 'data stays on this machine, unencrypted';
const people = 'for people, changes nothing';

/** Paths of properties by type; a path covers everything below it. */
export const propertiesNotEmulated: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'AWS::DynamoDB::GlobalTable': {
    'Replicas.Region': 'one region',
    'Replicas.DeletionProtectionEnabled': 'tables go with their directory',
    'Replicas.PointInTimeRecoverySpecification': 'nothing is restored locally',
    'Replicas.Tags': people,
    SSESpecification: encryption,
  },
  'AWS::S3::Bucket': {
    BucketEncryption: encryption,
    LifecycleConfiguration: 'nothing expires locally',
    LoggingConfiguration: 'no access logs',
    OwnershipControls: 'one account',
    PublicAccessBlockConfiguration: 'no access control here; only this machine can connect',
    Tags: people,
  },
  'AWS::SQS::Queue': {
    MessageRetentionPeriod: 'messages never expire locally',
    SqsManagedSseEnabled: encryption,
    Tags: people,
  },
  'AWS::Events::EventBus': { Description: people, Tags: people },
  'AWS::Events::Rule': {
    Description: people,
    ScheduleExpression: 'runs here are shorter than any schedule; tests invoke what it would',
    Tags: people,
  },
  'AWS::Lambda::Function': {
    Architectures: "this machine's own",
    Description: people,
    Role: 'no access control here',
    'LoggingConfig.SystemLogLevel': 'the local Lambda prints nothing of its own',
    TracingConfig: 'no X-Ray',
    Tags: people,
  },
  'AWS::CodeDeploy::DeploymentGroup': {
    ApplicationName: 'groups have names of their own here',
    DeploymentStyle: 'Lambda has only one',
    ServiceRoleArn: 'no access control here',
  },
  'AWS::Lambda::Version': { Description: people },
  'AWS::Lambda::Alias': { Description: people },
  'AWS::Lambda::EventSourceMapping': {
    MetricsConfig: 'counted always',
    MaximumRecordAgeInSeconds: 'retries end long before that',
    Tags: people,
  },
};

/** Parts of a template besides resources and outputs. */
export const sectionsNotEmulated: Readonly<Record<string, string>> = {
  AWSTemplateFormatVersion: people,
  Description: people,
  Metadata: people,
  Rules: "asks for the CDK's bootstrap stack, which nothing here needs",
};

/** Of a resource, beside its type and properties. */
export const attributesNotEmulated: Readonly<Record<string, string>> = {
  DeletionPolicy: 'resources go with their directory',
  Metadata: people,
  UpdateReplacePolicy: 'nothing is replaced',
};
