import { blobFolder, parseBlobName } from '../blob/blob-names.ts';
import type { BlobShelf, Clock, DatasetId, FloorRecord, Head, HeadStore, Telemetry } from '../ports.ts';
import { defaultRetention, planFloor, type Retention } from './floor.ts';

export interface CleanerPorts {
  readonly heads: HeadStore;
  /** Every place where blobs of this chain are. */
  readonly shelves: readonly BlobShelf[];
  readonly floors: FloorRecord;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

export interface CleanOptions {
  /** Default: {@link defaultRetention}. */
  readonly retention?: Retention;
  /** Pages of names that one run deletes per kind of blob and shelf; the next run goes on. Default 20. */
  readonly pagesMax?: number;
  /** Changes nothing, and says what would be deleted. */
  readonly isDryRun?: boolean;
}

export interface CleanReport {
  /** Everything below may be gone; null: there is no chain, or it has moved to another era meanwhile. */
  readonly floor: number | null;
  /** What was deleted, or would be. */
  readonly names: readonly string[];
  /** False: there is more than one run takes. */
  readonly isComplete: boolean;
}

/**
 * Deletes what no reader and no writer can need any more. Decided by one number, the floor that is stored in the head,
 * never by age and never because nothing refers to a blob: a delta to a version at or below the floor can be committed
 * no more, since the head's version is not below it, and a snapshot below the floor can be registered no more, since the
 * newest registered one is not below it. So a cleaner that was frozen for a week deletes too little, never too much.
 *
 * A restore of the table would lower the floor, so it is first written down outside the table, together with the era; a
 * restore writes its era there and then looks at the floor, a cleaner writes its floor and then looks at the era. One of
 * the two sees the other.
 */
export async function clean(
  ports: CleanerPorts,
  id: DatasetId,
  options: CleanOptions = {},
): Promise<CleanReport> {
  const { retention = defaultRetention, pagesMax = 20, isDryRun = false } = options;
  const head = await ports.heads.load(id, 'strong');
  if (head === null) return nothing;
  const raise = planFloor(head, ports.clock.nowMs(), retention);
  if (isDryRun) {
    const garbage = { id, mapGeneration: head.mapGeneration, floor: raise?.floor ?? head.floor };
    return sweep(ports.shelves, garbage, pagesMax, async () => undefined);
  }
  // Lost to a pin, a snapshot or another cleaner: what is stored decides, and the next run plans again.
  const stored = raise === null ? head : (await ports.heads.raiseFloor(id, raise)).head;
  const fenced = stored === null ? null : await fence(ports, id, stored);
  if (fenced === null) {
    ports.telemetry.log('warn', 'the chain is in another era: nothing is deleted', { era: head.era });
    return nothing;
  }
  const garbage = { id, mapGeneration: fenced.mapGeneration, floor: fenced.floor };
  const report = await sweep(ports.shelves, garbage, pagesMax, (shelf, names) => shelf.delete(names));
  ports.telemetry.record('BlobsDeleted', report.names.length);
  ports.telemetry.log('info', 'cleaned', { floor: report.floor, count: report.names.length });
  return report;
}

const nothing: CleanReport = { floor: null, names: [], isComplete: true };

/** What may be deleted, now that it is written down. Null: a restore came in between. */
async function fence(
  { heads, floors }: CleanerPorts,
  id: DatasetId,
  { era, floor }: Head,
): Promise<{ floor: number; mapGeneration: number } | null> {
  await floors.raise(id, { era, floor });
  const mark = await floors.load(id);
  if (mark === null || mark.era !== era) return null;
  const head = await heads.load(id, 'strong');
  if (head === null || head.era !== era) return null;
  return { floor: Math.min(head.floor, mark.floor), mapGeneration: head.mapGeneration };
}

interface Garbage {
  readonly id: DatasetId;
  readonly mapGeneration: number;
  readonly floor: number;
}

async function sweep(
  shelves: readonly BlobShelf[],
  garbage: Garbage,
  pagesMax: number,
  remove: (shelf: BlobShelf, names: readonly string[]) => Promise<void>,
): Promise<CleanReport> {
  const { id, mapGeneration, floor } = garbage;
  const swept: string[] = [];
  let isComplete = true;
  for (const shelf of shelves) {
    for (const kind of ['delta', 'reversedelta', 'snapshot'] as const) {
      const folder = blobFolder(id, mapGeneration, kind);
      let after: string | null = null;
      for (let page = 0; ; page++) {
        if (page === pagesMax) {
          isComplete = false;
          break;
        }
        const { names, next } = await shelf.list(folder, after);
        const garbageNames = names.filter((name) => isGarbage(name, floor));
        if (garbageNames.length > 0) await remove(shelf, garbageNames);
        swept.push(...garbageNames);
        // Names ascend with versions: the first one that stays is the end.
        if (next === null || garbageNames.length < names.length) break;
        after = next;
      }
    }
  }
  return { floor, names: swept, isComplete };
}

/** Whatever is not named like a blob is somebody else's. */
function isGarbage(text: string, floor: number): boolean {
  const name = parseBlobName(text)?.name;
  if (name === undefined) return false;
  return name.kind === 'snapshot' ? name.toVersion < floor : name.toVersion <= floor;
}
