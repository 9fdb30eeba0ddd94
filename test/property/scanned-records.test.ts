import fc from 'fast-check';
import { expect, it } from 'vitest';
import { limits } from '../../lib/limits.ts';
import { type ParsedMessage, parseMessage } from '../../lib/producer/mutations.ts';
import { MessageScanner } from '../../lib/producer/scan-message.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { PartitionMap } from '../../lib/schema/partition-map.ts';
import { ScannedRecord } from '../../lib/schema/scanned-record.ts';
import type { Cycle } from '../../lib/state/cycle.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { moveOn, recordsOf, step } from '../support/writer-model.ts';

/** All kinds of values and types, one of them within itself, keys of all kinds that JSON has, and one that leads through a reference. */
const schemas = parseSchemas(`
  City @PrimaryKey(id) { long id; Text name; string note; int size; float f; double d; boolean isBig; bytes y;
    Tags tags; Labels labels; Names names; Twins twins; Place place; Sizes sizes; }
  Text { string value; }
  Tags Set<Text> @HashKey(value);
  Labels Map<Text, Text> @HashKey(value);
  Names List<Text>;
  Twins Map<Text, Twin>;
  Twin { Text name; Tags tags; }
  Place @PrimaryKey(name) { string name; Tags tags; Place within; }
  Sizes List<Size>;
  Size { int value; }
  Keyed @PrimaryKey(i, f, d, b, s) { int i; float f; double d; boolean b; string s; }
  Deep @PrimaryKey(place.name) { Place place; int x; }
`);
const schema = DatasetSchema.of(schemas);
const nowMs = 1_800_000_000_000;
const bodySizeMax: number = limits.messageSizeMax;

const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 6 });
/** Mostly what is scanned; now and then what is not. */
const mostly = <T, U>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<U>) =>
  fc.oneof({ arbitrary: usual, weight: 99 }, { arbitrary: other, weight: 1 });
const usualWord = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'c', 'd', 'Utrecht', 'x'.repeat(70)),
  fc.string({ unit: 'grapheme-ascii', maxLength: 3 }).map((text) => text.replace(/["\\]/g, '~')),
);
const oddWord = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.constantFrom('é', '"', '\\', '\u007f'),
);
const word = mostly(usualWord, fc.oneof(oddWord, fc.record({ value: usualWord }), fc.constant(null)));
const words = fc.array(word, { maxLength: 6 });
const mapKey = mostly(
  fc.constantFrom('', 'a', 'b', 'c', 'size', 'Aa', 'BB'),
  fc.constantFrom('1', '07', '__proto__', '-1', 'é'),
);
const byWord = (value: fc.Arbitrary<unknown>) =>
  mostly(fc.dictionary(mapKey, value, { maxKeys: 5 }), fc.array(fc.tuple(word, value), { maxLength: 3 }));
const whole = mostly(
  fc.oneof(fc.nat(9), fc.integer(), fc.maxSafeInteger()),
  fc.constantFrom<unknown>(-0, 2 ** 31, -(2 ** 31), 2 ** 53, 0.5, '7', true),
);
const int = mostly(
  fc.oneof(fc.nat(9), fc.integer({ min: -2_147_483_647 })),
  fc.constantFrom<unknown>(-0, 2 ** 31, -(2 ** 31), 2 ** 40, 0.5, '7', true),
);
const real = mostly(
  fc.oneof(
    fc.integer({ min: -99_999, max: 99_999 }).map((n) => n / 1000),
    fc.integer(),
  ),
  fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom<unknown>(-0, 1e39, 0.1 + 0.2, 1e-7, '1', null),
  ),
);
const { place } = fc.letrec<{ place: unknown }>((tie) => ({
  place: fc.record({
    name: mostly(usualWord, fc.constant(null)),
    tags: orNull(words),
    within: fc.option(tie('place'), { nil: null, maxDepth: 3 }),
  }),
}));
const city = fc.record(
  {
    id: mostly(fc.nat(30), whole),
    name: orNull(word),
    note: orNull(mostly(usualWord, oddWord)),
    size: orNull(int),
    f: orNull(real),
    d: orNull(real),
    isBig: orNull(fc.boolean()),
    y: mostly(fc.constant(null), fc.constant('AAE=')),
    tags: orNull(words),
    labels: orNull(byWord(word)),
    names: orNull(words),
    twins: orNull(byWord(fc.record({ name: word, tags: words }))),
    place: orNull(place),
    sizes: orNull(fc.array(int, { maxLength: 3 })),
  },
  { requiredKeys: ['id'] },
);
const keyed = fc.record({ i: int, f: real, d: real, b: fc.boolean(), s: mostly(usualWord, oddWord) });
const deep = fc.record({ place, x: int });
const shuffled = <T extends object>(record: fc.Arbitrary<T>) =>
  fc.oneof(
    record,
    fc.tuple(record, fc.infiniteStream(fc.nat())).map(([value, order]) =>
      Object.fromEntries(
        Object.entries(value)
          .map((entry) => [order.next().value, entry] as const)
          .sort(([a], [b]) => a - b)
          .map(([, entry]) => entry),
      ),
    ),
  );
const upsertOf = (type: string, value: fc.Arbitrary<object>) =>
  shuffled(value).map((each) => ({ op: 'upsert', type, value: each }));
const upsert = fc.oneof(
  { arbitrary: upsertOf('City', city), weight: 6 },
  { arbitrary: upsertOf('Place', place as fc.Arbitrary<object>), weight: 1 },
  { arbitrary: upsertOf('Keyed', keyed), weight: 2 },
  { arbitrary: upsertOf('Deep', deep), weight: 1 },
);
const progress = fc.constantFrom<unknown>({ source: 'app', sequence: 7 }, { source: '', sequence: 0 }, 1);
const content = fc.oneof(
  upsert,
  fc.record(
    {
      mutations: fc.array(mostly(upsert, fc.constant({ op: 'delete', type: 'City', key: { id: 1 } })), {
        maxLength: 4,
      }),
      progress: mostly(fc.constant({ source: 'app', sequence: 7 }), progress),
      atomic: mostly(fc.constant(false), fc.constant(true)),
    },
    { requiredKeys: ['mutations'] },
  ),
);

/** One edit of a text: what stands in a place, and what comes instead. */
const edit = fc.tuple(
  fc.nat(),
  fc.nat(2),
  fc.constantFrom(
    '',
    '',
    ' ',
    '"',
    '\\n',
    '\\u0061',
    ',',
    ':',
    '{',
    '}',
    '[',
    ']',
    '0',
    '9',
    '.',
    '.0',
    '-',
    'e1',
    'E',
    'n',
    'é',
    '\n',
  ),
);
const repeat = fc.tuple(
  fc.nat(),
  fc.constantFrom('a', 'b', 'id', 'name', 'size', 'op', 'value', 'mutations'),
);
/** Texts of messages, most of them right; others are damaged somewhere, or have a name twice. */
const body = fc
  .tuple(
    content,
    fc.oneof(
      { arbitrary: fc.constant([]), weight: 3 },
      { arbitrary: fc.array(edit, { maxLength: 2 }), weight: 1 },
    ),
    fc.oneof({ arbitrary: fc.constant(null), weight: 9 }, { arbitrary: repeat, weight: 1 }),
  )
  .map(([value, edits, twice]) => {
    let text = JSON.stringify(value);
    if (twice !== null) {
      const braces = [...text.matchAll(/\{/g)].map(({ index }) => index);
      const at = (braces[twice[0] % braces.length] ?? 0) + 1;
      text = `${text.slice(0, at)}"${twice[1]}":1,${text.slice(at)}`;
    }
    for (const [where, size, instead] of edits) {
      const at = where % text.length;
      text = text.slice(0, at) + instead + text.slice(at + size);
    }
    return text;
  });

const messageOf = (text: string) => ({ id: 'm', body: text, sentAtMs: nowMs, receiveCount: 1, receipt: '' });

const withObjects = (message: ParsedMessage): unknown => ({
  ...message,
  mutations: message.mutations.map((mutation) =>
    mutation.op === 'upsert' && mutation.value instanceof ScannedRecord
      ? { ...mutation, value: mutation.value.toObject() }
      : mutation,
  ),
});

it('knows only what is right, and sees in it what JSON.parse and validateRecord do', () => {
  let known = 0;
  let all = 0;
  fc.assert(
    fc.property(fc.array(body, { minLength: 1, maxLength: 20 }), fc.boolean(), (bodies, isPart) => {
      const scanner = new MessageScanner(schema);
      const home = isPart ? { partitions: PartitionMap.of(schema, { partitions: 2 }), partition: 0 } : null;
      const scanned = bodies.map((text) => scanner.scan(messageOf(text), { home, bodySizeMax }));
      // Compared in the end: what comes later must not change what was scanned.
      for (const [i, message] of scanned.entries()) {
        all++;
        if (message === null) continue;
        known++;
        const parsed = parseMessage(schema, messageOf(bodies[i] ?? ''), nowMs, { home });
        expect(withObjects(message)).toStrictEqual(withObjects(parsed));
      }
    }),
    { numRuns: 200 },
  );
  expect(known).toBeGreaterThan(all / 5);
});

it('knows what senders write', () => {
  const scanner = new MessageScanner(schema);
  const value = {
    id: 5,
    name: 'Utrecht',
    size: -3,
    f: 4.125,
    isBig: true,
    tags: ['a', 'b'],
    labels: { a: 'b' },
    twins: { x: { name: 'y', tags: [] } },
    place: { name: 'p', within: { name: 'q', tags: null } },
    sizes: [1, 2],
  };
  const one = { op: 'upsert', type: 'City', value };
  const bodies = [
    one,
    { mutations: [one, one] },
    { mutations: [one], progress: { source: 'app', sequence: 1 } },
  ];
  for (const each of bodies) {
    const message = messageOf(JSON.stringify(each));
    const scanned = scanner.scan(message, { home: null, bodySizeMax });
    expect(scanned).not.toBeNull();
    if (scanned !== null)
      expect(withObjects(scanned)).toStrictEqual(withObjects(parseMessage(schema, message, nowMs)));
  }
});

it('leaves alone what is larger than a message may be, or has a text that is', () => {
  const scanner = new MessageScanner(schema);
  const bodyOf = (note: string) => JSON.stringify({ op: 'upsert', type: 'City', value: { id: 1, note } });
  const scan = (text: string, sizeMax = bodySizeMax) =>
    scanner.scan(messageOf(text), { home: null, bodySizeMax: sizeMax });
  const largest = bodyOf('x'.repeat(limits.stringSizeMax));
  expect(scan(largest)).not.toBeNull();
  expect(scan(largest, largest.length - 1)).toBeNull();
  expect(scan(bodyOf('x'.repeat(limits.stringSizeMax + 1)))).toBeNull();
});

const add = (cycle: Cycle, type: string, values: readonly unknown[]) => [...cycle.addAll(type, values)];

/** Removes some of what was there, so that strings go and their ordinals come again. */
function removeSome(cycle: Cycle, state: ReadState, everyNth: number): void {
  [...recordsOf(state, 'City').keys()].forEach((ordinal, i) => {
    if (i % everyNth === 0) cycle.remove('City', ordinal);
  });
}

it('writes the same bytes as from objects, also among them', () => {
  const oneMessage = upsertOf('City', city).map((value) => JSON.stringify(value));
  const batch = fc.oneof(
    { arbitrary: fc.array(oneMessage, { maxLength: 12 }), weight: 3 },
    { arbitrary: fc.array(oneMessage, { minLength: 60, maxLength: 150 }), weight: 1 },
  );
  const cycles = fc.array(
    fc.record({ texts: batch, lost: batch, everyNth: fc.integer({ min: 1, max: 4 }) }),
    {
      minLength: 1,
      maxLength: 6,
    },
  );
  const scanner = new MessageScanner(schema);
  const valuesOf = (texts: readonly string[]) =>
    texts.flatMap((text) => {
      const [parsed] = parseMessage(schema, messageOf(text), nowMs).mutations;
      const scanned = scanner.scan(messageOf(text), { home: null, bodySizeMax })?.mutations[0] ?? parsed;
      if (parsed?.op !== 'upsert' || scanned?.op !== 'upsert') return [];
      return [{ parsed: parsed.value, scanned: scanned.value }];
    });
  // The same types in another schema, and one that has another order of fields.
  const sameSchema = DatasetSchema.of(schemas);
  const [first, ...others] = schemas;
  if (first?.kind !== 'OBJECT') throw new Error('City comes first');
  const turned = DatasetSchema.of([{ ...first, fields: first.fields.toReversed() }, ...others]);
  let known = 0;
  fc.assert(
    fc.property(
      cycles,
      fc.constantFrom('changes' as const, 'populate' as const),
      fc.constantFrom(schema, sameSchema, turned),
      (chain, mode, ofState) => {
        const writer = WriteState.restore(ReadState.empty(ofState));
        chain.forEach(({ texts, lost, everyNth }, i) => {
          const dropped = writer.begin();
          add(
            dropped,
            'City',
            valuesOf(lost).map(({ scanned }) => scanned),
          );
          const fresh = WriteState.restore(writer.state);
          const [cycle, other] = [writer.begin({ mode }), fresh.begin({ mode })];
          if (mode === 'changes') for (const each of [cycle, other]) removeSome(each, writer.state, everyNth);
          const values = valuesOf(texts);
          known += values.filter(({ scanned }) => scanned instanceof ScannedRecord).length;
          const ordinals = add(
            cycle,
            'City',
            values.map(({ scanned }) => scanned),
          );
          expect(ordinals).toEqual(
            add(
              other,
              'City',
              values.map(({ parsed }) => parsed),
            ),
          );
          const next = step(writer, cycle, BigInt(i + 1));
          expect(next.delta.main).toEqual(step(fresh, other, BigInt(i + 1)).delta.main);
          moveOn(writer, next, i % 2 === 0);
        });
      },
    ),
    { numRuns: 30 },
  );
  expect(known).toBeGreaterThan(200);
});
