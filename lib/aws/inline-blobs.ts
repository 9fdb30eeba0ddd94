import { createHash } from 'node:crypto';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { parseBlobName } from '../blob/blob-names.ts';
import { checkBlobMetadata, checkBlobName, checkBlobPrefix } from '../blob-rules.ts';
import { DatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { BlobMetadata, BlobShelf, BlobStore, DatasetId, PutOutcome, StoredBlob } from '../ports.ts';
import { awsError } from './errors.ts';
import { forEachAtOnce } from './for-each-at-once.ts';

export interface AwsInlineBlobsOptions {
  readonly client: DynamoDBClient;
  /** Table of the heads. */
  readonly table: string;
}

type Item = Record<string, AttributeValue>;

const folderPattern = /^(?:t\/([^/]+)|d)\/([^/]+)\/\d+\/(\d+)\//;

/**
 * Small blobs as items of the heads' table: all of a chain under one partition key, `B#<tenant>#<dataset>#<partition>`, by
 * their names, so that a cleaner can list them. Beside its bytes an item has their SHA-256, which a get checks.
 */
export class AwsInlineBlobs implements BlobStore, BlobShelf {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(options: AwsInlineBlobsOptions) {
    this.#client = options.client;
    this.#table = options.table;
  }

  async put(name: string, bytes: Uint8Array, metadata: BlobMetadata): Promise<PutOutcome> {
    const key = inlineKey(name);
    checkBlobMetadata(metadata);
    if (bytes.length > limits.inlineDeltaSizeMax) {
      throw new DatasetError('invalid', `put ${name}: too large for an item`, { name, size: bytes.length });
    }
    const digest = digestOf(bytes);
    const meta = Object.entries(metadata).map(([field, value]): [string, AttributeValue] => [
      field,
      { S: value },
    ]);
    const command = new PutItemCommand({
      TableName: this.#table,
      Item: {
        ...key,
        bytes: { B: bytes },
        sha256: { B: digest },
        meta: { M: Object.fromEntries(meta) },
      },
      ConditionExpression: 'attribute_not_exists(pk)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    try {
      await this.#client.send(command);
      return { kind: 'stored', sha256: digest.toString('hex') };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw awsError(error, `put ${name}`);
      const taken = decode(name, error.Item ?? {});
      const sha256 = digest.toString('hex');
      const { metadata: facts, bytes: other } = taken;
      return { kind: 'exists', metadata: facts, size: other.length, sha256, isSame: taken.sha256 === sha256 };
    }
  }

  async get(name: string): Promise<StoredBlob | null> {
    const command = new GetItemCommand({
      TableName: this.#table,
      Key: inlineKey(name),
      ConsistentRead: true,
    });
    const { Item } = await this.#client.send(command).catch((error: unknown) => {
      throw awsError(error, `get ${name}`);
    });
    return Item === undefined ? null : decode(name, Item);
  }

  async list(prefix: string, after: string | null): ReturnType<BlobShelf['list']> {
    checkBlobPrefix(prefix);
    const pk = partitionKeyOf(prefix);
    const command = new QueryCommand({
      TableName: this.#table,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': { S: pk }, ':prefix': { S: prefix } },
      ProjectionExpression: 'sk',
      ConsistentRead: true,
      Limit: limits.shelfPageMax,
      ...(after === null ? {} : { ExclusiveStartKey: { pk: { S: pk }, sk: { S: after } } }),
    });
    const { Items = [], LastEvaluatedKey: last } = await this.#client
      .send(command)
      .catch((error: unknown) => {
        throw awsError(error, `list ${prefix}`);
      });
    return { names: Items.flatMap(({ sk }) => sk?.S ?? []), next: last?.['sk']?.S ?? null };
  }

  async delete(names: readonly string[]): Promise<void> {
    const keys = names.map(inlineKey);
    await forEachAtOnce(keys, limits.deleteConcurrencyMax, async (Key) => {
      await this.#client
        .send(new DeleteItemCommand({ TableName: this.#table, Key }))
        .catch((error: unknown) => {
          throw awsError(error, `delete ${Key['sk']?.S ?? ''}`);
        });
    });
  }
}

/** Of the item that has the blob of this name. */
export function inlineKey(name: string): Item {
  checkBlobName(name);
  const parsed = parseBlobName(name);
  if (parsed === null) throw new DatasetError('invalid', 'inline blob: not the name of a blob', { name });
  return { pk: { S: chainKey(parsed.name.id) }, sk: { S: name } };
}

function partitionKeyOf(prefix: string): string {
  const [, tenant, dataset = '', partition] = folderPattern.exec(prefix) ?? [];
  if (dataset === '')
    throw new DatasetError('invalid', 'inline blobs: the prefix is not of one chain', { prefix });
  return chainKey({ ...(tenant === undefined ? {} : { tenant }), dataset, partition: Number(partition) });
}

function chainKey({ tenant = '', dataset, partition }: DatasetId): string {
  return `B#${tenant}#${dataset}#${partition}`;
}

function decode(name: string, item: Item): StoredBlob {
  const { bytes, sha256, meta } = item;
  if (bytes?.B === undefined || sha256?.B === undefined) {
    throw new DatasetError('corrupt', `get ${name}: the item is no blob`, { name });
  }
  const digest = digestOf(bytes.B);
  if (!digest.equals(sha256.B)) {
    throw new DatasetError('corrupt', `get ${name}: the bytes are not those that were put`, { name });
  }
  const metadata = Object.entries(meta?.M ?? {}).map(([field, value]) => [field, value.S ?? '']);
  return {
    bytes: Uint8Array.from(bytes.B),
    metadata: Object.fromEntries(metadata),
    sha256: digest.toString('hex'),
  };
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
