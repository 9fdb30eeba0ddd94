import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { validateField, validateKey, validateRecord } from '../../lib/schema/record.ts';
import { RecordCheck } from '../../lib/schema/record-check.ts';
import { keyOfPaths, keyOfRecord } from '../../lib/schema/record-key.ts';

const schema = DatasetSchema.of(
  parseSchemas(`
    A @PrimaryKey(i, name) {
      int i; long l; boolean b; float f; double d; string s; bytes y;
      String name; B inner; Names names; Bs bs; ByName byName; ByB byB;
    }
    B { int x; A back; }
    String { string value; }
    Names List<String>; Bs Set<B>; ByName Map<String,B> @HashKey(value); ByB Map<B,String>;`),
);
const types = ['A', 'B', 'String', 'Names', 'Bs', 'ByName', 'ByB'];
const fieldNames = [
  'i',
  'l',
  'b',
  'f',
  'd',
  's',
  'y',
  'name',
  'inner',
  'names',
  'bs',
  'byName',
  'byB',
  'x',
  'back',
  'value',
];
const hostileNames = ['__proto__', 'constructor', 'prototype', 'toString', 'length', ''];

/** Values that are right for some kind, or nearly. */
const leaf = fc.oneof(
  fc.anything(),
  fc.constantFrom<unknown>(
    null,
    undefined,
    -0,
    2 ** 31,
    -(2 ** 31),
    2 ** 53,
    1e308,
    Number.NaN,
    Infinity,
    -(2n ** 63n),
    2n ** 63n,
  ),
  fc.constantFrom<unknown>(
    '',
    '0',
    '-0',
    '9223372036854775807',
    '-9223372036854775808',
    'AAE=',
    'A===',
    '\ud800',
    new Uint8Array(2),
  ),
  fc.integer(),
  fc.bigInt(),
  fc.string({ unit: 'binary' }),
);

/** Deep mixtures of objects with known, unknown and hostile names, and of arrays. */
const { mixed } = fc.letrec<{ mixed: unknown }>((tie) => ({
  mixed: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    leaf,
    fc.array(tie('mixed'), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.constantFrom(...fieldNames, ...fieldNames, ...hostileNames), tie('mixed')), {
        maxLength: 6,
      })
      .map((entries) => {
        const object: Record<string, unknown> = {};
        for (const [name, value] of entries) {
          Object.defineProperty(object, name, {
            value,
            enumerable: true,
            writable: true,
            configurable: true,
          });
        }
        return object;
      }),
  ),
}));

/** Good records, in every form that is allowed. */
const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }));
const nullable = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const box = fc.oneof(
  text,
  nullable(text).map((value) => ({ value })),
);
const good = fc.letrec<{ a: Record<string, unknown>; b: Record<string, unknown> }>((tie) => ({
  a: fc.record(
    {
      i: fc.integer({ min: -2_147_483_647, max: 2_147_483_647 }),
      name: fc.oneof(text, fc.record({ value: text })),
      l: fc.oneof(
        fc.maxSafeInteger(),
        fc.bigInt({ min: 1n - 2n ** 63n, max: 2n ** 63n - 1n }),
        fc.bigInt({ min: 1n - 2n ** 63n, max: 2n ** 63n - 1n }).map(String),
      ),
      b: nullable(fc.boolean()),
      f: fc.float({ noNaN: true, noDefaultInfinity: true }),
      d: nullable(fc.double({ noNaN: true, noDefaultInfinity: true })),
      s: nullable(text),
      y: fc.oneof(
        fc.uint8Array(),
        fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
      ),
      inner: fc.option(tie('b'), { nil: null, maxDepth: 3 }),
      names: nullable(fc.array(box, { maxLength: 3 })),
      bs: fc.array(tie('b'), { maxLength: 2, depthIdentifier: 'bs' }),
      byName: fc.oneof(
        fc.array(fc.tuple(box, tie('b')), { maxLength: 2 }),
        fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), tie('b'), { maxKeys: 2 }),
      ),
      byB: fc.array(fc.tuple(tie('b'), box), { maxLength: 2 }),
    },
    { requiredKeys: ['i', 'name'] },
  ),
  b: fc.record(
    { x: fc.integer({ min: -5, max: 5 }), back: fc.option(tie('a'), { nil: null, maxDepth: 2 }) },
    { requiredKeys: [] },
  ),
}));

test('anything at all is accepted or refused with a path and a short reason', () => {
  fc.assert(
    fc.property(fc.constantFrom(...types), mixed, (type, value) => {
      const problem = validateRecord(schema, type, value, 'value');
      if (problem === null) return;
      expect(problem.field.startsWith('value')).toBe(true);
      expect(problem.reason.length).toBeGreaterThan(0);
      expect(problem.reason.length).toBeLessThan(400);
    }),
    { numRuns: 3000 },
  );
});

test('keys and fields likewise', () => {
  const name = fc.oneof(fc.constantFrom(...fieldNames, ...hostileNames), fc.string());
  fc.assert(
    fc.property(name, mixed, (field, value) => {
      expect(validateField(schema, 'A', [field, value], 'fields')?.field.startsWith('fields') ?? true).toBe(
        true,
      );
      expect(validateKey(schema, 'A', value, 'key')?.field.startsWith('key') ?? true).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test('good records are accepted, and field by field, and have the key that their paths have', () => {
  fc.assert(
    fc.property(good.a, (record) => {
      expect(validateRecord(schema, 'A', record, '')).toBeNull();
      for (const entry of Object.entries(record)) expect(validateField(schema, 'A', entry, '')).toBeNull();
      const { i, name } = record;
      const bare = typeof name === 'object' && name !== null && 'value' in name ? name.value : name;
      const key = { i, name: bare };
      expect(validateKey(schema, 'A', key, '')).toBeNull();
      expect(keyOfPaths(schema, 'A', key)).toEqual(keyOfRecord(schema, 'A', record));
    }),
  );
});

test('one bad value anywhere at the top is found', () => {
  const bad = fc.constantFrom<[string, unknown]>(
    ['i', '1'],
    ['i', 0.5],
    ['l', 2 ** 60],
    ['b', 0],
    ['f', 1e39],
    ['d', Infinity],
    ['s', 1],
    ['y', '*'],
    ['name', 1],
    ['names', {}],
    ['names', [null]],
    ['bs', [1]],
    ['byName', [[]]],
    ['byB', { a: 1 }],
    ['inner', { x: '' }],
    ['zz', null],
  );
  fc.assert(
    fc.property(good.a, bad, (record, [name, value]) => {
      const problem = validateRecord(schema, 'A', { ...record, [name]: value }, '');
      expect(problem?.field).toMatch(new RegExp(`^${name}\\b`));
    }),
  );
});

/** Types that the fast check knows all about; of a Wrapper it knows nothing, since it has BYTES. */
const flat = DatasetSchema.of(
  parseSchemas(`
    A @PrimaryKey(i) {
      int i; long l; boolean b; float f; double d; string s; String name; Names names; ByName byName; A back;
    }
    String { string value; }
    Names List<String>; ByName Map<String,A>;
    Wrapper { A value; bytes x; }`),
);
const goodFlat = fc.letrec<{ a: Record<string, unknown> }>((tie) => ({
  a: fc.record(
    {
      i: fc.integer({ min: -2_147_483_647, max: 2_147_483_647 }),
      l: nullable(fc.maxSafeInteger()),
      b: nullable(fc.boolean()),
      f: nullable(fc.float({ noNaN: true, noDefaultInfinity: true })),
      d: nullable(fc.double({ noNaN: true, noDefaultInfinity: true })),
      s: nullable(text),
      name: nullable(box),
      names: nullable(fc.array(box, { maxLength: 3 })),
      byName: fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), tie('a'), { maxKeys: 2 }),
      back: fc.option(tie('a'), { nil: null, maxDepth: 3 }),
    },
    { requiredKeys: ['i'] },
  ),
}));

test('the fast check passes good records, and nothing that the closer look refuses', () => {
  const check = new RecordCheck(flat);
  const closer = (value: unknown) =>
    validateRecord(flat, 'Wrapper', { value, x: new Uint8Array(1) }, 'value');
  fc.assert(
    fc.property(goodFlat.a, fc.constantFrom(...fieldNames, ...hostileNames), mixed, (record, name, value) => {
      expect(check.passes('A', record)).toBe(true);
      expect(closer(record)).toBeNull();
      const other: Record<string, unknown> = Object.fromEntries([...Object.entries(record), [name, value]]);
      expect(check.passes('A', other) && closer(other) !== null).toBe(false);
      expect(check.passes('A', value) && closer(value) !== null).toBe(false);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  [{ i: 2 ** 31 }],
  [{ i: -(2 ** 31) }],
  [{ i: 1.5 }],
  [{ i: null }],
  [{ l: 1 }],
  [{ i: 1, l: 2 ** 53 }],
  [{ i: 1, f: 1e39 }],
  [{ i: 1, d: Number.NaN }],
  [{ i: 1, s: 'x'.repeat(262_145) }],
  [{ i: 1, name: { value: 1 } }],
  [{ i: 1, names: [null] }],
  [{ i: 1, names: [undefined] }],
  [{ i: 1, byName: { x: null } }],
  [{ i: 1, byName: JSON.parse('{"__proto__":{"i":1}}') }],
  [{ i: 1, unknown: 1 }],
  [{ i: 1, back: {} }],
  [new Map([['i', 1]])],
  [null],
  [7],
])('the fast check does not pass %j', (value) => {
  expect(new RecordCheck(flat).passes('A', value)).toBe(false);
  expect(validateRecord(flat, 'A', value, 'value')).not.toBeNull();
});

test('a schema of which parts are left out is for the closer look', () => {
  const loaded = DatasetSchema.loaded(
    flat.schemas,
    flat.schemas.filter(({ name }) => name !== 'Names'),
  );
  expect(new RecordCheck(loaded).passes('String', { value: 'x' })).toBe(false);
});
