import { type Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { MetricName } from '../lib/metric-names.ts';
import type { RuntimeSettings } from '../lib/runtime-settings.ts';
import { Alarms, type AlarmTopics } from './alarms.ts';
import { type BackupOptions, Backups } from './backups.ts';
import { ContainerService, type ContainerServiceProps } from './container-service.ts';
import { Dashboard } from './dashboard.ts';
import { type ConsumerFunctionProps, consumerMemorySizeMb, Dissemination } from './dissemination.ts';
import { Housekeeping } from './housekeeping.ts';
import { Ingestion } from './ingestion.ts';
import { datasetMetric, minute } from './metrics.ts';
import { Outbox } from './outbox.ts';
import { type RolloutShape, Rollouts } from './rollouts.ts';
import type { ServiceFunction } from './service-function.ts';
import { ServiceLevels } from './service-levels.ts';
import { SettingsProfile } from './settings-profile.ts';
import { type ReplicaPlace, Storage } from './storage.ts';

export interface HollowDatasetProps {
  /**
   * Name of the dataset: lower-case letters, digits, hyphens. `tenant/dataset` is that of a tenant: its names and keys, and
   * with them the rights of every role, are the tenant's own, also where tenants share a table and a bucket.
   */
  readonly dataset: string;
  /** Its schemas in Hollow's text form. */
  readonly schema: string;
  /** Pieces with a queue, a producer and versions of their own. Default 1; a dataset keeps the number it began with. */
  readonly partitions?: number;
  /** What decides where a record belongs, where that is not its primary key: `['Customer(id)', 'Order(customer)']`. */
  readonly partitionKeys?: readonly string[];
  /** True: table and bucket outlive the stack. Default true. */
  readonly keepsData?: boolean;
  readonly logRetention?: RetentionDays;
  /** A partition and its next version must fit. Default 1769 MB: one full processor. */
  readonly producerMemorySizeMb?: number;
  /** Key for table, blobs and queues. Default: keys that AWS owns, without cost. The stack must have a region. */
  readonly encryptionKey?: IKey;
  /** How traffic moves to new versions of functions. Default `canary`: a tenth of it for five minutes, then the rest. */
  readonly rollout?: RolloutShape;
  /** Versions, and hours, that stay readable for readers that lag. Default 64 and 1. */
  readonly retention?: { readonly versions?: number; readonly hours?: number };
  /** True: deltas of at most 8 KB are committed as items of the table, which is faster (docs/adr/0017). Default false. */
  readonly inlineDeltas?: boolean;
  /** Of what changes while functions run (AppConfig, docs/operations.md); `{}`: as built in. Absent: nothing does. */
  readonly settings?: Partial<RuntimeSettings>;
  /** Of the table of heads. Default: made up by CloudFormation; a replica has to know it. */
  readonly tableName?: string;
  /** Another region that follows (`HollowReplica`, which is deployed there first). */
  readonly replica?: ReplicaPlace;
  /** A bucket that is there already: that of a replica which takes over (docs/operations.md). Default: a new one. */
  readonly existingBucketName?: string;
  /** Copies of table and bucket in a vault, daily and monthly; `{}`: in this region only. Absent: none. */
  readonly backups?: BackupOptions;
  /** Who hears of alarms. Default: nobody; they are in the console. */
  readonly alarmTopics?: AlarmTopics;
  /** Address of the runbooks that alarms link to. Default: `docs/operations.md`. */
  readonly runbooks?: string;
}

/**
 * A dataset with all it needs: applications send mutations to a queue, a producer commits them, consumers hear of new
 * versions and read them.
 *
 * @example
 * const cities = new HollowDataset(this, 'Cities', { dataset: 'cities', schema: readFileSync('cities.hollow', 'utf8') });
 * cities.grantSend(importJob);
 * cities.addConsumerFunction('Search', { code: Code.fromAsset('dist/search'), memorySizeMb: 512 });
 */
export class HollowDataset extends Construct {
  /** Name of the dataset. */
  readonly dataset: string;
  readonly storage: Storage;
  /** What takes mutations in, by partition. */
  readonly partitions: readonly Ingestion[];
  readonly dissemination: Dissemination;
  readonly housekeeping: readonly Housekeeping[];
  readonly outbox: Outbox;
  readonly alarms: Alarms;
  readonly dashboard: Dashboard;
  readonly serviceLevels: ServiceLevels;
  readonly #rollouts: Rollouts;
  readonly #rollout: RolloutShape;
  readonly #logRetention: RetentionDays;
  readonly #partitionMap: string;

  constructor(scope: Construct, id: string, props: HollowDatasetProps) {
    super(scope, id);
    const {
      dataset,
      schema,
      partitions = 1,
      encryptionKey,
      logRetention = RetentionDays.THREE_MONTHS,
    } = props;
    if (!Number.isInteger(partitions) || partitions < 1)
      throw new Error('partitions must be a whole number from 1');
    const common = { dataset, logRetention, ...(encryptionKey === undefined ? {} : { encryptionKey }) };
    this.dataset = dataset;
    this.#rollout = props.rollout ?? 'canary';
    this.#logRetention = logRetention;
    this.#partitionMap = [partitions, ...(props.partitionKeys ?? [])].join(' ');
    const { replica } = props;
    this.storage = this.#createStorage(props);
    this.dissemination = new Dissemination(this, 'Dissemination', { ...common, storage: this.storage });
    const { undeliveredQueue, bus } = this.dissemination;
    if (replica !== undefined) this.dissemination.forward(replica);
    const { alarmTopics: topics = {}, runbooks = 'docs/operations.md' } = props;
    this.alarms = new Alarms(this, 'Alarms', { dataset, runbooks, topics });
    if (replica !== undefined) this.alarms.watchReplica(this.storage, replica);
    const settings = this.#addSettings(props.settings);
    this.partitions = Array.from(
      { length: partitions },
      (_, partition) =>
        new Ingestion(this, partition === 0 ? 'Ingestion' : `Ingestion${partition}`, {
          ...common,
          partition,
          partitions: this.#partitionMap,
          schema,
          memorySizeMb: props.producerMemorySizeMb ?? 1769,
          storage: this.storage,
          bus,
          undeliveredQueue,
          settings,
        }),
    );
    this.outbox = new Outbox(this, 'Outbox', { ...common, storage: this.storage, bus, undeliveredQueue });
    this.housekeeping = this.partitions.map(
      ({ partition, memorySizeMb }) =>
        new Housekeeping(this, partition === 0 ? 'Housekeeping' : `Housekeeping${partition}`, {
          ...common,
          partition,
          memorySizeMb,
          storage: this.storage,
          undeliveredQueue,
          retention: props.retention,
          settings,
        }),
    );
    this.dashboard = new Dashboard(this, 'Observed', dataset);
    this.serviceLevels = new ServiceLevels(this, 'ServiceLevels', dataset);
    const { storage } = this;
    this.#rollouts = new Rollouts(this, 'Rollouts', {
      dataset,
      shape: this.#rollout,
      storage,
      logRetention,
    });
    this.#watch();
    this.#rollOutProducers(schema);
  }

  #createStorage(props: HollowDatasetProps): Storage {
    const { dataset, keepsData = true, encryptionKey, tableName, replica, existingBucketName } = props;
    const { inlineDeltas } = props;
    const names = { dataset, tableName, replica, existingBucketName };
    const storage = new Storage(this, 'Storage', { ...names, keepsData, encryptionKey, inlineDeltas });
    if (props.backups !== undefined) {
      new Backups(this, 'Backups', { ...props.backups, storage, keepsData, encryptionKey });
    }
    return storage;
  }

  #addSettings(settings: Partial<RuntimeSettings> | undefined): SettingsProfile | undefined {
    if (settings === undefined) return undefined;
    const alarms = this.alarms.settingsMonitors;
    return new SettingsProfile(this, 'Settings', { dataset: this.dataset, settings, alarms });
  }

  #rollOutProducers(schema: string): void {
    for (const { partition, producer, memorySizeMb } of this.partitions) {
      const id = partition === 0 ? 'Producer' : `Producer${partition}`;
      const alarms = this.alarms.watchRollout(id, producer);
      const rollout = { target: producer, partition, memorySizeMb, alarms };
      this.#rollouts.add(id, { ...rollout, probe: 'batch', schema });
    }
  }

  #watch(): void {
    for (const part of this.partitions) {
      this.alarms.watchPartition(part);
      this.dashboard.addPartition(part);
      this.alarms.watchHousekeeping(part.purger);
      this.dashboard.addFunction(`producer of partition ${part.partition}`, part.producer);
    }
    for (const { cleaner, snapshotter } of this.housekeeping) {
      this.alarms.watchHousekeeping(cleaner, snapshotter);
    }
    this.alarms.watchOutbox(this.outbox.function);
    this.dashboard.addCost(this.storage, this.partitions);
    this.alarms.watchUndelivered(
      this.dissemination.undeliveredQueue.metricApproximateNumberOfMessagesVisible({
        period: minute,
        statistic: Stats.MAXIMUM,
      }),
    );
  }

  /** The queues that take mutations, by partition. */
  get mutationQueues(): readonly IQueue[] {
    return this.partitions.map(({ mutationQueue }) => mutationQueue);
  }

  /**
   * What a program needs in its environment to read this dataset: `HOLLOW_DATASET`, `HOLLOW_PARTITIONS`, `HOLLOW_TABLE`,
   * `HOLLOW_BUCKET`.
   */
  get readerEnvironment(): Readonly<Record<string, string>> {
    return this.storage.readerEnvironment(this.#partitionMap);
  }

  /** Lets an application write: send messages to the mutation queues, and leave in the bucket what is too large for them. */
  grantSend(grantee: IGrantable): void {
    for (const queue of this.mutationQueues) queue.grantSendMessages(grantee);
    this.storage.grantLeave(grantee);
  }

  /** Lets an application read: follow the heads and fetch blobs. */
  grantRead(grantee: IGrantable): void {
    this.storage.grantRead(grantee);
  }

  /**
   * Adds a function that keeps the dataset in memory and hears of new versions. Without `code` it is the one that comes
   * with this package: it answers `{ type, key }` with the record, of a dataset in one piece.
   */
  addConsumerFunction(id: string, props: ConsumerFunctionProps = {}): ServiceFunction {
    if (props.code === undefined && this.partitions.length > 1) {
      throw new Error(
        `${id}: over partitions reads code of your own, with PartitionedConsumer; name it as \`code\``,
      );
    }
    const consumer = this.dissemination.addConsumerFunction(id, this.readerEnvironment, props);
    this.alarms.watchConsumer(id, consumer);
    this.dashboard.addFunction(id, consumer);
    this.serviceLevels.addAvailability(id, consumer);
    this.#rollouts.add(id, {
      target: consumer,
      partition: 0,
      memorySizeMb: props.memorySizeMb ?? consumerMemorySizeMb,
      probe: props.code === undefined ? 'lookups' : 'announcement',
      alarms: this.alarms.watchRollout(id, consumer),
    });
    return consumer;
  }

  /**
   * Adds the long-lived consumer in containers (Fargate) behind an internal load balancer, which answers
   * `GET /datasets/<dataset>/<type>/<key>` from memory. `allowDefaultPortFrom` of its `connections` lets clients in.
   *
   * @example
   * const lookups = cities.addContainerService('Lookups', { vpc });
   * lookups.connections.allowDefaultPortFrom(shop);
   */
  addContainerService(id: string, props: ContainerServiceProps): ContainerService {
    const { dataset, readerEnvironment, storage, alarms } = this;
    const announcementQueue = this.dissemination.addAnnouncementQueue(`${id}Announcements`);
    const [logRetention, shape] = [this.#logRetention, this.#rollout];
    const around = { dataset, readerEnvironment, storage, alarms, announcementQueue, logRetention, shape };
    const containers = new ContainerService(this, id, { ...props, around });
    this.serviceLevels.addAnswers(id, containers.loadBalancer);
    this.dashboard.addContainers(id, containers);
    return containers;
  }

  /** Adds a queue of announcements for one long-lived consumer outside Lambda; each hint reaches one reader of the queue. */
  addAnnouncementQueue(id: string): IQueue {
    return this.dissemination.addAnnouncementQueue(id);
  }

  /** A metric that the library emits. `service`: `producer`, `consumer`, or what a program of yours calls itself. */
  metric(name: MetricName, service: string, options?: MetricOptions): Metric {
    return datasetMetric(this.dataset, service, name, options);
  }

  /** Milliseconds from a commit to a consumer function that serves it; 99th percentile over a minute unless asked otherwise. */
  metricPropagationLag(options?: MetricOptions): Metric {
    return this.metric('PropagationLagMs', 'consumer', options);
  }

  /** Milliseconds from the queue's acceptance of a mutation to its commit; 99th percentile over a minute. */
  metricQueueToCommit(options?: MetricOptions): Metric {
    return this.metric('QueueToCommitMs', 'producer', options);
  }

  /** Versions committed in a minute. */
  metricCommits(options?: MetricOptions): Metric {
    return this.metric('Commits', 'producer', options);
  }
}
