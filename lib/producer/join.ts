/**
 * What the mutations of one key add up to. `merge` is commutative, associative and idempotent as long as stamps are
 * unique (see OrderStamp), so it does not matter in which order, how often, or in which batches mutations arrive:
 *
 * - the base is the upsert or delete with the greatest stamp,
 * - each field has a register of its own: the patch of it with the greatest stamp, if that is greater than the base's,
 * - the visible record is the base's value with these patches over it. Patches of a key that is absent or deleted wait,
 *   until an upsert comes that is older than they are and newer than the deletion,
 * - increments are patches that add: those that are newer than the last setting of their field are in its value. How much
 *   they add up to is no register, since they must not be added twice: the ledger counts them (ledger.ts, key-draft.ts).
 */

import type { PlainObject } from '../schema/plain-object.ts';
import type { RecordKey } from '../schema/record-key.ts';
import type { JoinedMutation } from './mutations.ts';
import { compareStamps, type OrderStamp } from './order-stamp.ts';

/** The greatest upsert or delete. */
export interface BaseRegister {
  readonly stamp: OrderStamp;
  /** Null: deleted. Where patches lie over a field, its value here does not matter. */
  readonly value: PlainObject | null;
}

/** The greatest patch of one field. */
export interface FieldRegister {
  readonly stamp: OrderStamp;
  readonly value: unknown;
}

/** Immutable. */
export interface KeyState {
  /** Null: no upsert or delete was ever seen. */
  readonly base: BaseRegister | null;
  /** By field name; all newer than the base. */
  readonly patches: ReadonlyMap<string, FieldRegister>;
  /** Stamp of the greatest increment that is newer than the base; null: there is none. */
  readonly countedTo: OrderStamp | null;
}

const noPatches: ReadonlyMap<string, FieldRegister> = new Map();

/** A key of which nothing is known. */
export const emptyKeyState: KeyState = { base: null, patches: noPatches, countedTo: null };

/** The state with `other` joined in; `state` itself (the same object) if it knew all of that already. */
export function merge(state: KeyState, other: KeyState): KeyState {
  const base = isNewer(other.base, state.base) ? other.base : state.base;
  const countedTo = greatestCount(base, state.countedTo, other.countedTo);
  let isChanged = base !== state.base || countedTo !== state.countedTo;
  if (state.patches.size === 0 && other.patches.size === 0) {
    return isChanged ? { base, patches: noPatches, countedTo } : state;
  }
  const patches = new Map<string, FieldRegister>();
  for (const [field, register] of state.patches) {
    if (isNewer(register, base)) patches.set(field, register);
  }
  for (const [field, register] of other.patches) {
    if (!isNewer(register, base) || !isNewer(register, patches.get(field) ?? null)) continue;
    patches.set(field, register);
    isChanged = true;
  }
  return isChanged ? { base, patches, countedTo } : state;
}

function greatestCount(
  base: BaseRegister | null,
  a: OrderStamp | null,
  b: OrderStamp | null,
): OrderStamp | null {
  if (a === null && b === null) return null;
  const greatest = a === null || (b !== null && compareStamps(b, a) > 0) ? b : a;
  if (greatest === null || (base !== null && compareStamps(greatest, base.stamp) <= 0)) return null;
  return greatest;
}

/** {@link merge} with one mutation. */
export function join(state: KeyState, mutation: JoinedMutation): KeyState {
  return merge(state, keyStateOf(mutation));
}

/** The record that readers see, or null if there is none. */
export function visibleRecord(state: KeyState): PlainObject | null {
  const value = state.base?.value ?? null;
  if (value === null || state.patches.size === 0) return value;
  const record: Record<string, unknown> = { ...value };
  for (const [field, register] of state.patches) record[field] = register.value;
  return record;
}

/** All that a batch says about one key, to be merged into what is stored. */
export interface KeyChange {
  readonly type: string;
  readonly key: RecordKey;
  readonly change: KeyState;
}

/** The mutations as one change per key, in the order in which the keys first appear. */
export function coalesce(mutations: Iterable<JoinedMutation>): readonly KeyChange[] {
  const byType = new Map<string, Map<string | number, KeyChange>>();
  for (const mutation of mutations) {
    const { type, key } = mutation;
    let byKey = byType.get(type);
    if (byKey === undefined) {
      byKey = new Map();
      byType.set(type, byKey);
    }
    const { identity } = key;
    const earlier = byKey.get(identity);
    const change = earlier === undefined ? keyStateOf(mutation) : join(earlier.change, mutation);
    byKey.set(identity, { type, key: earlier?.key ?? key, change });
  }
  return Array.from(byType.values(), (byKey) => [...byKey.values()]).flat();
}

/** All that one mutation says. */
export function keyStateOf(mutation: JoinedMutation): KeyState {
  const { stamp } = mutation;
  switch (mutation.op) {
    case 'upsert':
      return { base: { stamp, value: mutation.value }, patches: noPatches, countedTo: null };
    case 'delete':
      return { base: { stamp, value: null }, patches: noPatches, countedTo: null };
    case 'patch':
      return {
        base: null,
        patches: new Map(Object.entries(mutation.fields).map(([field, value]) => [field, { stamp, value }])),
        countedTo: null,
      };
  }
}

type Register = BaseRegister | FieldRegister;

function isNewer(candidate: Register | null, than: Register | null): boolean {
  if (candidate === null) return false;
  return than === null || compareStamps(candidate.stamp, than.stamp) > 0;
}
