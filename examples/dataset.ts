import { defineDataset, type RecordOf, t, type } from 'serverless-hollow';

export const shop = defineDataset({
  Product: type(
    {
      sku: t.string({ inline: true }), // nearly all different: stored in the record
      name: t.string(), // stored once, however many products have it
      price: t.double(),
      added: t.date(),
      status: t.enum(['active', 'sold out'], { type: 'Status' }),
      maker: t.ref('Maker'),
      tags: t.set(t.string()),
      stock: t.map(t.string(), t.int()), // by warehouse
    },
    { primaryKey: ['sku'] },
  ),
  Maker: type({ id: t.int(), name: t.string() }, { primaryKey: ['id'] }),
});

export type Product = RecordOf<typeof shop, 'Product'>;
