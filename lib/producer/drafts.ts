import type { LoadedState } from '../consumer/loaded-version.ts';
import type { RecordKey } from '../schema/record-key.ts';
import { recordObject, recordToWrite } from '../state/plain-record.ts';
import { stampTypeOf } from './bookkeeping-schema.ts';
import { type KeyState, merge } from './join.ts';
import { KeyDraft } from './key-draft.ts';
import { Ledger, targetOf } from './ledger.ts';
import { compareStamps } from './order-stamp.ts';
import type { PlannedKey } from './planned.ts';
import { keyStateOfRecords, stampRecordOf } from './stamp-record.ts';
import { newerThan } from './watermark.ts';

interface Placed {
  readonly draft: KeyDraft;
  readonly stampType: string;
  readonly ordinal: number;
  readonly stampOrdinal: number;
}

/** The drafts of a plan, by key. Each is read from the state when it is first asked for. */
export class Drafts {
  readonly ledger: Ledger;
  readonly watermark: number;
  readonly #base: LoadedState;
  readonly #placed = new Map<string, Placed>();

  constructor(base: LoadedState, watermark: number) {
    this.#base = base;
    this.watermark = watermark;
    this.ledger = new Ledger(base);
  }

  get isEmpty(): boolean {
    return this.#placed.size === 0;
  }

  has(type: string, key: RecordKey): boolean {
    return this.#placed.has(targetOf(type, key));
  }

  of(type: string, key: RecordKey): KeyDraft {
    const target = targetOf(type, key);
    const known = this.#placed.get(target);
    if (known !== undefined) return known.draft;
    const placed = this.#read(type, key);
    this.#placed.set(target, placed);
    return placed.draft;
  }

  /** True: some of the change is late, and was left out. */
  mergePlain(type: string, key: RecordKey, change: KeyState): boolean {
    const draft = this.of(type, key);
    const inTime = this.#isUncertain(draft, change) ? newerThan(change, this.watermark) : change;
    draft.mergeChange(inTime);
    return inTime !== change && inTime.base === null;
  }

  /**
   * Would it matter what was purged? Of a key of which no upsert or delete is known that might be its deletion; of one with increments, those that are
   * newer than the change.
   */
  #isUncertain({ stored }: KeyDraft, change: KeyState): boolean {
    if (this.watermark < 0 || merge(stored.state, change) === stored.state) return false;
    if (stored.state.base === null) return true;
    const { countedTo } = stored.state;
    return (
      countedTo !== null &&
      [change.base, ...change.patches.values()].some(
        (register) => register !== null && compareStamps(register.stamp, countedTo) < 0,
      )
    );
  }

  isLate(draft: KeyDraft, change: KeyState): boolean {
    return this.#isUncertain(draft, change) && newerThan(change, this.watermark) !== change;
  }

  /** What changes. */
  planned(): PlannedKey[] {
    return Array.from(this.#placed.values()).flatMap(({ draft, ...place }): PlannedKey[] => {
      const { type, key } = draft;
      if (!draft.isChanged) return [];
      const stampRecord = stampRecordOf(key, draft.waiting());
      return [{ type, key, ...place, record: draft.visible(), stampRecord }];
    });
  }

  #read(type: string, key: RecordKey): Placed {
    const { state } = this.#base;
    const stampType = stampTypeOf(type);
    const [ordinal, stampOrdinal] = [this.#find(type, key), this.#find(stampType, key)];
    const record = ordinal === -1 ? null : recordToWrite(state, type, ordinal);
    const stamps = stampOrdinal === -1 ? null : recordObject(state, stampType, stampOrdinal);
    const stored = { state: keyStateOfRecords(stamps, record) };
    const countsOf = (target: string) => this.ledger.countsOf(target);
    const draft = new KeyDraft({ type, key }, stored, { schema: state.schema, countsOf });
    return { draft, stampType, ordinal, stampOrdinal };
  }

  #find(type: string, key: RecordKey): number {
    return this.#base.indexes.get(type)?.findByKey(key.parts) ?? -1;
  }
}
