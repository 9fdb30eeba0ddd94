import type { LoadedState } from '../consumer/loaded-version.ts';
import { DatasetError, isDatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { CommitOutcome, Deadline, Head } from '../ports.ts';
import { commitBackoffMs, conflictPauseMs } from './backoff.ts';
import { chainLength } from './chain.ts';
import type { ProducerContext } from './context.ts';
import { runCycle, type StagedVersion } from './cycle.ts';
import type { Plan } from './plan.ts';
import { writeSnapshot } from './snapshot.ts';
import { bringTo, type WarmState } from './warm-state.ts';

/** What to bring into a version. Asked anew in each round; pure. */
export type Planner = (base: LoadedState) => Plan;

/** Where the commit loop finds a warm state and leaves the one it ends with, also when it fails. */
export interface WarmHolder {
  warm: WarmState | null;
}

export interface CommitResult {
  /** The head in which everything is; null: the dataset has no version and needs none. */
  readonly head: Head | null;
  /** What this call committed; null: another commit, or an earlier attempt, had brought it in. */
  readonly committed: StagedVersion | null;
  /** The last one: what it sets aside is set aside for good. */
  readonly plan: Plan;
}

/**
 * Brings what `planner` plans into the dataset: read the head, bring the state to it, run a cycle, commit on the
 * condition that the head is still the one that was read.
 *
 * A conflict and an unknown outcome are treated alike but for the pause: read again, plan again. If the commit did land, the
 * plan is empty, and that is all there is to know. Nothing that was published is ever taken back.
 *
 * @throws DatasetError `conflict` or `unavailable` when attempts or time run out: nothing is lost, try again later
 */
export async function commitPlanned(
  context: ProducerContext,
  holder: WarmHolder,
  planner: Planner,
  deadline: Deadline,
): Promise<CommitResult> {
  const unknown = new Map<string, StagedVersion>();
  return inRounds(context, deadline, (forceSnapshot) =>
    runRound(context, holder, { planner, unknown, forceSnapshot }),
  );
}

/**
 * The only loop. A round that gives null, or fails with something that may pass, is tried again.
 *
 * @param round `forceSnapshot`: the one before met something bad on the way of the deltas
 */
export async function inRounds<T>(
  context: ProducerContext,
  deadline: Deadline,
  round: (forceSnapshot: boolean) => Promise<T | null>,
): Promise<T> {
  const { retries } = context;
  let problem: unknown = null;
  let failureCount = 0;
  let corruptCount = 0;
  for (let attempt = 0; attempt < limits.commitAttemptsMax; attempt++) {
    if (isDatasetError(problem, 'conflict')) await context.clock.sleep(conflictPauseMs(context.random));
    else if (problem !== null) await context.clock.sleep(commitBackoffMs(context.random, failureCount++));
    if (deadline.remainingMs() < limits.commitRoundMsMin) {
      throw new DatasetError('unavailable', 'no time left for a round', { attempt }, problem);
    }
    try {
      const result = await round(isDatasetError(problem, 'corrupt'));
      if (result !== null) {
        retries.left = Math.min(limits.commitRetriesMax, retries.left + 1 / limits.commitsPerRetry);
        return result;
      }
      problem = new DatasetError('conflict', 'another producer was first in every round', { attempt });
    } catch (error) {
      if (isDatasetError(error, 'corrupt')) corruptCount += 1;
      if (!isWorthAnotherRound(error) || corruptCount === limits.refreshAttemptsMax) throw error;
      context.telemetry.log('warn', 'a round of the commit loop failed', { attempt, error });
      // When everything fails, repeats only add to the load: the queue brings the batch again, later.
      if (retries.left < 1) throw error;
      retries.left -= 1;
      problem = error;
    }
  }
  throw problem;
}

function isWorthAnotherRound(error: unknown): boolean {
  return isDatasetError(error) && ['unavailable', 'conflict', 'corrupt'].includes(error.kind);
}

interface Round {
  readonly planner: Planner;
  /** Versions whose commit was tried with unknown outcome, by commit id. */
  readonly unknown: Map<string, StagedVersion>;
  readonly forceSnapshot: boolean;
}

/** Null: another producer was first. */
async function runRound(
  context: ProducerContext,
  holder: WarmHolder,
  round: Round,
): Promise<CommitResult | null> {
  let head = await context.heads.load(context.id, 'strong');
  if (head !== null) requireWritable(context, head);
  const warm = await takeTo(context, holder, head, round.forceSnapshot);
  if (head !== null && warm.loaded !== null && chainLength(head) >= context.bounds.chainLengthMax) {
    // Readers that start cold pay for each delta. Better no commit than an ever longer chain.
    head = await writeSnapshot(context, warm.loaded, head);
    if (head.cid !== warm.loaded.ref.cid) return null;
  }
  const plan = round.planner(warm.base);
  const staged = await runCycle(context, warm, head, plan);
  if (staged === null) return { head, committed: findLanded(head, round.unknown), plan };
  const outcome = await tryCommit(context, staged, round.unknown);
  if (outcome.kind === 'conflict') {
    context.telemetry.record('CommitConflicts', 1);
    return null;
  }
  holder.warm = follow(warm, staged, outcome.head);
  return { head: outcome.head, committed: staged, plan };
}

async function takeTo(
  context: ProducerContext,
  holder: WarmHolder,
  head: Head | null,
  forceSnapshot: boolean,
): Promise<WarmState> {
  const { warm } = holder;
  // If bringTo fails half way its state is not to be trusted, and the next round starts cold.
  holder.warm = null;
  try {
    holder.warm = await bringTo(context, warm, head, { forceSnapshot });
  } catch (error) {
    // What it was waiting for did not come: the state has not moved yet.
    if (isDatasetError(error, 'unavailable')) holder.warm = warm;
    throw error;
  }
  return holder.warm;
}

function requireWritable(context: ProducerContext, head: Head): void {
  requireOpen(head);
  if (head.schemaId !== context.schemaId) {
    throw new DatasetError('incompatible', 'the dataset has another schema than this producer', {
      mine: context.schemaId,
      schemaId: head.schemaId,
    });
  }
}

export function requireOpen({ status, mapGeneration }: Head): void {
  if (status !== 'sealed') return;
  throw new DatasetError('refused', 'the chain is sealed: its keys moved to another generation', {
    mapGeneration,
  });
}

async function tryCommit(
  context: ProducerContext,
  staged: StagedVersion,
  unknown: Map<string, StagedVersion>,
): Promise<CommitOutcome> {
  try {
    const outcome = await context.heads.commit(context.id, staged.proposal);
    // The transport may have repeated a request that had succeeded: then the conflict is with ourselves.
    if (outcome.kind === 'conflict') unknown.set(staged.proposal.cid, staged);
    return outcome;
  } catch (error) {
    unknown.set(staged.proposal.cid, staged);
    if (isDatasetError(error, 'unavailable')) context.telemetry.record('CommitsUnknown', 1);
    throw error;
  }
}

/** The own commit of which nothing was known, if it is on the chain. Only for counting and announcing. */
function findLanded(head: Head | null, unknown: ReadonlyMap<string, StagedVersion>): StagedVersion | null {
  const entry = head?.recent.findLast(({ cid }) => unknown.has(cid));
  return entry === undefined ? null : (unknown.get(entry.cid) ?? null);
}

function follow(warm: WarmState, staged: StagedVersion, head: Head): WarmState {
  const { next, step, transition } = staged;
  const { era, serve, version, cid, schemaId } = head;
  const ref = { era, epoch: serve.epoch, version, cid };
  warm.writer.follow(step.to, transition);
  return { loaded: { ...next, ref, schemaId }, base: next, writer: warm.writer };
}
