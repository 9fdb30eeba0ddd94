import type { LoadedState } from '../consumer/loaded-version.ts';
import type { PlainObject } from '../schema/plain-object.ts';
import type { RecordKey } from '../schema/record-key.ts';
import type { Cycle } from '../state/cycle.ts';
import { recordToWrite } from '../state/plain-record.ts';
import { stampTypeOf } from './bookkeeping-schema.ts';
import { Drafts } from './drafts.ts';
import { type KeyChange, type KeyState, merge, visibleRecord } from './join.ts';
import { targetOf } from './ledger.ts';
import type { Unit } from './mutations.ts';
import { type Progress, planProgress } from './plan-progress.ts';
import { planUnits } from './plan-units.ts';
import type { PlannedKey, PlannedRecord, SetAside } from './planned.ts';
import { StampFields } from './stamp-fields.ts';
import { hasNoBase, isOverwritten, keyStateOfRecords, stampRecordOf } from './stamp-record.ts';
import { newerThan, watermarkOf } from './watermark.ts';

/** What a batch says that the state does not know. */
export interface Plan {
  readonly keys: readonly PlannedKey[];
  readonly others: readonly PlannedRecord[];
  readonly setAside: readonly SetAside[];
  /** {@link targetOf} the keys of whose plain changes everything up to the watermark is late. */
  readonly lateTargets: ReadonlySet<string>;
  readonly watermark: number;
  /** Of all sources; null: as the state's own header tags say. */
  readonly progress: ReadonlyMap<string, number> | null;
}

/** The mutations of a batch: those that are just joined, coalesced per key, and the others. */
export interface Batch {
  readonly changes: readonly KeyChange[];
  readonly units: readonly Unit[];
  readonly progress: readonly Progress[];
}

/** Nothing to commit: everything is in, by whichever commit, or set aside. */
export function isEmptyPlan({ keys, others }: Plan): boolean {
  return keys.length === 0 && others.length === 0;
}

/**
 * Joins a batch into a state. Pure. Plain changes come first, then the units by their stamps; only keys that a unit or an
 * increment has to do with take the longer way over drafts.
 */
export function planBatch(base: LoadedState, { changes, units, progress: noted }: Batch): Plan {
  const watermark = watermarkOf(base);
  const drafts = new Drafts(base, watermark);
  for (const unit of units) for (const { mutation } of unit.steps) drafts.of(mutation.type, mutation.key);
  const lateTargets = new Set<string>();
  const keys = planPlain(base, changes, { drafts, watermark, lateTargets });
  const { others, setAside } = planUnits(drafts, units);
  const { others: sources, progress } = planProgress(base, noted);
  return {
    keys: [...keys, ...drafts.planned()],
    others: [...others, ...sources],
    setAside,
    lateTargets,
    watermark,
    progress,
  };
}

interface SlowPath {
  readonly drafts: Drafts;
  readonly watermark: number;
  readonly lateTargets: Set<string>;
}

function planPlain(base: LoadedState, changes: readonly KeyChange[], slow: SlowPath): PlannedKey[] {
  const { drafts, watermark, lateTargets } = slow;
  const planned: PlannedKey[] = [];
  let lastType = '';
  let stampType = '';
  let stampFields: StampFields | null = null;
  for (const { type, key, change } of changes) {
    // Changes of a type come together, and a name that is made anew each time is slow to look up.
    if (stampFields === null || type !== lastType) {
      [lastType, stampType] = [type, stampTypeOf(type)];
      stampFields = new StampFields(base.state, stampType);
    }
    if (!drafts.isEmpty && drafts.has(type, key)) {
      if (drafts.mergePlain(type, key, change)) lateTargets.add(targetOf(type, key));
      continue;
    }
    const ordinal = findOrdinal(base, type, key);
    const stampOrdinal = findOrdinal(base, stampType, key);
    const isKnown = ordinal !== -1 || stampOrdinal !== -1;
    if ((isKnown || watermark < 0) && stampFields.isSurelyOlder(stampOrdinal, change)) {
      const stampRecord = stampRecordOf(key, change);
      planned.push({
        type,
        stampType,
        key,
        ordinal,
        stampOrdinal,
        record: change.base?.value ?? null,
        stampRecord,
      });
      continue;
    }
    const stamps = recordAt(base, stampType, stampOrdinal);
    let effective = change;
    if (watermark >= 0 && ordinal === -1 && hasNoBase(stamps)) {
      effective = newerThan(change, watermark);
      // What is older than an upsert or delete that is in time would change nothing.
      if (effective !== change && effective.base === null) lateTargets.add(targetOf(type, key));
    }
    const value = isOverwritten(stamps, effective) ? null : recordAt(base, type, ordinal);
    const before = keyStateOfRecords(stamps, value);
    if (before.countedTo !== null) {
      if (drafts.mergePlain(type, key, change)) lateTargets.add(targetOf(type, key));
      continue;
    }
    const after: KeyState = merge(before, effective);
    if (after === before) continue;
    const record = visibleRecord(after);
    const stampRecord = stampRecordOf(key, after);
    planned.push({ type, stampType, key, ordinal, stampOrdinal, record, stampRecord });
  }
  return planned;
}

/** Populates a cycle with what was planned. Equal records keep their ordinals. */
export function populate(cycle: Cycle, { keys, others }: Pick<Plan, 'keys' | 'others'>): void {
  for (const run of runsOfType(keys)) {
    const { type, stampType } = run[0] as PlannedKey;
    replaceAll(cycle, type, {
      ordinals: run.map((key) => key.ordinal),
      records: run.map((key) => key.record),
    });
    replaceAll(cycle, stampType, {
      ordinals: run.map((key) => key.stampOrdinal),
      records: run.map((key) => key.stampRecord),
    });
  }
  // Of these one may be equal to another one that goes: each is done with before the next.
  for (const { type, ordinal, record } of others)
    replaceAll(cycle, type, { ordinals: [ordinal], records: [record] });
}

/** Keys of one type that follow each other, as most do. */
function* runsOfType(keys: readonly PlannedKey[]): Generator<readonly PlannedKey[]> {
  for (let from = 0, end = 0; from < keys.length; from = end) {
    const { type } = keys[from] as PlannedKey;
    while (end < keys.length && keys[end]?.type === type) end++;
    yield keys.slice(from, end);
  }
}

interface Replacements {
  /** What is there; -1: nothing. */
  readonly ordinals: readonly number[];
  /** What is to be there; null: nothing. */
  readonly records: readonly (PlainObject | null)[];
}

function replaceAll(cycle: Cycle, type: string, { ordinals, records }: Replacements): void {
  const added = cycle.addAll(
    type,
    records.filter((record) => record !== null),
  );
  let next = 0;
  for (const [i, record] of records.entries()) {
    const before = ordinals[i] as number;
    const after = record === null ? -1 : (added[next++] as number);
    if (before !== -1 && before !== after) cycle.remove(type, before);
  }
}

function findOrdinal(base: LoadedState, type: string, key: RecordKey): number {
  const index = base.indexes.get(type);
  return index === undefined ? -1 : index.findByKey(key.parts);
}

function recordAt(base: LoadedState, type: string, ordinal: number): PlainObject | null {
  return ordinal === -1 ? null : recordToWrite(base.state, type, ordinal);
}
