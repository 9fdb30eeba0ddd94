import { SharedArena } from '../bytes/shared-arena.ts';
import { type SharedIndex, UniqueKeyIndex } from '../indexes/unique-key.ts';
import type { ServedRef } from '../ports.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import { openReadState, type SharedReadState, shareReadState } from '../state/shared-state.ts';
import type { StringCache } from '../state/string-cache.ts';
import type { LoadedHashes, LoadedVersion } from './loaded-version.ts';

/**
 * A version in a form that `postMessage` takes. Records and indexes are in shared memory; only their places are
 * copied. `DatasetState.share` makes it and `openState` opens it. Its fields may change with any release.
 */
export interface SharedVersion {
  readonly ref: ServedRef;
  readonly schemaId: string;
  readonly hashes: LoadedHashes;
  readonly state: SharedReadState;
  readonly indexes: readonly SharedIndex[];
}

/** Copies into shared memory what is not there yet. */
export function shareVersion({ ref, schemaId, hashes, state, indexes }: LoadedVersion): SharedVersion {
  const arena = new SharedArena();
  const shared = shareReadState(state, arena);
  return {
    ref,
    schemaId,
    hashes,
    state: shared,
    indexes: [...indexes.values()].map((index) => index.share(arena)),
  };
}

/** The same version out of shared memory, so that what it took before can be let go. */
export function moveToShared(loaded: LoadedVersion, strings: StringCache | null): LoadedVersion {
  const { indexes } = loaded;
  // Sharing has moved the tables of the indexes, too; they stay those of this thread, which adds to them.
  const { state } = openVersion(shareVersion(loaded), loaded.state.schema);
  const movedIndexes = Array.from(indexes, ([type, index]) => [type, index.apply(state, undefined)] as const);
  const moved = { ...loaded, state, indexes: new Map(movedIndexes) };
  return strings === null ? moved : { ...moved, state: moved.state.withStringCache(strings) };
}

/** @param schema of the state, where it is there already */
export function openVersion(
  { ref, schemaId, hashes, state, indexes }: SharedVersion,
  schema: DatasetSchema | null = null,
): LoadedVersion {
  const opened = openReadState(state, schema);
  const openIndexes = indexes.map((index) => [index.type, UniqueKeyIndex.open(opened, index)] as const);
  return { ref, schemaId, hashes, state: opened, indexes: new Map(openIndexes) };
}
