import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { announcementDetailType, announcementSource } from '../announcement.ts';
import { checkDatasetId } from '../dataset-id.ts';
import { DatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import { utf8Size } from '../message-rules.ts';
import type { Announcement, Announcer } from '../ports.ts';
import { awsError, kindOfCode } from './errors.ts';

export interface AwsAnnouncerOptions {
  readonly client: EventBridgeClient;
  /** Name or ARN of the bus. */
  readonly bus: string;
}

/** One event per announcement; rules on the bus carry it to the consumers. */
export class AwsAnnouncer implements Announcer {
  readonly #client: EventBridgeClient;
  readonly #bus: string;

  constructor(options: AwsAnnouncerOptions) {
    this.#client = options.client;
    this.#bus = options.bus;
  }

  async announce(announcement: Announcement): Promise<void> {
    checkDatasetId(announcement.id);
    const detail = JSON.stringify(announcement);
    const size = utf8Size(announcementSource) + utf8Size(announcementDetailType) + utf8Size(detail);
    if (size > limits.eventSizeMax) {
      throw new DatasetError('invalid', `announcement: ${size} of at most ${limits.eventSizeMax} bytes`, {
        size,
      });
    }
    const entry = {
      EventBusName: this.#bus,
      Source: announcementSource,
      DetailType: announcementDetailType,
      Detail: detail,
    };
    const result = await this.#client
      .send(new PutEventsCommand({ Entries: [entry] }))
      .catch((error: unknown) => {
        throw awsError(error, 'announce');
      });
    // The call succeeds even if the bus took nothing: each entry has an outcome of its own.
    const [outcome] = result.Entries ?? [];
    if (outcome?.EventId === undefined || (result.FailedEntryCount ?? 0) > 0) {
      const code = outcome?.ErrorCode ?? 'no outcome';
      throw new DatasetError(kindOfCode(code), `announce: ${code}: ${outcome?.ErrorMessage ?? ''}`, { code });
    }
  }
}
