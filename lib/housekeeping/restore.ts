import type { VersionSource } from '../consumer/advance.ts';
import { DatasetError } from '../errors.ts';
import { newestSnapshot, servedHead } from '../head-rules.ts';
import type { DatasetId, FloorRecord, Head, HeadStore, Telemetry } from '../ports.ts';
import { loadVersion, type VersionStores, wholeSource } from './load-version.ts';
import { requireHead } from './pins.ts';

export interface RestorePorts extends VersionStores {
  readonly heads: HeadStore;
  readonly floors: FloorRecord;
  readonly telemetry: Telemetry;
}

export interface RestoreReport {
  readonly head: Head;
  /** Pins that the restored table still had and whose versions may have been deleted since. */
  readonly droppedPins: readonly string[];
}

/**
 * To be run once after the heads' table was set back to an earlier point, or a replica of it is to take over, before
 * anything else writes to it. The only thing that may move a chain back: it begins a new era, in which nothing applies
 * that was planned before, and which every consumer prefers to what it has.
 *
 * What was committed after that point is lost with the table, unless the messages are sent again; doing so is always
 * safe. Died in between: run it again.
 *
 * @throws DatasetError `refused`: blobs that the restored head needs may be deleted: restore to a later point, or bring
 *   them back (versions of the bucket); `corrupt`: they are not readable; `conflict`: something wrote to the head
 */
export async function restoreChain(ports: RestorePorts, id: DatasetId): Promise<RestoreReport> {
  const { heads, floors, telemetry } = ports;
  const head = await requireHead(heads, id);
  const { era, floor } = await beginEra(floors, id, head);
  if (newestSnapshot(head).version < floor) {
    throw new DatasetError(
      'refused',
      'blobs below the floor may be deleted, and the restored head needs them',
      {
        floor,
        snapshotVersion: newestSnapshot(head).version,
        version: head.version,
      },
    );
  }
  const kept = Object.entries(head.pins).filter(([, pin]) => pin.snapshot.version >= floor);
  const droppedPins = Object.keys(head.pins).filter((name) => !kept.some(([each]) => each === name));
  const isServedGone = head.serve.pin !== null && droppedPins.includes(head.serve.pin);
  const next: Head = {
    ...head,
    era,
    floor,
    snapshots: head.snapshots.filter(({ version }) => version >= floor),
    pins: Object.fromEntries(kept),
    pinRevision: head.pinRevision + 1,
    serve: isServedGone ? { epoch: head.serve.epoch + 1, pin: null } : head.serve,
    lastOperation: 'restore',
  };
  await requireReadable(ports, id, next);
  const outcome = await heads.replace(id, head, next);
  if (outcome.kind === 'conflict') {
    throw new DatasetError('conflict', 'something wrote to the restored head: stop it and run this again');
  }
  telemetry.log('warn', 'a new era has begun', { era, version: next.version, floor, droppedPins });
  return { head: outcome.head, droppedPins };
}

/**
 * Writes the new era down, and only then looks at the floor: a cleaner does the opposite, so either it sees that its era
 * is over and deletes nothing more, or its floor is seen here.
 */
export async function beginEra(
  floors: FloorRecord,
  id: DatasetId,
  before: { readonly era: number; readonly floor: number },
): Promise<{ readonly era: number; readonly floor: number }> {
  const known = await floors.load(id);
  const era = Math.max(before.era, known?.era ?? 1) + 1;
  await floors.raise(id, { era, floor: before.floor });
  const mark = await floors.load(id);
  if (mark === null || mark.era !== era) {
    throw new DatasetError('conflict', 'another restore is at work', { era, found: mark?.era ?? null });
  }
  return mark;
}

/** Loads everything that the head promises, along the consumer's own path. */
async function requireReadable(ports: RestorePorts, id: DatasetId, head: Head): Promise<void> {
  // Whoever restores wants to know, and not to be quick.
  const source: VersionSource = { ...wholeSource(id, ports), verify: 'records' };
  const { epoch } = head.serve;
  for (const pin of [null, ...Object.keys(head.pins)]) {
    await loadVersion(source, null, servedHead({ ...head, serve: { epoch, pin } }));
  }
}
