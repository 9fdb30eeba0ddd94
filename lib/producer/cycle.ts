import { applyDelta } from '../blob/apply-delta.ts';
import type { EncodedBlob } from '../blob/blob-parts.ts';
import { encodeDelta } from '../blob/encode-delta.ts';
import {
  applyToIndexes,
  type LoadedState,
  type StateStep,
  updateLoadedHashes,
} from '../consumer/loaded-version.ts';
import { limits } from '../limits.ts';
import type { CommitProposal, Head } from '../ports.ts';
import { printProgress, progressTag, readProgress } from '../receipt.ts';
import type { CycleTransition } from '../state/transition.ts';
import { firstMapGeneration, planFirstCommit, planNextCommit } from './chain.ts';
import { type CommitId, drawCommitId } from './commit-id.ts';
import type { ProducerContext } from './context.ts';
import { checkIntegrity } from './integrity.ts';
import { isEmptyPlan, type Plan, populate } from './plan.ts';
import { blobSize, publish } from './publish.ts';
import { publishSnapshot } from './publish-snapshot.ts';
import { stateHashesOf } from './state-hashes.ts';
import { validate } from './validators.ts';
import type { WarmState } from './warm-state.ts';

/** A version that is published and waits for its commit. Nothing of the warm state has changed yet. */
export interface StagedVersion {
  readonly proposal: CommitProposal;
  readonly next: LoadedState;
  readonly step: StateStep;
  readonly transition: CycleTransition;
  /** Keys that this version changes, be it their order stamps only. */
  readonly keyCount: number;
  /** Bytes of the delta. */
  readonly size: number;
}

/**
 * One cycle up to the commit: populate, stage, check, publish. The only place that knows this order. Null: the state has
 * everything already.
 */
export async function runCycle(
  context: ProducerContext,
  warm: WarmState,
  head: Head | null,
  plan: Plan,
): Promise<StagedVersion | null> {
  if (isEmptyPlan(plan)) return null;
  const cycle = warm.writer.begin();
  populate(cycle, plan);
  const transition = cycle.transition();

  const { state } = warm.base;
  const commitId = drawCommitId(context.random, state.tag);
  const version = (head?.version ?? 0) + 1;
  const headerTags = headerTagsOf(context, version, plan.progress ?? readProgress(state.headerTags));
  const delta = encodeDelta(transition, { tag: commitId.tag, headerTags, parts: context.parts });

  const applied = applyDelta(state, delta.main, delta.parts);
  checkIntegrity(transition, applied.state, applied.changes);
  const step: StateStep = { from: state, to: applied.state, changes: applied.changes };
  const next: LoadedState = {
    state: step.to,
    indexes: applyToIndexes(warm.base.indexes, step),
    hashes: updateLoadedHashes(warm.base.hashes, step, context),
  };

  const problems = validate(
    context.validators,
    { from: warm.base, to: next, changes: step.changes },
    head,
    context.validationOverride,
  );
  if (problems.length > 0)
    context.telemetry.log('warn', 'a version is committed by override', { version, problems });
  const staged = { commitId, version, next, delta };
  const proposal = head === null ? await stageFirst(context, staged) : await stageNext(context, staged, head);
  return { proposal, next, step, transition, keyCount: plan.keys.length, size: blobSize(delta) };
}

interface Staged {
  readonly commitId: CommitId;
  readonly version: number;
  readonly next: LoadedState;
  readonly delta: EncodedBlob;
}

async function stageNext(context: ProducerContext, staged: Staged, head: Head): Promise<CommitProposal> {
  const { commitId, version, next, delta } = staged;
  const { cid } = commitId;
  const { id, blobs, inline, schemaId, bounds } = context;
  const hashes = stateHashesOf(next.hashes);
  const { mapGeneration, version: fromVersion } = head;
  const size = blobSize(delta);
  const isInline = inline !== undefined && size <= limits.inlineDeltaSizeMax;
  await publish(
    isInline ? inline : blobs,
    { kind: 'delta', id, mapGeneration, fromVersion, toVersion: version, cid },
    delta,
    {
      cid,
      from: { cid: head.cid, era: head.era },
      schemaId,
      hashes,
    },
  );
  const tier = isInline ? 'inline' : 's3';
  return planNextCommit(head, { version, cid, hashes, schemaId, size, tier }, bounds);
}

/** A first version has nothing to be a delta from: it is published as a snapshot. */
async function stageFirst(context: ProducerContext, staged: Staged): Promise<CommitProposal> {
  const { commitId, version, next } = staged;
  const { cid } = commitId;
  const { id, schemaId } = context;
  const hashes = stateHashesOf(next.hashes);
  const name = { kind: 'snapshot', id, mapGeneration: firstMapGeneration, toVersion: version, cid } as const;
  const snapshot = await publishSnapshot(context, name, { state: next.state, hashes, schemaId });
  return planFirstCommit({ version, cid, hashes, schemaId, size: 0 }, snapshot);
}

/** Only what follows from the version: whoever writes its snapshot writes the same tags. */
export function headerTagsOf(
  context: ProducerContext,
  version: number,
  progress: ReadonlyMap<string, number>,
): ReadonlyMap<string, string> {
  return new Map([
    ['hollow.blob.to.version', String(version)],
    ['hollow.schema.hash', context.schemaHash],
    ...(progress.size === 0 ? [] : [[progressTag, printProgress(progress)] as const]),
  ]);
}
