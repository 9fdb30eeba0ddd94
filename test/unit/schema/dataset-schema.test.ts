import { describe, expect, test } from 'vitest';
import { canonicalText, DatasetSchema, schemaIdOf } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';

const schemaOf = (text: string): DatasetSchema => DatasetSchema.of(parseSchemas(text));

describe('DatasetSchema.of', () => {
  test('finds types by name', () => {
    const schema = schemaOf('B @PrimaryKey(x) { int x; } A List<B>; C @PrimaryKey(b) { B b; }');
    expect(schema.schemas.map(({ name }) => name)).toEqual(['A', 'B', 'C']);
    expect(schema.inBlobOrder.map(({ name }) => name)).toEqual(['B', 'A', 'C']);
    expect(schema.keyedTypes).toEqual(['B', 'C']);
    expect(schema.find('A')?.kind).toBe('LIST');
    expect(schema.find('D')).toBeUndefined();
    expect(schema.getObject('B').fields).toHaveLength(1);
    const invalid = expect.objectContaining({ kind: 'invalid' });
    expect(() => schema.get('D')).toThrow(invalid);
    expect(() => schema.getObject('A')).toThrow(invalid);
    expect(() => schema.keyPaths('toString')).toThrow(invalid);
  });

  test.each([
    ['A { } A { }', /two schemas are called 'A'/],
    ['A { int x; long x; }', /two fields 'A\.x'/],
    ['A { B b; }', /A\.b refers to the type 'B', which is not in the set/],
    ['A List<B>;', /refers to the type 'B'/],
    ['A Set<B>;', /refers to the type 'B'/],
    ['K { } A Map<K,V>;', /refers to the type 'V'/],
    ['V { } A Map<K,V>;', /refers to the type 'K'/],
    ['A { int __proto__; }', /cannot be the name of a field/],
    ['A { int constructor; }', /cannot be the name of a field/],
    ['A { int a.b; }', /cannot be the name of a field/],
    ['prototype { }', /cannot be called 'prototype'/],
    ['A @PrimaryKey(y) { int x; }', /key path 'y' of 'A': 'A' has no field "y"/],
    ['A @PrimaryKey(x.y) { int x; }', /'A\.x' is no REFERENCE/],
    ['A @PrimaryKey(x, x) { int x; }', /names a path twice/],
    ['A @PrimaryKey(b) { B b; } B { int x; int y; }', /ends on 'B', which has neither/],
    ['A @PrimaryKey(b) { B b; } B @PrimaryKey(x, y) { int x; int y; int z; }', /ends on 'B'/],
    ['A @PrimaryKey(b) { B b; } B @PrimaryKey(c!) { C c; int z; } C { int x; }', /key of 'B' is an ordinal/],
    ['A @PrimaryKey(a) { A a; }', /more than 64 references/],
    ['A @PrimaryKey(b) { B b; } B List<A>;', /ends on 'B'/],
    ['A @PrimaryKey(b.element) { B b; } B List<A>;', /'B' is a collection/],
    ['S Set<L> @HashKey(x); L List<S>;', /'L' is a collection/],
  ])('%s is refused', (text, reason) => {
    expect(() => schemaOf(text)).toThrow(
      expect.objectContaining({ kind: 'invalid', message: expect.stringMatching(reason) }),
    );
  });

  test('refuses what only a program can write', () => {
    const fields = [{ name: 'x', kind: 'INT', referencedType: 'A' }] as const;
    const object = { kind: 'OBJECT', primaryKey: [] } as const;
    expect(() => DatasetSchema.of([{ ...object, name: 'A', fields }])).toThrow(/must name a referenced type/);
    expect(() => DatasetSchema.of([{ ...object, name: '', fields: [] }])).toThrow(
      /cannot be the name of a type/,
    );
    expect(() => DatasetSchema.of([{ ...object, name: 'A B', fields: [] }])).toThrow(/cannot be the name/);
    expect(() => DatasetSchema.of([{ ...object, name: 'int', fields: [] }])).toThrow(/means a field kind/);
    const many = Array.from(
      { length: 32_768 },
      (_, i) => ({ name: `f${i}`, kind: 'INT', referencedType: null }) as const,
    );
    expect(() => DatasetSchema.of([{ ...object, name: 'A', fields: many }])).toThrow(/more than 32767/);
  });
});

describe('key paths', () => {
  const schema = schemaOf(`
    City @PrimaryKey(id, name, country, country.seat.code, land!) {
      string note; int id; String name; Country country; Country land;
    }
    String { string value; }
    Country @PrimaryKey(seat.code) { String name; Seat seat; }
    Seat { long code; float size; }
    Cities Set<City> @HashKey(country);
    Names Map<String,City> @HashKey(value);
    All List<City>;`);

  test('are resolved and expanded as Hollow does', () => {
    expect(schema.keyPaths('City')).toEqual([
      { path: 'id', steps: [], types: ['City'], leafField: 1, leafKind: 'INT' },
      { path: 'name', steps: [2], types: ['City', 'String'], leafField: 0, leafKind: 'STRING' },
      { path: 'country', steps: [3, 1], types: ['City', 'Country', 'Seat'], leafField: 0, leafKind: 'LONG' },
      {
        path: 'country.seat.code',
        steps: [3, 1],
        types: ['City', 'Country', 'Seat'],
        leafField: 0,
        leafKind: 'LONG',
      },
      { path: 'land!', steps: [], types: ['City'], leafField: 4, leafKind: 'REFERENCE' },
    ]);
  });

  test('of sets start at the element, of maps at the key, and lists have none', () => {
    expect(schema.keyPaths('Cities')).toMatchObject([
      { types: ['City', 'Country', 'Seat'], leafKind: 'LONG' },
    ]);
    expect(schema.keyPaths('Names')).toMatchObject([{ steps: [], types: ['String'], leafKind: 'STRING' }]);
    expect(schema.keyPaths('All')).toEqual([]);
    expect(schema.keyPaths('Seat')).toEqual([]);
  });
});

describe('schemaIdOf', () => {
  test('is the same for any order and layout of the text, and is pinned', () => {
    const id = schemaIdOf(schemaOf('A @PrimaryKey(x) { int x; B b; } B { string s; }'));
    expect(id).toBe(schemaIdOf(schemaOf('B{string s;}/**/A@PrimaryKey(x){int x;B b;}')));
    // Heads carry it: a change here would make every running producer refuse its own chain.
    expect(id).toBe('834f188930284bf9');
    expect(schemaIdOf(schemaOf(''))).toBe('cbf29ce484222325');
  });

  test('differs with every detail', () => {
    const texts = [
      'A { int x; int y; }',
      'A { int y; int x; }',
      'A { long x; int y; }',
      'A @PrimaryKey(x) { int x; int y; }',
      'A @PrimaryKey(x, y) { int x; int y; }',
      'A { int x; int y; } B { }',
    ];
    expect(new Set(texts.map((text) => schemaIdOf(schemaOf(text)))).size).toBe(texts.length);
  });

  test('is made from the text that Hollow hashes', () => {
    expect(canonicalText(schemaOf('B { } A List<B>;'))).toBe('A List<B>;B {\n}');
  });
});
