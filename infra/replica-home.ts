import { Annotations, Arn, ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  GlobalTableSettingsReplicationMode,
  TableEncryptionV2,
  TableV2,
  TableV2MultiAccountReplica,
} from 'aws-cdk-lib/aws-dynamodb';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import { AccountPrincipal, AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { checkAccount, checkElsewhere, copierName } from './elsewhere.ts';

/** The home of a replica, where that is another account. */
export interface ReplicaHome {
  /** Twelve digits. */
  readonly account: string;
  /**
   * Of its table, which is joined here. Absent at first: the home has to name this replica before it can be joined, and
   * the replica's bucket has to be there before the home can name it.
   */
  readonly tableRegion?: string;
}

export interface HomeAccessProps {
  readonly home: ReplicaHome;
  readonly tableName: string;
  readonly bucket: IBucket;
  readonly bucketName: string;
  readonly bus: EventBus;
  readonly keepsData: boolean;
  readonly encryptionKey?: IKey;
}

/** What a home in another account may do here: copy blobs, tell of versions, share its table. */
export class HomeAccess extends Construct {
  constructor(scope: Construct, id: string, props: HomeAccessProps) {
    super(scope, id);
    const { home, bus } = props;
    checkAccount('home.account', home.account);
    checkElsewhere('home.account', home.account, Stack.of(this).account);
    this.#acceptCopies(props);
    bus.addToResourcePolicy(
      new PolicyStatement({
        sid: 'HomeTellsOfVersions',
        principals: [new AccountPrincipal(home.account)],
        actions: ['events:PutEvents'],
        resources: [bus.eventBusArn],
      }),
    );
    if (home.tableRegion !== undefined) this.#joinTable(props, home.tableRegion);
  }

  #acceptCopies({ home, bucket, bucketName, encryptionKey }: HomeAccessProps): void {
    const { partition } = Stack.of(this);
    const role = `arn:${partition}:iam::${home.account}:role/${copierName(bucketName)}`;
    // The role as principal would have to be there first, and it is made when the home comes to know this bucket.
    const copier = {
      principals: [new AccountPrincipal(home.account)],
      conditions: { ArnEquals: { 'aws:PrincipalArn': role } },
    };
    bucket.addToResourcePolicy(
      new PolicyStatement({
        ...copier,
        sid: 'HomeCopiesBlobs',
        actions: [
          's3:ReplicateObject',
          's3:ReplicateDelete',
          's3:ReplicateTags',
          's3:ObjectOwnerOverrideToBucketOwner',
        ],
        resources: [bucket.arnForObjects('*')],
      }),
    );
    encryptionKey?.addToResourcePolicy(
      new PolicyStatement({
        ...copier,
        sid: 'HomeEncryptsCopies',
        actions: ['kms:Encrypt', 'kms:GenerateDataKey'],
        resources: ['*'],
      }),
    );
  }

  #joinTable({ home, tableName, keepsData, encryptionKey }: HomeAccessProps, region: string): void {
    const stack = Stack.of(this);
    checkElsewhere('home.tableRegion', region, stack.region);
    const table = new TableV2MultiAccountReplica(this, 'Heads', {
      replicaSourceTable: TableV2.fromTableArn(
        this,
        'HomeHeads',
        Arn.format(
          {
            service: 'dynamodb',
            partition: stack.partition,
            region,
            account: home.account,
            resource: 'table',
            resourceName: tableName,
            arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
          },
          stack,
        ),
      ),
      globalTableSettingsReplicationMode: GlobalTableSettingsReplicationMode.ALL,
      ...(encryptionKey === undefined
        ? {}
        : { encryption: TableEncryptionV2.customerManagedKey(encryptionKey) }),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true, recoveryPeriodInDays: 35 },
      deletionProtection: keepsData,
      removalPolicy: keepsData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    table.addToResourcePolicy(refuseWrites());
    Annotations.of(table).acknowledgeWarning(
      '@aws-cdk/aws-dynamodb:multiAccountReplicaSourceWithoutPolicy',
      'The home grants it, from the account and region that its `replica` names.',
    );
  }
}

/**
 * DynamoDB replicates both ways, and the last write wins: a head written here would replace the one at home, whatever
 * condition that was written under.
 */
function refuseWrites(): PolicyStatement {
  return new PolicyStatement({
    sid: 'HeadsAreWrittenAtHome',
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: [
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'dynamodb:DeleteItem',
      'dynamodb:BatchWriteItem',
      'dynamodb:PartiQLInsert',
      'dynamodb:PartiQLUpdate',
      'dynamodb:PartiQLDelete',
    ],
    resources: ['*'],
    // Replication itself must not be hindered, by whichever of the two ways DynamoDB comes.
    conditions: {
      Bool: { 'aws:PrincipalIsAWSService': 'false' },
      ArnNotLike: { 'aws:PrincipalArn': 'arn:*:iam::*:role/aws-service-role/*' },
    },
  });
}
