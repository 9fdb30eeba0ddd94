import fc from 'fast-check';
import { expect, it } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { diffStates } from '../../lib/tools/diff-states.ts';
import { noParts, noTags } from '../support/writer-model.ts';

const schema = DatasetSchema.of(
  parseSchemas(`
    A @PrimaryKey(id) { int id; String name; Tags tags; Names names; Chain chain; }
    Tags Set<String> @HashKey(value); Names Map<String,Chain>; Chain { int at; Chain next; } String { string value; }
  `),
);
const text = fc.constantFrom('a', 'b', 'c', 'd', 'é');
const { chain } = fc.letrec((tie) => ({
  chain: fc.option(fc.record({ at: fc.nat(2), next: tie('chain') }), { maxDepth: 3 }),
}));
const content = fc.record({
  name: fc.option(text),
  tags: fc.option(fc.uniqueArray(text)),
  names: fc.option(fc.dictionary(text, fc.record({ at: fc.nat(2), next: chain }))),
  chain,
});
const records = fc.dictionary(fc.nat(12).map(String), content, { maxKeys: 8 });

type Records = Readonly<Record<string, object>>;

/** The next state of a chain: records that stay keep their ordinals, as do those that only change what they refer to. */
function next(from: ReadState, given: Records, order: readonly string[]): ReadState {
  const cycle = WriteState.restore(from).begin();
  const old = from.type('A');
  for (let o = old.nextPopulated(0); o >= 0; o = old.nextPopulated(o + 1)) cycle.remove('A', o);
  for (const id of order) cycle.add('A', { id: Number(id), ...given[id] });
  const { main } = encodeDelta(cycle.transition(), { tag: 5n, headerTags: noTags, parts: noParts });
  return applyDelta(from, main).state;
}

const inNoOrder = (differences: ReturnType<typeof diffStates>) =>
  differences.map(({ removed, added, changed, ...rest }) => ({
    ...rest,
    removed: removed.toSorted(),
    added: added.toSorted(),
    changed: changed.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  }));

it('two states differ in the same records, whether these kept their ordinals or not', () => {
  const empty = ReadState.empty(schema);
  fc.assert(
    fc.property(records, records, records, fc.boolean(), (first, meanwhile, changes, isReversed) => {
      const before = next(empty, first, Object.keys(first));
      const second = { ...first, ...changes };
      // Ordinals that the version between the two has freed hold other records then.
      const after = next(next(before, meanwhile, Object.keys(meanwhile)), second, Object.keys(second));
      const ids = Object.keys(second);
      const anew = next(empty, second, isReversed ? ids.toReversed() : [...ids.slice(1), ...ids.slice(0, 1)]);
      const differences = inNoOrder(diffStates(before, after));
      expect(differences).toEqual(inNoOrder(diffStates(before, anew)));
      expect(diffStates(after, anew)).toEqual([]);
      const changed = differences.find(({ type }) => type === 'A');
      expect(changed?.added ?? []).toEqual(
        ids
          .filter((id) => !(id in first))
          .map((id) => `[${id}]`)
          .toSorted(),
      );
    }),
  );
});
