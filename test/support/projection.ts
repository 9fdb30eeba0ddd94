import { deepStrictEqual } from 'node:assert/strict';
import type { ReadState } from '../../lib/state/read-state.ts';
import type { TypeState } from '../../lib/state/type-state.ts';
import { seenRecord } from './seen-state.ts';

/** Throws unless a state that was read with a filter shows what one of everything does, of the types and fields it has. */
export function requireProjection(whole: ReadState, filtered: ReadState): void {
  for (const name of filtered.typeNames) {
    const [all, some] = [whole.type(name), filtered.type(name)];
    deepStrictEqual([some.count, some.shardCount], [all.count, all.shardCount]);
    const fields = fieldsOf(all, some);
    for (let o = all.nextPopulated(0); o >= 0; o = all.nextPopulated(o + 1)) {
      const record = seenRecord(all, o);
      const expected = fields === null ? record : fields.map((field) => (record as unknown[])[field]);
      deepStrictEqual(seenRecord(some, o), expected);
    }
  }
}

/** Where the fields of `some` are in `all`; null for collections. */
function fieldsOf(all: TypeState, some: TypeState): readonly number[] | null {
  if (all.kind !== 'OBJECT' || some.kind !== 'OBJECT') return null;
  const names = all.schema.fields.map((field) => field.name);
  return some.schema.fields.map((field) => names.indexOf(field.name));
}
