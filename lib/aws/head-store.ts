import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { checkProposal, checkSnapshot, firstHead } from '../head-rules.ts';
import {
  type CommitOutcome,
  type CommitProposal,
  type DatasetId,
  type Head,
  type HeadStore,
  headFormat,
  type SnapshotEntry,
  type VersionRef,
} from '../ports.ts';
import { awsError } from './errors.ts';
import {
  commitAttributes,
  decodeHeadItem,
  headAttributes,
  headKey,
  type Item,
  number,
  snapshotAttribute,
} from './head-item.ts';

export interface AwsHeadStoreOptions {
  readonly client: DynamoDBClient;
  /** Table with the string keys `pk` and `sk`. */
  readonly table: string;
}

/** One conditional UpdateItem. `:name` in the expressions stands for `values[name]`, `#name` for the attribute. */
interface ConditionalUpdate {
  readonly update: string;
  readonly condition: string;
  readonly values: Item;
}

/**
 * A head is one item, and every write to it one conditional UpdateItem: atomic without a transaction. A condition that
 * fails answers with the item as it is, which saves the read. The SDK may repeat a write whose answer got lost, so a
 * conflict can be the caller's own success.
 */
export class AwsHeadStore implements HeadStore {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(options: AwsHeadStoreOptions) {
    this.#client = options.client;
    this.#table = options.table;
  }

  async load(id: DatasetId, consistency: 'strong' | 'eventual'): Promise<Head | null> {
    const command = new GetItemCommand({
      TableName: this.#table,
      Key: headKey(id),
      ConsistentRead: consistency === 'strong',
    });
    const result = await this.#client.send(command).catch((error: unknown) => {
      throw awsError(error, 'load head');
    });
    return result.Item === undefined ? null : decodeHeadItem(result.Item);
  }

  async commit(id: DatasetId, proposal: CommitProposal): Promise<CommitOutcome> {
    checkProposal(proposal);
    const { expected } = proposal;
    return this.#write(id, expected === null ? creation(proposal) : advance(proposal, expected));
  }

  async registerSnapshot(id: DatasetId, era: number, snapshot: SnapshotEntry): Promise<CommitOutcome> {
    checkSnapshot(snapshot);
    return this.#write(id, registration(era, snapshot));
  }

  async #write(id: DatasetId, { update, condition, values }: ConditionalUpdate): Promise<CommitOutcome> {
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: headKey(id),
      UpdateExpression: update,
      ConditionExpression: condition,
      ExpressionAttributeNames: namesIn(`${update} ${condition}`),
      ExpressionAttributeValues: Object.fromEntries(
        Object.entries(values).map(([name, value]) => [`:${name}`, value]),
      ),
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    try {
      const result = await this.#client.send(command);
      return { kind: 'committed', head: decodeHeadItem(result.Attributes ?? {}) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw awsError(error, 'write head');
      const isThere = error.Item !== undefined && Object.keys(error.Item).length > 0;
      return { kind: 'conflict', head: isThere ? decodeHeadItem(error.Item ?? {}) : null };
    }
  }
}

function creation(proposal: CommitProposal): ConditionalUpdate {
  const values = headAttributes(firstHead(proposal), proposal);
  return { update: assignments(values), condition: 'attribute_not_exists(#pk)', values };
}

function advance(proposal: CommitProposal, expected: VersionRef): ConditionalUpdate {
  const written = commitAttributes(proposal);
  return {
    update: assignments(written),
    condition:
      '#era = :era AND #v = :expectedV AND #cid = :expectedCid AND #mapGen = :mapGen AND #status = :open AND #format = :format',
    values: {
      ...written,
      era: number(expected.era),
      expectedV: number(expected.version),
      expectedCid: { S: expected.cid },
      mapGen: number(proposal.mapGeneration),
      open: { S: 'open' },
      format: number(headFormat),
    },
  };
}

function registration(era: number, snapshot: SnapshotEntry): ConditionalUpdate {
  return {
    update: 'SET #snapshots = list_append(#snapshots, :added), #snapV = :snapV, #lastOp = :lastOp',
    condition: '#era = :era AND #snapV < :snapV AND #format = :format',
    values: {
      added: { L: [snapshotAttribute(snapshot)] },
      snapV: number(snapshot.version),
      lastOp: { S: 'snapshot' },
      era: number(era),
      format: number(headFormat),
    },
  };
}

function assignments(values: Item): string {
  return `SET ${Object.keys(values)
    .map((name) => `#${name} = :${name}`)
    .join(', ')}`;
}

/** Every attribute by a placeholder: several of their names are reserved words. */
function namesIn(expressions: string): Record<string, string> {
  const placeholders = expressions.match(/#\w+/g) ?? [];
  return Object.fromEntries(placeholders.map((placeholder) => [placeholder, placeholder.slice(1)]));
}
