import { describe, expect, test } from 'vitest';
import { parseSchemas, printSchema, printSchemas } from '../../../lib/schema/dsl.ts';
import type { Schema } from '../../../lib/schema/schema.ts';

const everyKind: readonly Schema[] = [
  {
    kind: 'OBJECT',
    name: 'Film',
    primaryKey: ['id', 'country.code'],
    fields: [
      { name: 'id', kind: 'INT', referencedType: null },
      { name: 'l', kind: 'LONG', referencedType: null },
      { name: 'b', kind: 'BOOLEAN', referencedType: null },
      { name: 'f', kind: 'FLOAT', referencedType: null },
      { name: 'd', kind: 'DOUBLE', referencedType: null },
      { name: 's', kind: 'STRING', referencedType: null },
      { name: 'y', kind: 'BYTES', referencedType: null },
      { name: 'country', kind: 'REFERENCE', referencedType: 'Country' },
    ],
  },
  { kind: 'OBJECT', name: 'NoFields', primaryKey: [], fields: [] },
  { kind: 'LIST', name: 'ListOfFilm', elementType: 'Film' },
  { kind: 'SET', name: 'Plain', elementType: 'Film', hashKey: [] },
  { kind: 'SET', name: 'SetOfFilm', elementType: 'Film', hashKey: ['id', 'country!'] },
  { kind: 'MAP', name: 'MapOfFilmToFilm', keyType: 'Film', valueType: 'Film', hashKey: ['id'] },
];

test('prints exactly what Hollow prints', () => {
  expect(everyKind.map(printSchema)).toEqual([
    'Film @PrimaryKey(id, country.code) {\n\tint id;\n\tlong l;\n\tboolean b;\n\tfloat f;\n\tdouble d;\n' +
      '\tstring s;\n\tbytes y;\n\tCountry country;\n}',
    'NoFields {\n}',
    'ListOfFilm List<Film>;',
    'Plain Set<Film>;',
    'SetOfFilm Set<Film> @HashKey(id, country!);',
    'MapOfFilmToFilm Map<Film,Film> @HashKey(id);',
  ]);
});

describe('parseSchemas', () => {
  test('reads back every kind', () => {
    expect(parseSchemas(printSchemas(everyKind))).toEqual(everyKind);
  });

  test('takes comments and any white space', () => {
    const text = `
      // int no;
      Film/* a */@ PrimaryKey ( id ,country.code ) { int id ; long/**/l;boolean b;float f;double d;string
      s;bytes y; Country country; };   /* Map < x > ; */
      NoFields{}\r\n\tListOfFilm   List < Film > ; Plain Set<Film> @HashKey(); SetOfFilm Set<Film>@HashKey(id,country!);
      MapOfFilmToFilm Map< Film , Film >@HashKey(id) ; // end`;
    expect(parseSchemas(text)).toEqual(everyKind);
  });

  test('knows keywords by their place only', () => {
    const [schema] = parseSchemas('List { int int; List List; INT x; }');
    expect(schema).toEqual({
      kind: 'OBJECT',
      name: 'List',
      primaryKey: [],
      fields: [
        { name: 'int', kind: 'INT', referencedType: null },
        { name: 'List', kind: 'REFERENCE', referencedType: 'List' },
        { name: 'x', kind: 'REFERENCE', referencedType: 'INT' },
      ],
    });
    expect(parseSchemas('List List<List>;')).toEqual([{ kind: 'LIST', name: 'List', elementType: 'List' }]);
  });

  test('an empty text has no schemas', () => {
    expect(parseSchemas(' ; // nothing')).toEqual([]);
  });

  test.each([
    ['A {\n  int x;\n  foo }', 3, 7, /expected the name of a field, got "}"/],
    ['A {', 1, 4, /expected a field of 'A' or '}', got the end of the text/],
    ['A @HashKey(x) {}', 1, 4, /expected '@PrimaryKey', got '@HashKey'/],
    ['A Set<B> @PrimaryKey(x);', 1, 11, /expected '@HashKey'/],
    ['A\n\n  Bag<B>;', 3, 3, /'List', 'Set' or 'Map' after 'A', got 'Bag'/],
    ['A Map<B>;', 1, 8, /expected ',' after 'B', got ">"/],
    ['A List<B>', 1, 10, /expected ';'/],
    ['A { int x }', 1, 11, /expected ';' after the field 'x'/],
    ['A { /* int x; }', 1, 5, /a comment is not closed/],
    ['int { }', 1, 1, /a type cannot be called 'int'/],
    ['7up { }', 1, 1, /expected the name of a type, got "7"/],
    ['A @PrimaryKey(a b) { }', 1, 17, /expected '\)'/],
    ['A @PrimaryKey(,) { }', 1, 15, /expected a field path/],
  ])('%j is refused at line %i, column %i', (text, line, column, reason) => {
    expect(() => parseSchemas(text)).toThrow(
      expect.objectContaining({
        kind: 'invalid',
        message: expect.stringMatching(reason),
        details: { line, column },
      }),
    );
  });
});
