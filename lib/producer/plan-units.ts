import { ledgerType } from './bookkeeping-schema.ts';
import type { Drafts } from './drafts.ts';
import { keyStateOf, visibleRecord } from './join.ts';
import { greatestStamp, type KeyDraft, type KeySaid, versionOf } from './key-draft.ts';
import { entryOf, type LedgerEntry, ledgerRecordOf, targetOf } from './ledger.ts';
import type { Condition, Step, Unit } from './mutations.ts';
import { compareStamps, type OrderStamp } from './order-stamp.ts';
import type { PlannedRecord, SetAside } from './planned.ts';
import { isForgotten } from './watermark.ts';

interface UnitsPlan {
  /** The new entries of the ledger. */
  readonly others: readonly PlannedRecord[];
  readonly setAside: readonly SetAside[];
}

/** Takes the units into the drafts, in the order of their stamps, each as a whole or not at all. */
export function planUnits(drafts: Drafts, units: readonly Unit[]): UnitsPlan {
  const entries = new Map<string, LedgerEntry>();
  const setAside: SetAside[] = [];
  for (const unit of units.toSorted(compareUnits)) {
    const outcome = takeUnit(drafts, unit, (opId) => entries.get(opId) ?? drafts.ledger.find(opId));
    for (const entry of outcome.entries) entries.set(entry.opId, entry);
    if (outcome.kind === 'taken') continue;
    const { message, isAtomic, steps } = unit;
    const index = isAtomic ? null : (steps[0]?.index ?? null);
    setAside.push({ kind: outcome.kind, message, index, reason: outcome.reason });
  }
  const others = Array.from(
    entries.values(),
    (entry): PlannedRecord => ({ type: ledgerType, ordinal: -1, record: ledgerRecordOf(entry) }),
  );
  return { others, setAside };
}

type Outcome =
  | { readonly kind: 'taken'; readonly entries: readonly LedgerEntry[] }
  | { readonly kind: SetAside['kind']; readonly reason: string; readonly entries: readonly LedgerEntry[] };

type FindEntry = (opId: string) => LedgerEntry | null;

function takeUnit(drafts: Drafts, { steps }: Unit, find: FindEntry): Outcome {
  const known = steps.flatMap((step) => (step.opId === null ? [] : { step, entry: find(step.opId) }));
  for (const { step, entry } of known) {
    if (entry !== null && entry.target !== targetOf(step.mutation.type, step.mutation.key)) {
      const reason = `condition: the operation id was used before, for ${entry.target.slice(0, 80)}`;
      return { kind: 'condition', reason, entries: [] };
    }
  }
  const earlier = known.flatMap(({ entry }) => entry ?? []);
  if (earlier.length > 0) {
    const failure = earlier.find((entry) => entry.failure !== null)?.failure ?? null;
    return failure === null
      ? { kind: 'taken', entries: [] }
      : { kind: 'condition', reason: failure, entries: [] };
  }
  if (steps.some((step) => isLate(drafts, step))) {
    return { kind: 'late', reason: `late: ${lateReason(drafts.watermark)}`, entries: [] };
  }
  return apply(drafts, steps);
}

function apply(drafts: Drafts, steps: readonly Step[]): Outcome {
  const touched = steps.map(({ mutation }) => drafts.of(mutation.type, mutation.key));
  const before = new Map<KeyDraft, KeySaid>(touched.map((draft) => [draft, draft.said]));
  const noted: (Step & { opId: string })[] = [];
  let failure: string | null = null;
  for (const [i, step] of steps.entries()) {
    const draft = touched[i] as KeyDraft;
    failure = failureOf(draft, step);
    if (failure !== null) break;
    const isCounted = say(draft, step);
    const { opId } = step;
    if (opId !== null && isCounted) noted.push({ ...step, opId });
  }
  if (failure === null) return { kind: 'taken', entries: noted.map((step) => entryOf(step, null)) };
  for (const [draft, said] of before) draft.said = said;
  const reason = failure;
  const entries = steps.flatMap(({ opId, ...step }) =>
    opId === null ? [] : entryOf({ ...step, opId }, reason),
  );
  return { kind: 'condition', reason, entries };
}

/** False: it is an increment that something newer has overwritten already, so that the ledger need not know it. */
function say(draft: KeyDraft, { mutation }: Step): boolean {
  if (mutation.op !== 'increment') {
    draft.mergeChange(keyStateOf(mutation));
    return true;
  }
  const base = draft.after.base?.stamp ?? null;
  if (base !== null && compareStamps(mutation.stamp, base) <= 0) return false;
  draft.count({ stamp: mutation.stamp, amounts: mutation.fields });
  return true;
}

function failureOf(draft: KeyDraft, { condition, mutation }: Step): string | null {
  if (condition === null) return null;
  const { after } = draft;
  const problem = problemOf(condition, visibleRecord(after) === null, versionOf(after));
  if (problem !== null) return `condition: ${problem}`;
  const greatest = greatestStamp(after);
  if (greatest === null || compareStamps(mutation.stamp, greatest) > 0) return null;
  return `condition: it holds, but the order stamp ${printStamp(mutation.stamp)} is not newer than ${printStamp(greatest)}`;
}

function problemOf(condition: Condition, isAbsent: boolean, version: OrderStamp | null): string | null {
  if (condition.kind === 'absent') return isAbsent ? null : 'ifAbsent, and the record is there';
  if (version === null) return 'ifVersion, and there is no record';
  if (compareStamps(version, condition.stamp) === 0) return null;
  return `ifVersion ${printStamp(condition.stamp)}, and the record is at ${printStamp(version)}`;
}

function isLate(drafts: Drafts, { mutation, opId }: Step): boolean {
  if (opId !== null) return isForgotten(mutation.stamp, drafts.watermark);
  if (mutation.op === 'increment') return false;
  return drafts.isLate(drafts.of(mutation.type, mutation.key), keyStateOf(mutation));
}

/** Why something is late, for people. */
export function lateReason(watermark: number): string {
  return `its order stamp is not newer than ${new Date(watermark).toISOString()}, up to which deletions and operations are forgotten`;
}

function printStamp({ timestamp, source, sequence }: OrderStamp): string {
  return JSON.stringify([timestamp, source, sequence]);
}

function compareUnits(a: Unit, b: Unit): number {
  const [first, second] = [a.steps[0], b.steps[0]];
  return first === undefined || second === undefined
    ? 0
    : compareStamps(first.mutation.stamp, second.mutation.stamp);
}
