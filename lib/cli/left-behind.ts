import type { ReadState } from '../state/read-state.ts';
import { RecordReferences } from '../state/record-references.ts';
import { ReferenceCounts } from '../state/reference-counts.ts';

/** A record that only a field which is gone led to. */
export interface LeftBehind {
  readonly type: string;
  readonly ordinal: number;
}

/**
 * What a change of the schema leaves behind: records without a primary key that something referred to, and nothing does
 * any more. To a writer they would be roots, and stay for ever. What only they refer to is not listed.
 *
 * @param after what `evolveState` made of `before`
 */
export function* leftBehind(before: ReadState, after: ReadState): Generator<LeftBehind, undefined> {
  const [once, now] = [countReferences(before), countReferences(after)];
  const { keyedTypes, schemas } = after.schema;
  for (const { name: type } of schemas) {
    if (keyedTypes.includes(type)) continue;
    const records = after.type(type);
    for (let ordinal = records.nextPopulated(0); ordinal >= 0; ordinal = records.nextPopulated(ordinal + 1)) {
      const wasReferred = (once.get(type)?.of(ordinal) ?? 0) > 0;
      if (wasReferred && now.get(type)?.of(ordinal) === 0) yield { type, ordinal };
    }
  }
}

/** By type. */
function countReferences(state: ReadState): ReadonlyMap<string, ReferenceCounts> {
  const { schemas } = state.schema;
  const references = new RecordReferences(schemas);
  const counts = schemas.map(({ name }) => ({ name, ofType: new ReferenceCounts() }));
  for (const [position, { name }] of schemas.entries()) {
    if (references.isLeaf(position)) continue;
    const records = state.type(name);
    for (let ordinal = records.nextPopulated(0); ordinal >= 0; ordinal = records.nextPopulated(ordinal + 1)) {
      const { count, types, ordinals } = references.readOf(position, records, ordinal);
      for (let i = 0; i < count; i++) counts[types[i] ?? -1]?.ofType.add(ordinals[i] ?? -1, 1);
    }
  }
  return new Map(counts.map(({ name, ofType }) => [name, ofType]));
}
