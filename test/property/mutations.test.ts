import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { coalesce, visibleRecord } from '../../lib/producer/join.ts';
import { type ParsedMessage, parseMessage } from '../../lib/producer/mutations.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { isPlainObject } from '../../lib/schema/plain-object.ts';
import { validateRecord } from '../../lib/schema/record.ts';

const schema = DatasetSchema.of(
  parseSchemas(
    'City @PrimaryKey(id) { int id; String name; long l; double d; City twin; } String { string value; }',
  ),
);
const nowMs = 1_800_000_000_000;

const parse = (body: string): ParsedMessage =>
  parseMessage(schema, { id: 'm', body, sentAtMs: nowMs, receiveCount: 1, receipt: '' }, nowMs);

/** Every part is right more often than not, so that most of the ways through are taken. */
const mostly = <T>(
  good: fc.Arbitrary<T>,
  bad: fc.Arbitrary<unknown> = fc.jsonValue(),
): fc.Arbitrary<unknown> => fc.oneof({ arbitrary: good, weight: 12 }, { arbitrary: bad, weight: 1 });
const id = mostly(fc.integer({ min: 0, max: 3 }));
const name = mostly(fc.oneof(fc.string(), fc.record({ value: fc.string({ unit: 'binary' }) })));
const long = mostly(fc.oneof(fc.maxSafeInteger(), fc.bigInt().map(String)));
const twin = mostly(fc.constantFrom(null, { id: 1 }));
const fields = { name, l: long, d: mostly(fc.double()), twin };
const key = mostly(fc.record({ id }));
const order = mostly(
  fc.record({
    timestamp: mostly(fc.integer({ min: 0, max: 5 }), fc.double()),
    source: mostly(fc.constantFrom('a', 'b')),
    sequence: mostly(fc.nat()),
  }),
);
const type = mostly(fc.constant('City'), fc.constantFrom('Town', 'String', '__proto__', 5));
const optional = { requiredKeys: ['op', 'type'] as const };
const mutation = mostly(
  fc.oneof(
    fc.record(
      {
        op: fc.constant('upsert'),
        type,
        value: mostly(fc.record({ id, ...fields }, { requiredKeys: ['id'] })),
        order,
      },
      { requiredKeys: ['op', 'type', 'value'] },
    ),
    fc.record({
      op: fc.constant('patch'),
      type,
      key,
      fields: mostly(fc.record(fields, { requiredKeys: [] })),
      order,
    }),
    fc.record({ op: fc.constant('delete'), type, key, order }, { requiredKeys: ['op', 'type', 'key'] }),
    fc.record(
      { op: fc.constantFrom('upsert', 'patch', 'delete', 'x'), type, key, order, extra: fc.jsonValue() },
      {
        requiredKeys: [...optional.requiredKeys],
      },
    ),
  ),
);
const mutations = fc.array(mutation, { maxLength: 8 });

test('every mutation is either accepted, and then good, or set aside with its index and reason', () => {
  let [acceptedCount, rejectedCount] = [0, 0];
  fc.assert(
    fc.property(mutations, (list) => {
      const { mutations: accepted, rejected } = parse(JSON.stringify({ mutations: list }));
      expect(accepted.length + rejected.length).toBe(list.length);
      acceptedCount += accepted.length;
      rejectedCount += rejected.length;
      for (const { index, field, reason } of rejected) {
        expect(field.startsWith(`mutations[${index}]`)).toBe(true);
        expect(reason.startsWith(`${field}: `)).toBe(true);
        // Alone it is refused for the same reason.
        const [alone] = parse(JSON.stringify({ mutations: [list[index ?? -1]] })).rejected;
        expect(alone?.reason.replace('[0]', '')).toBe(reason.replace(`[${index}]`, ''));
      }
      for (const one of accepted) {
        expect(one.key.parts).toHaveLength(1);
        if (one.op === 'upsert') expect(validateRecord(schema, one.type, one.value, '')).toBeNull();
        if (one.op === 'patch') {
          expect(validateRecord(schema, one.type, { id: one.key.parts[0], ...one.fields }, '')).toBeNull();
        }
      }
      for (const {
        change,
        key: { parts },
      } of coalesce(accepted)) {
        const record = visibleRecord(change);
        if (record === null) continue;
        expect(validateRecord(schema, 'City', record, '')).toBeNull();
        expect(Object.is(parts[0], record['id'])).toBe(true);
      }
    }),
    { numRuns: 1000 },
  );
  expect(acceptedCount).toBeGreaterThan(500);
  expect(rejectedCount).toBeGreaterThan(500);
});

test('any body at all is accepted or set aside, never thrown at', () => {
  const body = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    mutations.map((list) => JSON.stringify(list[0] ?? null)),
    // Cut or damaged somewhere.
    fc.tuple(mutations, fc.nat(), fc.string({ maxLength: 2 })).map(([list, at, damage]) => {
      const text = JSON.stringify({ mutations: list });
      const cut = at % (text.length + 1);
      return text.slice(0, cut) + damage + text.slice(cut + damage.length);
    }),
  );
  fc.assert(
    fc.property(body, (text) => {
      const { mutations: accepted, rejected } = parse(text);
      for (const entry of rejected) {
        expect(entry.reason).not.toBe('');
        expect(entry.messageId).toBe('m');
        expect(entry.content).not.toBeUndefined();
      }
      if (accepted.length + rejected.length === 0) {
        const content: unknown = JSON.parse(text);
        expect(isPlainObject(content) && content['mutations']).toEqual([]);
      }
    }),
    { numRuns: 3000 },
  );
});
