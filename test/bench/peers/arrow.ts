import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Table, tableFromArrays, tableFromIPC, tableToIPC } from '@uwdata/flechette';
import type { Peer } from '../peer.ts';
import { nextRandom, products } from '../products.ts';

/** Arrow columns by flechette; the ids are looked up in a Map of its row numbers. Tags and attributes are left out. */
export function createPeer(): Peer {
  let table: Table;
  let rows = new Map<number, number>();
  const column = (name: string) => {
    const found = table.getChild(name);
    if (found === undefined || found === null) throw new Error(name);
    return found;
  };
  return {
    async prepare({ directory, count }) {
      const all = [...products(count)];
      const arrow = tableFromArrays({
        id: Int32Array.from(all, ({ id }) => id),
        sku: all.map(({ sku }) => sku),
        title: all.map(({ title }) => title),
        price: Int32Array.from(all, ({ price }) => price),
        currency: all.map(({ currency }) => currency),
        categoryId: Int32Array.from(all, ({ categoryId }) => categoryId),
        active: all.map(({ active }) => active),
        rating: all.map(({ rating }) => rating),
      });
      writeFileSync(join(directory, 'products.arrow'), tableToIPC(arrow, { format: 'file' }) ?? '');
    },
    load({ directory }) {
      table = tableFromIPC(readFileSync(join(directory, 'products.arrow')));
    },
    index() {
      rows = new Map();
      let row = 0;
      for (const id of column('id').toArray()) rows.set(Number(id), row++);
    },
    lookUp(times, count) {
      let sum = 0;
      for (let i = 0, random = 1; i < times; i++) {
        random = nextRandom(random);
        sum += rows.get((random >>> 8) % count) ?? 0;
      }
      return sum;
    },
    lookUpFields(times, count, isChained) {
      const price = column('price');
      const title = column('title');
      const currency = column('currency');
      let sum = 0;
      for (let i = 0, random = 1; i < times; i++) {
        random = nextRandom(isChained ? random ^ (sum & 1) : random);
        const row = rows.get((random >>> 8) % count) ?? -1;
        sum += price.at(row) + title.at(row).length + currency.at(row).length;
      }
      return sum;
    },
    scanFixed() {
      const prices = column('price').toArray();
      const categories = column('categoryId').toArray();
      let sum = 0;
      for (let row = 0; row < prices.length; row++) sum += prices[row] + categories[row];
      return sum;
    },
  };
}
