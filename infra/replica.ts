import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type ConsumerFunctionProps, Dissemination } from './dissemination.ts';
import { HomeAccess, type ReplicaHome } from './replica-home.ts';
import type { ServiceFunction } from './service-function.ts';
import { Storage } from './storage.ts';

export interface HollowReplicaProps {
  /** As at home. */
  readonly dataset: string;
  /** Name of the home's table: its replica here has the same. After a failover, of the table that is used here then. */
  readonly tableName: string;
  /** Of the bucket that is made here; the home names it, too. */
  readonly bucketName: string;
  /** Of the bus that is made here; the home forwards its announcements to it. */
  readonly busName: string;
  /** As the home has them. Default 1. */
  readonly partitions?: number;
  readonly partitionKeys?: readonly string[];
  /** True: the bucket outlives the stack. Default true. */
  readonly keepsData?: boolean;
  /** Key of this region for the bucket. Required where the home has one. */
  readonly encryptionKey?: IKey;
  readonly logRetention?: RetentionDays;
  /** Where the home is in another account. After a failover there is no such home any more. Default: this account. */
  readonly home?: ReplicaHome;
  /** True: what the home still copies is refused. The first step of a failover. */
  readonly isFenced?: boolean;
}

/**
 * A dataset as it is read in another region than its home: a bucket that the home's blobs are copied to, and the home's
 * table, whose replica here the home makes; with `home` it is joined from this account. Nothing here writes;
 * docs/operations.md says how it takes over.
 *
 * @example
 * // in a stack in eu-central-1, deployed before the home names it
 * const place = { bucketName: 'cities-blobs-eu-central-1', busName: 'cities' };
 * const replica = new HollowReplica(this, 'Cities', { dataset: 'cities', tableName: 'cities-heads', ...place });
 * replica.addConsumerFunction('Search');
 * // in the home's stack
 * new HollowDataset(this, 'Cities', { ..., tableName: 'cities-heads', replica: { region: 'eu-central-1', ...place } });
 */
export class HollowReplica extends Construct {
  readonly dataset: string;
  readonly storage: Storage;
  readonly dissemination: Dissemination;
  readonly #partitionMap: string;
  readonly #hasTable: boolean;

  constructor(scope: Construct, id: string, props: HollowReplicaProps) {
    super(scope, id);
    const { dataset, tableName, bucketName, home, encryptionKey, partitions = 1, keepsData = true } = props;
    const common = { dataset, ...(encryptionKey === undefined ? {} : { encryptionKey }) };
    this.dataset = dataset;
    this.#partitionMap = [partitions, ...(props.partitionKeys ?? [])].join(' ');
    this.storage = new Storage(this, 'Storage', {
      ...common,
      bucketName,
      keepsData,
      existingTableName: tableName,
      isFenced: props.isFenced ?? false,
    });
    this.dissemination = new Dissemination(this, 'Dissemination', {
      ...common,
      storage: this.storage,
      busName: props.busName,
      logRetention: props.logRetention ?? RetentionDays.THREE_MONTHS,
    });
    this.#hasTable = home === undefined || home.tableRegion !== undefined;
    if (home !== undefined) {
      const { bucket } = this.storage;
      const open = { bucket, bucketName, bus: this.dissemination.bus };
      new HomeAccess(this, 'Home', { ...open, home, tableName, keepsData, encryptionKey });
    }
  }

  /** What a program needs in its environment to read this dataset here. */
  get readerEnvironment(): Readonly<Record<string, string>> {
    this.#checkTable();
    return this.storage.readerEnvironment(this.#partitionMap);
  }

  grantRead(grantee: IGrantable): void {
    this.#checkTable();
    this.storage.grantRead(grantee);
  }

  /** Adds a function that reads the dataset here, as `HollowDataset.addConsumerFunction` does at home. */
  addConsumerFunction(id: string, props: ConsumerFunctionProps = {}): ServiceFunction {
    return this.dissemination.addConsumerFunction(id, this.readerEnvironment, props);
  }

  /** Adds a queue of announcements for one long-lived consumer here. */
  addAnnouncementQueue(id: string): IQueue {
    return this.dissemination.addAnnouncementQueue(id);
  }

  #checkTable(): void {
    if (this.#hasTable) return;
    throw new Error(
      'home.tableRegion: readers need the table of the home, which is joined after the home has been deployed with this replica',
    );
  }
}
