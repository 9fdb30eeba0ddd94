import { blobName } from '../blob/blob-names.ts';
import { bookkeepingPart } from '../consumer/loaded-version.ts';
import { compareVersions } from '../consumer/update-plan.ts';
import { printDatasetId } from '../dataset-id.ts';
import { servedHead } from '../head-rules.ts';
import type {
  Announcer,
  BlobStore,
  Clock,
  DatasetId,
  Head,
  HeadReader,
  ServedRef,
  Telemetry,
} from '../ports.ts';
import { announcementOf } from '../producer/announce.ts';

export interface OutboxOptions {
  readonly heads: HeadReader;
  readonly announcer: Announcer;
  /** Where inline deltas are and where to copy them; default: there are none. */
  readonly copies?: { readonly inline: BlobStore; readonly blobs: BlobStore };
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
  /** Commits of a chain whose deltas need no copy any more. */
  readonly #copied = new Map<string, ReadonlySet<string>>();

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
    // Readers that have no table must find what they are told of.
    await this.#copyInline(id, head);
    await this.#options.announcer.announce(announcementOf(id, head, committedAtMs, []));
    this.#options.telemetry.record('OutboxAnnouncements', 1);
    this.#told.set(chain, served);
    return true;
  }

  async #copyInline(id: DatasetId, { mapGeneration, floor, recent }: Head): Promise<void> {
    const { copies } = this.#options;
    if (copies === undefined) return;
    const chain = printDatasetId(id);
    for (const { version, cid, tier } of recent) {
      if (tier !== 'inline' || version <= floor || this.#copied.get(chain)?.has(cid) === true) continue;
      const name = {
        kind: 'delta',
        id,
        mapGeneration,
        fromVersion: version - 1,
        toVersion: version,
        cid,
      } as const;
      for (const each of [blobName(name), blobName(name, bookkeepingPart)]) {
        const blob = await copies.inline.get(each);
        // Gone: a cleaner was here since, or an earlier outbox lost its answer to nobody's harm.
        if (blob !== null) await copies.blobs.put(each, blob.bytes, blob.metadata);
      }
    }
    this.#copied.set(chain, new Set(recent.map(({ cid }) => cid)));
  }

  /** For changes that never came: announces what the head says now, unless it was announced before. */
  async sweep(id: DatasetId): Promise<boolean> {
    const head = await this.#options.heads.load(id, 'strong');
    return head !== null && this.tell(id, head, this.#options.clock.nowMs());
  }
}
