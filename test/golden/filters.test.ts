/** Java's chains, read with filters: what is loaded is what a reader of everything sees of it, version by version. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { isDatasetError } from '../../lib/errors.ts';
import { UniqueKeyIndex } from '../../lib/indexes/unique-key.ts';
import type { TypeFilter } from '../../lib/schema/type-filter.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { readFixture } from '../support/golden-fixtures.ts';
import { requireProjection } from '../support/projection.ts';

const cases = [
  'all-field-types',
  'collections',
  'nulls',
  'optional-parts',
  'ordinal-reuse',
  'pojo-object-mapper',
  'reshard',
  'schema-evolution',
  'shards-8',
];

interface Blob {
  readonly main: Uint8Array;
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

function chainOf(caseName: string): Blob[] {
  const chain: Blob[] = [];
  for (let n = 1; ; n++) {
    const file = n === 1 ? 'snapshot-1' : `delta-${n - 1}-${n}`;
    const main = readFixture(caseName, file);
    if (main === null) return chain;
    const part = readFixture(caseName, `${file}.part-extras`);
    chain.push({ main, parts: new Map(part === null ? [] : [['extras', part]]) });
  }
}

function statesOf(chain: readonly Blob[], filter: TypeFilter): ReadState[] {
  const states: ReadState[] = [];
  for (const { main, parts } of chain) {
    const from = states.at(-1);
    states.push(
      from === undefined ? decodeSnapshot(main, parts, filter) : applyDelta(from, main, parts).state,
    );
  }
  return states;
}

describe.each(cases)('%s', (caseName) => {
  const chain = chainOf(caseName);
  const whole = statesOf(chain, []);
  const { schemas } = (whole[0] as ReadState).schema;
  const names = schemas.map(({ name }) => name);
  const fieldNames = schemas.flatMap((schema) =>
    schema.kind === 'OBJECT' ? schema.fields.map(({ name }) => name) : [],
  );
  const scope = fc.record(
    { field: fc.constantFrom(...fieldNames), recursive: fc.boolean() },
    { requiredKeys: [] },
  );
  const name = fc.constantFrom('*', ...names);
  const rule = fc.oneof(
    fc.tuple(name, scope).map(([include, more]) => ({ include, ...more })),
    fc.tuple(name, scope).map(([exclude, more]) => ({ exclude, ...more })),
  );

  it('any filter shows a part of what is there', () => {
    fc.assert(
      fc.property(fc.array(rule, { minLength: 1, maxLength: 4 }), (filter) => {
        const states = statesOf(chain, filter);
        states.forEach((state, i) => {
          requireProjection(whole[i] as ReadState, state);
        });
        const [state] = states as [ReadState];
        expect(state.typeNames).toEqual(whole[0]?.typeNames.filter((each) => state.typeNames.includes(each)));
        for (const type of state.schema.keyedTypes) UniqueKeyIndex.build(state, type);
        if (state.schema.leftOut.length === 0) return;
        expect(() => WriteState.restore(state)).toThrow(/only a whole dataset can be written on/);
      }),
      { numRuns: 25 },
    );
  });
});

describe('parts that a reader does not give', () => {
  const chain = chainOf('optional-parts');
  const whole = statesOf(chain, []);

  it('are like types that are filtered away', () => {
    const states = statesOf(
      chain.map(({ main }) => ({ main, parts: new Map() })),
      [],
    );
    states.forEach((state, i) => {
      requireProjection(whole[i] as ReadState, state);
    });
    const missing = whole[0]?.typeNames.filter((name) => !states[0]?.typeNames.includes(name)) ?? [];
    expect(missing.length).toBeGreaterThan(0);
    for (const type of missing) {
      expect(() => states[0]?.type(type)).toThrow(expect.objectContaining({ kind: 'invalid' }));
    }
  });

  it('are refused where they are not those of the blob', () => {
    const [first, second] = chain as [Blob, Blob];
    const decode = () => decodeSnapshot(first.main, second.parts, [{ exclude: '*' }]);
    expect(decode).toThrow(expect.toSatisfy((error) => isDatasetError(error, 'corrupt')));
  });
});
