/**
 * lib/aws: every port on AWS. The only folder that imports the SDK.
 *
 * announcement-watcher.ts   long polls an SQS queue that an EventBridge rule fills
 * announcer.ts              EventBridge
 * blob-store.ts             S3, conditional writes, SHA-256 both ways
 * clients.ts                SDK clients with explicit timeouts
 * errors.ts                 SDK errors become DatasetErrors: one table
 * head-item.ts, recent-entries.ts   a head as a DynamoDB item; its ring as packed bytes
 * head-store.ts             DynamoDB, one conditional UpdateItem per write
 * mutation-source.ts, mutation-sink.ts, quarantine.ts, sqs-batches.ts   SQS
 */
import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { announcementDetailType, parseAnnouncement } from '../announcement.ts';
import { FieldReader, parseJson } from '../field-reader.ts';
import { limits } from '../limits.ts';
import type { Announcement, AnnouncementWatcher, Telemetry } from '../ports.ts';
import { longPoll } from './clients.ts';
import { awsError } from './errors.ts';

export interface AwsAnnouncementWatcherOptions {
  readonly client: SQSClient;
  /** A queue of this process alone: a hint goes to one reader of a queue. */
  readonly queueUrl: string;
  readonly telemetry: Telemetry;
}

const waitMs = 20_000; // SQS's longest

/** Rejects when the queue cannot be read; when to watch again is the consumer's policy. */
export class AwsAnnouncementWatcher implements AnnouncementWatcher {
  readonly #client: SQSClient;
  readonly #queueUrl: string;
  readonly #telemetry: Telemetry;

  constructor(options: AwsAnnouncementWatcherOptions) {
    this.#client = options.client;
    this.#queueUrl = options.queueUrl;
    this.#telemetry = options.telemetry;
  }

  async watch(listener: (announcement: Announcement) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const messages = await this.#receive(signal);
      for (const message of messages) {
        const announcement = this.#parse(message);
        if (announcement !== null && !signal.aborted) listener(announcement);
      }
      await this.#delete(messages);
    }
  }

  /** Nothing, if the signal aborts meanwhile. */
  async #receive(signal: AbortSignal): Promise<readonly Message[]> {
    const { waitSeconds, requestOptions } = longPoll(waitMs);
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#queueUrl,
      MaxNumberOfMessages: limits.batchEntriesMax,
      WaitTimeSeconds: waitSeconds,
    });
    try {
      const result = await this.#client.send(command, { ...requestOptions, abortSignal: signal });
      return result.Messages ?? [];
    } catch (error) {
      if (signal.aborted) return [];
      throw awsError(error, 'receive announcements');
    }
  }

  /** Null: not an announcement. It is logged and goes. */
  #parse(message: Message): Announcement | null {
    try {
      const event = new FieldReader(parseJson(message.Body ?? '', 'event'), 'event');
      event.word('detail-type', [announcementDetailType]);
      return parseAnnouncement(event.value('detail'));
    } catch (error) {
      this.#telemetry.log('warn', 'dropped a malformed announcement', {
        messageId: message.MessageId,
        error: String(error),
      });
      return null;
    }
  }

  /** A hint that stays in the queue is heard again: harmless, so a failure is only logged. */
  async #delete(messages: readonly Message[]): Promise<void> {
    if (messages.length === 0) return;
    const Entries = messages.map((message, index) => ({
      Id: String(index),
      ReceiptHandle: message.ReceiptHandle ?? '',
    }));
    try {
      await this.#client.send(new DeleteMessageBatchCommand({ QueueUrl: this.#queueUrl, Entries }));
    } catch (error) {
      const { kind, message } = awsError(error, 'delete announcements');
      this.#telemetry.log('warn', 'heard announcements stay in the queue', { kind, error: message });
    }
  }
}
