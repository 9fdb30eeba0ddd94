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
import {
  type Mutation,
  mutate,
  mutationsOf,
  noParts,
  type PlainRecord,
  recordsOf,
  take,
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

const idMax = 12;
const name = fc.oneof(
  fc.constantFrom('a', 'b', 'Utrecht', ''),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
);
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 4 });
const currency = fc.record({ code: fc.constantFrom('EUR', 'CHF'), rate: orNull(fc.float({ noNaN: true })) });
const country = fc.record({
  code: fc.constantFrom('NL', 'CH', 'FR'),
  name,
  currency: orNull(currency),
  eu: orNull(fc.boolean()),
});
const mayor = fc.record({ id: fc.nat(3), name });
const city: fc.Arbitrary<PlainRecord> = fc.record({
  id: fc.nat(idMax),
  name: orNull(name),
  country: orNull(country),
  lat: orNull(fc.double({ noNaN: true })),
  population: orNull(fc.oneof(fc.maxSafeInteger(), fc.nat(3), fc.bigInt(-(2n ** 63n) + 1n, 2n ** 63n - 1n))),
  mayor: orNull(mayor),
  raw: orNull(fc.uint8Array({ maxLength: 5 })),
});
const cycles = fc.array(mutationsOf(city, idMax), { minLength: 1, maxLength: 8 });

/** By type: the values that must be there, as text. */
type Alive = ReadonlyMap<string, ReadonlySet<string>>;

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, field: unknown) => {
    if (typeof field === 'bigint') return String(field);
    return Object.is(field, -0) ? '-0' : field;
  });

/** What lives if these are the roots: they, and all that they contain. */
function closure(roots: Iterable<readonly [string, Readonly<Record<string, unknown>>]>): Alive {
  const alive = new Map<string, Set<string>>(objects.schemas.map((schema) => [schema.name, new Set()]));
  const visit = (type: string, value: unknown): void => {
    alive.get(type)?.add(textOf(value));
    for (const field of objects.getObject(type).fields) {
      if (field.referencedType === null || typeof value !== 'object' || value === null) continue;
      const nested: unknown = Reflect.get(value, field.name);
      if (nested !== null) visit(field.referencedType, nested);
    }
  };
  for (const [type, value] of roots) visit(type, value);
  return alive;
}

/** The roots of the model: cities by id, and every mayor that was ever part of a version (keyed records stay). */
class Model {
  readonly cities = new Map<number, PlainRecord>();
  readonly mayors = new Map<string, PlainRecord>();

  apply(mutations: readonly Mutation[]): Alive {
    for (const mutation of mutations) {
      if ('value' in mutation) this.cities.set(mutation.value.id, mutation.value);
      else this.cities.delete(mutation.id);
    }
    for (const { mayor: nested } of this.cities.values()) {
      if (nested !== null) this.mayors.set(textOf(nested), nested as PlainRecord);
    }
    return closure([
      ...[...this.cities.values()].map((value) => ['City', value] as const),
      ...[...this.mayors.values()].map((value) => ['Mayor', value] as const),
    ]);
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

describe('a writer over random cycles', () => {
  it('keeps exactly what the model keeps', () => {
    fc.assert(
      fc.property(cycles, (chain) => {
        const model = new Model();
        const writer = WriteState.restore(ReadState.empty(objects));
        chain.forEach((mutations, i) => {
          const cycle = writer.begin();
          mutate(cycle, writer.state, 'City', mutations);
          const { state, changes } = take(writer, cycle, BigInt(i + 1));
          writer.advance(state, changes);
          const alive = model.apply(mutations);
          for (const [type, values] of alive) expect(state.type(type).count, type).toBe(values.size);
        });
      }),
      { numRuns: 150 },
    );
  });

  it('counts as a full pass would, and as a writer that has just restored the state', () => {
    fc.assert(
      fc.property(cycles, cycles, (chain, dropped) => {
        const writer = WriteState.restore(ReadState.empty(objects));
        chain.forEach((mutations, i) => {
          const before = writer.state;
          const lost = writer.begin();
          mutate(lost, before, 'City', dropped[i % dropped.length] as Mutation[]);
          take(writer, lost, 99n);

          const cycle = writer.begin();
          mutate(cycle, before, 'City', mutations);
          const restored = WriteState.restore(before);
          const other = restored.begin();
          mutate(other, before, 'City', mutations);
          const { delta, state, changes } = take(writer, cycle, BigInt(i + 1));
          expect(take(restored, other, BigInt(i + 1)).delta.main).toEqual(delta.main);

          writer.advance(state, changes);
          for (const type of state.typeNames) {
            const expected = fullPass(before, state, type);
            expect(writer.statistics.get(type), type).toEqual(expected);
            const planned = cycle.transition().types.find(({ schema }) => schema.name === type);
            if (planned !== undefined) expect(planned.statistics).toEqual(expected);
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  it('has nothing left when every root is removed', () => {
    fc.assert(
      fc.property(cycles, (chain) => {
        const writer = WriteState.restore(ReadState.empty(objects));
        chain.forEach((mutations, i) => {
          const cycle = writer.begin();
          mutate(cycle, writer.state, 'City', mutations);
          const { state, changes } = take(writer, cycle, BigInt(i + 1));
          writer.advance(state, changes);
        });
        const last = writer.begin();
        for (const type of ['City', 'Mayor']) {
          for (const ordinal of recordsOf(writer.state, type).keys()) last.remove(type, ordinal);
        }
        const { state } = take(writer, last, 99n);
        for (const type of state.typeNames) expect(state.type(type).count, type).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('leads to the same state by delta, by snapshot, and there and back', () => {
    fc.assert(
      fc.property(cycles, fc.boolean(), (chain, withStatistics) => {
        const writer = WriteState.restore(ReadState.empty(objects));
        chain.forEach((mutations, i) => {
          const before = writer.state;
          const cycle = writer.begin();
          mutate(cycle, before, 'City', mutations);
          const { state, changes } = take(writer, cycle, BigInt(i + 1));
          const back = encodeReverseDelta(cycle.transition(), { tag: state.tag, parts: noParts });
          expect(contents(applyDelta(state, back.main).state)).toEqual(contents(before));
          writer.advance(state, changes);
          const options = withStatistics
            ? { parts: noParts, statistics: writer.statistics }
            : { parts: noParts };
          const loaded = decodeSnapshot(encodeSnapshot(state, options).main);
          expect(contents(loaded)).toEqual(contents(state));
          expect([loaded.tag, loaded.originTag]).toEqual([state.tag, state.originTag]);
        });
      }),
      { numRuns: 60 },
    );
  });
});
