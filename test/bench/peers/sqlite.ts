import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Peer } from '../peer.ts';
import { nextRandom, products } from '../products.ts';

interface Row {
  readonly id: number;
  readonly price: number;
  readonly title: string;
  readonly currency: string;
}

/** better-sqlite3, one prepared statement by integer key. */
export function createPeer(): Peer {
  let database: Database.Database | null = null;
  let byId: Database.Statement<[number], Row>;
  const get = (id: number): Row => byId.get(id) as Row;
  return {
    async prepare({ directory, count }) {
      const path = join(directory, 'products.sqlite');
      rmSync(path, { force: true });
      const target = new Database(path);
      target.pragma('journal_mode = OFF');
      target.exec(
        'create table product (id integer primary key, sku text, title text, price int, currency text, categoryId int, active int, rating real, tags text, attributes text)',
      );
      const insert = target.prepare('insert into product values (?,?,?,?,?,?,?,?,?,?)');
      target.transaction(() => {
        for (const p of products(count)) {
          const { id, sku, title, price, currency, categoryId, active, rating, tags, attributes } = p;
          const nested = [JSON.stringify(tags), JSON.stringify(attributes)];
          insert.run(id, sku, title, price, currency, categoryId, active ? 1 : 0, rating, ...nested);
        }
      })();
      target.close();
    },
    load({ directory }) {
      database?.close();
      database = new Database(join(directory, 'products.sqlite'), { readonly: true });
      database.pragma('mmap_size = 4294967296');
      byId = database.prepare('select id, price, title, currency from product where id = ?');
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
