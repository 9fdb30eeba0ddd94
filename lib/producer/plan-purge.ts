import type { LoadedState } from '../consumer/loaded-version.ts';
import type { ObjectTypeState } from '../state/object-type-state.ts';
import { recordObject } from '../state/plain-record.ts';
import { isStampType, ledgerType, watermarkKey, watermarkType } from './bookkeeping-schema.ts';
import { greatestStamp } from './key-draft.ts';
import type { Plan } from './plan.ts';
import type { PlannedRecord } from './planned.ts';
import { keyStateOfRecords } from './stamp-record.ts';
import { isForgotten, watermarkOf } from './watermark.ts';

/**
 * Forgets deletions, patches that wait for a record, and operations, as far as all that is known of them is not newer
 * than `untilMs`: at most `recordsMax` of them, so that no version gets too big. The watermark rises in the same version,
 * and what comes later with a stamp up to it is late. An empty plan: there is nothing to forget. Pure.
 */
export function planPurge(base: LoadedState, untilMs: number, recordsMax: number): Plan {
  const watermark = Math.max(untilMs, watermarkOf(base));
  const forgotten: PlannedRecord[] = [];
  for (const type of base.state.typeNames) {
    const restMax = recordsMax - forgotten.length;
    if (type === ledgerType) forgotten.push(...oldOperations(base, watermark, restMax));
    else if (isStampType(type)) forgotten.push(...oldDeletions(base, type, watermark, restMax));
  }
  const others = forgotten.length === 0 ? [] : [...forgotten, raised(base, watermark)];
  return { keys: [], others, setAside: [], lateTargets: new Set(), watermark, progress: null };
}

function raised(base: LoadedState, timestamp: number): PlannedRecord {
  const ordinal = base.indexes.get(watermarkType)?.find(watermarkKey) ?? -1;
  return { type: watermarkType, ordinal, record: { id: watermarkKey, timestamp } };
}

function oldOperations(base: LoadedState, watermark: number, countMax: number): PlannedRecord[] {
  const records = base.state.objectType(ledgerType);
  const timestamp = fieldOf(records, 'timestamp');
  return select(records, countMax, (o) => records.readLongNumber(o, timestamp) <= watermark).map(
    (ordinal) => ({ type: ledgerType, ordinal, record: null }),
  );
}

function oldDeletions(base: LoadedState, type: string, watermark: number, countMax: number): PlannedRecord[] {
  const records = base.state.objectType(type);
  const deleted = fieldOf(records, 'deleted');
  return select(records, countMax, (o) => {
    // True, or null where there are only patches: everything else has a record, and keeps its stamps.
    if (records.readBoolean(o, deleted) === false) return false;
    return isForgotten(greatestStamp(keyStateOfRecords(recordObject(base.state, type, o), null)), watermark);
  }).map((ordinal) => ({ type, ordinal, record: null }));
}

function select(records: ObjectTypeState, countMax: number, isWanted: (o: number) => boolean): number[] {
  const found: number[] = [];
  for (
    let o = records.nextPopulated(0);
    o >= 0 && found.length < countMax;
    o = records.nextPopulated(o + 1)
  ) {
    if (isWanted(o)) found.push(o);
  }
  return found;
}

function fieldOf({ schema }: ObjectTypeState, name: string): number {
  return schema.fields.findIndex((field) => field.name === name);
}
