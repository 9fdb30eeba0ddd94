/** A replica in another account: what each side says of the other, on templates only. */
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { beforeAll, describe, expect, it } from 'vitest';
import type { HollowDatasetProps } from '../../infra/dataset.ts';
import { HollowReplica, type HollowReplicaProps } from '../../infra/replica.ts';
import { allowedTo, context, resource, templateWith } from './template.ts';

const [homeAccount, awayAccount] = ['111122223333', '444455556666'];
const names = { bucketName: 'prices-replica', busName: 'prices' };
const place = { region: 'eu-central-1', account: awayAccount, ...names };
const tableName = 'prices-heads';
const shared = { account: homeAccount, tableRegion: 'eu-west-1' };

const homeWith = (more: Partial<HollowDatasetProps>) =>
  templateWith(() => ({ tableName, replica: place, ...more }), undefined, homeAccount);

function replicaWith(
  more: (stack: Stack) => Partial<HollowReplicaProps>,
  add: (replica: HollowReplica) => void = (replica) => void replica.addConsumerFunction('Lookup'),
): Template {
  const app = new App({ context, analyticsReporting: false, builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'Away', { env: { region: 'eu-central-1', account: awayAccount } });
  const props = { dataset: 'prices', tableName, ...names, home: shared, ...more(stack) };
  add(new HollowReplica(stack, 'Prices', props));
  return Template.fromStack(stack);
}

interface RawStatement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Condition?: unknown;
}

function statementsOf(properties: unknown): readonly RawStatement[] {
  const found: RawStatement[] = [];
  JSON.stringify(properties, (key, value) => {
    if (key === 'Statement') found.push(...value);
    return value;
  });
  return found;
}

const policyOf = (template: Template, type: string, sid: string) =>
  statementsOf(template.findResources(type)).filter(({ Sid }) => Sid === sid);

let home: Template;
let away: Template;
beforeAll(() => {
  home = homeWith({});
  away = replicaWith(() => ({}));
});

const replicationActions = [
  'dynamodb:ReadDataForReplication',
  'dynamodb:ReplicateSettings',
  'dynamodb:WriteDataForReplication',
];

/** What DynamoDB itself may do, and between which accounts. */
function replicationOf(template: Template): { actions: readonly string[]; accounts: string } {
  const { Properties: properties } = resource(template, 'AWS::DynamoDB::GlobalTable', 'Heads');
  const statements = statementsOf(properties).filter(({ Action }) =>
    Action.includes('dynamodb:WriteDataForReplication'),
  );
  return {
    actions: statements.flatMap(({ Action }) => Action).toSorted(),
    accounts: JSON.stringify(statements.map(({ Condition }) => Condition)),
  };
}

describe('the home', () => {
  it('has a table in its own region only, which the other account may join', () => {
    const { Properties: properties } = resource(home, 'AWS::DynamoDB::GlobalTable', 'Heads');
    expect(properties).toMatchObject({
      TableName: tableName,
      Replicas: [{ Region: 'eu-west-1', GlobalTableSettingsReplicationMode: 'ENABLED' }],
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
    });
    const join = statementsOf(properties).filter(({ Action }) => Action === 'dynamodb:AssociateTableReplica');
    expect(join).toEqual([
      expect.objectContaining({ Effect: 'Allow', Principal: { AWS: expect.anything() } }),
    ]);
    expect(JSON.stringify(join)).toContain(`:iam::${awayAccount}:root`);
  });

  it('copies blobs to the bucket there, whose owner owns them', () => {
    const { Properties: properties } = resource(home, 'AWS::S3::Bucket', 'Blobs');
    expect(properties).toMatchObject({
      ReplicationConfiguration: {
        Role: { 'Fn::GetAtt': [expect.stringContaining('Copier'), 'Arn'] },
        Rules: [
          {
            Id: 'replica',
            Destination: { Account: awayAccount, AccessControlTranslation: { Owner: 'Destination' } },
            DeleteMarkerReplication: { Status: 'Enabled' },
          },
        ],
      },
    });
    const writes = allowedTo(home, 'Copier').filter(({ resources }) => resources.includes(names.bucketName));
    expect(writes.flatMap(({ actions }) => actions).toSorted()).toEqual([
      's3:ObjectOwnerOverrideToBucketOwner',
      's3:ReplicateDelete',
      's3:ReplicateObject',
      's3:ReplicateTags',
    ]);
    const reads = allowedTo(home, 'Copier').flatMap(({ actions }) => actions);
    expect(reads).toContain('s3:GetObjectVersionForReplication');
  });

  it('tells the bus there of versions, by a role of its own', () => {
    const arn = `:events:eu-central-1:${awayAccount}:event-bus/prices`;
    const rules = JSON.stringify(home.findResources('AWS::Events::Rule'));
    expect(rules).toContain(arn);
    expect(rules).toContain('RoleArn');
    const puts = allowedTo(home, 'EventsRole').filter(({ resources }) => resources.includes(arn));
    expect(puts.map(({ actions }) => actions)).toEqual([['events:PutEvents']]);
  });

  it('lets its key be used by replication, and names that of the bucket there', () => {
    const keyArn = `arn:aws:kms:eu-central-1:${awayAccount}:key/1`;
    const keyed = templateWith(
      (stack) => ({
        tableName,
        encryptionKey: new Key(stack, 'Key'),
        replica: { ...place, encryptionKeyArn: keyArn },
      }),
      undefined,
      homeAccount,
    );
    expect(JSON.stringify(resource(keyed, 'AWS::S3::Bucket', 'Blobs'))).toContain(
      `"ReplicaKmsKeyID":"${keyArn}"`,
    );
    const table = JSON.stringify(resource(keyed, 'AWS::DynamoDB::GlobalTable', 'Heads'));
    expect(table).toContain('KMSMasterKeyId');
    expect(table).not.toContain(keyArn);
    const key = JSON.stringify(keyed.findResources('AWS::KMS::Key'));
    expect(key).toContain('replication.dynamodb.amazonaws.com');
    const use = allowedTo(keyed, 'Copier').filter(({ resources }) => resources.includes(keyArn));
    expect(use.flatMap(({ actions }) => actions)).toContain('kms:Encrypt');
  });

  it.each([
    ['replica.account', { replica: { ...place, account: 'production' } }],
    ['replica.account', { replica: { ...place, account: homeAccount } }],
    ['replica.region', { replica: { ...place, region: 'eu-west-1' } }],
    ['tableName', { tableName: undefined }],
  ])('is refused by the name of %s: %o', (property, more) => {
    expect(() => homeWith(more)).toThrow(property);
  });
});

describe('the replica', () => {
  it('joins the table of the home, and lets nobody write to it', () => {
    const { Properties: properties, DeletionPolicy } = resource(away, 'AWS::DynamoDB::GlobalTable', 'Heads');
    expect(DeletionPolicy).toBe('Retain');
    expect(properties).toMatchObject({
      TableName: tableName,
      Replicas: [{ Region: 'eu-central-1', DeletionProtectionEnabled: true }],
    });
    expect(JSON.stringify(properties)).toContain(`:dynamodb:eu-west-1:${homeAccount}:table/${tableName}"`);
    const [deny] = statementsOf(properties).filter(({ Effect }) => Effect === 'Deny');
    expect(deny).toMatchObject({ Sid: 'HeadsAreWrittenAtHome', Principal: { AWS: '*' } });
    expect(deny?.Action).toEqual(expect.arrayContaining(['dynamodb:PutItem', 'dynamodb:UpdateItem']));
    const { actions } = replicationOf(away);
    expect(actions.filter((action) => deny?.Action.includes(action))).toEqual([]);
  });

  it('and the home let DynamoDB replicate between the same two accounts', () => {
    for (const template of [home, away]) {
      const { actions, accounts } = replicationOf(template);
      expect(actions).toEqual(replicationActions);
      expect(accounts).toContain(homeAccount);
      expect(accounts).toContain(awayAccount);
    }
  });

  it('lets the role that copies at home write to its bucket, and only that', () => {
    const copier = Object.values(
      home.findResources('AWS::IAM::Role', { Properties: { RoleName: 'prices-replica' } }),
    );
    expect(copier).toHaveLength(1);
    const [accepts, ...more] = policyOf(away, 'AWS::S3::BucketPolicy', 'HomeCopiesBlobs');
    expect(more).toEqual([]);
    expect(accepts?.Action).toEqual([
      's3:ObjectOwnerOverrideToBucketOwner',
      's3:ReplicateDelete',
      's3:ReplicateObject',
      's3:ReplicateTags',
    ]);
    const arn = JSON.stringify(accepts?.Condition);
    expect(arn).toContain('aws:PrincipalArn');
    expect(arn).toContain(`:iam::${homeAccount}:role/${copier[0]?.['Properties'].RoleName}"`);
  });

  it('lets the account of the home tell its bus of versions', () => {
    const policy = JSON.stringify(away.findResources('AWS::Events::EventBusPolicy'));
    expect(policy).toContain('"Action":"events:PutEvents"');
    expect(policy).toContain(`:iam::${homeAccount}:root`);
  });

  it('has its own key for table and bucket, which the home may encrypt copies with', () => {
    const keyed = replicaWith((stack) => ({ encryptionKey: new Key(stack, 'Key') }));
    expect(JSON.stringify(resource(keyed, 'AWS::DynamoDB::GlobalTable', 'Heads'))).toContain(
      'KMSMasterKeyId',
    );
    const [use] = policyOf(keyed, 'AWS::KMS::Key', 'HomeEncryptsCopies');
    expect(use?.Action).toEqual(['kms:Encrypt', 'kms:GenerateDataKey']);
    expect(JSON.stringify(use?.Condition)).toContain(`role/${names.bucketName}`);
  });

  it('is there before the home names it, without table and without readers', () => {
    const early = replicaWith(
      () => ({ home: { account: homeAccount } }),
      () => {},
    );
    early.resourceCountIs('AWS::DynamoDB::GlobalTable', 0);
    expect(policyOf(early, 'AWS::S3::BucketPolicy', 'HomeCopiesBlobs')).toHaveLength(1);
    early.resourceCountIs('AWS::Events::EventBusPolicy', 1);
    expect(() => replicaWith(() => ({ home: { account: homeAccount } }))).toThrow('home.tableRegion');
  });

  it('refuses copies once it is fenced, whatever it lets the home do', () => {
    const [fence] = policyOf(
      replicaWith(() => ({ isFenced: true })),
      'AWS::S3::BucketPolicy',
      'CopiesAreRefused',
    );
    const [accepts] = policyOf(away, 'AWS::S3::BucketPolicy', 'HomeCopiesBlobs');
    expect(fence?.Effect).toBe('Deny');
    const copies = [accepts?.Action ?? []].flat().filter((action) => action.startsWith('s3:Replicate'));
    expect(copies.filter((action) => !fence?.Action.includes(action))).toEqual([]);
  });

  it('knows no other account after a failover', () => {
    const after = replicaWith(() => ({ home: undefined, tableName: 'prices-heads-2' }));
    expect(JSON.stringify(after.toJSON())).not.toContain(homeAccount);
    after.resourceCountIs('AWS::DynamoDB::GlobalTable', 0);
    after.resourceCountIs('AWS::Events::EventBusPolicy', 0);
    const reads = allowedTo(after, 'LookupRole').filter(({ actions }) =>
      actions.includes('dynamodb:GetItem'),
    );
    expect(reads.map(({ resources }) => resources)).toEqual([
      expect.stringContaining('table/prices-heads-2'),
    ]);
  });

  it.each([
    ['home.account', { home: { ...shared, account: 'home' } }],
    ['home.account', { home: { ...shared, account: awayAccount } }],
    ['home.tableRegion', { home: { ...shared, tableRegion: 'eu-central-1' } }],
  ])('is refused by the name of %s: %o', (property, more) => {
    expect(() => replicaWith(() => more)).toThrow(property);
  });
});
