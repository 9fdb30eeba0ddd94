import type { SQSClient } from '@aws-sdk/client-sqs';
import { checkDatasetId } from '../dataset-id.ts';
import { checkMessages } from '../message-rules.ts';
import type { DatasetId, Quarantine, QuarantineEntry } from '../ports.ts';
import { sendBatches } from './sqs-batches.ts';

export interface AwsQuarantineOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
}

/** One SQS message of JSON per entry, with the dataset's `id` in it. */
export class AwsQuarantine implements Quarantine {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor(options: AwsQuarantineOptions) {
    this.#client = options.client;
    this.#queueUrl = options.queueUrl;
  }

  async send(id: DatasetId, entries: readonly QuarantineEntry[]): Promise<void> {
    checkDatasetId(id);
    const messages = entries.map((entry) => ({ body: escapeForeign(JSON.stringify({ id, ...entry })) }));
    checkMessages(messages);
    await sendBatches(this.#client, this.#queueUrl, messages);
  }
}

/** JSON leaves two characters as they are that SQS does not carry; inside its strings they can be written as escapes. */
function escapeForeign(json: string): string {
  return json.replaceAll('\ufffe', '\\ufffe').replaceAll('\uffff', '\\uffff');
}
