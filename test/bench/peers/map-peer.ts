import type { Dataset, Peer } from '../peer.ts';
import { nextRandom } from '../products.ts';
import type { Records } from '../records.ts';

type Store = (dataset: Dataset) => Promise<void>;
type Load<Item> = (dataset: Dataset, add: (item: Item) => void) => void | Promise<void>;

/** Objects in a Map by key, wherever they come from. */
export function mapPeer<Item>(records: Records<Item>, store: Store, load: Load<Item>): Peer {
  const { keyAt, keyOf, sumOfThree, sumOfTwo, sumOfFive } = records;
  let byKey = new Map<number, Item>();
  return {
    prepare: store,
    async load(dataset) {
      const loaded = new Map<number, Item>();
      await load(dataset, (item) => loaded.set(keyOf(item), item));
      byKey = loaded;
    },
    lookUp(times, count) {
      let sum = 0;
      for (let i = 0, random = 1; i < times; i++) {
        random = nextRandom(random);
        sum += keyOf(byKey.get(keyAt((random >>> 8) % count)) as Item);
      }
      return sum;
    },
    lookUpFields(times, count, isChained) {
      let sum = 0;
      for (let i = 0, random = 1; i < times; i++) {
        random = nextRandom(isChained ? random ^ (sum & 1) : random);
        sum += sumOfThree(byKey.get(keyAt((random >>> 8) % count)) as Item);
      }
      return sum;
    },
    scanFixed() {
      let sum = 0;
      for (const item of byKey.values()) sum += sumOfTwo(item);
      return sum;
    },
    scanStrings() {
      let sum = 0;
      for (const item of byKey.values()) sum += sumOfFive(item);
      return sum;
    },
  };
}
