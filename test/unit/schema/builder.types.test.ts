import { describe, expect, expectTypeOf, test } from 'vitest';
import { defineDataset, type PathOf, type } from '../../../lib/schema/builder.ts';
import { printSchemas } from '../../../lib/schema/dsl.ts';
import { t } from '../../../lib/schema/field-specs.ts';
import type {
  InputOf,
  JsonOf,
  KeyedNameOf,
  KeyOf,
  MapView,
  PlainOf,
  RecordOf,
  SetView,
  ViewOf,
} from '../../../lib/schema/record-of.ts';

const films = defineDataset({
  Film: type(
    {
      id: t.int(),
      seenMs: t.long(),
      views: t.long({ as: 'bigint' }),
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
    expect(() => defineDataset(other)).toThrow(/two different types are called 'String'/);
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
    expectTypeOf<Film['views']>().toEqualTypeOf<bigint | null>();
    expectTypeOf<Film['title']>().toEqualTypeOf<string | null>();
    expectTypeOf<Film['slug']>().toEqualTypeOf<string | null>();
    expectTypeOf<Film['score']>().toEqualTypeOf<number | null>();
    expectTypeOf<Film['weight']>().toEqualTypeOf<number | null>();
    expectTypeOf<Film['isNew']>().toEqualTypeOf<boolean | null>();
    expectTypeOf<Film['poster']>().toEqualTypeOf<Uint8Array<ArrayBuffer> | null>();
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

const shop = defineDataset({
  Order: type(
    {
      id: t.long({ as: 'bigint' }),
      placed: t.date(),
      status: t.enum(['open', 'closed']),
      payment: t.enum(['card', 'cash'], { type: 'Payment' }),
      notes: t.list(t.string()),
      days: t.list(t.date()),
      lines: t.list(t.ref('Line')),
      tags: t.set(t.string()),
      products: t.set(t.ref('Product')),
      bySize: t.set(t.ref('Line'), { hashKey: ['quantity', 'product.sku'], name: 'LinesBySize' }),
      unkeyed: t.set(t.ref('Line')),
      names: t.map(t.string(), t.string()),
      stock: t.map(t.ref('Product'), t.int()),
      matrix: t.list(t.list(t.double())),
    },
    { primaryKey: ['id', 'placed'] },
  ),
  Line: type({ quantity: t.int(), product: t.ref('Product') }),
  Product: type({ sku: t.string(), price: t.double(), digest: t.bytes() }, { primaryKey: ['sku'] }),
  Review: type(
    { product: t.ref('Product'), by: t.enum(['a', 'b'], { type: 'Author' }) },
    { primaryKey: ['product', 'by'] },
  ),
});
type Shop = typeof shop;

describe('collections, dates and enums', () => {
  test('get the names and hash keys that Java-Hollow gives them', () => {
    const [order, ...others] = shop.schema.inBlobOrder;
    expect(printSchemas(order === undefined ? [] : [order])).toBe(
      'Order @PrimaryKey(id, placed) {\n\tlong id;\n\tlong placed;\n\tstring status;\n\tPayment payment;\n' +
        '\tListOfString notes;\n\tListOfDate days;\n\tListOfLine lines;\n\tSetOfString tags;\n\tSetOfProduct products;\n' +
        '\tLinesBySize bySize;\n\tSetOfLine unkeyed;\n\tMapOfStringToString names;\n\tMapOfProductToInteger stock;\n' +
        '\tListOfListOfDouble matrix;\n}\n',
    );
    expect(printSchemas(others.slice(3))).toBe(
      'Payment {\n\tstring _name;\n}\nListOfString List<String>;\nString {\n\tstring value;\n}\n' +
        'ListOfDate List<Date>;\nDate {\n\tlong value;\n}\nListOfLine List<Line>;\n' +
        'SetOfString Set<String> @HashKey(value);\nSetOfProduct Set<Product> @HashKey(sku);\n' +
        'LinesBySize Set<Line> @HashKey(quantity, product.sku);\nSetOfLine Set<Line>;\n' +
        'MapOfStringToString Map<String,String> @HashKey(value);\n' +
        'MapOfProductToInteger Map<Product,Integer> @HashKey(sku);\nInteger {\n\tint value;\n}\n' +
        'ListOfListOfDouble List<ListOfDouble>;\nListOfDouble List<Double>;\nDouble {\n\tdouble value;\n}\n' +
        'Author {\n\tstring _name;\n}\n',
    );
  });

  test('may not give one name to two types', () => {
    const twice = {
      A: type({ a: t.enum(['x'], { type: 'E' }), b: t.enum(['y'], { type: 'E' }) }),
    };
    expect(() => defineDataset(twice)).toThrow(
      "two different types are called 'E': E { string _name; } (_name: one of x) and E { string _name; } (_name: one of y)",
    );
    const longs = { A: type({ a: t.list(t.long()), b: t.set(t.long({ as: 'bigint' })) }) };
    expect(() => defineDataset(longs)).toThrow(/\(value: as number\) and .* \(value: as bigint\)/);
    const keys = { A: type({ a: t.set(t.string()), b: t.set(t.string(), { hashKey: [] }) }) };
    expect(() => defineDataset(keys)).toThrow(/two different types are called 'SetOfString'/);
  });

  type Order = RecordOf<Shop, 'Order'>;

  test('read as JavaScript has them', () => {
    expectTypeOf<Order['id']>().toEqualTypeOf<bigint>();
    expectTypeOf<Order['placed']>().toEqualTypeOf<Date>();
    expectTypeOf<Order['status']>().toEqualTypeOf<'open' | 'closed' | null>();
    expectTypeOf<Order['payment']>().toEqualTypeOf<'card' | 'cash' | null>();
    expectTypeOf<Order['notes']>().toEqualTypeOf<readonly string[] | null>();
    expectTypeOf<Order['days']>().toEqualTypeOf<readonly Date[] | null>();
    expectTypeOf<Order['lines']>().toEqualTypeOf<readonly RecordOf<Shop, 'Line'>[] | null>();
    expectTypeOf<Order['tags']>().toEqualTypeOf<SetView<string, readonly [string]> | null>();
    expectTypeOf<Order['products']>().toEqualTypeOf<SetView<
      RecordOf<Shop, 'Product'>,
      readonly [string]
    > | null>();
    expectTypeOf<Order['bySize']>().toEqualTypeOf<SetView<
      RecordOf<Shop, 'Line'>,
      readonly [number, string]
    > | null>();
    expectTypeOf<Order['unkeyed']>().toEqualTypeOf<SetView<
      RecordOf<Shop, 'Line'>,
      readonly [never]
    > | null>();
    expectTypeOf<Order['names']>().toEqualTypeOf<MapView<string, string, readonly [string]> | null>();
    expectTypeOf<Order['stock']>().toEqualTypeOf<MapView<
      RecordOf<Shop, 'Product'>,
      number,
      readonly [string]
    > | null>();
    expectTypeOf<Order['matrix']>().toEqualTypeOf<readonly (readonly number[])[] | null>();
  });

  test('are plain in toObject, loose in upserts, and JSON where they are sent', () => {
    expectTypeOf<PlainOf<Shop, 'Order'>['tags']>().toEqualTypeOf<readonly string[] | null>();
    expectTypeOf<PlainOf<Shop, 'Order'>['names']>().toEqualTypeOf<
      readonly (readonly [string, string])[] | null
    >();
    expectTypeOf<InputOf<Shop, 'Order'>['id']>().toEqualTypeOf<bigint | number | string>();
    expectTypeOf<InputOf<Shop, 'Order'>['tags']>().toEqualTypeOf<
      readonly string[] | ReadonlySet<string> | SetView<string, never> | null | undefined
    >();
    expectTypeOf<InputOf<Shop, 'Order'>['names']>().toEqualTypeOf<
      | readonly (readonly [string, string])[]
      | ReadonlyMap<string, string>
      | MapView<string, string, never>
      | { readonly [name: string]: string }
      | null
      | undefined
    >();
    expectTypeOf<InputOf<Shop, 'Order'>['stock']>().not.toExtend<{ readonly [sku: string]: number }>();
    expectTypeOf<{ readonly id: number; readonly placed: Date }>().toExtend<InputOf<Shop, 'Order'>>();
    expectTypeOf<{ readonly id: number }>().not.toExtend<InputOf<Shop, 'Order'>>();
    expectTypeOf<JsonOf<Shop, 'Product'>>().toEqualTypeOf<{
      readonly sku: string;
      readonly price?: number | null | undefined;
      readonly digest?: string | null | undefined;
    }>();
    expectTypeOf<JsonOf<Shop, 'Order'>>().toExtend<InputOf<Shop, 'Order'>>();
    expectTypeOf<PlainOf<Shop, 'Order'>>().toExtend<InputOf<Shop, 'Order'>>();
    expectTypeOf<ViewOf<Shop, 'Order'>>().toExtend<InputOf<Shop, 'Order'>>();
  });

  test('keys are tuples of their paths, expanded as Hollow expands them', () => {
    expectTypeOf<KeyOf<Shop, 'Order'>>().toEqualTypeOf<readonly [bigint | number, Date]>();
    expectTypeOf<KeyOf<Shop, 'Product'>>().toEqualTypeOf<readonly [string]>();
    expectTypeOf<KeyOf<Shop, 'Review'>>().toEqualTypeOf<readonly [string, 'a' | 'b']>();
    expectTypeOf<KeyOf<typeof films, 'Film'>>().toEqualTypeOf<readonly [number, string]>();
    expectTypeOf<KeyedNameOf<Shop>>().toEqualTypeOf<'Order' | 'Product' | 'Review'>();
  });

  test('views are records, all the way down', () => {
    expectTypeOf<ViewOf<Shop, 'Order'>>().toExtend<RecordOf<Shop, 'Order'>>();
    expectTypeOf<ViewOf<Shop, 'Review'>['product']['toObject']>().returns.toEqualTypeOf<
      PlainOf<Shop, 'Product'>
    >();
  });
});
