/** Sets and maps that Java laid out: every element is found by its own hash key, and by no other path than the buckets. */
import { expect, test } from 'vitest';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import type { KeyPath } from '../../lib/schema/dataset-schema.ts';
import { fieldKinds } from '../../lib/schema/schema.ts';
import { HashKeyLookup } from '../../lib/state/collection-views.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { valueReader } from '../../lib/state/record-value.ts';
import { fixtureCases, readFixture } from '../support/golden-fixtures.ts';

/** Undefined: there is a null on the way. */
function keyOf(state: ReadState, paths: readonly KeyPath[], element: number): readonly unknown[] | undefined {
  const key = paths.map(({ types, steps, leafField, leafKind }) => {
    let at = element;
    for (const [i, step] of steps.entries()) {
      if (at >= 0) at = state.objectType(types[i] ?? '').readReference(at, step);
    }
    return at < 0 ? null : valueReader(leafKind, leafField)(state.objectType(types.at(-1) ?? ''), at);
  });
  return key.includes(null) ? undefined : key;
}

function lookUpAll(state: ReadState, name: string): number {
  const records = state.type(name);
  const paths = state.schema.keyPaths(name);
  if (records.kind === 'OBJECT' || records.kind === 'LIST' || paths.length === 0) return 0;
  const lookup = new HashKeyLookup(name, paths, true);
  let count = 0;
  for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
    const elementAt = (bucket: number) =>
      records.kind === 'SET' ? records.bucketElement(o, bucket) : records.bucketKey(o, bucket);
    const table = { bucketCount: records.bucketCount(o), elementAt };
    for (let bucket = 0; bucket < table.bucketCount; bucket++) {
      const key = elementAt(bucket) < 0 ? undefined : keyOf(state, paths, elementAt(bucket));
      if (key === undefined) continue;
      // Of several elements with one key the first in probe order is found.
      const found = lookup.find(state, table, key);
      expect(keyOf(state, paths, elementAt(found)), `${name} ${o}`).toEqual(key);
      count++;
    }
  }
  return count;
}

test('every element is found by its hash key', () => {
  const kinds = new Set<string>();
  let count = 0;
  for (const caseName of fixtureCases) {
    const main = readFixture(caseName, 'snapshot-1');
    if (main === null) continue;
    const part = readFixture(caseName, 'snapshot-1.part-extras');
    const state = decodeSnapshot(main, new Map(part === null ? [] : [['extras', part]]));
    for (const name of state.typeNames) {
      const found = lookUpAll(state, name);
      if (found > 0) for (const path of state.schema.keyPaths(name)) kinds.add(path.leafKind);
      count += found;
    }
  }
  expect(count).toBeGreaterThan(50);
  expect([...kinds].toSorted()).toEqual(fieldKinds.toSorted());
});
