/**
 * The interfaces to the outside. The domain (consumer, producer, housekeeping) knows only these; `memory/`, `local/`
 * and `aws/` implement them, and one contract suite per port (test/contract) keeps the three honest.
 *
 * Every method that reaches outside rejects with a DatasetError: `unavailable` (failed or timed out; a write may or may
 * not have happened), `denied`, or `corrupt`. No adapter retries beyond the two transport repeats of the SDK.
 */
import type { MetricName } from './metric-names.ts';

/** Names one partition of a dataset: the unit that has versions of its own. */
export interface DatasetId {
  /** Optional owner prefix. Pattern `^[a-z0-9][a-z0-9-]{0,62}$`, like `dataset`. */
  readonly tenant?: string;
  readonly dataset: string;
  /** 0-based. A dataset without partitions has the one partition 0. */
  readonly partition: number;
}

/** Names one committed version exactly. A version number alone is not enough: a restored table may reuse it. */
export interface VersionRef {
  /** Restore counter, from 1. Moves only when a table is restored. */
  readonly era: number;
  /** From 1, without gaps within an era. */
  readonly version: number;
  /** Commit id: 128 random bits as 32 lower-case hex digits. */
  readonly cid: string;
}

/** Multiset hashes of a state (lib/state/state-hash.ts): 128 bits as 32 lower-case hex digits each. */
export interface StateHashes {
  /** Of the types that consumers see. */
  readonly data: string;
  /** Of the bookkeeping types: order stamps and tombstones. */
  readonly bookkeeping: string;
}

/** One committed version in the head's ring. Its predecessor is the entry before it. */
export interface CommitEntry {
  readonly version: number;
  readonly cid: string;
  /** `StateHashes.data` of this version. */
  readonly hash: string;
  /** Bytes of the delta that leads to this version, main blob and parts together. */
  readonly size: number;
}

/** A snapshot that is registered in the head and therefore readable. */
export interface SnapshotEntry {
  readonly version: number;
  readonly cid: string;
  /** `StateHashes.data`. */
  readonly hash: string;
  /** Bytes, main blob and parts together. */
  readonly size: number;
}

/** The one item that defines a partition's chain. Blobs it does not name do not exist for readers. */
export interface Head extends VersionRef {
  /** Layout of the head itself: {@link headFormat}. */
  readonly format: number;
  readonly hashes: StateHashes;
  /** Ascending, without gaps, ends with this version; reaches back at least to the newest snapshot. */
  readonly recent: readonly CommitEntry[];
  /** Registered snapshots, ascending, none below the floor; the last one is where a cold reader starts. */
  readonly snapshots: readonly SnapshotEntry[];
  /** Versions below may be deleted at any time; only ever rises. */
  readonly floor: number;
  /** Identity of the schema of this version: `schemaIdOf` in lib/schema. */
  readonly schemaId: string;
  /** Generation of the partition map this chain belongs to. */
  readonly mapGeneration: number;
  /** A sealed chain takes no commits: its keys moved to another generation. */
  readonly status: 'open' | 'sealed';
  /** What the last write to the head was. Announcements follow commits only. */
  readonly lastOperation: 'commit' | 'snapshot';
}

export const headFormat = 1;

/** What a commit writes. `expected` null creates the chain: its first version, together with its first snapshot. */
export interface CommitProposal {
  readonly expected: VersionRef | null;
  readonly version: number;
  readonly cid: string;
  readonly hashes: StateHashes;
  readonly recent: readonly CommitEntry[];
  readonly schemaId: string;
  readonly mapGeneration: number;
  /** Only with `expected: null`. */
  readonly firstSnapshot?: SnapshotEntry;
}

export type CommitOutcome =
  | { readonly kind: 'committed'; readonly head: Head }
  /** The condition was false. It may have been this very commit, repeated by the transport: look before judging. */
  | { readonly kind: 'conflict'; readonly head: Head | null };

export interface HeadStore {
  /** Null: the chain has no version yet. `strong` sees every commit that was acknowledged before the call. */
  load(id: DatasetId, consistency: 'strong' | 'eventual'): Promise<Head | null>;
  /**
   * One conditional write: succeeds iff era, version, cid and mapGeneration are still those of `expected` and the chain
   * is open (or, for null, iff there is no head). Rejects with `unavailable` when the outcome is not known.
   */
  commit(id: DatasetId, proposal: CommitProposal): Promise<CommitOutcome>;
  /** Adds a snapshot iff the era is the same and the newest registered one is older. Rejects with `unavailable` when unknown. */
  registerSnapshot(id: DatasetId, era: number, snapshot: SnapshotEntry): Promise<CommitOutcome>;
}

/** Small facts stored beside a blob. Keys: lower-case letters and digits; values: printable ASCII. */
export type BlobMetadata = Readonly<Record<string, string>>;

export interface StoredBlob {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly metadata: BlobMetadata;
}

export type PutOutcome =
  | { readonly kind: 'stored' }
  /** The name is taken, by an earlier attempt of the same caller or by the same state. Nothing was written. */
  | { readonly kind: 'exists'; readonly metadata: BlobMetadata; readonly size: number };

/** Immutable blobs by name (lib/blob/blob-names.ts). A name is never reused for other content. */
export interface BlobStore {
  put(name: string, bytes: Uint8Array, metadata: BlobMetadata): Promise<PutOutcome>;
  /** Null: no such blob. Bytes are verified against the digest that was stored with them (else `corrupt`). */
  get(name: string): Promise<StoredBlob | null>;
}

/** A hint that a version is there. Never the truth: the head is. */
export interface Announcement extends VersionRef {
  readonly id: DatasetId;
  readonly mapGeneration: number;
  /** Commit id of the version before; empty for the first. */
  readonly previousCid: string;
  /** `StateHashes.data`. */
  readonly hash: string;
  /** Bytes of the delta. */
  readonly size: number;
  /** Version of the newest registered snapshot. */
  readonly snapshotVersion: number;
  /** Wall clock of the producer at the commit, epoch ms. For metrics only. */
  readonly committedAtMs: number;
  /** Ids that applications gave their messages, at most {@link limits.correlationIdsMax}. For logs only. */
  readonly correlationIds: readonly string[];
}

export interface Announcer {
  /** Resolves when the hint is accepted. May be lost, repeated, or come out of order. */
  announce(announcement: Announcement): Promise<void>;
}

export interface AnnouncementWatcher {
  /** Calls `listener` for each hint until the signal aborts; resolves when it has stopped. */
  watch(listener: (announcement: Announcement) => void, signal: AbortSignal): Promise<void>;
}

/** One message of the queue: one or many mutations as JSON (docs/guide.md). */
export interface MutationMessage {
  /** Unique per send, stable over redeliveries. */
  readonly id: string;
  readonly body: string;
  /** When the queue accepted it, epoch ms, stable over redeliveries. */
  readonly sentAtMs: number;
  /** 1 at the first delivery. */
  readonly receiveCount: number;
  /** From the message attribute `correlationId`, if the sender set one. */
  readonly correlationId?: string;
  /** Names this delivery to the source; only the source understands it. */
  readonly receipt: string;
}

/** Where mutations come from: at least once, in any order. */
export interface MutationSource {
  /** At most `messagesMax` messages, waiting up to `waitMs` for the first. A message not acknowledged comes again. */
  receive(messagesMax: number, waitMs: number): Promise<readonly MutationMessage[]>;
  /** Deletes these deliveries. To be called only after their effect is committed or quarantined. */
  acknowledge(messages: readonly MutationMessage[]): Promise<void>;
}

/** The application's side of a {@link MutationSource}. Resolves when every body is durably accepted. */
export interface MutationSink {
  send(messages: readonly { readonly body: string; readonly correlationId?: string }[]): Promise<void>;
}

/** A mutation (or a whole message) that broke a rule, kept for a person with the reason. */
export interface QuarantineEntry {
  readonly messageId: string;
  /** Position in the message, or null for the message as a whole. */
  readonly index: number | null;
  /** Names the field and the rule. */
  readonly reason: string;
  /** Path of the offending field (`mutations[2].value.population`), or empty. */
  readonly field: string;
  /** The mutation or body as it came, cut to {@link limits.quarantineContentSizeMax} characters. */
  readonly content: string;
  readonly sentAtMs: number;
  readonly correlationId?: string;
}

export interface Quarantine {
  /** Resolves when every entry is durably accepted. Sending an entry twice is harmless. */
  send(id: DatasetId, entries: readonly QuarantineEntry[]): Promise<void>;
}

/** Time. The only way to it for consumer, producer and housekeeping; a virtual one drives the simulator. */
export interface Clock {
  /** Wall clock, epoch ms. For stamps and metrics, never for safety. */
  nowMs(): number;
  /** Monotonic ms from an arbitrary origin. For durations and deadlines. */
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when the signal aborts (without rejecting). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Cryptographically strong in production. */
  bytes(size: number): Uint8Array;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

/** Logs and metrics. Must not throw and must not block. */
export interface Telemetry {
  log(level: LogLevel, message: string, fields?: LogFields): void;
  /** Adds to a metric; its unit is fixed in lib/metric-names.ts. */
  record(metric: MetricName, value: number): void;
}

/** How long the caller may still work. */
export interface Deadline {
  remainingMs(): number;
}
