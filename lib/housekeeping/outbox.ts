import { compareVersions } from '../consumer/update-plan.ts';
import { printDatasetId } from '../dataset-id.ts';
import { servedHead } from '../head-rules.ts';
import type { Announcer, Clock, DatasetId, Head, HeadReader, ServedRef, Telemetry } from '../ports.ts';
import { announcementOf } from '../producer/announce.ts';

export interface OutboxOptions {
  readonly heads: HeadReader;
  readonly announcer: Announcer;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/**
 * Announces what was committed, whoever committed it and whether or not they lived to tell: it follows the changes of the
 * heads' table, which come of the commits themselves. Announces the newest only, and nothing twice while it is warm;
 * again after that does no harm.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #told = new Map<string, ServedRef>();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /**
   * Announces what this head says to serve, unless that or something newer was announced before.
   *
   * @param committedAtMs wall clock; for metrics only
   * @throws DatasetError the announcement was not accepted: the change must come again
   */
  async tell(id: DatasetId, head: Head, committedAtMs: number): Promise<boolean> {
    const chain = printDatasetId(id);
    const { era, serve, version, cid } = servedHead(head);
    const served: ServedRef = { era, epoch: serve.epoch, version, cid };
    const told = this.#told.get(chain);
    if (told !== undefined && compareVersions(served, told) <= 0) return false;
    await this.#options.announcer.announce(announcementOf(id, head, committedAtMs, []));
    this.#options.telemetry.record('OutboxAnnouncements', 1);
    this.#told.set(chain, served);
    return true;
  }

  /** For changes that never came: announces what the head says now, unless it was announced before. */
  async sweep(id: DatasetId): Promise<boolean> {
    const head = await this.#options.heads.load(id, 'strong');
    return head !== null && this.tell(id, head, this.#options.clock.nowMs());
  }
}
