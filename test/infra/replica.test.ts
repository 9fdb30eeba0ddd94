import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { beforeAll, describe, expect, it } from 'vitest';
import { HollowReplica, type HollowReplicaProps } from '../../infra/replica.ts';
import { headKey } from '../../lib/aws/head-item.ts';
import { blobName, floorName } from '../../lib/blob/blob-names.ts';
import { allowedTo, context, resource, templateWith } from './template.ts';

const names = { bucketName: 'prices-replica', busName: 'prices' };
const place = { region: 'eu-central-1', ...names };
const tableName = 'prices-heads';

let home: Template;
let away: Template;
beforeAll(() => {
  home = templateWith(() => ({ tableName, replica: place }));
  away = replicaWith({});
});

function replicaWith(more: Partial<HollowReplicaProps>): Template {
  const app = new App({ context, analyticsReporting: false, builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'Away', { env: { region: 'eu-central-1' } });
  const replica = new HollowReplica(stack, 'Prices', { dataset: 'prices', tableName, ...names, ...more });
  replica.addConsumerFunction('Lookup');
  return Template.fromStack(stack);
}

interface Replication {
  readonly Rules: readonly { readonly Filter: { readonly Prefix: string } }[];
}

const replication = (template: Template) =>
  (
    resource(template, 'AWS::S3::Bucket', 'Blobs')['Properties'] as {
      ReplicationConfiguration: Replication;
    }
  ).ReplicationConfiguration;

describe('the home of a dataset with a replica', () => {
  it('has its heads in both regions', () => {
    expect(resource(home, 'AWS::DynamoDB::GlobalTable', 'Heads')['Properties']).toMatchObject({
      TableName: tableName,
      Replicas: [
        expect.objectContaining({ Region: 'eu-central-1' }),
        expect.objectContaining({ Region: 'eu-west-1' }),
      ],
    });
  });

  it('copies blobs, floors and their deletion, and says how far it is', () => {
    expect(replication(home)).toMatchObject({
      Rules: [
        {
          Id: 'replica',
          Status: 'Enabled',
          DeleteMarkerReplication: { Status: 'Enabled' },
          Destination: { Bucket: expect.anything(), Metrics: { Status: 'Enabled' } },
        },
      ],
    });
    const { Prefix: prefix } = replication(home).Rules[0]?.Filter ?? { Prefix: '' };
    const id = { dataset: 'prices', partition: 3 };
    const cid = 'a'.repeat(32);
    expect(blobName({ kind: 'snapshot', id, mapGeneration: 1, toVersion: 7, cid }).startsWith(prefix)).toBe(
      true,
    );
    expect(floorName(id).startsWith(prefix)).toBe(true);
    expect('inbox/d/prices/x'.startsWith(prefix)).toBe(false);
  });

  it('may write to the bucket of the replica what replication takes, and no more', () => {
    const writes = allowedTo(home, 'BlobsReplicationRole').filter(({ resources }) =>
      resources.includes('prices-replica'),
    );
    expect(writes.flatMap(({ actions }) => actions).toSorted()).toEqual([
      's3:ObjectOwnerOverrideToBucketOwner',
      's3:ReplicateDelete',
      's3:ReplicateObject',
      's3:ReplicateTags',
    ]);
  });

  it('forwards its announcements to the bus of the replica', () => {
    const rules = home.findResources('AWS::Events::Rule', {
      Properties: { EventPattern: { source: ['serverless-hollow'] } },
    });
    const targets = Object.values(rules).flatMap(({ Properties }) => Properties.Targets as object[]);
    expect(targets.map((target) => JSON.stringify(target))).toEqual([
      expect.stringMatching(/:event-bus\/prices.*DeadLetterConfig|DeadLetterConfig.*:event-bus\/prices/),
    ]);
  });

  it('needs a key there when it has one here', () => {
    const withKey = (encryptionKeyArn?: string) =>
      templateWith((stack) => ({
        encryptionKey: new Key(stack, 'Key'),
        replica: { ...place, ...(encryptionKeyArn === undefined ? {} : { encryptionKeyArn }) },
      }));
    expect(() => withKey()).toThrow('encryptionKeyArn');
    const arn = 'arn:aws:kms:eu-central-1:111122223333:key/1';
    const keyed = withKey(arn);
    expect(replication(keyed)).toMatchObject({
      Rules: [
        {
          SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: 'Enabled' } },
          Destination: { EncryptionConfiguration: { ReplicaKmsKeyID: arn } },
        },
      ],
    });
    expect(JSON.stringify(resource(keyed, 'AWS::DynamoDB::GlobalTable', 'Heads'))).toContain(arn);
  });
});

describe('the replica', () => {
  it('has a bucket that keeps what was deleted, refuses to overwrite, and outlives the stack', () => {
    const bucket = resource(away, 'AWS::S3::Bucket', 'Blobs');
    expect(bucket).toMatchObject({
      DeletionPolicy: 'Retain',
      Properties: { BucketName: 'prices-replica', VersioningConfiguration: { Status: 'Enabled' } },
    });
    away.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: { Statement: Match.arrayWith([Match.objectLike({ Sid: 'BlobsAreWrittenOnce' })]) },
    });
  });

  it('makes no table, and lets readers read the one that is there', () => {
    away.resourceCountIs('AWS::DynamoDB::GlobalTable', 0);
    const reads = allowedTo(away, 'LookupRole').filter(({ actions }) => actions.includes('dynamodb:GetItem'));
    const key = headKey({ dataset: 'prices', partition: 0 })['pk']?.S?.replace(/0$/, '*');
    expect(reads).toHaveLength(1);
    expect(reads[0]).toMatchObject({
      actions: ['dynamodb:GetItem'],
      resources: expect.stringContaining(`table/${tableName}`),
      condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [key, key?.replace('C', 'B')] } },
    });
  });

  it('has nobody who writes to table or bucket', () => {
    const actions = allowedTo(away, '').flatMap((statement) => statement.actions);
    expect(actions.filter((action) => /^(s3|dynamodb):(Put|Update|Delete)/.test(action))).toEqual([]);
  });

  it('hears of versions on a bus of its own', () => {
    away.hasResourceProperties('AWS::Events::EventBus', { Name: 'prices' });
    expect(JSON.stringify(away.findResources('AWS::Events::Rule'))).toContain('LookupLive');
  });

  it('refuses what an old home still copies once it is fenced', () => {
    const fenced = JSON.stringify(replicaWith({ isFenced: true }).findResources('AWS::S3::BucketPolicy'));
    expect(fenced).toContain('s3:ReplicateDelete');
    expect(JSON.stringify(away.findResources('AWS::S3::BucketPolicy'))).not.toContain('s3:Replicate');
  });
});

describe('a dataset that takes over the bucket of a replica', () => {
  it('has a table of its own, and writes to that bucket', () => {
    const writer = templateWith(() => ({ existingBucketName: 'prices-replica' }));
    writer.resourceCountIs('AWS::DynamoDB::GlobalTable', 1);
    const puts = allowedTo(writer, 'ProducerRole').filter(({ actions }) => actions.includes('s3:PutObject'));
    expect(puts[0]?.resources).toContain('prices-replica/d/prices/*/0/*');
    const buckets = Object.keys(writer.findResources('AWS::S3::Bucket'));
    expect(buckets).toEqual([]);
  });
});
