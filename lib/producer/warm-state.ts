import { advance } from '../consumer/advance.ts';
import { hashLoaded, indexesOf, type LoadedState, type LoadedVersion } from '../consumer/loaded-version.ts';
import { DatasetError } from '../errors.ts';
import type { Head, VersionRef } from '../ports.ts';
import { ReadState } from '../state/read-state.ts';
import { WriteState } from '../state/write-state.ts';
import type { ProducerContext } from './context.ts';

/** What a producer keeps between calls: a version as consumers load it, and what it takes to write the next one. */
export interface WarmState {
  /** Null: the chain has no version yet, and `base` is empty. */
  readonly loaded: LoadedVersion | null;
  readonly base: LoadedState;
  readonly writer: WriteState;
}

export interface BringOptions {
  /** The delta path led to something bad. */
  readonly forceSnapshot: boolean;
}

/**
 * The warm state at exactly `head`, from `warm` if that is on the way, along the consumer's path. `warm` itself must not
 * be used afterwards: its writer may have moved on.
 */
export async function bringTo(
  context: ProducerContext,
  warm: WarmState | null,
  head: Head | null,
  options: BringOptions,
): Promise<WarmState> {
  if (head === null) return emptyState(context, warm);
  const loaded = warm?.loaded ?? null;
  const step = await advance(context, loaded, head, options);
  if (step === null) {
    if (warm !== null && loaded !== null && isAt(loaded.ref, head)) return warm;
    throw new DatasetError('corrupt', 'the head is older than a version that was committed', {
      mine: loaded?.ref.version ?? null,
      version: head.version,
    });
  }
  if (warm === null || loaded === null || step.fromSnapshot) {
    return { loaded: step.loaded, base: step.loaded, writer: WriteState.restore(step.loaded.state) };
  }
  for (const { to, changes } of step.steps) warm.writer.advance(to, changes);
  return { loaded: step.loaded, base: step.loaded, writer: warm.writer };
}

function emptyState(context: ProducerContext, warm: WarmState | null): WarmState {
  if (warm !== null && warm.loaded === null) return warm;
  if (warm !== null) {
    throw new DatasetError('corrupt', 'the head of a dataset that had versions is gone', {
      version: warm.loaded?.ref.version ?? null,
    });
  }
  const state = ReadState.empty(context.schema);
  const base = { state, indexes: indexesOf(state, context), hashes: hashLoaded(state, context) };
  return { loaded: null, base, writer: WriteState.restore(state) };
}

function isAt(ref: VersionRef, head: Head): boolean {
  return ref.era === head.era && ref.version === head.version && ref.cid === head.cid;
}
