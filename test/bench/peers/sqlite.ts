import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Peer } from '../peer.ts';
import { nextRandom } from '../products.ts';
import type { Records } from '../records.ts';

/** better-sqlite3, one prepared statement by integer key. */
export function createPeer<Item>(records: Records<Item>): Peer {
  const { keyAt, keyOf, sumOfThree, table, columnsOfThree } = records;
  let database: Database.Database | null = null;
  let byKey: Database.Statement<[number], Item>;
  const get = (position: number): Item => byKey.get(keyAt(position)) as Item;
  return {
    async prepare({ directory, count }) {
      const path = join(directory, 'records.sqlite');
      rmSync(path, { force: true });
      const target = new Database(path);
      target.pragma('journal_mode = OFF');
      target.exec(`create table record (${table})`);
      const places = table.replaceAll(/[^,]+/g, '?');
      const insert = target.prepare(`insert into record values (${places})`);
      target.transaction(() => {
        for (const item of records.all(count)) insert.run(...records.row(item));
      })();
      target.close();
    },
    load({ directory }) {
      database?.close();
      database = new Database(join(directory, 'records.sqlite'), { readonly: true });
      database.pragma('mmap_size = 4294967296');
      byKey = database.prepare(
        `select ${columnsOfThree} from record where ${columnsOfThree.split(',')[0]} = ?`,
      );
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
