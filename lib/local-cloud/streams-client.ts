import { localCredentials, localRegion } from './environment.ts';

/** One change of an item, in the shape in which Lambda hands it to a function but for the stream's ARN. */
export interface StreamRecord {
  readonly dynamodb: { readonly SequenceNumber: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export interface RecordPage {
  readonly records: readonly StreamRecord[];
  /** Where the next page begins; null: the shard has ended. */
  readonly next: string | null;
}

/** The three calls of DynamoDB Streams that a poller makes. The SDK's client for them would be a package of its own. */
export class StreamsClient {
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  async shardIds(streamArn: string): Promise<readonly string[]> {
    const answer = await this.#call('DescribeStream', { StreamArn: streamArn });
    const shards = answer.StreamDescription?.Shards ?? [];
    return shards.map(({ ShardId }) => ShardId);
  }

  async iterator(streamArn: string, shardId: string, type: 'LATEST' | 'TRIM_HORIZON'): Promise<string> {
    const answer = await this.#call('GetShardIterator', {
      StreamArn: streamArn,
      ShardId: shardId,
      ShardIteratorType: type,
    });
    if (answer.ShardIterator === undefined) throw new Error('GetShardIterator: an answer without one');
    return answer.ShardIterator;
  }

  async records(iterator: string, countMax: number): Promise<RecordPage> {
    const answer = await this.#call('GetRecords', { ShardIterator: iterator, Limit: countMax });
    return { records: answer.Records ?? [], next: answer.NextShardIterator ?? null };
  }

  async #call(operation: string, input: object): Promise<Answer> {
    const scope = `${localCredentials.accessKeyId}/20260101/${localRegion}/dynamodb/aws4_request`;
    const answer = await fetch(`${this.#endpoint}/`, {
      method: 'POST',
      headers: {
        'x-amz-target': `DynamoDBStreams_20120810.${operation}`,
        'x-amz-date': '20260101T000000Z',
        'content-type': 'application/x-amz-json-1.0',
        authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify(input),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${operation}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }
}

interface Answer {
  readonly StreamDescription?: { readonly Shards?: readonly { readonly ShardId: string }[] };
  readonly ShardIterator?: string;
  readonly Records?: readonly StreamRecord[];
  readonly NextShardIterator?: string;
}
