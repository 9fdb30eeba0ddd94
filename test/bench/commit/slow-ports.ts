import { encodeRecentEntries } from '../../../lib/aws/recent-entries.ts';
import { MemoryAnnouncements } from '../../../lib/memory/announcements.ts';
import type {
  Announcement,
  AnnouncementWatcher,
  Announcer,
  BlobStore,
  ChainHeads,
  Head,
} from '../../../lib/ports.ts';
import type { Calls } from './calls.ts';
import { type Delays, latencies } from './latencies.ts';

/** Attributes of a head beside its ring of commits, bytes. */
const headBaseSize = 500;

function sizeOf(head: Head | null): number {
  return head === null ? 0 : headBaseSize + encodeRecentEntries(head.recent).length;
}

/** Told of each commit at the moment at which it takes effect. */
export type CommitListener = (partition: number, version: number) => void;

/** Heads that take as long as DynamoDB. */
export function slowHeads(
  heads: ChainHeads,
  delays: Delays,
  calls: Calls | null,
  onCommit: CommitListener = () => undefined,
): ChainHeads {
  return {
    load: (id, consistency) =>
      delays.around(latencies.dynamoDb, async () => {
        const head = await heads.load(id, consistency);
        calls?.headRead(sizeOf(head));
        return head;
      }),
    commit: (id, proposal) =>
      delays.around(latencies.dynamoDb, async () => {
        const outcome = await heads.commit(id, proposal);
        calls?.headWrite(sizeOf(outcome.head));
        if (outcome.kind === 'committed') onCommit(id.partition, outcome.head.version);
        return outcome;
      }),
    registerSnapshot: (id, era, snapshot) =>
      delays.around(latencies.dynamoDb, async () => {
        const outcome = await heads.registerSnapshot(id, era, snapshot);
        calls?.headWrite(sizeOf(outcome.head));
        return outcome;
      }),
  };
}

/** Blobs that take as long as S3. */
export function slowBlobs(blobs: BlobStore, delays: Delays, calls: Calls | null): BlobStore {
  return {
    put: (name, bytes, metadata) => {
      if (calls !== null) calls.s3Puts += 1;
      return delays.around(latencies.s3Put, () => blobs.put(name, bytes, metadata));
    },
    get: (name) => delays.around(latencies.s3Get, () => blobs.get(name)),
  };
}

/** Small deltas in the heads' table, which take as long as its items. That the outbox copies them later is not counted. */
export function slowInline(blobs: BlobStore, delays: Delays, calls: Calls | null): BlobStore {
  return {
    put: (name, bytes, metadata) =>
      delays.around(latencies.dynamoDb, () => {
        calls?.headWrite(bytes.length);
        return blobs.put(name, bytes, metadata);
      }),
    get: (name) => delays.around(latencies.dynamoDb, () => blobs.get(name)),
  };
}

/** A bus that takes as long as EventBridge. */
export class SlowAnnouncements implements Announcer, AnnouncementWatcher {
  readonly #bus = new MemoryAnnouncements();
  readonly #delays: Delays;
  readonly #calls: Calls;

  constructor(delays: Delays, calls: Calls) {
    this.#delays = delays;
    this.#calls = calls;
  }

  async announce(announcement: Announcement): Promise<void> {
    this.#calls.events += 1;
    await this.#delays.wait(latencies.eventBridgePut);
    void this.#delays.wait(latencies.eventBridgeHop).then(() => this.#bus.announce(announcement));
  }

  watch(listener: (announcement: Announcement) => void, signal: AbortSignal): Promise<void> {
    return this.#bus.watch(listener, signal);
  }
}
