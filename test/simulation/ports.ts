import type {
  AnnouncementWatcher,
  Announcer,
  BlobShelf,
  BlobStore,
  FloorRecord,
  HeadStore,
  LateQueue,
  MutationSink,
  MutationSource,
  Quarantine,
} from '../../lib/ports.ts';
import type { Site } from './coverage.ts';
import type { ChangeSource } from './head-stream.ts';

/** What one process reaches. */
export interface Ports {
  readonly heads: HeadStore;
  readonly blobs: BlobStore;
  /** Small deltas in the table, if there are any. */
  readonly inline?: BlobStore;
  /** Where the content of messages is that only name it. */
  readonly inbox: BlobStore;
  /** Only for those who delete. */
  readonly shelf: BlobShelf;
  readonly inlineShelf: BlobShelf;
  readonly floors: FloorRecord;
  readonly announcer: Announcer;
  readonly watcher: AnnouncementWatcher;
  readonly quarantine: Quarantine;
  readonly lateQueue: LateQueue;
  readonly source: MutationSource;
  /** Only for applications with the sender library. */
  readonly sink: MutationSink;
  /** Only for the outbox. */
  readonly changes: ChangeSource;
}

/** Carries a call of one process to a store. */
export type Request = <T>(site: Site, detail: () => string, apply: () => Promise<T>) => Promise<T>;

/** As what reads or writes takes it. */
export function inlineOf({ inline }: Ports): { readonly inline?: BlobStore } {
  return inline === undefined ? {} : { inline };
}

/** Name of the one process that reaches the table during an outage. */
export const rescuer = 'rescuer' as const;
