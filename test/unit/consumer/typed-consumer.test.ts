import { inspect } from 'node:util';
import { beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { Consumer } from '../../../lib/consumer/consumer.ts';
import type { LookupKey, LookupNameOf, TypeNameOf } from '../../../lib/consumer/type-records.ts';
import { MemoryAnnouncements } from '../../../lib/memory/announcements.ts';
import { MemoryBlobStore } from '../../../lib/memory/blob-store.ts';
import { VirtualClock } from '../../../lib/memory/clock.ts';
import { MemoryHeadStore } from '../../../lib/memory/head-store.ts';
import { MemoryQuarantine } from '../../../lib/memory/quarantine.ts';
import { SeededRandom } from '../../../lib/memory/random.ts';
import { MemoryTelemetry } from '../../../lib/memory/telemetry.ts';
import { Producer } from '../../../lib/producer/producer.ts';
import { type AnyDataset, defineDataset, type } from '../../../lib/schema/builder.ts';
import { t } from '../../../lib/schema/field-specs.ts';
import type { PlainOf, ViewOf } from '../../../lib/schema/record-of.ts';
import { messageBody } from '../../../lib/sender/message-body.ts';
import type { MutationInput } from '../../../lib/sender/mutation-input.ts';

const shop = defineDataset({
  Order: type(
    {
      id: t.long({ as: 'bigint' }),
      placed: t.date(),
      status: t.enum(['open', 'closed']),
      payment: t.enum(['card', 'cash'], { type: 'Payment' }),
      total: t.long(),
      notes: t.list(t.string()),
      days: t.list(t.date()),
      lines: t.list(t.ref('Line')),
      tags: t.set(t.string()),
      loose: t.set(t.string(), { name: 'LooseSet', hashKey: [] }),
      numbers: t.set(t.long({ as: 'bigint' })),
      products: t.set(t.ref('Product')),
      bySize: t.set(t.ref('Line'), { name: 'LinesBySize', hashKey: ['quantity', 'product.sku'] }),
      stock: t.map(t.ref('Product'), t.int()),
      names: t.map(t.string(), t.string()),
      weights: t.map(t.double(), t.float()),
      floats: t.set(t.float()),
      ints: t.set(t.int()),
    },
    { primaryKey: ['id', 'placed'] },
  ),
  Line: type({ quantity: t.int(), product: t.ref('Product') }),
  Product: type({ sku: t.string(), price: t.double(), digest: t.bytes() }, { primaryKey: ['sku'] }),
});

const id = { dataset: 'shop', partition: 0 };
const placed = new Date('2026-11-23T10:00:00Z');
const [pen, ink] = [{ sku: 'pen', price: 1.5, digest: Uint8Array.of(1, 2) }, { sku: 'ink' }];
const order = {
  id: 2n ** 60n,
  placed,
  status: 'open',
  payment: 'card',
  total: 42,
  notes: ['a', 'b'],
  days: [placed],
  lines: [{ quantity: 2, product: pen }],
  tags: new Set(['x', 'y', 'größe']),
  loose: ['p', 'q'],
  numbers: [1n, -(2n ** 40n), 2n ** 61n],
  products: [pen, ink],
  bySize: [
    { quantity: 2, product: pen },
    { quantity: 3, product: ink },
  ],
  stock: new Map([
    [pen, 7],
    [ink, 0],
  ]),
  names: [['en', 'pen'] as const],
  weights: [[0.5, 0.25] as const],
  floats: [0.1],
  ints: [0],
} as const;

function world<D extends AnyDataset>(dataset: D) {
  const ports = {
    id,
    heads: new MemoryHeadStore(),
    blobs: new MemoryBlobStore(),
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    telemetry: new MemoryTelemetry(),
  };
  const quarantine = new MemoryQuarantine();
  const producer = new Producer({
    ...ports,
    schema: dataset.schema,
    announcer: new MemoryAnnouncements(),
    quarantine,
  });
  let count = 0;
  const commit = async (...mutations: readonly MutationInput<D>[]) => {
    const body = messageBody(dataset, mutations);
    const message = { id: `m${++count}`, body, sentAtMs: 0, receiveCount: 1, receipt: 'r' };
    await producer.process([message], { remainingMs: () => 60_000 });
    expect(quarantine.records()).toEqual([]);
  };
  return { ports, commit };
}

describe('a typed consumer', () => {
  const { ports, commit } = world(shop);
  const consumer = new Consumer({ ...ports, dataset: shop });
  beforeAll(async () => {
    await commit(
      { op: 'upsert', type: 'Order', value: order },
      { op: 'upsert', type: 'Product', value: ink },
    );
    await consumer.refresh();
  });

  it('knows the names, keys and records', () => {
    expectTypeOf<LookupNameOf<typeof shop>>().toEqualTypeOf<'Order' | 'Product'>();
    expectTypeOf<TypeNameOf<typeof shop>>().toEqualTypeOf<'Order' | 'Product' | 'Line'>();
    expectTypeOf<LookupKey<typeof shop, 'Order'>>().toEqualTypeOf<readonly [bigint | number, Date]>();
    expectTypeOf(consumer.get<'Order'>).parameters.toEqualTypeOf<[type: 'Order', bigint | number, Date]>();
    expectTypeOf(consumer.get<'Product'>).returns.toEqualTypeOf<ViewOf<typeof shop, 'Product'>>();
    expectTypeOf(consumer.find<'Product'>).returns.toEqualTypeOf<
      ViewOf<typeof shop, 'Product'> | undefined
    >();
    expectTypeOf(consumer.get('Product', 'ink').toObject()).toEqualTypeOf<PlainOf<typeof shop, 'Product'>>();
    for (const line of consumer.state.type('Line')) {
      expectTypeOf(line.quantity).toEqualTypeOf<number | null>();
      expectTypeOf(line.product).toEqualTypeOf<ViewOf<typeof shop, 'Product'> | null>();
    }
  });

  it('gives columns of the values that records have', () => {
    const orders = consumer.state.type('Order');
    const o = orders.ordinalOf(order.id, placed);
    expect([...orders.ordinals()]).toEqual([o]);
    expect(orders.ordinalOf(1n, placed)).toBe(-1);
    const [ids, days] = [orders.column('id'), orders.column('placed')];
    expectTypeOf(ids.at).returns.toEqualTypeOf<bigint>();
    expectTypeOf(days.at).returns.toEqualTypeOf<Date>();
    expect([ids.at(o), days.at(o), orders.column('status').at(o)]).toEqual([order.id, placed, 'open']);
    const totals = orders.column('total');
    expectTypeOf(totals.at).returns.toEqualTypeOf<number | null>();
    expect([...totals.toArray()]).toEqual([42]);
    expect(orders.column('lines').at(o)?.[0]?.quantity).toBe(2);
    const products = consumer.state.type('Product');
    expectTypeOf(products.column('price').toArray).returns.toEqualTypeOf<Float64Array<ArrayBuffer>>();
    expect([...products.column('price').toArray(0)]).toEqual([...products].map(({ price }) => price ?? 0));
    expect(products.column('sku').at(products.ordinalOf('ink'))).toBe('ink');
  });

  it('reads the same with a cache of strings, whatever is refreshed', async () => {
    const cached = new Consumer({ ...ports, dataset: shop, stringCacheBytes: 2 ** 20 });
    await cached.refresh();
    for (let round = 0; round < 2; round++) {
      expect(cached.get('Product', 'pen').sku).toBe('pen');
      expect(cached.get('Order', order.id, placed).notes).toEqual(['a', 'b']);
    }
    expect(() => new Consumer({ ...ports, stringCacheBytes: 0.5 })).toThrow(
      expect.objectContaining({ kind: 'invalid' }),
    );
  });

  it('reads values as their fields say', () => {
    const found = consumer.get('Order', order.id, placed);
    expect([found.id, found.placed, found.total]).toEqual([2n ** 60n, placed, 42]);
    expect([found.status, found.payment]).toEqual(['open', 'card']);
    expect(found.notes).toEqual(['a', 'b']);
    expect(Object.isFrozen(found.notes)).toBe(true);
    expect(found.days).toEqual([placed]);
    expect(found.lines?.map((line) => [line.quantity, line.product?.price])).toEqual([[2, 1.5]]);
    expect(found.lines?.[0]?.product?.digest).toEqual(Uint8Array.of(1, 2));
  });

  it('looks into sets and maps by hash key', () => {
    const found = consumer.get('Order', order.id, placed);
    expect([...(found.tags ?? [])].toSorted()).toEqual(['größe', 'x', 'y']);
    for (const tag of order.tags) expect(found.tags?.has(tag), tag).toBe(true);
    expect(found.tags?.has('z')).toBe(false);
    expect([found.loose?.has('p'), found.loose?.has('z'), found.loose?.find('q')]).toEqual([
      true,
      false,
      'q',
    ]);
    for (const number of order.numbers) expect(found.numbers?.has(number), `${number}`).toBe(true);
    expect([found.numbers?.size, found.numbers?.has(2n)]).toEqual([3, false]);
    expect(found.products?.find('pen')?.price).toBe(1.5);
    expect(found.bySize?.find(3, 'ink')?.product?.sku).toBe('ink');
    expect(found.bySize?.has(3, 'pen')).toBe(false);
    expect([found.stock?.get('pen'), found.stock?.get('ink'), found.stock?.get('cap')]).toEqual([
      7,
      0,
      undefined,
    ]);
    expect([found.stock?.size, found.stock?.has('cap')]).toEqual([2, false]);
    expect([...(found.names ?? [])]).toEqual([['en', 'pen']]);
    expect([[...(found.names?.keys() ?? [])], [...(found.names?.values() ?? [])]]).toEqual([['en'], ['pen']]);
    expect(found.weights?.get(0.5)).toBe(0.25);
    expect([found.floats?.has(0.1), found.ints?.has(-0), found.ints?.has(1)]).toEqual([true, true, false]);
  });

  it('gives plain objects, and JSON that a message takes again', async () => {
    const found = consumer.get('Order', order.id, placed);
    const plain = found.toObject();
    expect([plain.id, plain.placed, plain.loose]).toEqual([2n ** 60n, placed, ['p', 'q']]);
    expect(JSON.parse(JSON.stringify(found))).toEqual(found.toJSON());
    expect(JSON.parse(JSON.stringify({ tags: found.tags, names: found.names }))).toEqual({
      tags: found.toJSON().tags,
      names: [['en', 'pen']],
    });
    expect(inspect(consumer.get('Product', 'ink'))).toBe("{ sku: 'ink', price: null, digest: null }");
    expect(inspect([found.tags, found.stock])).toMatch(
      /Set\(3\) { 'x', 'y', 'größe' },\s+Map\(2\) {\s+{ sku: 'pen', .* } => 7,/,
    );
    const { version } = consumer.state;
    await commit({ op: 'upsert', type: 'Order', value: plain });
    await commit({ op: 'upsert', type: 'Order', value: found.toJSON() });
    await consumer.refresh();
    expect(consumer.state.version.version).toBeGreaterThan(version.version);
    expect(consumer.get('Order', order.id, placed).toObject()).toEqual(plain);
  });

  it("gives bytes that are the reader's own: the state cannot be reached by them", () => {
    const read = () => consumer.get('Order', order.id, placed).products?.find('pen');
    const column = consumer.state.type('Product').column('digest');
    const digests = [read()?.digest, read()?.toObject().digest, column.at(0), [...column].at(0)];
    const given = digests.filter((digest) => digest !== null && digest !== undefined);
    expect(given.length).toBeGreaterThan(1);
    for (const digest of given) {
      expect([digest, digest.buffer.byteLength]).toEqual([Uint8Array.of(1, 2), 2]);
      digest.fill(255);
    }
    expect([read()?.digest, read()?.toJSON().digest]).toEqual([Uint8Array.of(1, 2), 'AQI=']);
  });

  it('gives records that an upsert takes as they are, alone or within others', async () => {
    const found = consumer.get('Order', order.id, placed);
    const [line] = found.lines ?? [];
    await commit(
      { op: 'upsert', type: 'Order', value: { id: 7n, placed, lines: line ? [line] : [], tags: found.tags } },
      { op: 'upsert', type: 'Product', value: consumer.get('Product', 'ink') },
    );
    await consumer.refresh();
    const copy = consumer.get('Order', 7n, placed).toObject();
    expect([copy.lines, copy.tags]).toEqual([found.toObject().lines, found.toObject().tags]);
    await commit({ op: 'delete', type: 'Order', key: { id: 7n, placed } });
    await commit({ op: 'upsert', type: 'Order', value: found });
    await consumer.refresh();
    expect(consumer.get('Order', order.id, placed).toObject()).toEqual(found.toObject());
  });

  it('iterates over all records of a type, in a state that does not change', async () => {
    const { state } = consumer;
    expect(state.type('Product').count).toBe(2);
    await commit({ op: 'upsert', type: 'Product', value: { sku: 'cap' } });
    await consumer.refresh();
    expect(Array.from(state.type('Product'), (product) => product.sku).toSorted()).toEqual(['ink', 'pen']);
    expect(consumer.state.type('Product').count).toBe(3);
  });

  it('says what was expected where the compiler was not asked', () => {
    const untyped = consumer as unknown as Consumer;
    const invalid = (message: RegExp) =>
      expect.objectContaining({ kind: 'invalid', message: expect.stringMatching(message) });
    expect(() => untyped.get('Oder', 1)).toThrow(invalid(/no type 'Oder' \(the types: .*Order, /));
    expect(() => untyped.get('Product', 1)).toThrow(invalid(/Product\.sku: expected a string, got number 1/));
    expect(() => untyped.get('Order', 1)).toThrow(invalid(/key of Order is \(id, placed\), not 1 values/));
    expect(() => untyped.get('Line', 1)).toThrow(invalid(/'Line' has no primary key/));
    expect(() => untyped.get('Product', 'nothing')).toThrow(
      invalid(/there is no Product with the key \(string "nothing"\)/),
    );
    expect(() => consumer.get('Order', 1n, placed)).toThrow(
      invalid(/there is no Order with the key \(bigint 1, Date 2026-11-23T10:00:00\.000Z\)/),
    );
    expect(() => untyped.state.type('SetOfString')).toThrow(invalid(/is a SET, not an OBJECT/));
  });

  it('without a dataset is one of unknown fields', async () => {
    const plain = new Consumer(ports);
    await plain.refresh();
    const found = plain.get('Order', order.id, placed.getTime());
    expectTypeOf(found['total']).toBeUnknown();
    expect([found['id'], found['placed'], found['nothing']]).toEqual([
      2n ** 60n,
      placed.getTime(),
      undefined,
    ]);
  });
});

describe('a consumer whose dataset differs from what is stored', () => {
  const stored = { id: t.int(), name: t.string(), big: t.long({ as: 'bigint' }), more: t.ref('More') };
  const wide = defineDataset({
    A: type(stored, { primaryKey: ['id'] }),
    More: type({ x: t.int(), y: t.int() }),
  });

  it('does not see fields and types that it does not know', async () => {
    const { ports, commit } = world(wide);
    await commit({
      op: 'upsert',
      type: 'A',
      value: { id: 1, name: 'n', big: 2n ** 53n + 1n, more: { x: 1, y: 2 } },
    });
    // More is a box to this reader: its only field is read as the bare value.
    const narrow = defineDataset({
      A: type({ more: t.ref('More'), big: t.long(), id: t.int() }, { primaryKey: ['id'] }),
      More: type({ y: t.int() }),
    });
    const consumer = new Consumer({ ...ports, dataset: narrow });
    await consumer.refresh();
    const found = consumer.get('A', 1);
    expect([found.id, found.more]).toEqual([1, 2]);
    expect(() => found.big).toThrow(
      /'A\.big' is 9007199254740993: define it as t\.long\(\{ as: 'bigint' \}\)/,
    );
  });

  it('looks into sets and maps without a hash key by the value that their elements read as', async () => {
    const fields = {
      id: t.int(),
      sizes: t.set(t.ref('Size'), { hashKey: [] }),
      prices: t.map(t.ref('Size'), t.int(), { hashKey: [] }),
    };
    const ofSizes = { primaryKey: ['id'] } as const;
    const { ports, commit } = world(
      defineDataset({ A: type(fields, ofSizes), Size: type({ unit: t.string(), cm: t.int() }) }),
    );
    const [small, large] = [
      { unit: 'x', cm: 7 },
      { unit: 'y', cm: 9 },
    ];
    await commit({ op: 'upsert', type: 'A', value: { id: 1, sizes: [small, large], prices: [[large, 5]] } });
    const narrow = defineDataset({ A: type(fields, ofSizes), Size: type({ cm: t.int() }) });
    for (const filter of [[], [{ exclude: 'Size', field: 'unit' }]]) {
      const consumer = new Consumer({ ...ports, dataset: narrow, filter });
      await consumer.refresh();
      const { sizes, prices } = consumer.get('A', 1);
      expect(new Set(sizes)).toEqual(new Set([7, 9]));
      expect([sizes?.has(9), sizes?.has(8), sizes?.find(7)]).toEqual([true, false, 7]);
      expect([prices?.get(9), prices?.has(7)]).toEqual([5, false]);
    }
  });

  it('is told every field that is missing or of another type, and keeps nothing', async () => {
    const { ports, commit } = world(wide);
    await commit({ op: 'upsert', type: 'A', value: { id: 1 } });
    const other = defineDataset({
      A: type(
        { id: t.int(), name: t.string({ inline: true }), big: t.int(), gone: t.set(t.int()) },
        { primaryKey: ['id', 'big'] },
      ),
      B: type({ x: t.int() }),
    });
    const consumer = new Consumer({ ...ports, dataset: other });
    await expect(consumer.refresh()).rejects.toMatchObject({
      kind: 'incompatible',
      message: [
        "the dataset has another schema: 'A.name' is String, not STRING",
        "'A.big' is LONG, not INT",
        "'A.gone' is missing",
        "the primary key of 'A' is (id), not (id, big)",
        "there is no type 'B'",
        "there is no type 'Integer'",
        "there is no type 'SetOfInteger'",
      ].join('; '),
    });
    expect(consumer.health).toMatchObject({ isReady: false, failuresInRow: 1 });
  });

  it('is refused where a key would mean another value, because it knows less of what the key refers to', async () => {
    const makers = { primaryKey: ['maker'] } as const;
    const part = { maker: t.ref('Maker'), size: t.int() };
    const stored = defineDataset({
      Part: type(part, makers),
      Maker: type({ id: t.int(), code: t.int() }, { primaryKey: ['code'] }),
    });
    const { ports, commit } = world(stored);
    await commit({ op: 'upsert', type: 'Part', value: { maker: { id: 1, code: 2 }, size: 9 } });
    // Without a key of its own a maker is told by its only field.
    const byId = defineDataset({ Part: type(part, makers), Maker: type({ id: t.int() }) });
    await expect(new Consumer({ ...ports, dataset: byId }).refresh()).rejects.toMatchObject({
      kind: 'incompatible',
      message: "the dataset has another schema: the primary key of 'Part' is (maker.code), not (maker.id)",
    });
    const byCode = defineDataset({
      Part: type(part, { primaryKey: ['maker.code'] }),
      Maker: type({ code: t.int() }, { primaryKey: ['code'] }),
    });
    const consumer = new Consumer({ ...ports, dataset: byCode });
    await consumer.refresh();
    expect(consumer.get('Part', 2).size).toBe(9);
  });
});
