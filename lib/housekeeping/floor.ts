import { newestSnapshot } from '../head-rules.ts';
import type { FloorRaise, Head } from '../ports.ts';

/** What is kept although nobody needs it: a courtesy to slow readers. Safety does not depend on it. */
export interface Retention {
  /** So many newest versions. */
  readonly versionsMin: number;
  /** What was the newest version within this time. */
  readonly ageMsMin: number;
}

export const defaultRetention: Retention = { versionsMin: 64, ageMsMin: 3_600_000 };

/**
 * How far the floor may rise: to the greatest registered snapshot that is at or below every pin's own snapshot and leaves
 * the retention above it. Null: not at all. Pure. Pins count until they are removed, expired or not.
 */
export function planFloor(head: Head, nowMs: number, retention: Retention): FloorRaise | null {
  const pinned = Object.values(head.pins).map((pin) => pin.snapshot.version);
  const highest = Math.min(newestSnapshot(head).version, head.version - retention.versionsMin, ...pinned);
  // Everything below a snapshot's version had been superseded when the snapshot was written.
  const writtenMs = nowMs - retention.ageMsMin;
  const next = head.snapshots.findLast(
    ({ version, writtenAtMs }) => version <= highest && writtenAtMs <= writtenMs,
  );
  if (next === undefined || next.version <= head.floor) return null;
  return {
    era: head.era,
    floor: next.version,
    snapshots: head.snapshots.filter(({ version }) => version >= next.version),
    pinRevision: head.pinRevision,
  };
}
