import type { SQSClient } from '@aws-sdk/client-sqs';
import { checkMessages, type OutgoingMessage } from '../message-rules.ts';
import type { MutationSink } from '../ports.ts';
import { sendBatches } from './sqs-batches.ts';

export interface AwsMutationSinkOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
}

/** Sends to a standard queue. After a rejection some messages may be in; sending all again is harmless. */
export class AwsMutationSink implements MutationSink {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor(options: AwsMutationSinkOptions) {
    this.#client = options.client;
    this.#queueUrl = options.queueUrl;
  }

  async send(messages: readonly OutgoingMessage[]): Promise<void> {
    checkMessages(messages);
    await sendBatches(this.#client, this.#queueUrl, messages);
  }
}
