import { applyDelta } from '../blob/apply-delta.ts';
import { decodeSnapshot } from '../blob/decode-snapshot.ts';
import { isDatasetError } from '../errors.ts';
import type { ReadState } from '../state/read-state.ts';
import type { HollowDirectory, RetrievedBlob } from './hollow-directory.ts';

/** A state of a directory's chain. */
export interface HollowVersion {
  readonly version: bigint;
  readonly state: ReadState;
}

/** Steps of one refresh before a snapshot is looked for instead; Hollow's default. */
const deltasMax = 32;

/**
 * The state nearest to `desired` that can be reached, never beyond it: by deltas or reverse deltas from `current`, else
 * by the nearest snapshot and deltas. Null if there is no snapshot at or below `desired`. `current` stays as it is; with
 * nothing better to be had it is returned again.
 *
 * @example
 * let movies = await followHollow(directory, null, 2n ** 63n - 1n);
 * movies = await followHollow(directory, movies, await loadAnnouncedVersion(directory.path) ?? movies.version);
 * @throws DatasetError `corrupt`, `incompatible`: not even the snapshot can be read; `unavailable`, `denied`
 */
export async function followHollow(
  directory: HollowDirectory,
  current: HollowVersion | null,
  desired: bigint,
): Promise<HollowVersion | null> {
  if (current?.version === desired) return current;
  const moved = current === null ? null : await byDeltas(directory, current, desired);
  if (moved?.version === desired) return moved;
  const loaded = await bySnapshot(directory, desired);
  if (loaded === null) return moved ?? current;
  if (moved === null) return loaded;
  const isNearer = moved.version > desired || loaded.version > moved.version;
  return isNearer ? loaded : moved;
}

/** Null: a delta of the chain cannot be applied; a snapshot has to help. */
async function byDeltas(
  directory: HollowDirectory,
  from: HollowVersion,
  desired: bigint,
): Promise<HollowVersion | null> {
  let at = from;
  try {
    for (let steps = 0; steps < deltasMax && at.version !== desired; steps++) {
      const next = await nextBlob(directory, at.version, desired);
      if (next === null) break;
      at = { version: next.version, state: applyDelta(at.state, next.main, next.parts).state };
    }
    return at;
  } catch (error) {
    if (isDatasetError(error, 'corrupt') || isDatasetError(error, 'incompatible')) return null;
    throw error;
  }
}

/** Forward never beyond `desired`; back until at it or below. */
async function nextBlob(
  directory: HollowDirectory,
  version: bigint,
  desired: bigint,
): Promise<RetrievedBlob | null> {
  if (version > desired) return directory.findReverseDelta(version);
  const delta = await directory.findDelta(version);
  return delta !== null && delta.version <= desired ? delta : null;
}

async function bySnapshot(directory: HollowDirectory, desired: bigint): Promise<HollowVersion | null> {
  const snapshot = await directory.findSnapshot(desired);
  if (snapshot === null) return null;
  const loaded = { version: snapshot.version, state: decodeSnapshot(snapshot.main, snapshot.parts) };
  return (await byDeltas(directory, loaded, desired)) ?? loaded;
}
