import { bitCount } from '../bytes/bit-set.ts';
import type { SharedArena } from '../bytes/shared-arena.ts';

const pageShift = 12;
const pageSize = 1 << pageShift;
const wordsPerPage = pageSize / 32;

/** Of 4,096 ordinals. */
interface Page {
  /** Of each 32 of them, up to the last that has a slot: a bit for each that has one, at 2w; how many come before theirs, at 2w + 1. */
  readonly index: Uint32Array;
  /** In the order of the ordinals. */
  readonly slots: Int32Array;
}

/** A {@link SlotMap} on its way to another thread. */
export interface SharedSlotMap {
  /** Null: there is nothing in it. */
  readonly pages: readonly (Page | null)[];
}

const emptyPage: Page = { index: new Uint32Array(0), slots: new Int32Array(0) };

/**
 * An immutable map from ordinals to slots (numbers from 0 on). A changed copy shares the pages that it did not touch. It takes
 * two bits an ordinal and a slot for each that is in it, so that most of what a look-up reads stays in the processor's caches.
 * Guarded by test/bench (deltas, apply).
 */
export class SlotMap {
  static readonly empty = new SlotMap([]);

  readonly #pages: readonly Page[];

  private constructor(pages: readonly Page[]) {
    this.#pages = pages;
  }

  static open({ pages }: SharedSlotMap): SlotMap {
    return new SlotMap(pages.map((page) => page ?? emptyPage));
  }

  share(arena: SharedArena): SharedSlotMap {
    const pages = this.#pages.map((page) =>
      page === emptyPage ? null : { index: arena.uint32(page.index), slots: arena.int32(page.slots) },
    );
    return { pages };
  }

  /** All its ordinals are below. */
  get end(): number {
    return this.#pages.length * pageSize;
  }

  /** The slot of an ordinal from 0 to 2^32; -1: it has none. */
  get(ordinal: number): number {
    const page = this.#pages[ordinal >>> pageShift];
    if (page === undefined) return -1;
    const at = 2 * ((ordinal >>> 5) % wordsPerPage);
    const word = page.index[at] ?? 0;
    const bit = 1 << (ordinal & 31);
    if ((word & bit) === 0) return -1;
    return page.slots[(page.index[at + 1] as number) + bitCount(word & (bit - 1))] as number;
  }

  /** Ascending. */
  ordinals(): number[] {
    const ordinals: number[] = [];
    this.#pages.forEach(({ index }, p) => {
      for (let w = 0; 2 * w < index.length; w++) {
        for (let word = index[2 * w] as number; word !== 0; word &= word - 1)
          ordinals.push(p * pageSize + w * 32 + 31 - Math.clz32(word & -word));
      }
    });
    return ordinals;
  }

  /** With the slot `firstSlot` + k for the k-th of these ordinals, which ascend. */
  with(ordinals: Int32Array, firstSlot: number): SlotMap {
    const pages = this.#pages.slice();
    for (let from = 0; from < ordinals.length; ) {
      const p = (ordinals[from] as number) >>> pageShift;
      let to = from + 1;
      while (to < ordinals.length && (ordinals[to] as number) >>> pageShift === p) to++;
      while (pages.length <= p) pages.push(emptyPage);
      pages[p] = pageWith(pages[p] as Page, ordinals.subarray(from, to), firstSlot + from);
      from = to;
    }
    return new SlotMap(pages);
  }
}

/** @param ordinals all of the page */
function pageWith(before: Page, ordinals: Int32Array, firstSlot: number): Page {
  const lastWord = ((ordinals.at(-1) as number) >>> 5) % wordsPerPage;
  const index = new Uint32Array(Math.max(before.index.length, 2 * (lastWord + 1)));
  index.set(before.index);
  let count = before.slots.length;
  for (let k = 0; k < ordinals.length; k++) {
    const ordinal = ordinals[k] as number;
    const at = 2 * ((ordinal >>> 5) % wordsPerPage);
    const word = index[at] as number;
    const bit = 1 << (ordinal & 31);
    if ((word & bit) === 0) count++;
    index[at] = word | bit;
  }
  const slots = new Int32Array(count);
  let at = 0;
  let old = 0;
  let k = 0;
  for (let w = 0; 2 * w < index.length; w++) {
    index[2 * w + 1] = at;
    const oldWord = before.index[2 * w] ?? 0;
    for (let word = index[2 * w] as number; word !== 0; word &= word - 1) {
      const bit = word & -word;
      const isOld = (oldWord & bit) !== 0;
      const isNew =
        k < ordinals.length && (ordinals[k] as number) % pageSize === w * 32 + 31 - Math.clz32(bit);
      slots[at++] = isNew ? firstSlot + k : (before.slots[old] as number);
      if (isNew) k++;
      if (isOld) old++;
    }
  }
  return { index, slots };
}
