import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import type { Peer } from '../peer.ts';
import { nextRandom, type Product, products } from '../products.ts';

/** lmdb with msgpack values: reads what is asked for, from mapped files. */
export function createPeer(): Peer {
  let database: RootDatabase<Product, number>;
  const openIn = (directory: string): RootDatabase<Product, number> =>
    open({
      path: join(directory, 'products.lmdb'),
      sharedStructuresKey: Symbol.for('s'),
    });
  const get = (id: number): Product => database.get(id) as Product;
  return {
    async prepare({ directory, count }) {
      const target = openIn(directory);
      let last: Promise<boolean> | undefined;
      for (const product of products(count)) last = target.put(product.id, product);
      await last;
      await target.close();
    },
    async load({ directory }) {
      await database?.close();
      database = openIn(directory);
      get(0);
    },
    lookUp(times, count) {
      let sum = 0;
      for (let i = 0, random = 1; i < times; i++) {
        random = nextRandom(random);
        sum += get((random >>> 8) % count).id;
      }
      return sum;
    },
    lookUpFields(times, count) {
      let sum = 0;
      for (let i = 0, random = 1; i < times; i++) {
        random = nextRandom(random);
        const { price, title, currency } = get((random >>> 8) % count);
        sum += price + title.length + currency.length;
      }
      return sum;
    },
  };
}
