import { addAmounts, kindOf } from '../schema/amounts.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import type { PlainObject } from '../schema/plain-object.ts';
import type { RecordKey } from '../schema/record-key.ts';
import { emptyKeyState, type FieldRegister, type KeyState, merge, visibleRecord } from './join.ts';
import { type Count, targetOf } from './ledger.ts';
import { compareStamps, type OrderStamp } from './order-stamp.ts';

/** What is stored of a key. */
export interface StoredKey {
  /** Values in it are what readers see, so increments are in them. */
  readonly state: KeyState;
}

/** What a batch has said of a key so far. Immutable, so that a unit that fails can go back. */
export interface KeySaid {
  readonly change: KeyState;
  readonly counts: readonly Count[];
}

const nothingSaid: KeySaid = { change: emptyKeyState, counts: [] };

/**
 * A key that a batch changes in more than the plain way: what is stored, and what is said of it, one thing after the
 * other. The plain way is in plan.ts; here increments are counted.
 *
 * An increment counts if it is newer than the last setting of its field, be it by upsert, delete or patch. So where the
 * setting stays, only new increments are added to the value that is there; where it changes, or the record appears, all
 * increments that are newer count again, the old ones from the ledger.
 */
export class KeyDraft {
  readonly type: string;
  readonly key: RecordKey;
  readonly stored: StoredKey;
  said: KeySaid = nothingSaid;
  readonly #schema: DatasetSchema;
  readonly #oldCounts: () => readonly Count[];

  constructor(
    target: { readonly type: string; readonly key: RecordKey },
    stored: StoredKey,
    context: { readonly schema: DatasetSchema; readonly countsOf: (target: string) => readonly Count[] },
  ) {
    this.type = target.type;
    this.key = target.key;
    this.stored = stored;
    this.#schema = context.schema;
    this.#oldCounts = () => context.countsOf(targetOf(target.type, target.key));
  }

  mergeChange(change: KeyState): void {
    this.said = { ...this.said, change: merge(this.said.change, change) };
  }

  count(count: Count): void {
    this.said = { ...this.said, counts: [...this.said.counts, count] };
  }

  /** The registers with everything said; the very same object as what is stored if that changes nothing. */
  get after(): KeyState {
    const { change, counts } = this.said;
    const counted = counts.map(({ stamp }): KeyState => ({ ...emptyKeyState, countedTo: stamp }));
    return [change, ...counted].reduce(merge, this.stored.state);
  }

  /** False: all that was said is in what is stored. An increment may be in without being the greatest. */
  get isChanged(): boolean {
    const { after, stored, said } = this;
    const base = after.base?.stamp ?? null;
    return after !== stored.state || said.counts.some(({ stamp }) => !isOlder(stamp, base));
  }

  /** The record that readers will see; null: none. */
  visible(): PlainObject | null {
    const { after } = this;
    const record = visibleRecord(after);
    return record === null || after.countedTo === null ? record : this.#withCounts(record, after);
  }

  /** {@link after} as it is stored where no record holds the values of the patches: without increments in them. */
  waiting(): KeyState {
    const { after, stored } = this;
    if (visibleRecord(after) !== null || visibleRecord(stored.state) === null) return after;
    if (stored.state.countedTo === null) return after;
    const patches = new Map<string, FieldRegister>();
    for (const [field, register] of after.patches) {
      const isOld = stored.state.patches.get(field) === register;
      patches.set(field, isOld ? this.#uncounted(field, register) : register);
    }
    return { ...after, patches };
  }

  #withCounts(plain: PlainObject, after: KeyState): PlainObject {
    const { state: before } = this.stored;
    const wasVisible = visibleRecord(before) !== null;
    const stays = (field: string) => wasVisible && setterOf(before, field) === setterOf(after, field);
    const oldCounts = this.#needsOld(before, after, wasVisible) ? this.#oldCounts() : [];
    const fields = new Set(
      [...oldCounts, ...this.said.counts].flatMap(({ amounts }) => Object.keys(amounts)),
    );
    const record: Record<string, unknown> = { ...plain };
    for (const field of fields) {
      const counts = stays(field) ? this.said.counts : [...oldCounts, ...this.said.counts];
      const amounts = newerAmounts(counts, field, setterOf(after, field));
      const kind = kindOf(this.#schema, this.type, field);
      if (amounts.length > 0 && kind !== 'REFERENCE')
        record[field] = addAmounts(kind, record[field], amounts);
    }
    return record;
  }

  /** False spares a pass over the ledger: only where something older than an increment came after it does it matter. */
  #needsOld(before: KeyState, after: KeyState, wasVisible: boolean): boolean {
    const { countedTo } = before;
    if (countedTo === null || isOlder(countedTo, after.base?.stamp ?? null)) return false;
    if (!wasVisible || before.base !== after.base) return true;
    return Array.from(after.patches).some(([field, register]) => before.patches.get(field) !== register);
  }

  #uncounted(field: string, register: FieldRegister): FieldRegister {
    const amounts = newerAmounts(this.#oldCounts(), field, register.stamp);
    if (amounts.length === 0) return register;
    const kind = kindOf(this.#schema, this.type, field);
    const taken = amounts.map((amount) => -amount);
    return { ...register, value: addAmounts(kind, register.value, taken) };
  }
}

/**
 * The stamp of the last thing that changed a record, which is its version: of the upsert, patch or increment. Null: there
 * is no record.
 */
export function versionOf(state: KeyState): OrderStamp | null {
  return state.base === null || state.base.value === null ? null : greatestStamp(state);
}

/** The greatest of all that is known of a key; null: nothing is. */
export function greatestStamp({ base, patches, countedTo }: KeyState): OrderStamp | null {
  let greatest = base?.stamp ?? null;
  for (const stamp of [countedTo, ...Array.from(patches.values(), (register) => register.stamp)]) {
    if (stamp !== null && (greatest === null || compareStamps(stamp, greatest) > 0)) greatest = stamp;
  }
  return greatest;
}

/** What set a field last. */
function setterOf({ base, patches }: KeyState, field: string): OrderStamp | null {
  return patches.get(field)?.stamp ?? base?.stamp ?? null;
}

function newerAmounts(counts: readonly Count[], field: string, than: OrderStamp | null): number[] {
  return counts.flatMap(({ stamp, amounts }) => {
    const amount = amounts[field];
    return amount === undefined || isOlder(stamp, than) ? [] : [amount];
  });
}

/** Or equal. */
function isOlder(stamp: OrderStamp, than: OrderStamp | null): boolean {
  return than !== null && compareStamps(stamp, than) <= 0;
}
