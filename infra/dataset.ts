import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { Dissemination } from './dissemination.ts';
import { Ingestion } from './ingestion.ts';
import { Storage } from './storage.ts';

export interface HollowDatasetProps {
  /** Name of the dataset: lower-case letters, digits, hyphens. */
  readonly dataset: string;
  /** Its schemas in Hollow's text form. */
  readonly schema: string;
  /** 0-based. Default 0: a dataset in one piece. */
  readonly partition?: number;
  /** True: table and bucket outlive the stack. Default true. */
  readonly keepsData?: boolean;
  readonly logRetention?: RetentionDays;
  /** The whole dataset and its next version must fit. Default 1769 MB: one full processor. */
  readonly producerMemorySizeMb?: number;
  /** The whole dataset must fit. Default 1024 MB. */
  readonly consumerMemorySizeMb?: number;
}

/**
 * A dataset with all it needs: applications send mutations to a queue, a producer commits them, consumers hear of new
 * versions and read them.
 *
 * @example
 * const cities = new HollowDataset(this, 'Cities', { dataset: 'cities', schema: readFileSync('cities.hollow', 'utf8') });
 * cities.grantSendMutations(importJob);
 * cities.grantRead(searchFunction);
 */
export class HollowDataset extends Construct {
  readonly storage: Storage;
  readonly ingestion: Ingestion;
  readonly dissemination: Dissemination;

  constructor(scope: Construct, id: string, props: HollowDatasetProps) {
    super(scope, id);
    const { dataset, schema, partition = 0, logRetention = RetentionDays.THREE_MONTHS } = props;
    const common = { dataset, partition, logRetention };
    this.storage = new Storage(this, 'Storage', { ...common, keepsData: props.keepsData ?? true });
    this.dissemination = new Dissemination(this, 'Dissemination', {
      ...common,
      memorySizeMb: props.consumerMemorySizeMb ?? 1024,
      storage: this.storage,
    });
    this.ingestion = new Ingestion(this, 'Ingestion', {
      ...common,
      schema,
      memorySizeMb: props.producerMemorySizeMb ?? 1769,
      storage: this.storage,
      bus: this.dissemination.bus,
    });
  }

  /** Lets an application write: send messages to the mutation queue. */
  grantSendMutations(grantee: IGrantable): void {
    this.ingestion.mutationQueue.grantSendMessages(grantee);
  }

  /** Lets an application read: follow the head and fetch blobs. */
  grantRead(grantee: IGrantable): void {
    this.storage.grantRead(grantee);
  }
}
