import type { LoadedState } from '../consumer/loaded-version.ts';
import { DatasetError } from '../errors.ts';
import { recordObject } from '../state/plain-record.ts';
import { watermarkKey, watermarkType } from './bookkeeping-schema.ts';
import type { KeyState } from './join.ts';
import type { OrderStamp } from './order-stamp.ts';

/**
 * How far the past is forgotten, epoch ms: deletions and operations with a stamp up to it may have been purged. -1:
 * nothing was. A mutation that old is *late* where it cannot be said any more what it should do.
 */
export function watermarkOf(base: LoadedState): number {
  const ordinal = base.indexes.get(watermarkType)?.find(watermarkKey) ?? -1;
  if (ordinal === -1) return -1;
  const { timestamp } = recordObject(base.state, watermarkType, ordinal);
  if (typeof timestamp !== 'number')
    throw new DatasetError('corrupt', 'bookkeeping: no watermark is readable');
  return timestamp;
}

export function isForgotten(stamp: OrderStamp | null, watermark: number): boolean {
  return stamp !== null && stamp.timestamp <= watermark;
}

/** What of a change is newer than the watermark; the same object if all of it is. */
export function newerThan(change: KeyState, watermark: number): KeyState {
  const base = isForgotten(change.base?.stamp ?? null, watermark) ? null : change.base;
  const patches = new Map([...change.patches].filter(([, { stamp }]) => !isForgotten(stamp, watermark)));
  if (base === change.base && patches.size === change.patches.size) return change;
  return { ...change, base, patches };
}
