import { describe, expect, test } from 'vitest';
import { limits } from '../../../lib/limits.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { readKeyPath, validateField, validateKey, validateRecord } from '../../../lib/schema/record.ts';

const schema = DatasetSchema.of(
  parseSchemas(`
    Film @PrimaryKey(id, country.code) {
      int id; long l; boolean b; float f; double d; string s; bytes y;
      String title; Country country; Film sequel; Names names; Tags tags; ByName byName; ByCountry byCountry;
    }
    String { string value; }
    Country { string code; String name; }
    Names List<String>; Tags Set<String> @HashKey(value);
    ByName Map<String,Film> @HashKey(value); ByCountry Map<Country,String>;
    Keyless { int x; }`),
);

const key = { id: 1, country: { code: 'NL' } };
const check = (fields: object) => validateRecord(schema, 'Film', { ...key, ...fields }, 'value');

describe('validateRecord accepts', () => {
  test.each([
    ['no more than the key', {}],
    ['nulls', { l: null, b: null, title: null, names: null, sequel: undefined }],
    ['whole numbers', { l: -9_007_199_254_740_991, f: 1, d: -0, id: -0 }],
    ['extremes', { id: -2_147_483_647, l: '9223372036854775807', f: 3.4e38, d: Number.MAX_VALUE }],
    ['other forms of LONG', { l: -9_223_372_036_854_775_807n }],
    ['LONG as text', { l: '-1' }],
    ['strings of any units', { s: '\ud800 \0 \u{1f600}' }],
    ['bytes as base64', { y: 'AAE=' }],
    ['bytes as bytes', { y: new Uint8Array(3) }],
    ['no bytes', { y: '' }],
    ['a bare value for a box', { title: 'A', names: ['a', { value: 'b' }, { value: null }], tags: [] }],
    ['nested records', { title: { value: 'A' }, sequel: { ...key, sequel: { ...key } } }],
    ['maps as pairs', { byName: [['a', key]], byCountry: [[{ code: 'x' }, 'y']] }],
    ['maps as objects', { byName: { a: key, constructor: key } }],
    ['records without a prototype', Object.assign(Object.create(null), { b: true })],
  ])('%s', (_, fields) => {
    expect(check(fields)).toBeNull();
  });

  test('records of types without a key', () => {
    expect(validateRecord(schema, 'Keyless', {}, 'value')).toBeNull();
  });
});

describe('validateRecord names the field, what was expected and what came', () => {
  const exact = 'use a decimal string or a bigint';
  test.each([
    [{ id: '1' }, 'value.id', 'expected INT, got string "1"'],
    [{ id: 1.5 }, 'value.id', 'expected INT, a whole number, got number 1.5'],
    [{ id: Number.NaN }, 'value.id', 'expected INT, a whole number, got number NaN'],
    [{ id: 2 ** 31 }, 'value.id', 'expected INT, from -2147483647 to 2147483647, got number 2147483648'],
    [{ id: -(2 ** 31) }, 'value.id', 'expected INT, from -2147483647 to 2147483647, got number -2147483648'],
    [{ id: null }, 'value.id', 'is part of the primary key of Film and must not be null'],
    [{ country: null }, 'value.country.code', 'is part of the primary key of Film and must not be null'],
    [{ country: {} }, 'value.country.code', 'is part of the primary key of Film and must not be null'],
    [{ country: 'NL' }, 'value.country', 'expected a record of Country, got string "NL"'],
    [{ l: 2 ** 53 }, 'value.l', `expected LONG, got number 9007199254740992, which is not exact: ${exact}`],
    [{ l: 1e300 }, 'value.l', `expected LONG, got number 1e+300, which is not exact: ${exact}`],
    [{ l: 1.5 }, 'value.l', 'expected LONG, a whole number, got number 1.5'],
    [{ l: '007' }, 'value.l', 'expected LONG (decimal), got string "007"'],
    [{ l: '1e3' }, 'value.l', 'expected LONG (decimal), got string "1e3"'],
    [{ l: true }, 'value.l', 'expected LONG, got boolean true'],
    [
      { l: '9223372036854775808' },
      'value.l',
      'expected LONG, from -9223372036854775807 to 9223372036854775807, got string "9223372036854775808"',
    ],
    [
      { l: -(2n ** 63n) },
      'value.l',
      'expected LONG, from -9223372036854775807 to 9223372036854775807, got bigint -9223372036854775808',
    ],
    [{ b: 1 }, 'value.b', 'expected BOOLEAN, got number 1'],
    [{ f: 3.5e38 }, 'value.f', 'expected FLOAT, a finite number, got number 3.5e+38'],
    [{ d: JSON.parse('1e999') }, 'value.d', 'expected DOUBLE, a finite number, got number Infinity'],
    [{ d: '1' }, 'value.d', 'expected DOUBLE, got string "1"'],
    [{ d: 1n }, 'value.d', 'expected DOUBLE, got bigint 1'],
    [{ s: [] }, 'value.s', 'expected STRING, got an array of 0'],
    [{ s: new Date(0) }, 'value.s', 'expected STRING, got Date 1970-01-01T00:00:00.000Z'],
    [{ s: new URL('http://x') }, 'value.s', 'expected STRING, got an object of a class'],
    [{ y: [1] }, 'value.y', 'expected BYTES (base64 or Uint8Array), got an array of 1'],
    [{ y: 'AAE' }, 'value.y', 'expected BYTES (base64), got string "AAE"'],
    [{ y: 'A-_=' }, 'value.y', 'expected BYTES (base64), got string "A-_="'],
    [{ title: 5 }, 'value.title', 'expected STRING, got number 5'],
    [{ title: { value: 5 } }, 'value.title.value', 'expected STRING, got number 5'],
    [{ title: { text: 'x' } }, 'value.title.text', 'unknown field of String (its fields: value)'],
    [{ names: 'a' }, 'value.names', 'expected an array (Names), got string "a"'],
    [{ names: ['a', 5] }, 'value.names[1]', 'expected STRING, got number 5'],
    [{ names: ['a', null] }, 'value.names[1]', 'expected String, got null'],
    [{ tags: [{ value: 1 }] }, 'value.tags[0].value', 'expected STRING, got number 1'],
    [{ byName: [['a']] }, 'value.byName[0]', 'expected [key, value] (ByName), got an array of 1'],
    [{ byName: [[1, key]] }, 'value.byName[0][0]', 'expected STRING, got number 1'],
    [{ byName: { a: { ...key, id: 'x' } } }, 'value.byName.a.id', 'expected INT, got string "x"'],
    [{ byName: { 'a b': 1 } }, 'value.byName["a b"]', 'expected a record of Film, got number 1'],
    [{ byName: { 'a.b': 1 } }, 'value.byName["a.b"]', 'expected a record of Film, got number 1'],
    [{ byCountry: {} }, 'value.byCountry', 'expected an array of [key, value] (ByCountry), got an object'],
    [
      { sequel: { id: 2 } },
      'value.sequel.country.code',
      'is part of the primary key of Film and must not be null',
    ],
  ])('%o', (fields, field, reason) => {
    expect(check(fields)).toEqual({ field, reason });
  });

  test.each([null, undefined, 'x', 5, [], new Map(), () => 1])('%o instead of a record', (value) => {
    expect(validateRecord(schema, 'Film', value, 'value')).toMatchObject({ field: 'value' });
    expect(validateRecord(schema, 'Film', value, '')).toMatchObject({ field: '' });
  });

  test('a path starts with what it is placed at, or with the field', () => {
    expect(validateRecord(schema, 'Film', { id: 'x' }, '')).toMatchObject({ field: 'id' });
    expect(validateRecord(schema, 'Film', { id: 'x' }, 'm[2].value')).toMatchObject({
      field: 'm[2].value.id',
    });
  });

  test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    '%s is no field',
    (name) => {
      const record: unknown = JSON.parse(`{"id": 1, "country": {"code": "NL"}, "${name}": {"s": "x"}}`);
      expect(validateRecord(schema, 'Film', record, 'value')).toMatchObject({
        field: `value.${name}`,
        reason: expect.stringContaining('unknown field of Film'),
      });
      expect(
        validateRecord(schema, 'Film', { ...key, title: JSON.parse(`{"${name}": 1}`) }, 'value'),
      ).toMatchObject({
        field: `value.title.${name}`,
      });
    },
  );

  test('what is inherited is not there', () => {
    expect(validateRecord(schema, 'Keyless', Object.create({ x: 'no int' }), 'value')).toMatchObject({
      reason: 'expected a record of Keyless, got an object of a class',
    });
    const map: unknown = JSON.parse('{"__proto__": {"id": 1}}');
    expect(check({ byName: map })).toMatchObject({ field: 'value.byName.__proto__' });
  });

  test('a record that contains itself is refused', () => {
    const film: Record<string, unknown> = { ...key };
    film['sequel'] = film;
    expect(validateRecord(schema, 'Film', film, 'value')).toMatchObject({
      reason: `nested deeper than ${limits.jsonDepthMax} levels`,
    });
  });

  test('long strings are refused, and messages stay short', () => {
    const long = 'x'.repeat(limits.stringSizeMax);
    expect(check({ s: long })).toBeNull();
    expect(check({ s: `${long}x` })?.reason).toMatch(/at most 262144 .* got 262145/);
    expect(check({ y: new Uint8Array(limits.stringSizeMax + 1) })?.reason).toMatch(/got 262145/);
    expect(check({ b: long })?.reason.length).toBeLessThan(100);
    expect(check({ l: 10n ** 5000n })?.reason).toMatch(/got a huge bigint/);
    expect(check({ [long]: 1 })?.field.length).toBeLessThan(100);
  });

  test('an unknown type is a mistake of the caller', () => {
    expect(() => validateRecord(schema, 'Nope', {}, '')).toThrow(
      expect.objectContaining({ kind: 'invalid' }),
    );
  });
});

describe('validateField', () => {
  test.each([
    ['s', 'x', null],
    ['s', null, null],
    ['s', undefined, null],
    ['title', 'bare', null],
    ['s', 5, { field: 'fields.s', reason: 'expected STRING, got number 5' }],
    ['sequel', { id: 'x' }, { field: 'fields.sequel.id', reason: 'expected INT, got string "x"' }],
    ['names', [1], { field: 'fields.names[0]', reason: 'expected STRING, got number 1' }],
  ])('%s = %j', (name, value, problem) => {
    expect(validateField(schema, 'Film', [name, value], 'fields')).toEqual(problem);
  });

  test('an unknown field is one, even if every object inherits it', () => {
    for (const name of ['nope', '__proto__', 'toString']) {
      expect(validateField(schema, 'Film', [name, 1], 'fields')).toMatchObject({ field: `fields.${name}` });
    }
  });
});

describe('validateKey', () => {
  test.each([
    [{ id: 1, 'country.code': 'NL' }, null],
    [
      { id: 1 },
      { field: 'key.country.code', reason: 'is part of the primary key of Film and must not be null' },
    ],
    [
      { id: null, 'country.code': 'NL' },
      { field: 'key.id', reason: expect.stringContaining('must not be null') },
    ],
    [
      { id: 'x', 'country.code': 'NL' },
      { field: 'key.id', reason: 'expected INT, got string "x"' },
    ],
    [
      { id: 1, 'country.code': 'NL', s: 'x' },
      { field: 'key.s', reason: 'is not part of the key of Film' },
    ],
    [5, { field: 'key', reason: 'expected the key of Film, got number 5' }],
    [[1], { field: 'key', reason: 'expected the key of Film, got an array of 1' }],
  ])('%j', (value, problem) => {
    expect(validateKey(schema, 'Film', value, 'key')).toEqual(problem);
  });
});

test('readKeyPath goes through records, boxes and nulls', () => {
  const boxed = DatasetSchema.of(
    parseSchemas('A @PrimaryKey(b, s) { B b; String s; } B { C c; } C { int x; } String { string value; }'),
  );
  const [b, s] = boxed.keyPaths('A');
  const read = (path: typeof b, record: unknown) => path && readKeyPath(boxed, path, record);
  expect(read(b, { b: { c: { x: 5 } } })).toBe(5);
  expect(read(b, { b: { c: 5 } })).toBe(5);
  expect(read(b, { b: { c: { x: null } } })).toBeNull();
  expect(read(b, { b: { c: null } })).toBeNull();
  expect(read(b, { b: null })).toBeNull();
  expect(read(b, {})).toBeNull();
  expect(read(s, { s: 'x' })).toBe('x');
  expect(read(s, { s: { value: 'x' } })).toBe('x');
});
