import { evolveState } from '../blob/evolve-state.ts';
import { advance } from '../consumer/advance.ts';
import { hashLoaded, indexesOf, type LoadedState } from '../consumer/loaded-version.ts';
import { DatasetError } from '../errors.ts';
import type { Deadline, Head } from '../ports.ts';
import { readProgress } from '../receipt.ts';
import { requireAdvance } from '../schema/compatible-advance.ts';
import { ReadState } from '../state/read-state.ts';
import { WriteState } from '../state/write-state.ts';
import { planSchemaCommit } from './chain.ts';
import { inRounds, requireOpen, type WarmHolder } from './commit.ts';
import { drawCommitId } from './commit-id.ts';
import type { ProducerContext } from './context.ts';
import { headerTagsOf } from './cycle.ts';
import { publishSnapshot } from './publish-snapshot.ts';
import { stateHashesOf } from './state-hashes.ts';

/**
 * Moves the dataset to this producer's schema, in a version of its own that has the same records. It is a snapshot and
 * nothing else: readers on the deltas would not see new fields of records that do not change. From then on a producer
 * that knows only the old schema refuses to commit, and its messages stay in the queue.
 *
 * @param from identity of the schema that the dataset must have now. Whoever asks for this knows what they replace
 * @returns the head with the schema; null: the dataset has no version yet, and its first one will have it
 * @throws DatasetError `incompatible`: the dataset has a third schema, or one that this one does not keep all of
 */
export async function advanceSchema(
  context: ProducerContext,
  holder: WarmHolder,
  from: string,
  deadline: Deadline,
): Promise<{ readonly head: Head | null; readonly isMine: boolean }> {
  return inRounds(context, deadline, async (forceSnapshot) => {
    const head = await context.heads.load(context.id, 'strong');
    if (head === null || head.schemaId === context.schemaId) return { head, isMine: false };
    requireOpen(head);
    if (head.schemaId !== from) {
      throw new DatasetError('incompatible', 'the dataset has another schema than the one to advance from', {
        from,
        mine: context.schemaId,
        schemaId: head.schemaId,
      });
    }
    const step = await advance(context, null, head, { forceSnapshot });
    if (step === null) return null;
    requireAdvance(step.loaded.state.schema, context.schema);
    const outcome = await commitEvolved(context, head, step.loaded);
    if (outcome === null) {
      context.telemetry.record('CommitConflicts', 1);
      return null;
    }
    holder.warm = outcome.warm;
    return { head: outcome.head, isMine: true };
  });
}

async function commitEvolved(context: ProducerContext, head: Head, loaded: LoadedState) {
  const { id, heads, schema, schemaId, bounds } = context;
  const commitId = drawCommitId(context.random, loaded.state.tag);
  const { cid } = commitId;
  const version = head.version + 1;
  const evolved = evolveState(loaded.state, schema);
  const state = new ReadState({
    schema: evolved.schema,
    tag: commitId.tag,
    originTag: loaded.state.tag,
    headerTags: headerTagsOf(context, version, readProgress(loaded.state.headerTags)),
    types: new Map(evolved.typeNames.map((name) => [name, evolved.type(name)])),
  });
  const next = { state, indexes: indexesOf(state, context), hashes: hashLoaded(state, context) };
  const hashes = stateHashesOf(next.hashes);
  const { mapGeneration } = head;
  const name = { kind: 'snapshot', id, mapGeneration, toVersion: version, cid } as const;
  const snapshot = await publishSnapshot(context, name, { state, hashes, schemaId });
  const proposal = planSchemaCommit(head, { version, cid, hashes, schemaId, size: 0 }, snapshot, bounds);
  const outcome = await heads.commit(id, proposal);
  if (outcome.kind === 'conflict') return null;
  const ref = { era: head.era, epoch: outcome.head.serve.epoch, version, cid };
  const warm = { loaded: { ...next, ref, schemaId }, base: next, writer: WriteState.restore(state) };
  return { head: outcome.head, warm };
}
