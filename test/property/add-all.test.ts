import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { validateRecord } from '../../lib/schema/record.ts';
import type { Cycle } from '../../lib/state/cycle.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { moveOn, recordsOf, step } from '../support/writer-model.ts';

/** Collections of strings, which are looked ahead at; others; and a type within itself, whose ordinals go by the order of writing. */
const schema = DatasetSchema.of(
  parseSchemas(`
    City @PrimaryKey(id) { int id; Text name; Tags tags; Labels labels; Names names; Twins twins; Place place; Sizes sizes; }
    Text { string value; }
    Tags Set<Text> @HashKey(value);
    Labels Map<Text, Text> @HashKey(value);
    Names List<Text>;
    Twins Map<Text, Twin>;
    Twin { Text name; Tags tags; }
    Place { Text name; Tags tags; Place within; }
    Sizes Map<Text, Size>;
    Size { int value; }
  `),
);

const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 6 });
/** As records from JSON mostly have them; now and then as the record that they stand for. */
const word = fc.oneof(
  { arbitrary: fc.constantFrom('a', 'b', 'c', 'd', 'Utrecht', 'é', 'x'.repeat(70)), weight: 6 },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 3 }), weight: 2 },
  { arbitrary: fc.record({ value: fc.constantFrom('a', 'e', '') }), weight: 1 },
);
const words = fc.array(word, { maxLength: 6 });
const byWord = (value: fc.Arbitrary<unknown>) =>
  fc.oneof(
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'size', '1'), value, { maxKeys: 5 }),
    fc.array(fc.tuple(word, value), { maxLength: 3 }),
  );
const { place } = fc.letrec<{ place: unknown }>((tie) => ({
  place: fc.record({
    name: orNull(word),
    tags: orNull(words),
    within: fc.option(tie('place'), { nil: null, maxDepth: 3 }),
  }),
}));
const city = fc.record(
  {
    id: fc.nat(30),
    name: orNull(word),
    tags: orNull(words),
    labels: orNull(byWord(word)),
    names: orNull(words),
    twins: orNull(byWord(fc.record({ name: word, tags: words }))),
    place: orNull(place),
    sizes: orNull(byWord(fc.nat(3))),
  },
  { requiredKeys: ['id'] },
);
/** More than are written together, now and then. */
const batch = fc.oneof(
  { arbitrary: fc.array(city, { maxLength: 12 }), weight: 3 },
  { arbitrary: fc.array(city, { minLength: 60, maxLength: 150 }), weight: 1 },
);

const addEach = (cycle: Cycle, type: string, values: readonly unknown[]) =>
  values.map((value) => cycle.add(type, value));
const addAll = (cycle: Cycle, type: string, values: readonly unknown[]) => [...cycle.addAll(type, values)];

/** Removes some of what was there, so that strings go and their ordinals come again. */
function removeSome(cycle: Cycle, state: ReadState, everyNth: number): void {
  [...recordsOf(state, 'City').keys()].forEach((ordinal, i) => {
    if (i % everyNth === 0) cycle.remove('City', ordinal);
  });
}

it('writes the same bytes as adding one after the other to a writer that knows of nothing', () => {
  const cycles = fc.array(
    fc.record({ values: batch, lost: batch, everyNth: fc.integer({ min: 1, max: 4 }) }),
    {
      minLength: 1,
      maxLength: 6,
    },
  );
  fc.assert(
    fc.property(cycles, fc.constantFrom('changes' as const, 'populate' as const), (chain, mode) => {
      const writer = WriteState.restore(ReadState.empty(schema));
      chain.forEach(({ values, lost, everyNth }, i) => {
        for (const value of values) expect(validateRecord(schema, 'City', value, 'value')).toBeNull();
        const dropped = writer.begin();
        addAll(dropped, 'City', lost);

        const fresh = WriteState.restore(writer.state);
        const [cycle, other] = [writer.begin({ mode }), fresh.begin({ mode })];
        if (mode === 'changes') for (const each of [cycle, other]) removeSome(each, writer.state, everyNth);
        expect(addAll(cycle, 'City', values)).toEqual(addEach(other, 'City', values));
        const next = step(writer, cycle, BigInt(i + 1));
        expect(next.delta.main).toEqual(step(fresh, other, BigInt(i + 1)).delta.main);
        moveOn(writer, next, i % 2 === 0);
      });
    }),
    { numRuns: 60 },
  );
});

it('adds what comes before a record that is not valid, and says which', () => {
  const cycle = WriteState.restore(ReadState.empty(schema)).begin();
  const good = { id: 1, tags: ['a'] };
  expect(() => cycle.addAll('City', [good, 'no city', { id: 2 }])).toThrow(
    'expected City, got string "no city"',
  );
  expect(() => cycle.addAll('City', [{ id: 3, tags: [7] }])).toThrow('expected a value of kind STRING');
  const added = cycle.transition().types.find((type) => type.schema.name === 'City')?.added.ordinals;
  expect([...(added ?? [])]).toEqual([0]);
});
