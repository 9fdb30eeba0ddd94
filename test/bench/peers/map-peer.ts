import type { Dataset, Peer } from '../peer.ts';
import { nextRandom, type Product } from '../products.ts';

type Store = (dataset: Dataset) => Promise<void>;
type Load = (dataset: Dataset, add: (product: Product) => void) => void | Promise<void>;

/** Objects in a Map by id, wherever they come from. */
export function mapPeer(store: Store, load: Load): Peer {
  let byId = new Map<number, Product>();
  return {
    prepare: store,
    async load(dataset) {
      const loaded = new Map<number, Product>();
      await load(dataset, (product) => loaded.set(product.id, product));
      byId = loaded;
    },
    lookUp(times, count) {
      let sum = 0;
      for (let i = 0, random = 1; i < times; i++) {
        random = nextRandom(random);
        sum += byId.get((random >>> 8) % count)?.id ?? 0;
      }
      return sum;
    },
    lookUpFields(times, count) {
      let sum = 0;
      for (let i = 0, random = 1; i < times; i++) {
        random = nextRandom(random);
        const product = byId.get((random >>> 8) % count) as Product;
        sum += product.price + product.title.length + product.currency.length;
      }
      return sum;
    },
    scanFixed() {
      let sum = 0;
      for (const { price, categoryId } of byId.values()) sum += price + categoryId;
      return sum;
    },
    scanStrings() {
      let sum = 0;
      for (const { price, categoryId, active, sku, title } of byId.values()) {
        sum += price + categoryId + (active ? 1 : 0) + sku.length + title.length;
      }
      return sum;
    },
  };
}
