import { UniqueKeyIndex } from '../indexes/unique-key.ts';
import type { ServedRef } from '../ports.ts';
import type { TypeFilter } from '../schema/type-filter.ts';
import type { ReadState } from '../state/read-state.ts';
import { hashState, type StateHash, updateHash } from '../state/state-hash.ts';
import type { StringCache } from '../state/string-cache.ts';
import type { StateChanges } from '../state/type-changes.ts';

/** A state with what is derived from it. */
export interface LoadedState {
  readonly state: ReadState;
  /** By type name. */
  readonly indexes: ReadonlyMap<string, UniqueKeyIndex>;
  readonly hashes: LoadedHashes;
}

/** One committed version as a consumer holds it, complete and immutable. */
export interface LoadedVersion extends LoadedState {
  readonly ref: ServedRef;
  readonly schemaId: string;
}

export interface LoadedHashes {
  /** Of every type that is loaded and belongs to no optional part. */
  readonly data: StateHash;
  /** Of the types of the part `bookkeeping`; null when that part is not loaded. */
  readonly bookkeeping: StateHash | null;
}

/** What of a version is loaded. */
export interface LoadOptions {
  /** Optional parts to load beside the main blobs, each with the types that it holds: their names, or a test of one. */
  readonly parts: ReadonlyMap<string, readonly string[] | TypeTest>;
  /** Types to index by primary key; null: every type whose primary key is loaded. */
  readonly indexedTypes: readonly string[] | null;
  /** Which types and fields to load. Default: all. */
  readonly filter?: TypeFilter;
  /** Where states look for strings before they build them. Default: nowhere. */
  readonly strings?: StringCache | null;
  /**
   * What of a snapshot is held against the head. Default `bytes`: their digest, and every record only where the head has
   * none. `records`: always every record, in a pass over all of them, so that nothing rests on how its writer decoded it.
   */
  readonly verify?: 'bytes' | 'records';
}

/** Name of the blob part that holds all bookkeeping types: order stamps and tombstones. Only producers load it. */
export const bookkeepingPart = 'bookkeeping';

export function hashLoaded(state: ReadState, options: Pick<LoadOptions, 'parts'>): LoadedHashes {
  const { isData, isBookkeeping } = typeTests(options);
  return {
    data: hashState(state, isData),
    bookkeeping: isBookkeeping === null ? null : hashState(state, isBookkeeping),
  };
}

export interface StateStep {
  readonly from: ReadState;
  readonly to: ReadState;
  readonly changes: StateChanges;
}

export function updateLoadedHashes(
  hashes: LoadedHashes,
  step: StateStep,
  options: LoadOptions,
): LoadedHashes {
  const { isData, isBookkeeping } = typeTests(options);
  const { from, to, changes } = step;
  return {
    data: updateHash(hashes.data, from, to, changes, isData),
    bookkeeping:
      isBookkeeping === null || hashes.bookkeeping === null
        ? null
        : updateHash(hashes.bookkeeping, from, to, changes, isBookkeeping),
  };
}

/** Indexes of a state that did not come from a delta; look-ups build them. */
export function indexesOf(state: ReadState, options: LoadOptions): Map<string, UniqueKeyIndex> {
  const types = options.indexedTypes ?? state.schema.keyedTypes;
  return new Map(types.map((type) => [type, UniqueKeyIndex.of(state, type)]));
}

/** The same indexes one delta later. */
export function applyToIndexes(
  indexes: ReadonlyMap<string, UniqueKeyIndex>,
  { to, changes }: StateStep,
): Map<string, UniqueKeyIndex> {
  return new Map(Array.from(indexes, ([type, index]) => [type, index.apply(to, changes.get(type))]));
}

export type TypeTest = (type: string) => boolean;

function typeTests(options: Pick<LoadOptions, 'parts'>): {
  isData: TypeTest;
  isBookkeeping: TypeTest | null;
} {
  const bookkeeping = options.parts.get(bookkeepingPart);
  const tests = Array.from(options.parts.values(), testOf);
  return {
    isData: (type) => !tests.some((isInPart) => isInPart(type)),
    isBookkeeping: bookkeeping === undefined ? null : testOf(bookkeeping),
  };
}

function testOf(types: readonly string[] | TypeTest): TypeTest {
  if (typeof types === 'function') return types;
  const names = new Set(types);
  return (type) => names.has(type);
}

/** Records that have a primary key, over all types that are indexed. */
export function recordCountOf({ state, indexes }: LoadedVersion): number {
  return [...indexes.keys()].reduce((total, type) => total + state.type(type).count, 0);
}
