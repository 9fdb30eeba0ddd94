import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { encodeReverseDelta } from '../../lib/blob/encode-delta.ts';
import { encodeSnapshot } from '../../lib/blob/encode-snapshot.ts';
import { ByteWriter } from '../../lib/bytes/byte-writer.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import type { TypeStatistics } from '../../lib/state/type-statistics.ts';
import { WidthHistograms } from '../../lib/state/width-histograms.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { textOfRecord, textOfValue } from '../support/record-text.ts';
import {
  type Mutation,
  moveOn,
  mutate,
  mutationsOf,
  noParts,
  type PlainRecord,
  recordsOf,
  step,
} from '../support/writer-model.ts';

const objects = DatasetSchema.of(
  parseSchemas(`
    City @PrimaryKey(id) { int id; String name; Country country; double lat; long population; Mayor mayor; bytes raw; }
    String { string value; }
    Country { string code; String name; Currency currency; boolean eu; }
    Currency { string code; float rate; }
    Mayor @PrimaryKey(id) { int id; String name; }
  `),
);

const collections = DatasetSchema.of(
  parseSchemas(`
    City @PrimaryKey(id) { int id; Streets streets; Tags tags; Ratings ratings; Twins twins; Districts districts; }
    Streets List<Street>;
    Street { string name; int houses; }
    Tags Set<Tag> @HashKey(value);
    Tag { string value; }
    Ratings Map<Tag, Rating> @HashKey(value);
    Rating { double stars; }
    Twins Set<Twin> @HashKey(street.name, year);
    Twin { int year; Street street; }
    Districts List<District>;
    District Map<Street, Streets>;
  `),
);

const idMax = 12;
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 4 });
const text = fc.oneof(fc.constantFrom('a', 'b', 'Utrecht', ''), fc.string({ unit: 'binary', maxLength: 30 }));
const name = fc.record({ value: text });
const currency = fc.record({
  code: fc.constantFrom('EUR', 'CHF'),
  rate: orNull(fc.float({ noNaN: true })),
});
const country = fc.record({
  code: fc.constantFrom('NL', 'CH', 'FR'),
  name,
  currency: orNull(currency),
  eu: orNull(fc.boolean()),
});
const mayor = fc.record({ id: fc.nat(3), name });
const long = fc.oneof(fc.maxSafeInteger(), fc.nat(3), fc.bigInt(-(2n ** 63n) + 1n, 2n ** 63n - 1n));
const plainCity: fc.Arbitrary<PlainRecord> = fc.record({
  id: fc.nat(idMax),
  name: orNull(name),
  country: orNull(country),
  lat: orNull(fc.double({ noNaN: true })),
  population: orNull(long),
  mayor: orNull(mayor),
  raw: orNull(fc.uint8Array({ maxLength: 5 })),
});

const street = fc.record({
  name: fc.constantFrom('x', 'y', 'z', 'long lane'),
  houses: fc.integer({ min: -2_147_483_647 }),
});
const someStreets = fc.array(
  fc.oneof(street, fc.constantFrom({ name: 'x', houses: 1 }, { name: 'y', houses: 2 })),
  { maxLength: 6 },
);
const tag = fc.record({ value: fc.oneof(fc.constantFrom('old', 'new', 'big'), fc.string({ maxLength: 3 })) });
const twin = fc.record({ year: fc.integer({ min: -2, max: 3 }), street });
const cityOfCollections: fc.Arbitrary<PlainRecord> = fc.record({
  id: fc.nat(idMax),
  streets: orNull(someStreets),
  tags: orNull(fc.array(tag, { maxLength: 9 })),
  ratings: orNull(
    fc.array(fc.tuple(tag, fc.record({ stars: orNull(fc.integer({ min: 0, max: 3 })) })), { maxLength: 6 }),
  ),
  twins: orNull(fc.array(twin, { maxLength: 5 })),
  districts: orNull(fc.array(fc.array(fc.tuple(street, someStreets), { maxLength: 3 }), { maxLength: 3 })),
});

const suites = [
  { title: 'objects', schema: objects, city: plainCity, keyedTypes: ['Mayor'] },
  { title: 'collections', schema: collections, city: cityOfCollections, keyedTypes: [] },
];

/**
 * The roots: cities by id, and records of other keyed types that were ever part of a version (these stay). What lives
 * is worked out from them alone, with no counts kept from one version to the next.
 */
class Model {
  readonly #schema: DatasetSchema;
  readonly #cities = new Map<number, PlainRecord>();
  readonly #otherRoots = new Map<string, ReadonlySet<string>>();

  constructor(schema: DatasetSchema) {
    this.#schema = schema;
  }

  /** By type, the texts of the records that live. */
  apply(mutations: readonly Mutation[]): ReadonlyMap<string, ReadonlySet<string>> {
    for (const mutation of mutations) {
      if ('value' in mutation) this.#cities.set(mutation.value.id, mutation.value);
      else this.#cities.delete(mutation.id);
    }
    const alive = new Map<string, Set<string>>(this.#schema.schemas.map((type) => [type.name, new Set()]));
    for (const city of this.#cities.values()) {
      textOfValue(this.#schema, 'City', city, (type, found) => alive.get(type)?.add(found));
      this.#keepMayorOf(city);
    }
    for (const kept of this.#otherRoots.values()) {
      for (const typeAndText of kept) {
        const [type = '', found = ''] = typeAndText.split('\n');
        alive.get(type)?.add(found);
      }
    }
    return alive;
  }

  #keepMayorOf({ mayor: nested }: PlainRecord): void {
    if (nested === null || nested === undefined) return;
    const parts = new Set<string>();
    const found = textOfValue(this.#schema, 'Mayor', nested, (type, part) => parts.add(`${type}\n${part}`));
    this.#otherRoots.set(found, parts);
  }
}

/** A pass over the records of two states together, as Hollow makes it before every blob. */
function fullPass(before: ReadState, after: ReadState, type: string): TypeStatistics {
  const histograms = new WidthHistograms(after.schema.get(type), after.type(type).shardCount);
  const record = new ByteWriter();
  const seen = new Set<number>();
  for (const state of [before, after]) {
    const records = state.type(type);
    for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
      if (seen.has(o)) continue;
      seen.add(o);
      record.reset();
      records.writeRecord(o, record);
      histograms.count(record.bytes, 0, o, 1);
    }
  }
  return histograms.statistics(Math.max(-1, ...seen));
}

function contents(state: ReadState): Record<string, unknown> {
  return Object.fromEntries(
    state.typeNames.map((type) => [type, Object.fromEntries(recordsOf(state, type))]),
  );
}

describe.each(suites)('a writer over random cycles of $title', ({ schema, city, keyedTypes }) => {
  const cycles = fc.array(mutationsOf(city, idMax), { minLength: 1, maxLength: 8 });

  it('keeps exactly what the model keeps', () => {
    fc.assert(
      fc.property(cycles, (chain) => {
        const model = new Model(schema);
        const writer = WriteState.restore(ReadState.empty(schema));
        chain.forEach((mutations, i) => {
          const cycle = writer.begin();
          mutate(cycle, writer.state, 'City', mutations);
          const next = step(writer, cycle, BigInt(i + 1));
          const { state } = next;
          moveOn(writer, next, i % 2 === 0);
          for (const [type, texts] of model.apply(mutations)) {
            const found = [...recordsOf(state, type).keys()].map((ordinal) =>
              textOfRecord(state, type, ordinal),
            );
            expect(found.toSorted(), type).toEqual([...texts].toSorted());
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  it('counts as a full pass would, and as a writer that has just restored the state', () => {
    fc.assert(
      fc.property(cycles, cycles, (chain, dropped) => {
        const writer = WriteState.restore(ReadState.empty(schema));
        chain.forEach((mutations, i) => {
          const before = writer.state;
          const lost = writer.begin();
          mutate(lost, before, 'City', dropped[i % dropped.length] as Mutation[]);
          step(writer, lost, 99n);

          const cycle = writer.begin();
          mutate(cycle, before, 'City', mutations);
          const restored = WriteState.restore(before);
          const other = restored.begin();
          mutate(other, before, 'City', mutations);
          const next = step(writer, cycle, BigInt(i + 1));
          const { delta, state } = next;
          const same = step(restored, other, BigInt(i + 1));
          expect(same.delta.main).toEqual(delta.main);

          moveOn(writer, next, i % 3 > 0);
          moveOn(restored, same, i % 3 === 0);
          for (const type of state.typeNames) {
            const expected = fullPass(before, state, type);
            expect(writer.statistics.get(type), type).toEqual(expected);
            expect(restored.statistics.get(type), type).toEqual(expected);
            const planned = cycle.transition().types.find((change) => change.schema.name === type);
            if (planned !== undefined) expect(planned.statistics).toEqual(expected);
          }
        });
      }),
      { numRuns: 40 },
    );
  });

  it('has nothing left when every root is removed', () => {
    fc.assert(
      fc.property(cycles, (chain) => {
        const writer = WriteState.restore(ReadState.empty(schema));
        chain.forEach((mutations, i) => {
          const cycle = writer.begin();
          mutate(cycle, writer.state, 'City', mutations);
          moveOn(writer, step(writer, cycle, BigInt(i + 1)), i % 2 === 0);
        });
        const last = writer.begin();
        for (const type of ['City', ...keyedTypes]) {
          for (const ordinal of recordsOf(writer.state, type).keys()) last.remove(type, ordinal);
        }
        const { state } = step(writer, last, 99n);
        for (const type of state.typeNames) expect(state.type(type).count, type).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it('leads to the same state by delta, by snapshot, and there and back, whatever the shards', () => {
    const sizes = fc.array(fc.constantFrom(undefined, 1e9, 64, 16), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(cycles, sizes, fc.boolean(), (chain, shardSizes, withStatistics) => {
        const writer = WriteState.restore(ReadState.empty(schema));
        chain.forEach((mutations, i) => {
          const before = writer.state;
          const shardSizeMax = shardSizes[i % shardSizes.length];
          const cycle = writer.begin(shardSizeMax === undefined ? {} : { shardSizeMax });
          mutate(cycle, before, 'City', mutations);
          const next = step(writer, cycle, BigInt(i + 1));
          const { state } = next;
          const back = encodeReverseDelta(cycle.transition(), { tag: state.tag, parts: noParts });
          expect(contents(applyDelta(state, back.main).state)).toEqual(contents(before));
          moveOn(writer, next, i % 2 === 0);
          for (const type of state.typeNames) {
            expect(writer.statistics.get(type), type).toEqual(fullPass(before, state, type));
          }
          const options = withStatistics
            ? { parts: noParts, statistics: writer.statistics }
            : { parts: noParts };
          const loaded = decodeSnapshot(encodeSnapshot(state, options).main);
          expect(contents(loaded)).toEqual(contents(state));
          expect([loaded.tag, loaded.originTag]).toEqual([state.tag, state.originTag]);
        });
      }),
      { numRuns: 40 },
    );
  });
});
