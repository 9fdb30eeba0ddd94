import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import type { Peer } from '../peer.ts';
import { nextRandom } from '../products.ts';
import type { Records } from '../records.ts';

/** lmdb with msgpack values: reads what is asked for, from mapped files. */
export function createPeer<Item>(records: Records<Item>): Peer {
  const { keyAt, keyOf, sumOfThree } = records;
  let database: RootDatabase<Item, number>;
  const openIn = (directory: string): RootDatabase<Item, number> =>
    open({
      path: join(directory, 'records.lmdb'),
      sharedStructuresKey: Symbol.for('s'),
    });
  const get = (position: number): Item => database.get(keyAt(position)) as Item;
  return {
    async prepare({ directory, count }) {
      const target = openIn(directory);
      let last: Promise<boolean> | undefined;
      for (const item of records.all(count)) last = target.put(keyOf(item), item);
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
        sum += keyOf(get((random >>> 8) % count));
      }
      return sum;
    },
    lookUpFields(times, count, isChained) {
      let sum = 0;
      for (let i = 0, random = 1; i < times; i++) {
        random = nextRandom(isChained ? random ^ (sum & 1) : random);
        sum += sumOfThree(get((random >>> 8) % count));
      }
      return sum;
    },
  };
}
