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

/** A version as consumers serve it. Ordered by era, then epoch, then version. */
export interface ServedRef extends VersionRef {
  /** Number of the order to serve it ({@link Serve}). Within an era a higher epoch wins, even with a lower version. */
  readonly epoch: number;
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
  /** Where the delta was committed: with the other blobs, or as an item of the head's own table. */
  readonly tier: 's3' | 'inline';
}

/** A snapshot that is registered in the head and therefore readable. */
export interface SnapshotEntry {
  readonly version: number;
  readonly cid: string;
  /** `StateHashes.data`. */
  readonly hash: string;
  /** Bytes, main blob and parts together. */
  readonly size: number;
  /** Wall clock of whoever wrote it, epoch ms. For cadence and retention, never for safety. */
  readonly writtenAtMs: number;
  /** Lets readers do without a pass over all records. Absent: of an older release, or its writer did not store it itself. */
  readonly digests?: SnapshotDigests;
}

/** The writer has decoded and hashed these very bytes, so bytes with these digests give the state with these hashes. */
export interface SnapshotDigests {
  /** SHA-256 of the main blob and of the part `bookkeeping`: 64 lower-case hex digits each. */
  readonly main: string;
  readonly bookkeeping: string;
  /** `StateHashes.bookkeeping`; the entry has the other one. */
  readonly bookkeepingHash: string;
}

/**
 * A version that must stay readable, with all that it takes to read it: a snapshot and the deltas after it. They are
 * copies from the head, so the pin does not depend on the head's own lists.
 */
export interface Pin {
  readonly version: number;
  readonly cid: string;
  readonly hashes: StateHashes;
  readonly schemaId: string;
  readonly snapshot: SnapshotEntry;
  /** Ascending without gaps from the snapshot to the version; empty if the snapshot is of this version. */
  readonly deltas: readonly CommitEntry[];
  /** Wall clock, epoch ms; null: until it is removed. A pin that is past this time holds until housekeeping removes it. */
  readonly expiresAtMs: number | null;
}

/** Which version consumers are to serve. */
export interface Serve {
  /** Rises by one at each change, so that readers know which order is newer. */
  readonly epoch: number;
  /** Name of a pin; null: the head's version. */
  readonly pin: string | null;
}

export const headOperations = ['commit', 'schema', 'snapshot', 'floor', 'pin', 'serve', 'restore'] as const;

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
  /** By name, at most {@link limits.pinsMax}. None of their snapshots is below the floor. */
  readonly pins: Readonly<Record<string, Pin>>;
  /** Rises at each change of the pins, so that whoever raises the floor knows that it saw all of them. */
  readonly pinRevision: number;
  readonly serve: Serve;
  /** What the last write to the head was. Announcements follow those that change what readers see. */
  readonly lastOperation: (typeof headOperations)[number];
}

/** Format 1 was never deployed: there is nothing that would migrate it. */
export const headFormat = 2;

/**
 * What a commit writes. `expected` null creates the chain. A first version brings its snapshot, and so does an advance of
 * the schema, because readers on the deltas do not see new fields of unchanged records; any other commit may.
 */
export interface CommitProposal {
  readonly expected: VersionRef | null;
  readonly version: number;
  readonly cid: string;
  readonly hashes: StateHashes;
  readonly recent: readonly CommitEntry[];
  readonly schemaId: string;
  readonly mapGeneration: number;
  /** Of this very version; registered by the same write. */
  readonly snapshot?: SnapshotEntry;
  readonly operation: 'commit' | 'schema';
}

/** What raises the floor. */
export interface FloorRaise {
  readonly era: number;
  /** Version of a registered snapshot. */
  readonly floor: number;
  /** The registered snapshots that stay: those from the floor on. */
  readonly snapshots: readonly SnapshotEntry[];
  /** Of the head that was looked at: no pin has come since. */
  readonly pinRevision: number;
}

export type CommitOutcome =
  | { readonly kind: 'committed'; readonly head: Head }
  /** The condition was false. It may have been this very commit, repeated by the transport: look before judging. */
  | { readonly kind: 'conflict'; readonly head: Head | null };

/** What a consumer needs of the heads. */
export interface HeadReader {
  /** Null: the chain has no version yet. `strong` sees every commit that was acknowledged before the call. */
  load(id: DatasetId, consistency: 'strong' | 'eventual'): Promise<Head | null>;
}

/** What a producer or a snapshotter needs of the heads. */
export interface ChainHeads extends HeadReader {
  /**
   * One conditional write: succeeds iff era, version, cid and mapGeneration are still those of `expected` and the chain
   * is open (or, for null, iff there is no head). Rejects with `unavailable` when the outcome is not known.
   */
  commit(id: DatasetId, proposal: CommitProposal): Promise<CommitOutcome>;
  /** Adds a snapshot iff the era is the same and the newest registered one is older. Rejects with `unavailable` when unknown. */
  registerSnapshot(id: DatasetId, era: number, snapshot: SnapshotEntry): Promise<CommitOutcome>;
}

/** Everything that is ever written to a head. Beyond {@link ChainHeads} it is for housekeeping only. */
export interface HeadStore extends ChainHeads {
  /**
   * Allows everything below `floor` to be deleted, iff era, newest snapshot and pins are still those that were looked at,
   * and the floor is lower.
   */
  raiseFloor(id: DatasetId, raise: FloorRaise): Promise<CommitOutcome>;
  /**
   * Keeps a version readable, iff the era is the same, the pin's snapshot is not below the floor, and the name is free or
   * of the same version (then the pin is replaced: another expiry). At most {@link limits.pinsMax} pins.
   */
  putPin(id: DatasetId, era: number, name: string, pin: Pin): Promise<CommitOutcome>;
  /** Takes a pin away, iff the era is the same, the pin is there and is not the one that is served. */
  removePin(id: DatasetId, era: number, name: string): Promise<CommitOutcome>;
  /** Says what consumers serve, iff the era is the same, the epoch follows the stored one, and the named pin exists. */
  setServe(id: DatasetId, era: number, serve: Serve): Promise<CommitOutcome>;
  /**
   * Replaces a head as a whole; for restore and recover only. Iff nothing at all has been written since `expected` was
   * loaded (null: there is no head). The new head is of a later era, so nothing that was planned before applies to it.
   */
  replace(id: DatasetId, expected: Head | null, head: Head): Promise<CommitOutcome>;
}

/** Small facts stored beside a blob. Keys: lower-case letters and digits; values: printable ASCII. */
export type BlobMetadata = Readonly<Record<string, string>>;

export interface StoredBlob {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly metadata: BlobMetadata;
  /** Of `bytes` as they came here, 64 hex digits. */
  readonly sha256: string;
}

/** `sha256` is of the bytes that were to be put. */
export type PutOutcome =
  | { readonly kind: 'stored'; readonly sha256: string }
  | ({ readonly kind: 'exists'; readonly sha256: string } & TakenName);

/** Nothing was written: an earlier attempt of the same caller has taken the name (`isSame`: byte for byte), or the same state. */
interface TakenName extends Pick<StoredBlob, 'metadata'> {
  readonly size: number;
  readonly isSame: boolean;
}

/** What a consumer needs of the blobs. */
export type BlobReader = Pick<BlobStore, 'get'>;

/** Immutable blobs by name (lib/blob/blob-names.ts). A name is never reused for other content. */
export interface BlobStore {
  put(name: string, bytes: Uint8Array, metadata: BlobMetadata): Promise<PutOutcome>;
  /** Null: no such blob. Bytes are verified (else `corrupt`). `sizeMax`: a larger blob is not read but `rejected`. */
  get(name: string, sizeMax?: number): Promise<StoredBlob | null>;
}

/** Where the content of a message is when it is too large for the queue (lib/inbox.ts). */
export interface Inbox {
  /** Keeps the bytes for as long as any queue may keep a message that names them, and then lets them go. */
  put(bytes: Uint8Array): Promise<string>;
  /** Null: gone, or never there. `rejected`: no reference into this inbox, or more than `sizeMax` bytes. */
  get(ref: string, sizeMax: number): Promise<Uint8Array<ArrayBuffer> | null>;
}

export const contentEncodings = ['identity', 'gzip', 'zstd'] as const;
export type ContentEncoding = (typeof contentEncodings)[number];

/** Digests and compression: what the domain must not do itself. */
export interface Codec {
  /** 64 lower-case hex digits. */
  sha256(bytes: Uint8Array): Promise<string>;
  compress(encoding: ContentEncoding, bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
  /** `rejected`: not that encoding, or more than `sizeMax` bytes come out; never more than these are made. */
  decompress(encoding: ContentEncoding, bytes: Uint8Array, sizeMax: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** The blobs as a list from which some can be taken away. Only the cleaner and whoever rebuilds a head get it. */
export interface BlobShelf {
  /**
   * Names that begin with `prefix`, ascending, from behind `after` on; at most a page. A folder ends the prefix.
   * `next` is where the next page goes on; null: there is none.
   */
  list(
    prefix: string,
    after: string | null,
  ): Promise<{ readonly names: readonly string[]; readonly next: string | null }>;
  /** Resolves when none of them is there any more. A name that was not there is no failure. */
  delete(names: readonly string[]): Promise<void>;
}

/** What a chain's head must not fall below, kept where no restore of the table changes it. Both only ever rise. */
export interface FloorMark {
  readonly era: number;
  readonly floor: number;
}

/** A copy of floors and eras outside the heads' table: written before anything is deleted, and before an era begins. */
export interface FloorRecord {
  /** Null: nothing was ever deleted, and the era is the first. */
  load(id: DatasetId): Promise<FloorMark | null>;
  /** Raises what is lower. Resolves when at least this is durably recorded, or the mark's era is known to be over. */
  raise(id: DatasetId, mark: FloorMark): Promise<void>;
}

/** A hint that a version is there. Never the truth: the head is. */
export interface Announcement extends ServedRef {
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
  /** At most `messagesMax`, waiting for the first up to `waitMs` or the signal. What is not acknowledged comes again. */
  receive(messagesMax: number, waitMs: number, signal?: AbortSignal): Promise<readonly MutationMessage[]>;
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

/**
 * Takes what is *late*: so old that it cannot be said any more what it would do, since deletions and operations of that
 * age are forgotten. The content of an entry is a message body with the order stamps that its mutations had: whoever
 * sends it again decides on new ones, or it is late again.
 */
export type LateQueue = Quarantine;

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
