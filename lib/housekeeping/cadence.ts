/**
 * LAYER 8, housekeeping: what keeps a chain short, its garbage away, and gets it back when something went wrong. All of it
 * may run any number of times, at once, and die at any await: the conditions of the writes decide, never who runs.
 *
 *   cadence.ts        when a snapshot pays (this file, pure)
 *   snapshotter.ts    writes it
 *   floor.ts          how far the floor may rise (pure)
 *   cleaner.ts        raises the floor and deletes what lies below
 *   pins.ts           keeps a version readable; rollback.ts serves one and makes its content the newest
 *   restore.ts        after the table was set back: a new era
 *   recover.ts        after the head was lost: a new one from the blobs alone; chain-of-blobs.ts finds the chain in them
 *   load-version.ts   the consumer's own way to a version, with the bookkeeping
 */
import { newestSnapshot } from '../head-rules.ts';
import type { Head } from '../ports.ts';

/** What snapshots cost, and what they save. */
export interface Cadence {
  /** How often somebody loads the dataset from nothing. */
  readonly coldLoadsPerHour: number;
  /** Dollars to write a snapshot: each time, and for each byte of it. */
  readonly snapshotUsd: number;
  readonly snapshotUsdPerByte: number;
  /** Dollars that one more delta costs whoever starts cold. */
  readonly deltaUsd: number;
  /** Bounds of the number of deltas between snapshots, whatever they cost. */
  readonly chainLengthMin: number;
  readonly chainLengthMax: number;
  /** Deltas may together have this share of the bytes of their snapshot. */
  readonly deltaBytesShareMax: number;
  /** A version older than this has a snapshot. */
  readonly ageMsMax: number;
}

/**
 * Prices of us-east-1, November 2026: S3 Standard 5e-6 a PUT and 4e-7 a GET, Lambda on arm64 1.33e-5 a GB-second. A
 * snapshot is two PUTs and a second of work for 100 MB; a delta one GET and its wait.
 */
export const defaultCadence: Cadence = {
  coldLoadsPerHour: 60,
  snapshotUsd: 2e-5,
  snapshotUsdPerByte: 1.3e-13,
  deltaUsd: 5e-7,
  chainLengthMin: 8,
  chainLengthMax: 64,
  deltaBytesShareMax: 0.5,
  ageMsMax: 6 * 3_600_000,
};

/** Why to write a snapshot of the head's version now; null: not yet. */
export type SnapshotReason = 'length' | 'bytes' | 'age';

/**
 * Pure. With c commits and r cold loads a second, a snapshot each k versions costs (c/k) Cs + r (k/2) Cd a second, least at
 * k = sqrt(2 c Cs / (r Cd)). Clocks only tune it: a wrong one costs money, never safety.
 */
export function planSnapshot(head: Head, nowMs: number, cadence: Cadence): SnapshotReason | null {
  const newest = newestSnapshot(head);
  const length = head.version - newest.version;
  if (length === 0) return null;
  const ageMs = Math.max(1, nowMs - newest.writtenAtMs);
  const commitsPerHour = (length / ageMs) * 3_600_000;
  if (length >= bestLength(commitsPerHour, newest.size, cadence)) return 'length';
  const deltaBytes = head.recent
    .filter(({ version }) => version > newest.version)
    .reduce((sum, { size }) => sum + size, 0);
  // A handful of deltas over a tiny snapshot is no burden to anybody.
  const isHeavy = length >= cadence.chainLengthMin && deltaBytes > cadence.deltaBytesShareMax * newest.size;
  if (isHeavy) return 'bytes';
  return ageMs >= cadence.ageMsMax ? 'age' : null;
}

/** The number of deltas between snapshots at which both together cost least, within the bounds. */
export function bestLength(commitsPerHour: number, snapshotSize: number, cadence: Cadence): number {
  const { coldLoadsPerHour, snapshotUsd, snapshotUsdPerByte, deltaUsd } = cadence;
  const costs = snapshotUsd + snapshotSize * snapshotUsdPerByte;
  const length = Math.sqrt((2 * commitsPerHour * costs) / (coldLoadsPerHour * deltaUsd));
  // Nobody ever starts cold: the longest chain is the cheapest.
  if (!Number.isFinite(length)) return cadence.chainLengthMax;
  return Math.min(cadence.chainLengthMax, Math.max(cadence.chainLengthMin, Math.round(length)));
}
