import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stages } from '../../infra/stages.ts';
import { context } from './template.ts';

const root = join(import.meta.dirname, '..', '..');
const outdir = mkdtempSync(join(tmpdir(), 'hollow-synth-'));
const namesAccount = (name: string): boolean => /^(AWS_|CDK_)/.test(name);

/** As `cdk synth` runs the app, with every check on, and with nothing in the environment that names an account. */
beforeAll(() => {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !namesAccount(name)));
  execFileSync(process.execPath, ['infra/app.ts'], {
    cwd: root,
    env: { ...environment, CDK_OUTDIR: outdir, CDK_CONTEXT_JSON: JSON.stringify(context) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}, 180_000); // three stages with every check: seconds, but minutes where the machine is shared

afterAll(() => rmSync(outdir, { recursive: true, force: true }));

const readOutput = (stage: string, kind: string): unknown =>
  JSON.parse(readFileSync(join(outdir, `serverless-hollow-${stage}.${kind}.json`), 'utf8'));

describe('the app', () => {
  it.each(stages)(
    'makes a template of the stage $name that names no account and no machine',
    ({ name, region }) => {
      const template = JSON.stringify(readOutput(name, 'template'));
      expect(template).toContain(`-assets-\${AWS::AccountId}-${region}`);
      expect(template).not.toContain(root);
    },
  );

  it('has the findings acknowledged that are listed here, and no others', () => {
    const metadata = readOutput('dev', 'metadata') as Record<
      string,
      { type: string; data: Record<string, string> }[]
    >;
    const acknowledged = Object.entries(metadata).flatMap(([path, entries]) =>
      entries
        .filter(({ type }) => type === 'aws:cdk:acknowledged-rules')
        .flatMap(({ data }) => Object.keys(data))
        .map(
          (rule) =>
            `${path.split('/').slice(3).join('/')}: ${rule.replace(/^Annotation::(?:AwsSolutions|Serverless)-/, '')}`,
        ),
    );
    const blobs = (names: string) => `IAM5[Resource::<CitiesStorageBlobsD4D20396.Arn>/d/cities/${names}]`;
    expect([...new Set(acknowledged)].toSorted()).toEqual(
      [
        `Dissemination/Announcements: SQS3`,
        `Dissemination/Consumer/Role: IAM5[Resource::*]`,
        `Dissemination/Consumer/Role: ${blobs('*')}`,
        `Dissemination/Undelivered: SQS3`,
        `Housekeeping/Cleaner/Role: IAM5[Resource::*]`,
        `Housekeeping/Cleaner/Role: ${blobs('*/0/*')}`,
        `Housekeeping/Snapshotter/Role: IAM5[Resource::*]`,
        `Housekeeping/Snapshotter/Role: ${blobs('*/0/*')}`,
        `Ingestion/Late: SQS3`,
        `Ingestion/Producer/Role: IAM5[Resource::*]`,
        `Ingestion/Producer/Role: ${blobs('*/0/*')}`,
        `Ingestion/Producer/Role: IAM5[Resource::<CitiesStorageBlobsD4D20396.Arn>/inbox/d/cities/*]`,
        `Ingestion/Purger/Role: IAM5[Resource::*]`,
        `Ingestion/Purger/Role: ${blobs('*/0/*')}`,
        `Ingestion/Purger/Role: IAM5[Resource::<CitiesStorageBlobsD4D20396.Arn>/inbox/d/cities/*]`,
        `Ingestion/Quarantine: SQS3`,
        `Outbox/Outbox/Role: IAM5[Resource::*]`,
        `Rollouts/ConsumerCheck/Role: IAM5[Resource::*]`,
        `Rollouts/ConsumerCheck/Role: ${blobs('*')}`,
        `Rollouts/ProducerCheck/Role: IAM5[Resource::*]`,
        `Rollouts/ProducerCheck/Role: ${blobs('*')}`,
        `Rollouts/Role: IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited]`,
        `Rollouts/Role: IAM5[Resource::<CitiesRolloutsConsumerCheckFunction8DC7C0E2.Arn>:*]`,
        `Rollouts/Role: IAM5[Resource::<CitiesRolloutsProducerCheckFunction91B82342.Arn>:*]`,
        `Dissemination/Announcements: SQSRedrivePolicy`,
        `Dissemination/Undelivered: SQSRedrivePolicy`,
        `Ingestion/DeadLetters: SQSRedrivePolicy`,
        `Ingestion/Late: SQSRedrivePolicy`,
        `Ingestion/Quarantine: SQSRedrivePolicy`,
        `Dissemination/Consumer/Function: LambdaDLQ`,
        `Housekeeping/Cleaner/Function: LambdaDLQ`,
        `Housekeeping/Snapshotter/Function: LambdaDLQ`,
        `Ingestion/Producer/Function: LambdaDLQ`,
        `Ingestion/Purger/Function: LambdaDLQ`,
        `Outbox/Outbox/Function: LambdaDLQ`,
        `Rollouts/ConsumerCheck/Function: LambdaDLQ`,
        `Rollouts/ProducerCheck/Function: LambdaDLQ`,
        `Ingestion/Producer/Live: LambdaEventSourceMappingDestination`,
      ].toSorted(),
    );
  });

  it('uploads the bundles of the functions and nothing else', () => {
    const assets = readOutput('dev', 'assets') as {
      files: Record<string, { displayName: string }>;
      dockerImages: Record<string, unknown>;
    };
    expect(Object.values(assets.files).map(({ displayName }) => displayName)).toEqual([
      'Cities/Ingestion/Producer/Function/Code',
      'Cities/Ingestion/Purger/Function/Code',
      'Cities/Outbox/Outbox/Function/Code',
      'Cities/Housekeeping/Snapshotter/Function/Code',
      'Cities/Housekeeping/Cleaner/Function/Code',
      'Cities/Rollouts/ProducerCheck/Function/Code',
      'Cities/Dissemination/Consumer/Function/Code',
      'serverless-hollow-dev Template',
    ]);
    expect(assets.dockerImages).toEqual({});
  });
});

describe('the checks', () => {
  it('see a queue that is not safe', () => {
    const app = new App({ context, outdir: join(outdir, 'unsafe') });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    new Queue(new Stack(app, 'Unsafe'), 'Plain');
    const exitCode = process.exitCode;
    expect(() => app.synth()).toThrow('does not require requests to use SSL');
    expect(readFileSync(join(outdir, 'unsafe', 'validation-report.json'), 'utf8')).toContain(
      'AwsSolutions-SQS4',
    );
    process.exitCode = exitCode;
  });
});
