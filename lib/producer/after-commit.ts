import { recordCountOf } from '../consumer/loaded-version.ts';
import { isDatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Deadline, Head, MutationMessage } from '../ports.ts';
import { announce, announcementOf } from './announce.ts';
import { chainLength } from './chain.ts';
import type { CommitResult, WarmHolder } from './commit.ts';
import type { ProducerContext } from './context.ts';
import { writeSnapshot } from './snapshot.ts';

/**
 * What follows a commit, whatever it was for: metrics, the log, the hint, and a snapshot if the chain has grown long.
 * Nothing here can undo it, and nothing here fails.
 */
export async function afterCommit(
  context: ProducerContext,
  { head, committed }: CommitResult,
  messages: readonly MutationMessage[],
  { holder, deadline }: { readonly holder: WarmHolder; readonly deadline: Deadline },
): Promise<void> {
  if (head === null || committed === null) return;
  const { id, clock, telemetry } = context;
  const nowMs = clock.nowMs();
  const correlationIds = messages.flatMap((message) => message.correlationId ?? []);
  const { version, cid, operation } = committed.proposal;
  telemetry.record('Commits', 1);
  telemetry.record('DeltaBytes', committed.size);
  telemetry.record('ChainLength', chainLength(head));
  const loaded = holder.warm?.loaded ?? null;
  if (loaded !== null) telemetry.record('RecordCount', recordCountOf(loaded));
  if (messages.length > 0) {
    const oldestSentAtMs = Math.min(...messages.map((message) => message.sentAtMs));
    telemetry.record('QueueToCommitMs', Math.max(0, nowMs - oldestSentAtMs));
  }
  const { keyCount } = committed;
  telemetry.log('info', 'committed', { version, cid, operation, keyCount, correlationIds });
  await announce(context, announcementOf(id, head, nowMs, correlationIds));
  await keepChainShort(context, head, { holder, deadline });
}

async function keepChainShort(
  context: ProducerContext,
  head: Head,
  { holder: { warm }, deadline }: { readonly holder: WarmHolder; readonly deadline: Deadline },
): Promise<void> {
  if (chainLength(head) < context.bounds.chainLengthForSnapshot) return;
  if (warm === null || warm.loaded === null || deadline.remainingMs() < limits.commitRoundMsMin) return;
  try {
    await writeSnapshot(context, warm.loaded, head);
  } catch (error) {
    // The commit stands; the next one tries again.
    if (!isDatasetError(error)) throw error;
    context.telemetry.log('warn', 'a snapshot failed', { error, version: head.version });
  }
}
