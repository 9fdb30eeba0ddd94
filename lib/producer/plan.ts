import type { LoadedState } from '../consumer/loaded-version.ts';
import type { PlainObject } from '../schema/record.ts';
import type { RecordKey } from '../schema/record-key.ts';
import type { Cycle } from '../state/cycle.ts';
import { recordObject } from '../state/plain-record.ts';
import { stampTypeOf } from './bookkeeping-schema.ts';
import { type KeyChange, type KeyState, merge, visibleRecord } from './join.ts';
import { isOverwritten, keyStateOfRecords, stampRecordOf } from './stamp-record.ts';

/** What becomes of one key. */
export interface PlannedKey {
  readonly type: string;
  readonly stampType: string;
  readonly key: RecordKey;
  /** Ordinals of its record and of its stamp record now; -1: there is none. */
  readonly ordinal: number;
  readonly stampOrdinal: number;
  /** The record that readers will see; null: none. */
  readonly record: PlainObject | null;
  readonly stampRecord: PlainObject;
}

/**
 * Joins a batch into a state: the keys for which it says something that the state does not know. Nothing left means
 * that everything is in, by whichever commit. Pure.
 */
export function planKeys(base: LoadedState, changes: readonly KeyChange[]): readonly PlannedKey[] {
  const planned: PlannedKey[] = [];
  let lastType = '';
  let stampType = '';
  for (const { type, key, change } of changes) {
    // Changes of a type come together, and a name that is made anew each time is slow to look up.
    if (type !== lastType) [lastType, stampType] = [type, stampTypeOf(type)];
    const ordinal = findOrdinal(base, type, key);
    const stampOrdinal = findOrdinal(base, stampType, key);
    const stamps = recordAt(base, stampType, stampOrdinal);
    const value = isOverwritten(stamps, change) ? null : recordAt(base, type, ordinal);
    const before = keyStateOfRecords(stamps, value);
    const after: KeyState = merge(before, change);
    if (after === before) continue;
    const record = visibleRecord(after);
    planned.push({
      type,
      stampType,
      key,
      ordinal,
      stampOrdinal,
      record,
      stampRecord: stampRecordOf(key, after),
    });
  }
  return planned;
}

/** Populates a cycle with what was planned. Equal records keep their ordinals. */
export function populate(cycle: Cycle, planned: readonly PlannedKey[]): void {
  for (const { type, stampType, ordinal, stampOrdinal, record, stampRecord } of planned) {
    replace(cycle, type, ordinal, record);
    replace(cycle, stampType, stampOrdinal, stampRecord);
  }
}

function replace(cycle: Cycle, type: string, ordinal: number, record: PlainObject | null): void {
  const next = record === null ? -1 : cycle.add(type, record);
  if (ordinal !== -1 && ordinal !== next) cycle.remove(type, ordinal);
}

function findOrdinal(base: LoadedState, type: string, key: RecordKey): number {
  const index = base.indexes.get(type);
  return index === undefined ? -1 : index.findByKey(key.parts);
}

function recordAt(base: LoadedState, type: string, ordinal: number): PlainObject | null {
  return ordinal === -1 ? null : recordObject(base.state, type, ordinal);
}
