import { ArnFormat, Duration, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  GlobalTableSettingsReplicationMode,
  type ITableV2,
  StreamViewType,
  TableEncryptionV2,
  type TablePropsV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { type IGrantable, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  ObjectOwnership,
  type ReplicationRule,
  ReplicationTimeValue,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { checkEnvironment } from '../lib/settings.ts';
import { acknowledge } from './acknowledge.ts';
import { neverOverwrite, raiseOnCondition, refuseCopies } from './bucket-rules.ts';
import { checkAccount, checkElsewhere, copierName } from './elsewhere.ts';
import { acknowledgeKeyUse, grantKey } from './encrypted.ts';
import { logicalIdOf } from './logical-id.ts';
import { blobNames, floorName, folderOf, itemKey } from './stored-names.ts';

/** Where a dataset is read beside its home. Conditional writes go to the home only (docs/protocol.md). */
export interface ReplicaPlace {
  /** Another one than that of the home. */
  readonly region: string;
  /** Twelve digits. Default: that of the home. */
  readonly account?: string;
  /** The bucket of the `HollowReplica` there, which is deployed first. */
  readonly bucketName: string;
  /** The bus of the `HollowReplica` there. */
  readonly busName: string;
  /** With a key of your own: the one there. */
  readonly encryptionKeyArn?: string;
}

export interface StorageProps {
  readonly dataset: string;
  readonly keepsData: boolean;
  readonly encryptionKey?: IKey;
  /** Default: made up by CloudFormation. */
  readonly tableName?: string;
  readonly bucketName?: string;
  readonly replica?: ReplicaPlace;
  /** Of a table, or a bucket, that is there already and is not made. */
  readonly existingTableName?: string;
  readonly existingBucketName?: string;
  /** True: what another home still copies here is refused. */
  readonly isFenced?: boolean;
  /** True: small deltas are items of the table (docs/adr/0017). */
  readonly inlineDeltas?: boolean;
}

const closed = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
} as const;

/** The table of heads and the bucket of blobs. */
export class Storage extends Construct {
  readonly table: ITableV2;
  readonly bucket: IBucket;
  readonly #props: StorageProps;
  readonly #dataset: string;
  readonly #key: IKey | undefined;
  #accessLogs: Bucket | null = null;

  constructor(scope: Construct, id: string, props: StorageProps) {
    super(scope, id);
    const { existingTableName, existingBucketName } = props;
    this.#props = props;
    this.#dataset = props.dataset;
    this.#key = props.encryptionKey;
    if (props.replica !== undefined) this.#checkReplica(props.replica);

    this.table =
      existingTableName === undefined
        ? this.#createTable()
        : TableV2.fromTableName(this, 'Heads', existingTableName);
    this.bucket =
      existingBucketName === undefined
        ? this.#createBucket()
        : Bucket.fromBucketName(this, 'Blobs', existingBucketName);
  }

  /** For programs that write, copy or delete small deltas: where those are. */
  get inlineEnvironment(): Readonly<Record<string, string>> {
    return this.#hasInline ? { HOLLOW_INLINE_DELTAS: 'on' } : {};
  }

  get #hasInline(): boolean {
    return this.#props.inlineDeltas === true;
  }

  /** Where the bucket, and load balancers, log who asked. */
  get accessLogs(): Bucket {
    this.#accessLogs ??= this.#createAccessLogs();
    return this.#accessLogs;
  }

  get #removalPolicy(): RemovalPolicy {
    return this.#props.keepsData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
  }

  #checkReplica({ region, account }: ReplicaPlace): void {
    const here = Stack.of(this);
    checkElsewhere('replica.region', region, here.region);
    if (account === undefined) return;
    checkAccount('replica.account', account);
    checkElsewhere('replica.account', account, here.account);
    if (this.#props.tableName === undefined) {
      throw new Error('tableName: a replica in another account joins the table by its name');
    }
  }

  #createTable(): TableV2 {
    const { tableName, replica, keepsData } = this.#props;
    const table = new TableV2(this, 'Heads', {
      tableName,
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      encryption:
        this.#key === undefined
          ? TableEncryptionV2.dynamoOwnedKey()
          : TableEncryptionV2.customerManagedKey(this.#key, replicaKeys(replica)),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true, recoveryPeriodInDays: 35 },
      // The outbox: every commit is in it, whether or not its producer lived to announce it.
      dynamoStream: StreamViewType.NEW_IMAGE,
      deletionProtection: keepsData,
      removalPolicy: this.#removalPolicy,
      ...(replica === undefined ? {} : tableReplicas(replica)),
    });
    // The table there joins this one, by itself, once it may.
    if (replica?.account !== undefined) {
      const { region, account } = replica;
      const arn = { service: 'dynamodb', region, account, resource: 'table', resourceName: tableName };
      const arnFormat = ArnFormat.SLASH_RESOURCE_NAME;
      table.grants.multiAccountReplicationTo(Stack.of(this).formatArn({ ...arn, arnFormat }));
    }
    return table;
  }

  #createAccessLogs(): Bucket {
    const accessLogs = new Bucket(this, 'AccessLogs', {
      ...closed,
      removalPolicy: this.#removalPolicy,
      // Access logs are written with a key of S3's own only.
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [
        { expiration: Duration.days(90), abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
    });
    if (this.#props.existingBucketName !== undefined) {
      acknowledge(accessLogs, ['AwsSolutions-S1'], 'It holds access logs itself.');
    }
    return accessLogs;
  }

  #createBucket(): Bucket {
    const { bucketName, replica } = this.#props;
    const rule = replica === undefined ? null : this.#replicationTo(replica);
    const copier = replica?.account === undefined ? null : this.#createCopier(replica);
    const bucket = new Bucket(this, 'Blobs', {
      ...closed,
      bucketName,
      removalPolicy: this.#removalPolicy,
      ...(rule === null ? {} : { replicationRules: [rule] }),
      ...(copier === null ? {} : { replicationRole: copier }),
      ...(this.#key === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey: this.#key, bucketKeyEnabled: true }),
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      versioned: true,
      serverAccessLogsBucket: this.accessLogs,
      // Current objects are never expired by age: only the floor in the head says what is garbage. What was deleted
      // stays as long as the table can be restored to a time that may still name it.
      lifecycleRules: [
        {
          noncurrentVersionExpiration: Duration.days(36),
          expiredObjectDeleteMarker: true,
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
        // Longer than a message can wait, first in the queue and then among the dead letters.
        { prefix: 'inbox/', expiration: Duration.days(35) },
      ],
    });
    for (const statement of [neverOverwrite(bucket), raiseOnCondition(bucket)]) {
      bucket.addToResourcePolicy(statement);
    }
    if (rule !== null && copier !== null) {
      const destinations = [{ bucket: rule.destination, encryptionKey: rule.kmsKey }];
      bucket.grantReplicationPermission(copier, { sourceDecryptionKey: this.#key, destinations });
    }
    if (replica !== undefined) {
      const copied = [`<${logicalIdOf(bucket)}.Arn>`, this.#arnText(replica.bucketName)];
      acknowledge(
        copier ?? bucket,
        copied.map((text) => `AwsSolutions-IAM5[Resource::${text}/*]`),
        'S3 itself copies from this bucket to that of the replica; what it takes, the rule of the replication says.',
      );
    }
    acknowledgeKeyUse(rule?.kmsKey, copier ?? bucket);
    if (this.#props.isFenced === true) bucket.addToResourcePolicy(refuseCopies(bucket));
    return bucket;
  }

  /** Blobs and floors, and their deletion; what senders leave in the inbox concerns the home only. */
  #replicationTo({ bucketName, account, encryptionKeyArn }: ReplicaPlace): ReplicationRule {
    return {
      id: replicationRuleId,
      destination: Bucket.fromBucketAttributes(this, 'Replica', { bucketName, account }),
      // Who owns the bucket there owns what is copied to it.
      ...(account === undefined ? {} : { accessControlTransition: true }),
      filter: { prefix: `${folderOf(this.#dataset)}/` },
      deleteMarkerReplication: true,
      metrics: ReplicationTimeValue.FIFTEEN_MINUTES,
      ...(encryptionKeyArn === undefined
        ? {}
        : {
            kmsKey: Key.fromKeyArn(this, 'ReplicaKey', encryptionKeyArn),
            sseKmsEncryptedObjects: true,
          }),
    };
  }

  #createCopier({ bucketName }: ReplicaPlace): Role {
    return new Role(this, 'Copier', {
      roleName: copierName(bucketName),
      assumedBy: new ServicePrincipal('s3.amazonaws.com'),
      description: `Copies blobs of the dataset ${this.#dataset} to ${bucketName}`,
    });
  }

  /** What a reader has to know. @param partitions as `HOLLOW_PARTITIONS` has them */
  readerEnvironment(partitions: string): Readonly<Record<string, string>> {
    const reader = checkEnvironment('consumer', {
      HOLLOW_DATASET: this.#dataset,
      HOLLOW_TABLE: this.table.tableName,
      HOLLOW_BUCKET: this.bucket.bucketName,
    });
    return { ...reader, HOLLOW_PARTITIONS: partitions };
  }

  /** Lets a reader follow this dataset: its heads, its blobs, nothing that changes either. */
  grantRead(grantee: IGrantable): void {
    this.#grantRead(grantee, null);
  }

  /** Lets a producer take what senders left in the inbox. */
  grantTake(grantee: IGrantable): void {
    this.#allowOnBlobs(grantee, ['s3:GetObject'], `inbox/${folderOf(this.#dataset)}/*`);
  }

  /** Lets the producer of a partition read, add blobs and move the head. */
  grantCommit(grantee: IGrantable, partition: number): void {
    this.#grantRead(grantee, partition);
    this.#allowOnHeads(grantee, ['dynamodb:UpdateItem'], partition);
    this.#allowOnInline(grantee, ['dynamodb:PutItem'], partition);
    this.#allowOnBlobs(grantee, ['s3:PutObject'], blobNames(this.#dataset, partition));
    grantKey(this.#key, grantee, 'write');
  }

  /** Lets the snapshotter of a partition read, add snapshots and register them in the head. */
  grantSnapshot(grantee: IGrantable, partition: number): void {
    this.grantCommit(grantee, partition);
  }

  /** Lets the cleaner of a partition raise the floor and delete below it. Nobody else may delete. */
  grantClean(grantee: IGrantable, partition: number): void {
    this.#allowOnHeads(grantee, ['dynamodb:GetItem', 'dynamodb:UpdateItem'], partition);
    this.#allowOnInline(grantee, ['dynamodb:Query', 'dynamodb:DeleteItem'], partition);
    this.#allowOnBlobs(grantee, ['s3:DeleteObject'], blobNames(this.#dataset, partition));
    const floor = [this.bucket.arnForObjects(floorName(this.#dataset, partition))];
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['s3:GetObject', 's3:PutObject'], resources: floor }),
    );
    this.#allowList(grantee);
    grantKey(this.#key, grantee, 'write');
  }

  /** Lets the outbox look at the heads of all partitions, and copy small deltas to the bucket. */
  grantAnnounce(grantee: IGrantable): void {
    if (!this.#hasInline) {
      this.#allowOnHeads(grantee, ['dynamodb:GetItem'], null);
      grantKey(this.#key, grantee, 'read');
      return;
    }
    this.#grantRead(grantee, null);
    this.#allowOnBlobs(grantee, ['s3:PutObject'], blobNames(this.#dataset, null));
    grantKey(this.#key, grantee, 'write');
  }

  /** Lets a sender leave what is too large for the queue. */
  grantLeave(grantee: IGrantable): void {
    this.#allowOnBlobs(grantee, ['s3:PutObject'], `inbox/${folderOf(this.#dataset)}/*`);
    grantKey(this.#key, grantee, 'write');
  }

  /** @param partition null: all of them */
  #grantRead(grantee: IGrantable, partition: number | null): void {
    // Of small deltas also where none are written any more: those that were are still part of the chain.
    const keys = (['C', 'B'] as const).map((kind) => itemKey(kind, this.#dataset, partition));
    this.#allowOnItems(grantee, ['dynamodb:GetItem'], keys);
    this.#allowOnBlobs(grantee, ['s3:GetObject'], blobNames(this.#dataset, partition));
    this.#allowList(grantee);
    grantKey(this.#key, grantee, 'read');
  }

  /** As cdk-nag writes its ARN. */
  get #bucketText(): string {
    const name = this.#props.existingBucketName;
    return name === undefined ? `<${logicalIdOf(this.bucket)}.Arn>` : this.#arnText(name);
  }

  #arnText(bucketName: string): string {
    const { partition } = Stack.of(this);
    return `arn:${Token.isUnresolved(partition) ? '<AWS::Partition>' : partition}:s3:::${bucketName}`;
  }

  #allowList(grantee: IGrantable): void {
    // Without it S3 answers 403 for a blob that is not there, and "denied" must never be read as "missing". No prefix
    // condition: a GET carries no prefix, so the condition could not be met.
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['s3:ListBucket'], resources: [this.bucket.bucketArn] }),
    );
  }

  #allowOnHeads(grantee: IGrantable, actions: readonly string[], partition: number | null): void {
    this.#allowOnItems(grantee, actions, [itemKey('C', this.#dataset, partition)]);
  }

  #allowOnInline(grantee: IGrantable, actions: readonly string[], partition: number): void {
    if (this.#hasInline) this.#allowOnItems(grantee, actions, [itemKey('B', this.#dataset, partition)]);
  }

  /** @param keys partition keys, or the patterns of those of all partitions */
  #allowOnItems(grantee: IGrantable, actions: readonly string[], keys: readonly string[]): void {
    const isPattern = keys.some((key) => key.endsWith('*'));
    const operator = isPattern ? 'ForAllValues:StringLike' : 'ForAllValues:StringEquals';
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: [...actions],
        resources: [this.table.tableArn],
        conditions: { [operator]: { 'dynamodb:LeadingKeys': [...keys] } },
      }),
    );
  }

  #allowOnBlobs(grantee: IGrantable, actions: readonly string[], names: string): void {
    const principal = grantee.grantPrincipal;
    principal.addToPrincipalPolicy(
      new PolicyStatement({ actions: [...actions], resources: [this.bucket.arnForObjects(names)] }),
    );
    if (Construct.isConstruct(principal)) {
      acknowledge(
        principal,
        [`AwsSolutions-IAM5[Resource::${this.#bucketText}/${names}]`],
        "A dataset's blobs are named by version and commit id under the prefix of the partition; this pattern is the narrowest resource there is.",
      );
    }
  }
}

/** Names the rule in the metrics of S3. */
export const replicationRuleId = 'replica';

function replicaKeys(replica: ReplicaPlace | undefined): Record<string, string> | undefined {
  if (replica === undefined) return undefined;
  const { region, account, encryptionKeyArn } = replica;
  if (encryptionKeyArn === undefined) {
    throw new Error('a replica of a dataset with a key needs a key of its own: encryptionKeyArn');
  }
  // In another account the table there names its key itself.
  return account === undefined ? { [region]: encryptionKeyArn } : undefined;
}

function tableReplicas({ region, account }: ReplicaPlace): Partial<TablePropsV2> {
  return account === undefined
    ? { replicas: [{ region }] }
    : { globalTableSettingsReplicationMode: GlobalTableSettingsReplicationMode.ALL };
}
