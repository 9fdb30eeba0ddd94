/**
 * Benches against the peers (README.md).
 *
 *   products.ts   a dataset: a product is a function of its id and revision (this file; BenchData.java mirrors it)
 *   cities.ts     another one, from the real world
 *   records.ts    what the peers have to know of a dataset
 *   peer.ts       what every peer can do
 *   peers/…       one file per peer
 *   subject.ts    a process that holds one peer and obeys lines
 *   run.ts        starts the subjects, takes turns, prints the table
 */
import type { Records } from './records.ts';

export interface Product {
  readonly id: number;
  readonly sku: string;
  readonly title: string;
  readonly price: number;
  readonly currency: string;
  readonly categoryId: number;
  readonly active: boolean;
  readonly rating: number | null;
  readonly tags: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
}

export const productSchema = `
Product @PrimaryKey(id) { long id; string sku; string title; int price; String currency; int categoryId;
  boolean active; float rating; SetOfString tags; MapOfStringToString attributes; }
SetOfString Set<String> @HashKey(value);
MapOfStringToString Map<String,String> @HashKey(value);
String { string value; }
`;

const syllables = 'ka lo mi ner sta vel to ri qua den sol pa xi bur fen go'.split(' ');
const changeable = 0x5bd1_e995;

let state = 0;

function seed(id: number, revision: number): void {
  state = Math.imul(id, 0x9e37_79b1) ^ Math.imul(revision, 0x85eb_ca6b);
}

/** mulberry32 */
function next(bound: number): number {
  state = (state + 0x6d2b_79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % bound;
}

/** The draws are in the order in which the Java program makes them. */
export function productOf(id: number, revision: number): Product {
  seed(id, 0);
  const sku = `SKU-${word(2)}-${100_000 + next(900_000)}`;
  let title = word(3);
  for (let words = 2 + next(4); words > 0; words--) title += ` ${word(2 + next(2))}`;
  const currency = `CUR${String.fromCharCode(65 + next(20))}`;
  const categoryId = next(1_000);
  const tags = tagsOf();
  const attributes = attributesOf();
  seed(id ^ changeable, revision);
  const price = 99 + next(100_000);
  const active = next(10) !== 0;
  const rating = next(50);
  return {
    id,
    sku,
    title,
    price,
    currency,
    categoryId,
    active,
    rating: rating < 10 ? null : rating / 8,
    tags,
    attributes,
  };
}

function word(count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) text += syllables[next(syllables.length)];
  return text;
}

function tagsOf(): string[] {
  const count = 1 + next(4);
  const first = next(5_000);
  return Array.from({ length: count }, (_, i) => `tag-${(first + i * 613) % 5_000}`);
}

function attributesOf(): Record<string, string> {
  const count = 3 + next(3);
  const first = next(12);
  const attributes: Record<string, string> = {};
  for (let i = 0; i < count; i++) attributes[`attribute-${(first + i) % 12}`] = `value-${next(8)}`;
  return attributes;
}

/** Ids that a cycle of this revision changes: one in a hundred. */
export const changeEvery = 100;

/** The products at revision 0. */
export function* products(count: number): Generator<Product> {
  for (let id = 0; id < count; id++) yield productOf(id, 0);
}

const batchSize = 4_096;

/**
 * The products at revision 0, some at a time, as a producer has them: parsed. To be made outside of what is timed; joining
 * their strings takes as long as adding them.
 */
export function* productBatches(count: number): Generator<readonly Product[]> {
  for (let first = 0; first < count; first += batchSize) {
    const size = Math.min(batchSize, count - first);
    yield parsed(Array.from({ length: size }, (_, i) => productOf(first + i, 0)));
  }
}

/** The products that a cycle of this revision changes, as {@link productBatches}. */
export function changedProducts(count: number, revision: number): readonly Product[] {
  const ids: number[] = [];
  for (let id = revision % changeEvery; id < count; id += changeEvery) ids.push(id);
  return parsed(ids.map((id) => productOf(id, revision)));
}

function parsed(items: readonly Product[]): readonly Product[] {
  return JSON.parse(JSON.stringify(items)) as readonly Product[];
}

export const productRecords: Records<Product> = {
  type: 'Product',
  fields: {
    number: 'price',
    text: 'title',
    shared: 'currency',
    secondNumber: 'categoryId',
    secondText: 'sku',
    third: { name: 'active', read: (records, field) => (o) => (records.readBoolean(o, field) ? 1 : 0) },
  },
  keyAt: (position) => position,
  all: products,
  keyOf: ({ id }) => id,
  sumOfThree: ({ price, title, currency }) => price + title.length + currency.length,
  sumOfTwo: ({ price, categoryId }) => price + categoryId,
  sumOfFive: ({ price, categoryId, active, sku, title }) =>
    price + categoryId + (active ? 1 : 0) + sku.length + title.length,
  table:
    'id integer primary key, sku text, title text, price int, currency text, categoryId int, active int, rating real, tags text, attributes text',
  columnsOfThree: 'id, price, title, currency',
  row: ({ id, sku, title, price, currency, categoryId, active, rating, tags, attributes }) => {
    const nested = [JSON.stringify(tags), JSON.stringify(attributes)];
    return [id, sku, title, price, currency, categoryId, active ? 1 : 0, rating, ...nested];
  },
};

/** Random existing ids, the same sequence for every peer. */
export function nextRandom(random: number): number {
  return (Math.imul(random, 1_664_525) + 1_013_904_223) | 0;
}
