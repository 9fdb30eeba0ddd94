import { bitCount } from '../bytes/bit-set.ts';
import type { SharedArena } from '../bytes/shared-arena.ts';

const pageShift = 13;
const pageSize = 1 << pageShift;
const wordsPerPage = pageSize / 32;
const indexSize = 2 * wordsPerPage;

/**
 * Of 8,192 ordinals. For each 32 of them, at 2w, a bit for each that has a slot, and at 2w + 1, where in the page the first of
 * their slots is. Behind that the slots, in the order of the ordinals. One array, and large pages: what leads to the bits of
 * an ordinal is read at every look-up, and stays in the first cache.
 */
type Page = Int32Array;

/** A {@link SlotMap} on its way to another thread. */
export interface SharedSlotMap {
  /** Null: there is nothing in it. */
  readonly pages: readonly (Int32Array | null)[];
}

const emptyPage: Page = new Int32Array(indexSize);

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
    return { pages: this.#pages.map((page) => (page === emptyPage ? null : arena.int32(page))) };
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
    const bits = page[at] as number;
    if (((bits >>> (ordinal & 31)) & 1) === 0) return -1;
    return page[(page[at + 1] as number) + bitCount(bits & ~(-1 << (ordinal & 31)))] as number;
  }

  /** Ascending. */
  ordinals(): number[] {
    const ordinals: number[] = [];
    this.#pages.forEach((page, p) => {
      for (let at = 0; at < indexSize; at += 2) {
        for (let bits = page[at] as number; bits !== 0; bits &= bits - 1)
          ordinals.push(p * pageSize + at * 16 + lowestBit(bits));
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
  const bitsOf = before.slice(0, indexSize);
  let size = before.length;
  for (let k = 0; k < ordinals.length; k++) {
    const ordinal = ordinals[k] as number;
    const at = 2 * ((ordinal >>> 5) % wordsPerPage);
    const bits = bitsOf[at] as number;
    if (((bits >>> (ordinal & 31)) & 1) === 0) size++;
    bitsOf[at] = bits | (1 << (ordinal & 31));
  }
  const page = new Int32Array(size);
  let end = indexSize;
  let old = indexSize;
  let k = 0;
  for (let at = 0; at < indexSize; at += 2) {
    page[at] = bitsOf[at] as number;
    page[at + 1] = end;
    const oldBits = before[at] as number;
    for (let bits = bitsOf[at] as number; bits !== 0; bits &= bits - 1) {
      const bit = lowestBit(bits);
      const isNew = k < ordinals.length && (ordinals[k] as number) % pageSize === at * 16 + bit;
      page[end++] = isNew ? firstSlot + k++ : (before[old] as number);
      if (((oldBits >>> bit) & 1) === 1) old++;
    }
  }
  return page;
}

/** Which of 32 bits is the lowest that is set. */
function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
