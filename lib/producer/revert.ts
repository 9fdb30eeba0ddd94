import type { LoadedState } from '../consumer/loaded-version.ts';
import { DatasetError } from '../errors.ts';
import type { PlainObject } from '../schema/plain-object.ts';
import { keyOfRecord } from '../schema/record-key.ts';
import { recordJson, recordObject, recordToWrite } from '../state/plain-record.ts';
import { isBookkeepingType } from './bookkeeping-schema.ts';
import { type KeyChange, keyStateOf } from './join.ts';
import type { OrderStamp } from './order-stamp.ts';

/**
 * The mutations that make the records of `base` those of `old`: an upsert of each record that is missing or different, a
 * delete of each that was not there, all with one stamp. Pure. A record that is newer than the stamp will stay.
 *
 * @param old with indexes of all keyed types
 * @throws DatasetError `incompatible`: the two have different keyed types
 */
export function revertChanges(base: LoadedState, old: LoadedState, stamp: OrderStamp): KeyChange[] {
  const types = base.state.schema.keyedTypes.filter((type) => !isBookkeepingType(type));
  const changes: KeyChange[] = [];
  for (const type of types) {
    const [from, to] = [base.indexes.get(type), old.indexes.get(type)];
    if (from === undefined || to === undefined) {
      throw new DatasetError('incompatible', `type '${type}' is not in both versions`, { type });
    }
    for (const { key, ordinal } of recordsOf(old, type)) {
      const there = from.findByKey(key.parts);
      if (there >= 0 && textOf(base, type, there) === textOf(old, type, ordinal)) continue;
      const value = recordToWrite(old.state, type, ordinal);
      changes.push({ type, key, change: keyStateOf({ op: 'upsert', type, key, stamp, value }) });
    }
    for (const { key } of recordsOf(base, type)) {
      if (to.findByKey(key.parts) >= 0) continue;
      changes.push({ type, key, change: keyStateOf({ op: 'delete', type, key, stamp }) });
    }
  }
  return changes;
}

function* recordsOf({ state }: LoadedState, type: string) {
  const records = state.type(type);
  for (let ordinal = records.nextPopulated(0); ordinal >= 0; ordinal = records.nextPopulated(ordinal + 1)) {
    const value: PlainObject = recordObject(state, type, ordinal);
    yield { key: keyOfRecord(state.schema, type, value), ordinal };
  }
}

/** Equal texts are equal records. Sets and maps may differ in order only: then a record is written as it is once more. */
function textOf({ state }: LoadedState, type: string, ordinal: number): string {
  return JSON.stringify(recordJson(state, type, ordinal));
}
