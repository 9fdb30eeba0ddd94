import { expect, test } from 'vitest';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { keyOfPaths, keyOfRecord, RecordKey } from '../../../lib/schema/record-key.ts';

const schema = DatasetSchema.of(
  parseSchemas(`
    A @PrimaryKey(i, l, f, d, b, s, y, n) { int i; long l; float f; double d; boolean b; string s; bytes y; Name n; }
    Name { string text; }
    Two @PrimaryKey(a, b) { string a; string b; }`),
);

const paths = { i: 1, l: 2, f: 0.1, d: 0.1, b: true, s: 'x', y: 'AAE=', n: 'y' };
const parts = [1, 2, Math.fround(0.1), 0.1, true, 'x', new Uint8Array([0, 1]), 'y'];

test('each kind has one form, however it was given', () => {
  expect(keyOfPaths(schema, 'A', paths).parts).toEqual(parts);
  expect(keyOfRecord(schema, 'A', { ...paths, n: { text: 'y' } }).parts).toEqual(parts);
  const other = { ...paths, l: '2', f: Math.fround(0.1), y: new Uint8Array([0, 1]) };
  expect(keyOfRecord(schema, 'A', other)).toEqual(keyOfPaths(schema, 'A', paths));
  expect(keyOfRecord(schema, 'A', { ...paths, l: 2n })).toEqual(keyOfPaths(schema, 'A', paths));
});

test('a LONG is a number as far as that is exact', () => {
  const partOf = (l: unknown) => keyOfPaths(schema, 'A', { ...paths, l }).parts[1];
  expect(['9007199254740991', '9007199254740992', -5n, 2n ** 62n, -0].map(partOf)).toEqual([
    9_007_199_254_740_991,
    9_007_199_254_740_992n,
    -5,
    2n ** 62n,
    0,
  ]);
});

test('identities are equal iff texts are', () => {
  const keys = [0, -0, 5, -5, 5.5, 2 ** 31, 2 ** 40, '5', 'x', true].map((part) => new RecordKey([part]));
  for (const a of keys) {
    for (const b of keys) expect(a.identity === b.identity).toBe(a.text === b.text);
  }
});

test('an INT has no negative zero, a DOUBLE has', () => {
  const zero = keyOfPaths(schema, 'A', { ...paths, i: 0, d: 0 });
  expect(keyOfPaths(schema, 'A', { ...paths, i: -0, d: 0 })).toEqual(zero);
  expect(keyOfPaths(schema, 'A', { ...paths, i: 0, d: -0 }).text).not.toBe(zero.text);
});

test('different lists of strings have different texts', () => {
  const pairs = [
    ['a', 'b'],
    ['a,1:b', ''],
    ['', 'a,1:b'],
    ['ab', ''],
    ['1:a', 'b'],
    ['a,', 'b'],
  ];
  const texts = pairs.map(([a, b]) => keyOfPaths(schema, 'Two', { a, b }).text);
  expect(new Set(texts).size).toBe(pairs.length);
});

test('a key that was not validated is a bug', () => {
  expect(() => keyOfPaths(schema, 'Two', { a: 'x' })).toThrow('was not validated');
});
