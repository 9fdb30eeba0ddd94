import type { ClaimPorts } from '../claim.ts';
import type { LoadedState } from '../consumer/loaded-version.ts';
import { compareVersions } from '../consumer/update-plan.ts';
import { checkDatasetId } from '../dataset-id.ts';
import { DatasetError, isDatasetError } from '../errors.ts';
import { toHex } from '../hex.ts';
import { limits } from '../limits.ts';
import type {
  Announcer,
  BlobStore,
  ChainHeads,
  Clock,
  DatasetId,
  Deadline,
  LateQueue,
  MutationMessage,
  MutationSource,
  Quarantine,
  Random,
  ServedRef,
  Telemetry,
} from '../ports.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import type { PartitionMap } from '../schema/partition-map.ts';
import { Activity, type ProducerHealth } from './activity.ts';
import { advanceSchema } from './advance-schema.ts';
import { afterCommit } from './after-commit.ts';
import { announce, announcementOf } from './announce.ts';
import { commitBackoffMs } from './backoff.ts';
import { guardPorts } from './breaker.ts';
import { type ChainBounds, defaultChainBounds } from './chain.ts';
import { type CommitResult, commitPlanned, type Planner, type WarmHolder } from './commit.ts';
import type { ProducerContext } from './context.ts';
import { type FailedMessage, type Intake, type MessageEntries, takeIn } from './intake.ts';
import type { Home } from './mutations.ts';
import { openClaims } from './open-claims.ts';
import { isEmptyPlan, planBatch } from './plan.ts';
import { planPurge } from './plan-purge.ts';
import { producerSchemaOf } from './producer-schema.ts';
import { revertChanges } from './revert.ts';
import { conditionEntries, lateEntries, putLate, quarantineEntries, type Shelf } from './set-aside.ts';
import type { ValidationOverride, Validator } from './validators.ts';
import type { WarmState } from './warm-state.ts';

export interface ProducerOptions {
  readonly id: DatasetId;
  /** The user's types. Some of them need a primary key. */
  readonly schema: DatasetSchema;
  /**
   * `schemaIdOf` the schema that this one follows: where the dataset has it, it is advanced before a batch is taken in, as by
   * {@link Producer.advanceSchema}. Default: it is not.
   */
  readonly advanceFrom?: string | null;
  readonly heads: ChainHeads;
  readonly blobs: BlobStore;
  /**
   * The heads' own table: deltas up to {@link limits.inlineDeltaSizeMax} bytes are committed there, which is faster, and
   * copied to the blobs by the outbox. Every reader of the dataset should have it too. Default: none are.
   */
  readonly inline?: BlobStore;
  readonly announcer: Announcer;
  readonly quarantine: Quarantine;
  /** Default: the quarantine. */
  readonly lateQueue?: LateQueue;
  /** To open messages that only name where their content is. Default: such messages stay in the queue. */
  readonly claims?: ClaimPorts;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Of the dataset: `cities.partitions`. Mutations of other partitions than `id` names are quarantined. Default: one. */
  readonly partitions?: PartitionMap;
  /**
   * How long deletions and operations are remembered, ms. Default and least in production: {@link limits.purgeHorizonMs}.
   * A message that comes later than this may be late.
   */
  readonly purgeHorizonMs?: number;
  /** Judges of each next version. Default: none. */
  readonly validators?: readonly Validator[];
  /** Leave to commit over one version in spite of them (validators.ts). Default: none. */
  readonly validationOverride?: ValidationOverride | null;
  /** Default: {@link defaultChainBounds}. */
  readonly chainBounds?: ChainBounds;
}

/** Every message of a batch is in exactly one of the two. */
export interface ProcessResult {
  /** In: committed, or known before, or quarantined. May be deleted from the queue. */
  readonly acknowledged: readonly MutationMessage[];
  /** Must come again. Some of it may be in already; that does no harm. */
  readonly failed: readonly FailedMessage[];
}

/**
 * Takes batches of mutations into a dataset. Any number of producers may do so at once, in any order and with any
 * repetition: the result is the same as if each mutation had come once.
 *
 * It keeps the state warm between calls and holds it against the head at each of them.
 *
 * @example
 * const producer = new Producer({ id, schema, heads, blobs, announcer, quarantine, clock, random, telemetry });
 * const { acknowledged, failed } = await producer.process(messages, deadline);
 */
export class Producer {
  readonly #context: ProducerContext;
  readonly #shelf: Shelf;
  readonly #home: Home | null;
  readonly #purgeHorizonMs: number;
  readonly #activity: Activity;
  #warm: WarmState | null = null;
  readonly #advanceFrom: string | null;
  /** The dataset may have the schema to advance from. */
  #isAdvanceDue: boolean;

  constructor(options: ProducerOptions) {
    checkDatasetId(options.id);
    const { id, clock, random, telemetry } = options;
    const { claims = null } = options;
    const { heads, blobs, announcer, quarantine, lateQueue } = guardPorts({
      ...options,
      lateQueue: options.lateQueue ?? options.quarantine,
    });
    this.#shelf = { id, quarantine, lateQueue, claims, telemetry };
    this.#advanceFrom = options.advanceFrom ?? null;
    this.#isAdvanceDue = this.#advanceFrom !== null;
    this.#home = homeOf(id, options.partitions);
    this.#activity = new Activity(clock);
    this.#purgeHorizonMs = options.purgeHorizonMs ?? limits.purgeHorizonMs;
    this.#context = {
      id,
      heads,
      blobs,
      inline: options.inline,
      announcer,
      clock,
      random,
      telemetry,
      ...producerSchemaOf(options.schema),
      indexedTypes: null,
      bounds: options.chainBounds ?? defaultChainBounds,
      retries: { left: limits.commitRetriesMax },
      validators: options.validators ?? [],
      validationOverride: options.validationOverride ?? null,
    };
  }

  /** The version whose state is kept warm; null: none. */
  get version(): ServedRef | null {
    return this.#warm?.loaded?.ref ?? null;
  }

  /**
   * @example
   * const memoryShare = process.memoryUsage().rss / memoryMax;
   * const { status, reasons } = judgeHealth({ ...producer.health, memoryShare });
   */
  get health(): ProducerHealth {
    return this.#activity.health(this.version);
  }

  /**
   * Brings a batch into the dataset. What breaks a rule is quarantined before its message is acknowledged; the rest of
   * the message and of the batch is committed.
   *
   * @throws AssertionError and other bugs only; whatever fails outside is told per message
   */
  async process(messages: readonly MutationMessage[], deadline: Deadline): Promise<ProcessResult> {
    const { telemetry, clock, schema } = this.#context;
    const startMs = clock.monotonicMs();
    telemetry.record('MessagesReceived', messages.length);
    if (this.#isAdvanceDue) await this.#advanceIfItCan(deadline);
    const { claims, ...opened } = await openClaims(this.#shelf.claims, messages, telemetry);
    const intake = takeIn(schema, opened.messages, clock.nowMs(), { home: this.#home, claims });
    telemetry.record('MutationsReceived', intake.mutationCount);
    const rejected = [...opened.rejected, ...intake.rejected];
    const notSetAside = await this.#quarantine(rejected);
    const notCommitted = await this.#commit(intake, deadline);
    telemetry.record('CycleDurationMs', clock.monotonicMs() - startMs);
    const failed = new Map<MutationMessage, FailedMessage>();
    for (const { message, reason } of [...opened.failed, ...notSetAside, ...notCommitted]) {
      const sent = claims.get(message) ?? message;
      failed.set(sent, { message: sent, reason });
    }
    if (failed.size > 0) telemetry.record('MessagesFailed', failed.size);
    // It may be because of the schema: a table that was set back has the one before again.
    this.#isAdvanceDue ||= failed.size > 0 && this.#advanceFrom !== null;
    this.#activity.ended(failed.size > 0);
    return {
      acknowledged: messages.filter((message) => !failed.has(message)),
      failed: [...failed.values()],
    };
  }

  /** What stands in the way of it is met again by the next batch. */
  async #advanceIfItCan(deadline: Deadline): Promise<void> {
    const from = this.#advanceFrom;
    if (from === null) return;
    try {
      await this.advanceSchema(from, deadline);
      this.#isAdvanceDue = false;
    } catch (error) {
      if (!isDatasetError(error)) throw error;
      this.#context.telemetry.log('error', 'the schema was not advanced', { error, from });
    }
  }

  /** Processes what `source` gives until the signal aborts, and then finishes the batch at hand, but waits for no other. */
  async run(source: MutationSource, signal: AbortSignal): Promise<void> {
    const { clock, random, telemetry } = this.#context;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const messages = await source.receive(limits.batchEntriesMax, limits.runWaitMs, signal);
        if (messages.length === 0) {
          this.#activity.sawNothing();
          continue;
        }
        const endMs = clock.monotonicMs() + limits.runBatchMsMax;
        const deadline: Deadline = { remainingMs: () => endMs - clock.monotonicMs() };
        const { acknowledged, failed } = await this.process(messages, deadline);
        if (acknowledged.length > 0) await source.acknowledge(acknowledged);
        failures = failed.length === 0 ? 0 : failures + 1;
      } catch (error) {
        if (!isDatasetError(error)) throw error;
        failures += 1;
        telemetry.log('warn', 'a batch could not be received or acknowledged', { error });
      }
      if (failures > 0) await clock.sleep(commitBackoffMs(random, failures), signal);
    }
  }

  /**
   * Forgets deletions and operations that are older than the horizon, in versions of their own. To be called now and
   * then, say once a day; what one call leaves over, the next one takes. Any number may run at once.
   *
   * @returns how many bookkeeping records are gone
   * @throws DatasetError as {@link commitPlanned}; what was forgotten before stays so
   */
  async purge(deadline: Deadline): Promise<number> {
    const { clock, telemetry } = this.#context;
    const untilMs = clock.nowMs() - this.#purgeHorizonMs;
    let count = 0;
    for (let version = 0; version < limits.purgeVersionsMax; version++) {
      const planner = (base: LoadedState) => planPurge(base, untilMs, limits.purgeRecordsMax);
      const { committed, plan } = await this.#commitPlanned(planner, [], deadline);
      // A plan that is empty ends it, whether this call's commits or another's did the work.
      if (isEmptyPlan(plan)) break;
      if (committed !== null) count += plan.others.length - 1;
    }
    telemetry.record('BookkeepingPurged', count);
    return count;
  }

  /**
   * Only who knows the dataset's schema may say what breaks it: to an old bundle, a message that names a new field looks wrong.
   *
   * @returns the messages that have to come again
   */
  async #quarantine(rejected: readonly MessageEntries[]): Promise<readonly FailedMessage[]> {
    if (rejected.length === 0) return [];
    const { id, heads, schemaId } = this.#context;
    let reason = 'incompatible: the dataset has another schema than this producer';
    try {
      const head = await heads.load(id, 'strong');
      if (head === null || head.schemaId === schemaId) return await quarantineEntries(this.#shelf, rejected);
    } catch (error) {
      if (!isDatasetError(error)) throw error;
      reason = `${error.kind}: ${error.message}`;
    }
    return rejected.map(({ message }) => ({ message, reason }));
  }

  /**
   * Moves the dataset to the schema of this producer, in a version of its own: same records, new types empty, new fields
   * null. Called by whoever rolls out a schema, once all producers that are to go on know it; any number may call it.
   *
   * @param from `schemaIdOf` the schema that the dataset has now
   * @returns true: this call did it; false: it was done, or the dataset has no version yet
   * @throws DatasetError `incompatible`: the dataset has a third schema, or this one lacks something of it
   */
  async advanceSchema(from: string, deadline: Deadline): Promise<boolean> {
    return this.#withWarm(async (holder) => {
      const { head, isMine } = await advanceSchema(this.#context, holder, from, deadline);
      if (head === null || !isMine) return false;
      const { id, telemetry, schemaId, clock } = this.#context;
      telemetry.log('info', 'the schema was advanced', { from, schemaId, version: head.version });
      await announce(this.#context, announcementOf(id, head, clock.nowMs(), []));
      return true;
    });
  }

  /**
   * Makes the records what they were in `old`, in a version of its own, as newer mutations of the same keys: whatever was
   * committed before the call is undone and does not come back when it is delivered again; what comes later wins. Not
   * undone are mutations with a stamp from the future, and operations: their ids stay in the ledger.
   *
   * @param old another version of the same schema, with indexes of all keyed types and with its bookkeeping
   * @param label says in the stamps where they come from
   * @returns the version in which it is so, and how many records were changed for it
   * @throws DatasetError as {@link commitPlanned}
   */
  async revertTo(
    old: LoadedState,
    label: string,
    deadline: Deadline,
  ): Promise<{ readonly version: number; readonly recordCount: number }> {
    const { clock, random } = this.#context;
    // Once for all rounds: what others commit meanwhile is newer.
    const stamp = { timestamp: clock.nowMs(), source: `${label}-${toHex(random.bytes(8))}`, sequence: 0 };
    const planner = (base: LoadedState) =>
      planBatch(base, { changes: revertChanges(base, old, stamp), units: [], progress: [] });
    const { head, committed } = await this.#commitPlanned(planner, [], deadline);
    return { version: head?.version ?? 0, recordCount: committed?.keyCount ?? 0 };
  }

  /** @returns the messages that are not in */
  async #commit(intake: Intake, deadline: Deadline): Promise<readonly FailedMessage[]> {
    if (intake.withMutations.length === 0) return [];
    const { telemetry } = this.#context;
    try {
      const planner = (base: LoadedState) => planBatch(base, intake);
      const result = await this.#commitPlanned(planner, intake.withMutations, deadline);
      const appliedCount = result.committed?.keyCount ?? 0;
      telemetry.record('MutationsApplied', appliedCount);
      telemetry.record('MutationsSuperseded', intake.mutationCount - appliedCount);
      return await this.#setAside(intake, result);
    } catch (error) {
      if (!isDatasetError(error)) throw error;
      const level = error.kind === 'unavailable' || error.kind === 'conflict' ? 'warn' : 'error';
      if (error.kind === 'refused') telemetry.record('VersionsRefused', 1);
      telemetry.log(level, 'a batch was not committed', { error, kind: error.kind });
      const reason = `${error.kind}: ${error.message}`;
      return intake.withMutations.map((message) => ({ message, reason }));
    }
  }

  async #commitPlanned(
    planner: Planner,
    messages: readonly MutationMessage[],
    deadline: Deadline,
  ): Promise<CommitResult> {
    return this.#withWarm(async (holder) => {
      const result = await commitPlanned(this.#context, holder, planner, deadline);
      await afterCommit(this.#context, result, messages, { holder, deadline });
      return result;
    });
  }

  /** Taken, not shared: a call that was frozen half way and wakes up during another one must not touch its state. */
  async #withWarm<T>(work: (holder: WarmHolder) => Promise<T>): Promise<T> {
    const holder: WarmHolder = { warm: this.#warm };
    this.#warm = null;
    try {
      return await work(holder);
    } finally {
      this.#giveBack(holder.warm);
    }
  }

  /** What the commit has left out. Which that is stands only now. */
  async #setAside(intake: Intake, { plan }: CommitResult): Promise<readonly FailedMessage[]> {
    const notQuarantined = await quarantineEntries(this.#shelf, conditionEntries(intake, plan));
    const notLate = await putLate(this.#shelf, lateEntries(intake, plan));
    return [...notQuarantined, ...notLate];
  }

  #giveBack(warm: WarmState | null): void {
    const version = warm?.loaded?.ref ?? null;
    const held = this.version;
    if (held === null || (version !== null && compareVersions(version, held) > 0)) this.#warm = warm;
  }
}

/** Null: the dataset has one partition, and every key belongs there. */
function homeOf({ partition }: DatasetId, partitions: PartitionMap | undefined): Home | null {
  const count = partitions?.count ?? 1;
  if (partition >= count) {
    throw new DatasetError('invalid', `there is no partition ${partition}: the dataset has ${count}`, {
      count,
    });
  }
  return partitions === undefined || count === 1 ? null : { partitions, partition };
}
