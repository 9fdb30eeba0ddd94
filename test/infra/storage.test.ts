import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { templateOf } from './template.ts';

let template: Template;
beforeAll(() => {
  template = templateOf();
});

describe('the table of heads', () => {
  it('has the keys, the outbox and the recovery that the protocol needs', () => {
    template.hasResourceProperties('AWS::DynamoDB::GlobalTable', {
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      Replicas: [
        Match.objectLike({
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 35 },
        }),
      ],
    });
  });

  it.each([
    [true, 'Retain'],
    [false, 'Delete'],
  ])('is kept when the stage keeps data: %s', (keepsData, policy) => {
    const [table] = Object.values(templateOf({ keepsData }).findResources('AWS::DynamoDB::GlobalTable'));
    expect(table?.['DeletionPolicy']).toBe(policy);
    expect(table?.['Properties'].Replicas[0].DeletionProtectionEnabled).toBe(keepsData);
  });
});

describe('the bucket of blobs', () => {
  it('is private, encrypted and versioned', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      VersioningConfiguration: { Status: 'Enabled' },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    });
  });

  it('never expires a current blob: only the floor says what is garbage', () => {
    const buckets = template.findResources('AWS::S3::Bucket', {
      Properties: { VersioningConfiguration: { Status: 'Enabled' } },
    });
    const rules = Object.values(buckets).flatMap(
      (bucket) => bucket['Properties'].LifecycleConfiguration.Rules,
    );
    expect(rules).toEqual([
      {
        Status: 'Enabled',
        NoncurrentVersionExpiration: { NoncurrentDays: 36 },
        ExpiredObjectDeleteMarker: true,
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
      },
      // No blobs: what senders leave, for longer than a message can wait in queue and dead-letter queue.
      { Status: 'Enabled', Prefix: 'inbox/', ExpirationInDays: 35 },
    ]);
  });

  it('refuses a PUT that could overwrite, plain HTTP and old TLS', () => {
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          Match.objectLike({ Effect: 'Deny', Condition: { NumericLessThan: { 's3:TlsVersion': 1.2 } } }),
          Match.objectLike({
            Sid: 'BlobsAreWrittenOnce',
            Effect: 'Deny',
            Principal: { AWS: '*' },
            Action: 's3:PutObject',
            NotResource: Match.anyValue(),
            Condition: {
              Null: { 's3:if-none-match': 'true' },
              Bool: { 's3:ObjectCreationOperation': 'true' },
            },
          }),
          Match.objectLike({
            Sid: 'FloorsAreRaisedOnCondition',
            Effect: 'Deny',
            Condition: { Null: { 's3:if-none-match': 'true', 's3:if-match': 'true' } },
          }),
        ]),
      },
    });
  });
});
