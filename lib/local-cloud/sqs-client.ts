/** What the local cloud itself does with queues: find one by ARN or name, send to it. */
import { QueueDoesNotExist, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DatasetError } from '../errors.ts';
import { clientConfig, localAccount } from './environment.ts';

/** The queue of that ARN at that endpoint. */
export function queueUrlOf(endpoint: string, arn: string): string {
  return `${endpoint}/${localAccount}/${arn.split(':').at(-1)}`;
}

export class QueueSender {
  readonly #client: SQSClient;
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
    this.#client = new SQSClient(clientConfig(endpoint));
  }

  /** Rejects with kind `invalid` when there is no such queue. */
  async send(arn: string, body: string, attributes: Readonly<Record<string, string>> = {}): Promise<void> {
    const entries = Object.entries(attributes).map(([name, StringValue]) => [
      name,
      { DataType: 'String', StringValue },
    ]);
    try {
      await this.#client.send(
        new SendMessageCommand({
          QueueUrl: queueUrlOf(this.#endpoint, arn),
          MessageBody: body,
          MessageAttributes: Object.fromEntries(entries),
        }),
      );
    } catch (error) {
      if (error instanceof QueueDoesNotExist) throw new DatasetError('invalid', `no queue ${arn}`, {}, error);
      throw error;
    }
  }

  close(): void {
    this.#client.destroy();
  }
}
