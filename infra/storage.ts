import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, StreamViewType, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { AnyPrincipal, Effect, type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { grantKey } from './encrypted.ts';
import { logicalIdOf } from './logical-id.ts';

export interface StorageProps {
  readonly dataset: string;
  readonly keepsData: boolean;
  readonly encryptionKey?: IKey;
}

/** The table of heads and the bucket of blobs. */
export class Storage extends Construct {
  readonly table: TableV2;
  readonly bucket: Bucket;
  readonly #dataset: string;
  readonly #key: IKey | undefined;

  constructor(scope: Construct, id: string, props: StorageProps) {
    super(scope, id);
    const removalPolicy = props.keepsData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    this.#dataset = props.dataset;
    this.#key = props.encryptionKey;

    this.table = new TableV2(this, 'Heads', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      encryption:
        this.#key === undefined
          ? TableEncryptionV2.dynamoOwnedKey()
          : TableEncryptionV2.customerManagedKey(this.#key),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true, recoveryPeriodInDays: 35 },
      // The outbox: every commit is in it, whether or not its producer lived to announce it.
      dynamoStream: StreamViewType.NEW_IMAGE,
      deletionProtection: props.keepsData,
      removalPolicy,
    });
    this.bucket = this.#createBucket(removalPolicy);
    this.bucket.addToResourcePolicy(neverOverwrite(this.bucket));
  }

  #createBucket(removalPolicy: RemovalPolicy): Bucket {
    const common = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      removalPolicy,
    } as const;
    // S3 writes access logs with a key of its own only.
    const accessLogs = new Bucket(this, 'AccessLogs', {
      ...common,
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [
        { expiration: Duration.days(90), abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
    });
    return new Bucket(this, 'Blobs', {
      ...common,
      ...(this.#key === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey: this.#key, bucketKeyEnabled: true }),
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      versioned: true,
      serverAccessLogsBucket: accessLogs,
      // Current objects are never expired by age: only the floor in the head says what is garbage. What was deleted
      // stays as long as the table can be restored to a time that may still name it.
      lifecycleRules: [
        {
          noncurrentVersionExpiration: Duration.days(36),
          expiredObjectDeleteMarker: true,
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
    });
  }

  /** Lets a reader follow this dataset: its heads, its blobs, nothing that changes either. */
  grantRead(grantee: IGrantable): void {
    this.#grantRead(grantee, null);
  }

  /** Lets the producer of a partition read, add blobs and move the head. Nobody may delete. */
  grantCommit(grantee: IGrantable, partition: number): void {
    this.#grantRead(grantee, partition);
    this.#allowOnHeads(grantee, ['dynamodb:UpdateItem'], partition);
    this.#allowOnBlobs(grantee, ['s3:PutObject'], partition);
    grantKey(this.#key, grantee, 'write');
  }

  /** @param partition null: all of them */
  #grantRead(grantee: IGrantable, partition: number | null): void {
    this.#allowOnHeads(grantee, ['dynamodb:GetItem'], partition);
    this.#allowOnBlobs(grantee, ['s3:GetObject'], partition);
    // Without it S3 answers 403 for a blob that is not there, and "denied" must never be read as "missing". No prefix
    // condition: a GET carries no prefix, so the condition could not be met.
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['s3:ListBucket'], resources: [this.bucket.bucketArn] }),
    );
    grantKey(this.#key, grantee, 'read');
  }

  #allowOnHeads(grantee: IGrantable, actions: readonly string[], partition: number | null): void {
    const keys = headKeys(this.#dataset, partition);
    const operator = partition === null ? 'ForAllValues:StringLike' : 'ForAllValues:StringEquals';
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: [...actions],
        resources: [this.table.tableArn],
        conditions: { [operator]: { 'dynamodb:LeadingKeys': [keys] } },
      }),
    );
  }

  #allowOnBlobs(grantee: IGrantable, actions: readonly string[], partition: number | null): void {
    const names = blobNames(this.#dataset, partition);
    const principal = grantee.grantPrincipal;
    principal.addToPrincipalPolicy(
      new PolicyStatement({ actions: [...actions], resources: [this.bucket.arnForObjects(names)] }),
    );
    if (Construct.isConstruct(principal)) {
      acknowledge(
        principal,
        [`AwsSolutions-IAM5[Resource::<${logicalIdOf(this.bucket)}.Arn>/${names}]`],
        "A dataset's blobs are named by version and commit id under the prefix of the partition; this pattern is the narrowest resource there is.",
      );
    }
  }
}

/** Partition keys of the dataset's heads, as lib/aws/head-item.ts makes them. */
function headKeys(dataset: string, partition: number | null): string {
  return `C##${dataset}#${partition ?? '*'}`;
}

/** The names of the dataset's blobs in every generation, as lib/blob/blob-names.ts makes them. */
function blobNames(dataset: string, partition: number | null): string {
  return partition === null ? `d/${dataset}/*` : `d/${dataset}/*/${partition}/*`;
}

/** A blob's name is never reused, so that a reader cannot see it change: a PUT that could overwrite is refused. */
function neverOverwrite(bucket: Bucket): PolicyStatement {
  return new PolicyStatement({
    sid: 'BlobsAreWrittenOnce',
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: ['s3:PutObject'],
    resources: [bucket.arnForObjects('*')],
    conditions: {
      Null: { 's3:if-none-match': 'true' },
      // Parts of a multipart upload carry no such header; its completion does.
      Bool: { 's3:ObjectCreationOperation': 'true' },
    },
  });
}
