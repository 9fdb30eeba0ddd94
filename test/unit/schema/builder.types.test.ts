import { describe, expect, expectTypeOf, test } from 'vitest';
import { defineDataset, type PathOf, type RecordOf, t, type } from '../../../lib/schema/builder.ts';
import { printSchemas } from '../../../lib/schema/dsl.ts';

const films = defineDataset({
  Film: type(
    {
      id: t.int(),
      seenMs: t.long(),
      views: t.long({ wide: true }),
      title: t.string(),
      slug: t.string({ inline: true }),
      score: t.double(),
      weight: t.float(),
      isNew: t.boolean(),
      poster: t.bytes(),
      country: t.ref('Country'),
      genre: t.ref('Genre'),
      sequel: t.ref('Film'),
    },
    { primaryKey: ['id', 'country.code'] },
  ),
  Country: type({ code: t.string({ inline: true }), name: t.string() }),
  Genre: type({ name: t.string({ inline: true }) }),
  Wrapper: type({ film: t.ref('Film') }),
});

describe('defineDataset', () => {
  test('makes the schema that Java-Hollow would make', () => {
    expect(printSchemas(films.schema.schemas)).toBe(
      'Country {\n\tstring code;\n\tString name;\n}\n' +
        'Film @PrimaryKey(id, country.code) {\n\tint id;\n\tlong seenMs;\n\tlong views;\n\tString title;\n\tstring slug;\n' +
        '\tdouble score;\n\tfloat weight;\n\tboolean isNew;\n\tbytes poster;\n\tCountry country;\n\tGenre genre;\n' +
        '\tFilm sequel;\n}\n' +
        'Genre {\n\tstring name;\n}\n' +
        'String {\n\tstring value;\n}\n' +
        'Wrapper {\n\tFilm film;\n}\n',
    );
  });

  test('lists the types in the order of their definition', () => {
    const names = films.schema.inBlobOrder.map((schema) => schema.name);
    expect(names).toEqual(['Film', 'Country', 'Genre', 'Wrapper', 'String']);
  });

  test('takes an own String if it is the same, and no other', () => {
    const own = { String: type({ value: t.string({ inline: true }) }), A: type({ a: t.string() }) };
    expect(defineDataset(own).schema.schemas).toHaveLength(2);
    const other = { String: type({ value: t.int() }), A: type({ a: t.string() }) };
    expect(() => defineDataset(other)).toThrow(/'String' must have the one field 'value'/);
  });

  test('refuses references and key paths that lead nowhere', () => {
    expect(() => defineDataset({ A: type({ b: t.ref('B') }) })).toThrow(/A\.b refers to the type 'B'/);
    const badPath = { A: type({ b: t.ref('B') }, { primaryKey: ['b.x'] }), B: type({ y: t.int() }) };
    expect(() => defineDataset(badPath)).toThrow(/'B' has no field "x"/);
  });
});

describe('RecordOf', () => {
  type Film = RecordOf<typeof films, 'Film'>;

  test('infers every kind; only key fields are never null', () => {
    expectTypeOf<Film['id']>().toEqualTypeOf<number>();
    expectTypeOf<Film['seenMs']>().toEqualTypeOf<number | null>();
    expectTypeOf<Film['views']>().toEqualTypeOf<number | bigint | null>();
    expectTypeOf<Film['title']>().toEqualTypeOf<string | null>();
    expectTypeOf<Film['slug']>().toEqualTypeOf<string | null>();
    expectTypeOf<Film['score']>().toEqualTypeOf<number | null>();
    expectTypeOf<Film['weight']>().toEqualTypeOf<number | null>();
    expectTypeOf<Film['isNew']>().toEqualTypeOf<boolean | null>();
    expectTypeOf<Film['poster']>().toEqualTypeOf<Uint8Array | null>();
    expectTypeOf<Film['country']>().toEqualTypeOf<RecordOf<typeof films, 'Country'>>();
    expectTypeOf<RecordOf<typeof films, 'Country'>>().toEqualTypeOf<{
      readonly code: string | null;
      readonly name: string | null;
    }>();
  });

  test('reads references to boxes as bare values, and follows references that lead back', () => {
    expectTypeOf<Film['genre']>().toEqualTypeOf<string | null>();
    expectTypeOf<Film['sequel']>().toEqualTypeOf<Film | null>();
    expectTypeOf<RecordOf<typeof films, 'Wrapper'>>().toEqualTypeOf<{ readonly film: Film | null }>();
  });

  test('knows the names of the types', () => {
    expectTypeOf<keyof (typeof films)['types']>().toEqualTypeOf<'Film' | 'Country' | 'Genre' | 'Wrapper'>();
  });

  test('key paths are fields of the type, and lead on from references only', () => {
    type Fields = (typeof films)['types']['Wrapper']['fields'] & (typeof films)['types']['Country']['fields'];
    expectTypeOf<PathOf<Fields>>().toEqualTypeOf<
      'code' | 'name' | 'film' | `name.${string}` | `film.${string}`
    >();
  });
});
