import { applyDelta } from '../blob/apply-delta.ts';
import { decodeSnapshot } from '../blob/decode-snapshot.ts';
import { DatasetError } from '../errors.ts';
import type { BlobReader, DatasetId, Head, SnapshotEntry } from '../ports.ts';
import { noFilter } from '../schema/type-filter.ts';
import type { ReadState } from '../state/read-state.ts';
import { fromHex, toHex } from '../state/state-hash.ts';
import {
  applyToIndexes,
  bookkeepingPart,
  hashLoaded,
  indexesOf,
  type LoadedHashes,
  type LoadedVersion,
  type LoadOptions,
  type StateStep,
  updateLoadedHashes,
} from './loaded-version.ts';
import { planBlobs, type RetrievedBlob, retrieve } from './retrieve.ts';
import { planUpdate, type UpdatePlan, type UpdatePlanOptions } from './update-plan.ts';

/** Where versions come from, and what of them is loaded. */
export interface VersionSource extends LoadOptions {
  readonly id: DatasetId;
  readonly blobs: BlobReader;
  /** Where inline deltas are. Default: they are read as the copies that the outbox makes of them. */
  readonly inline?: BlobReader | undefined;
}

/** One refresh carried out. Nothing has been swapped yet. */
export interface Advance {
  readonly loaded: LoadedVersion;
  /** True: the way led over a snapshot, so what was held before has no connection to the deltas. */
  readonly fromSnapshot: boolean;
  /** In order. */
  readonly steps: readonly StateStep[];
}

/**
 * Goes from `current` to `head`: plan, retrieve, apply, verify. Null: nothing to do.
 *
 * A snapshot must have the bytes whose digest is registered; without one, every record of it is hashed. Every state from
 * there on is held against the data hash that its commit registered, and the last one against the head,
 * so whatever went wrong with the bytes, a reader never sees a state that nobody committed. The hash is
 * of all data: where a filter leaves some out, each blob must be the one of its commit (digest, commit id and the hash
 * that it carries), and what is made of it here is not held against anything.
 *
 * @throws DatasetError `corrupt` when a blob is missing or wrong: try again with a fresh head and `forceSnapshot`
 */
export async function advance(
  source: VersionSource,
  current: LoadedVersion | null,
  head: Head,
  options: UpdatePlanOptions = {},
): Promise<Advance | null> {
  // Deltas lead on in the schema that was loaded; what a new one brought is in snapshots only.
  const isEvolved = current !== null && current.schemaId !== head.schemaId;
  const forceSnapshot = isEvolved || options.forceSnapshot === true;
  const plan = planUpdate(current?.ref ?? null, head, { forceSnapshot });
  if (plan.kind === 'none') return null;
  const planned = planBlobs(source.id, head.mapGeneration, plan);
  const { id, blobs, inline = null, parts } = source;
  const retrieved = retrieve({ id, blobs, inline, parts: [...parts.keys()] }, planned);
  const start = plan.kind === 'snapshot' ? await loadSnapshot(source, plan, retrieved) : heldStart(current);
  const applied = await applyDeltas(source, start, plan, retrieved);
  if (!isFiltered(source)) verifyHead(applied.hashes, head);
  const { state, hashes, steps } = applied;
  const indexes =
    start.indexes === null ? indexesOf(state, source) : steps.reduce(applyToIndexes, start.indexes);
  return {
    loaded: { ref: plan.to, schemaId: head.schemaId, state, indexes, hashes },
    fromSnapshot: plan.kind === 'snapshot',
    steps,
  };
}

interface Start {
  readonly schemaId: string;
  readonly state: ReadState;
  readonly hashes: LoadedHashes;
  /** Null after a snapshot: built once, when the deltas are applied. */
  readonly indexes: LoadedVersion['indexes'] | null;
}

function heldStart(current: LoadedVersion | null): Start {
  if (current === null) throw new DatasetError('invalid', 'deltas need a version to start from');
  return current;
}

async function loadSnapshot(
  source: VersionSource,
  plan: UpdatePlan & { kind: 'snapshot' },
  retrieved: AsyncIterator<RetrievedBlob, void>,
): Promise<Start> {
  const blob = await nextBlob(retrieved);
  // Of a filtered blob only a part would be wanted: that is copied, and the rest let go.
  const ownership = isFiltered(source) ? 'copied' : 'taken';
  requireDigests(blob, plan.snapshot);
  const decoded = decodeSnapshot(blob.main, blob.parts, source.filter, ownership);
  const state = source.strings ? decoded.withStringCache(source.strings) : decoded;
  const hashes = registeredHashes(source, plan.snapshot) ?? hashLoaded(state, source);
  verifyStep(source, blob, hashes, plan.snapshot);
  return { schemaId: blob.metadata['schemaid'] ?? '', state, hashes, indexes: null };
}

/** Before anything is decoded: these are the bytes that were registered. */
function requireDigests(
  { digests: { main, parts } }: RetrievedBlob,
  { version, digests }: SnapshotEntry,
): void {
  if (digests === undefined) return;
  const part = parts.get(bookkeepingPart) ?? digests.bookkeeping;
  if (main === digests.main && part === digests.bookkeeping) return;
  const problem = `the snapshot of version ${version} does not have the bytes that were registered`;
  throw new DatasetError('corrupt', problem, { version });
}

/**
 * The hashes of the state that the registered bytes hold, which saves a pass over all records. Null: the head does not
 * tell, what is loaded is not all of it, or the records themselves are to be verified.
 */
function registeredHashes(source: LoadOptions, { hash, digests }: SnapshotEntry): LoadedHashes | null {
  const { parts, verify = 'bytes' } = source;
  const isKnown = [...parts.keys()].every((part) => part === bookkeepingPart);
  if (digests === undefined || !isKnown || isFiltered(source) || verify === 'records') return null;
  return {
    data: fromHex(hash),
    bookkeeping: parts.has(bookkeepingPart) ? fromHex(digests.bookkeepingHash) : null,
  };
}

async function applyDeltas(
  source: VersionSource,
  start: Start,
  plan: UpdatePlan & { kind: 'snapshot' | 'deltas' },
  retrieved: AsyncIterator<RetrievedBlob, void>,
): Promise<{ state: ReadState; hashes: LoadedHashes; steps: StateStep[] }> {
  let { state, hashes } = start;
  const steps: StateStep[] = [];
  for (const delta of plan.deltas) {
    const blob = await nextBlob(retrieved);
    if (isFiltered(source)) requireSameSchema(start.schemaId, blob, delta.toVersion);
    const applied = applyDelta(state, blob.main, blob.parts);
    const step: StateStep = { from: state, to: applied.state, changes: applied.changes };
    hashes = updateLoadedHashes(hashes, step, source);
    verifyStep(source, blob, hashes, { hash: delta.hash, version: delta.toVersion });
    state = step.to;
    steps.push(step);
  }
  return { state, hashes, steps };
}

async function nextBlob(retrieved: AsyncIterator<RetrievedBlob, void>): Promise<RetrievedBlob> {
  const next = await retrieved.next();
  if (next.done === true) throw new DatasetError('invalid', 'the plan has more steps than blobs');
  return next.value;
}

function isFiltered({ filter = noFilter }: LoadOptions): boolean {
  return filter.length > 0;
}

function verifyStep(
  source: LoadOptions,
  blob: RetrievedBlob,
  hashes: LoadedHashes,
  { hash, version }: Pick<SnapshotEntry, 'hash' | 'version'>,
): void {
  requireHash(isFiltered(source) ? (blob.metadata['hash'] ?? '') : toHex(hashes.data), hash, version);
}

/**
 * Beyond a change of the schema deltas leave stale records and references behind. Where everything is loaded the hash
 * tells; here nothing else would.
 */
function requireSameSchema(schemaId: string, { metadata }: RetrievedBlob, version: number): void {
  if (metadata['schemaid'] === schemaId) return;
  throw new DatasetError('corrupt', `version ${version} has another schema: it needs a snapshot`, {
    version,
    schemaId,
  });
}

function requireHash(actual: string, expected: string, version: number): void {
  if (actual === expected) return;
  throw new DatasetError('corrupt', `version ${version} does not have the data hash that was committed`, {
    version,
    expected,
    actual,
  });
}

function verifyHead(hashes: LoadedHashes, head: Head): void {
  requireHash(toHex(hashes.data), head.hashes.data, head.version);
  if (hashes.bookkeeping === null) return;
  const actual = toHex(hashes.bookkeeping);
  if (actual === head.hashes.bookkeeping) return;
  throw new DatasetError(
    'corrupt',
    `version ${head.version} does not have the bookkeeping hash that was committed`,
    {
      version: head.version,
      expected: head.hashes.bookkeeping,
      actual,
    },
  );
}
