/**
 * `serverless-hollow/engine`: Hollow's blobs as bytes, without any store: read a snapshot, follow deltas, write both. Java's
 * readers read what it writes, and it reads what Java's producers write. No input or output, no clock, no randomness: the same
 * call gives the same bytes, wherever JavaScript runs.
 *
 * Whoever writes by it has to see to what a producer sees to otherwise: one writer at a time, and blobs that readers find.
 *
 * @example
 * import { applyDelta, decodeSnapshot, TypedState } from 'serverless-hollow/engine';
 *
 * const loaded = decodeSnapshot(snapshot);
 * const { state, changes } = applyDelta(loaded, delta);      // `loaded` stays as it is
 * changes.get('City')?.added;                                // Int32Array of ordinals
 * TypedState.of(state, cities).type('City').get(2988507).name;
 */

export { type AppliedDelta, applyDelta } from './blob/apply-delta.ts';
export type { EncodedBlob, PartTypes } from './blob/blob-parts.ts';
export { decodeSnapshot } from './blob/decode-snapshot.ts';
export { type DeltaOptions, encodeDelta, encodeReverseDelta } from './blob/encode-delta.ts';
export { encodeHeaderBlob } from './blob/encode-header.ts';
export { encodeFirstSnapshot, encodeSnapshot, type SnapshotOptions } from './blob/encode-snapshot.ts';
export { evolveState } from './blob/evolve-state.ts';
export { nextHeaderTags } from './blob/header-tags.ts';
export { transitionBetween } from './blob/transition-between.ts';
export { TypedState } from './consumer/typed-state.ts';
export { UniqueKeyIndex } from './indexes/unique-key.ts';
export { stateChecksum } from './state/checksum.ts';
export type { Cycle, CycleOptions } from './state/cycle.ts';
export { ReadState } from './state/read-state.ts';
export type { CycleTransition, Transition } from './state/transition.ts';
export type { StateChanges, TypeChanges } from './state/type-changes.ts';
export { WriteState } from './state/write-state.ts';
