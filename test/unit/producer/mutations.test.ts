import { describe, expect, test } from 'vitest';
import { limits } from '../../../lib/limits.ts';
import { withBookkeeping } from '../../../lib/producer/bookkeeping-schema.ts';
import { parseMessage } from '../../../lib/producer/mutations.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { RecordKey } from '../../../lib/schema/record-key.ts';

const schema = DatasetSchema.of(
  parseSchemas(`
    City @PrimaryKey(cityId) { int cityId; String name; int population; Country country; }
    Country @PrimaryKey(code) { string code; string name; }
    Site @PrimaryKey(country.code, number) { Country country; long number; string note; }
    String { string value; }  Box { int x; int y; }  Names List<String>;`),
);
const nowMs = 1_800_000_000_000;
const sentAtMs = nowMs - 50;

const parseText = (body: string) =>
  parseMessage(schema, { id: 'm-1', body, sentAtMs, receiveCount: 1, receipt: 'r' }, nowMs);
const parse = (body: unknown) => parseText(JSON.stringify(body));
const upsert = (value: object, more: object = {}) => ({ op: 'upsert', type: 'City', value, ...more });
const patch = (fields: unknown, more: object = {}) => ({
  op: 'patch',
  type: 'City',
  key: { cityId: 1 },
  fields,
  ...more,
});

const increment = (fields: unknown, more: object = {}) => ({ ...patch(fields, more), op: 'increment' });
const ifAbsent = { ifAbsent: true };

describe('parseMessage accepts', () => {
  test('one upsert, stamped by the message', () => {
    const value = { cityId: 1, name: 'Utrecht', population: null };
    expect(parse(upsert(value))).toEqual({
      rejected: [],
      mutations: [
        {
          op: 'upsert',
          type: 'City',
          key: new RecordKey([1]),
          stamp: { timestamp: sentAtMs, source: 'm-1', sequence: 0 },
          value,
        },
      ],
      positions: [0],
      units: [],
      progress: null,
    });
  });

  test('an increment and a condition are units of their own, an atomic message is one', () => {
    const mutations = [
      upsert({ cityId: 1 }),
      increment({ population: 2 }, { opId: 'a' }),
      upsert({ cityId: 2 }, { condition: ifAbsent }),
      patch({ population: 1 }, { condition: { ifVersion: { timestamp: 1, source: 's', sequence: 0 } } }),
    ];
    const apart = parse({ mutations });
    expect(apart.rejected).toEqual([]);
    expect(apart.positions).toEqual([0]);
    expect(
      apart.units.map(({ isAtomic, steps }) => [isAtomic, steps.map(({ index, opId }) => [index, opId])]),
    ).toEqual([
      [false, [[1, 'a']]],
      [false, [[2, 'm-1/2']]],
      [false, [[3, 'm-1/3']]],
    ]);
    const whole = parse({ mutations, atomic: true });
    expect(whole.mutations).toEqual([]);
    expect(whole.units).toHaveLength(1);
    expect(whole.units[0]?.steps.map(({ opId }) => opId)).toEqual([null, 'a', 'm-1/2', 'm-1/3']);
  });

  test('many mutations of several types, each with a stamp and its key', () => {
    const order = { timestamp: nowMs + limits.clockSkewMsMax, source: 'crm', sequence: 5 };
    const { mutations, rejected } = parse({
      mutations: [
        patch({ population: 5, name: { value: 'x' }, country: null }, { order }),
        { op: 'delete', type: 'Site', key: { number: '12', 'country.code': 'NL' } },
        { op: 'upsert', type: 'Site', value: { country: { code: 'NL' }, number: 12 } },
      ],
    });
    expect(rejected).toEqual([]);
    const siteKey = new RecordKey(['NL', 12]);
    expect(mutations).toEqual([
      {
        op: 'patch',
        type: 'City',
        key: new RecordKey([1]),
        stamp: order,
        fields: { population: 5, name: { value: 'x' }, country: null },
      },
      {
        op: 'delete',
        type: 'Site',
        key: siteKey,
        stamp: { timestamp: sentAtMs, source: 'm-1', sequence: 1 },
      },
      {
        op: 'upsert',
        type: 'Site',
        key: siteKey,
        stamp: { timestamp: sentAtMs, source: 'm-1', sequence: 2 },
        value: { country: { code: 'NL' }, number: 12 },
      },
    ]);
  });

  test('no mutations', () => {
    expect(parse({ mutations: [] })).toEqual({
      mutations: [],
      positions: [],
      units: [],
      rejected: [],
      progress: null,
    });
  });

  test('names that mean something elsewhere', () => {
    expect(
      parseText('{"op":"delete","type":"City","key":{"cityId":1},"op":"delete"}').mutations,
    ).toHaveLength(1);
  });
});

describe('a bad mutation is set aside and says why', () => {
  const missingKey = 'is part of the primary key of City and must not be null';
  const order = { timestamp: nowMs, source: 's', sequence: 0 };
  test.each([
    [upsert({ cityId: 'x' }), 'value.cityId', 'expected INT, got string "x"'],
    [upsert({ name: 'x' }), 'value.cityId', missingKey],
    [
      upsert({ cityId: 1, mayor: 'x' }),
      'value.mayor',
      'unknown field of City (its fields: cityId, name, population, country)',
    ],
    [
      upsert({ cityId: 1, country: { name: 'x' } }),
      'value.country.code',
      expect.stringContaining('primary key of Country'),
    ],
    [{ op: 'upsert', type: 'City' }, 'value', 'is missing'],
    [{ op: 'upsert', type: 'City', value: null }, 'value', 'expected a record of City, got null'],
    [{ op: 'upsert', value: {} }, 'type', 'is missing'],
    [upsert({ cityId: 1 }, { type: 'Town' }), 'type', 'unknown type: string "Town"'],
    [upsert({ cityId: 1 }, { type: '__proto__' }), 'type', 'unknown type: string "__proto__"'],
    [upsert({ cityId: 1 }, { type: 5 }), 'type', 'expected string, got number 5'],
    [
      upsert({ x: 1 }, { type: 'Box' }),
      'type',
      'Box has no primary key, so no mutation can find its records',
    ],
    [upsert([], { type: 'Names' }), 'type', 'Names has no primary key, so no mutation can find its records'],
    [upsert({ cityId: 1 }, { key: {} }), 'key', "unknown field of op 'upsert'"],
    [upsert({ cityId: 1 }, { order: { ...order, more: 1 } }), 'order.more', 'unknown field of order'],
    [upsert({ cityId: 1 }, { order: null }), 'order', 'expected object, got null'],
    [
      upsert({ cityId: 1 }, { order: { ...order, timestamp: 1.5 } }),
      'order.timestamp',
      'expected int, got number 1.5',
    ],
    [
      upsert({ cityId: 1 }, { order: { ...order, timestamp: -1 } }),
      'order.timestamp',
      expect.stringContaining('got number -1'),
    ],
    [
      upsert({ cityId: 1 }, { order: { ...order, sequence: 2 ** 53 } }),
      'order.sequence',
      expect.stringContaining('got number'),
    ],
    [
      upsert({ cityId: 1 }, { order: { ...order, source: '' } }),
      'order.source',
      expect.stringContaining('got string ""'),
    ],
    [
      upsert({ cityId: 1 }, { order: { ...order, source: 'x'.repeat(limits.orderSourceSizeMax + 1) } }),
      'order.source',
      expect.stringContaining('got string'),
    ],
    [upsert({ cityId: 1 }, { order: { timestamp: 1, source: 's' } }), 'order.sequence', 'is missing'],
    [
      upsert({ cityId: 1 }, { order: { ...order, timestamp: nowMs + limits.clockSkewMsMax + 1 } }),
      'order.timestamp',
      '300001 ms ahead of now, more than 300000',
    ],
    [patch({}), 'fields', 'expected at least one field'],
    [patch(null), 'fields', 'expected an object, got null'],
    [patch([1]), 'fields', 'expected an object, got an array of 1'],
    [patch({ population: 'x' }), 'fields.population', 'expected INT, got string "x"'],
    [patch({ mayor: 1 }), 'fields.mayor', expect.stringContaining('unknown field of City')],
    [patch({ cityId: 2 }), 'fields.cityId', 'part of the primary key of City: a patch cannot change it'],
    [
      {
        op: 'patch',
        type: 'Site',
        key: { 'country.code': 'NL', number: 1 },
        fields: { country: { code: 'BE' } },
      },
      'fields.country',
      'part of the primary key of Site: a patch cannot change it',
    ],
    [{ op: 'patch', type: 'City', fields: { population: 1 } }, 'key', 'is missing'],
    [{ op: 'delete', type: 'City', key: { id: 1 } }, 'key.cityId', missingKey],
    [{ op: 'delete', type: 'City', key: { cityId: null } }, 'key.cityId', missingKey],
    [{ op: 'delete', type: 'City', key: { cityId: 1, x: 1 } }, 'key.x', 'is not part of the key of City'],
    [{ op: 'delete', type: 'City', key: [1] }, 'key', 'expected the key of City, got an array of 1'],
    [{ op: 'delete', type: 'City', key: { cityId: 1 }, value: {} }, 'value', "unknown field of op 'delete'"],
    [
      { op: 'replace', type: 'City' },
      'op',
      `expected 'upsert', 'patch', 'delete' or 'increment', got string "replace"`,
    ],
    [{}, 'op', `expected 'upsert', 'patch', 'delete' or 'increment', got undefined`],
    [{ op: 'increment', type: 'City' }, 'key', 'is missing'],
    [increment({}), 'fields', 'expected at least one field'],
    [increment({ population: null }), 'fields.population', 'expected a number to add, got null'],
    [increment({ population: 0.5 }), 'fields.population', 'expected INT, a whole number, got number 0.5'],
    [
      increment({ name: 'x' }),
      'fields.name',
      'is a REFERENCE: only a field of INT, LONG, FLOAT or DOUBLE can be incremented',
    ],
    [increment({ cityId: 1 }), 'fields.cityId', 'part of the primary key of City: a patch cannot change it'],
    [increment({ population: 1 }, { opId: '' }), 'opId', expect.stringContaining('got string ""')],
    [increment({ population: 1 }, { condition: ifAbsent }), 'condition', "unknown field of op 'increment'"],
    [upsert({ cityId: 1 }, { opId: 'x' }), 'opId', 'only an increment or a conditional mutation has one'],
    [
      patch({ population: 1 }, { condition: ifAbsent }),
      'condition.ifAbsent',
      expect.stringMatching('a patch of'),
    ],
    [upsert({ cityId: 1 }, { condition: {} }), 'condition', expect.stringMatching('got an object')],
    [
      upsert({ cityId: 1 }, { condition: { ...ifAbsent, ifVersion: order } }),
      'condition',
      expect.stringMatching('expected {"ifAbsent":true} or'),
    ],
    [null, '', 'expected a mutation, got null'],
    [[], '', 'expected a mutation, got an array of 0'],
  ])('%j', (bad, field, why) => {
    const good = upsert({ cityId: 9 });
    const { mutations, rejected } = parse({ mutations: [good, bad, good] });
    expect(mutations.map(({ stamp }) => stamp.sequence)).toEqual([0, 2]);
    const at = field === '' ? 'mutations[1]' : `mutations[1].${field}`;
    expect(rejected).toEqual([
      {
        messageId: 'm-1',
        index: 1,
        field: at,
        reason: expect.any(String),
        content: JSON.stringify(bad),
        sentAtMs,
      },
    ]);
    const reason = rejected[0]?.reason.slice(`${at}: `.length);
    expect(reason).toEqual(why);
    expect(rejected[0]?.reason.startsWith(`${at}: `)).toBe(true);
  });

  test('a message of one mutation has paths without an index', () => {
    expect(parse(upsert({ cityId: 'x' })).rejected).toMatchObject([
      { index: 0, field: 'value.cityId', reason: 'value.cityId: expected INT, got string "x"' },
    ]);
  });

  test.each(['__proto__', 'constructor', 'prototype'])('%s anywhere', (name) => {
    const bodies = [
      `{"op":"upsert","type":"City","value":{"cityId":1},"${name}":{}}`,
      `{"op":"upsert","type":"City","value":{"cityId":1,"${name}":{}}}`,
      `{"op":"upsert","type":"City","value":{"cityId":1,"name":{"${name}":{}}}}`,
      `{"op":"upsert","type":"City","value":{"cityId":1},"order":{"timestamp":1,"source":"s","sequence":1,"${name}":1}}`,
      `{"op":"patch","type":"City","key":{"cityId":1},"fields":{"${name}":{}}}`,
      `{"op":"delete","type":"City","key":{"cityId":1,"${name}":{}}}`,
    ];
    for (const body of bodies) {
      const { mutations, rejected } = parseText(body);
      expect(mutations).toEqual([]);
      expect(rejected).toMatchObject([{ index: 0, field: expect.stringMatching(new RegExp(`${name}$`)) }]);
    }
  });

  test('bookkeeping types cannot be written to', () => {
    const value = { key0: 1, timestamp: 9e15 };
    const body = JSON.stringify({ op: 'upsert', type: 'OrderStampOfCity', value });
    const message = { id: 'm', body, sentAtMs, receiveCount: 1, receipt: '' };
    expect(parseMessage(withBookkeeping(schema), message, nowMs).rejected).toMatchObject([{ field: 'type' }]);
  });

  test('the entry names the sender, and its content is cut', () => {
    const body = JSON.stringify(upsert({ cityId: 'x'.repeat(limits.quarantineContentSizeMax) }));
    const message = { id: 'm', body, sentAtMs, receiveCount: 3, receipt: '', correlationId: 'c-1' };
    const [entry] = parseMessage(schema, message, nowMs).rejected;
    expect(entry).toMatchObject({ correlationId: 'c-1', messageId: 'm' });
    expect(entry?.content).toHaveLength(limits.quarantineContentSizeMax);
  });
});

describe('a message is refused as a whole', () => {
  const deep = `{"a":${'['.repeat(limits.jsonDepthMax)}${']'.repeat(limits.jsonDepthMax)}}`;
  test.each([
    ['', '', /^not JSON: /],
    ['{"op":', '', /^not JSON: /],
    ['{op: 1}', '', /^not JSON: /],
    ['null', '', /^expected an object, got null/],
    ['[]', '', /^expected an object, got an array of 0/],
    ['"\\ud800"', '', /^expected an object, got string/],
    ['1e999', '', /^expected an object, got number Infinity/],
    ['{"mutations":{}}', 'mutations', /expected an array, got an object/],
    ['{"mutations":[],"automatic":true}', '', /^"automatic" cannot stand beside 'mutations'/],
    ['{"mutations":[],"progress":{"source":"a b","sequence":1}}', 'progress', /expected \{source/],
    ['{"mutations":[],"progress":{"source":"a","sequence":0}}', 'progress', /expected \{source/],
    ['{"mutations":[],"atomic":1}', 'atomic', /expected BOOLEAN, got number 1/],
    [
      `{"atomic":true,"mutations":[${JSON.stringify(upsert({ cityId: 1 }))},{"op":"delete"}]}`,
      'mutations[1].type',
      /is missing/,
    ],
    [
      JSON.stringify({
        atomic: true,
        mutations: [increment({ population: 1 }, { opId: 'a' }), increment({ population: 2 }, { opId: 'a' })],
      }),
      'mutations[1].opId',
      /is there twice/,
    ],
    [deep, '', /^nested deeper than 64 levels/],
    ['['.repeat(1_000_000), '', /^nested deeper than 64 levels/],
    ['{"":'.repeat(200_000), '', /^nested deeper than 64 levels/],
    [`"${'x'.repeat(limits.messageSizeMax)}"`, '', /^larger than 1048576 bytes/],
    [`{"mutations":[${'0,'.repeat(limits.mutationsPerMessageMax)}0]}`, 'mutations', /more than 10000: 10001/],
  ])('%.40s', (body, field, reason) => {
    const { mutations, rejected } = parseText(body);
    expect(mutations).toEqual([]);
    expect(rejected).toMatchObject([{ index: null, field, reason: expect.stringMatching(reason) }]);
    expect(rejected[0]?.content).toBe(body.slice(0, limits.quarantineContentSizeMax));
  });

  test('brackets in strings are no nesting', () => {
    const name = `${'[{'.repeat(200)}\\"`;
    expect(parse(upsert({ cityId: 1, name })).mutations).toMatchObject([{ value: { name } }]);
    expect(parse(upsert({ cityId: 1, name: `${name}\\` })).mutations).toHaveLength(1);
  });

  test('nesting is bounded where it ends, not where it is flat', () => {
    const many = Array.from({ length: 500 }, (_, i) => upsert({ cityId: i, name: { value: 'x' } }));
    expect(parse({ mutations: many }).mutations).toHaveLength(500);
  });
});
