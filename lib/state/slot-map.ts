import { bitCount } from '../bytes/bit-set.ts';
import type { SharedArena } from '../bytes/shared-arena.ts';

const pageShift = 13;
const pageSize = 1 << pageShift;
const wordsPerPage = pageSize / 32;
const wordMask = wordsPerPage - 1;
const indexSizeMax = 2 * wordsPerPage;

/**
 * Of 8,192 ordinals. For each 32 of them, up to the map's end: at 2w, a bit for each that has a slot, and at 2w + 1, where in
 * the page the first of their slots is. Behind that the slots, in the order of the ordinals. One array, and large pages: what
 * leads to the bits of an ordinal is read at every look-up, and stays in the first cache.
 */
type Page = Int32Array;

/** A {@link SlotMap} on its way to another thread. */
export interface SharedSlotMap {
  /** Null: there is nothing in it. */
  readonly pages: readonly (Int32Array | null)[];
  readonly end: number;
}

/** Of no slots; whole, as all but the last page are. */
const emptyPage: Page = new Int32Array(indexSizeMax).fill(indexSizeMax, 1, 2);

/**
 * An immutable map from ordinals to slots (numbers from 0 on). A changed copy shares the pages that it did not touch. It takes
 * two bits an ordinal and a slot for each that is in it, so that most of what a look-up reads stays in the processor's caches.
 * Guarded by test/bench (deltas, apply).
 */
export class SlotMap {
  static readonly empty = new SlotMap([], 0);

  /** All its ordinals are below. Declared only, as in {@link PackedField}. */
  declare readonly end: number;
  readonly #pages: readonly Page[];

  private constructor(pages: readonly Page[], end: number) {
    this.#pages = pages;
    this.end = end;
  }

  static open({ pages, end }: SharedSlotMap): SlotMap {
    return new SlotMap(
      pages.map((page) => page ?? emptyPage),
      end,
    );
  }

  share(arena: SharedArena): SharedSlotMap {
    const pages = this.#pages.map((page) => (page === emptyPage ? null : arena.int32(page)));
    return { pages, end: this.end };
  }

  /** Has the ordinal, which is >= 0, a slot? Apart from {@link get}, and short, so that engines inline it. */
  has(ordinal: number): boolean {
    if (ordinal >= this.end) return false;
    const page = this.#pages[ordinal >>> pageShift] as Page;
    return (((page[2 * ((ordinal >>> 5) & wordMask)] as number) >>> (ordinal & 31)) & 1) === 1;
  }

  /** The slot of an ordinal >= 0; -1: it has none. */
  get(ordinal: number): number {
    if (!this.has(ordinal)) return -1;
    const page = this.#pages[ordinal >>> pageShift] as Page;
    const at = 2 * ((ordinal >>> 5) & wordMask);
    const bits = page[at] as number;
    return page[(page[at + 1] as number) + bitCount(bits & ~(-1 << (ordinal & 31)))] as number;
  }

  /** Bit i: does the ordinal `from` + i have a slot? `from` is a multiple of 32. */
  bitsFrom(from: number): number {
    if (from >= this.end) return 0;
    return (this.#pages[from >>> pageShift] as Page)[2 * ((from >>> 5) % wordsPerPage)] as number;
  }

  /** Ascending. */
  ordinals(): number[] {
    const ordinals: number[] = [];
    this.#pages.forEach((page, p) => {
      for (let at = 0; at < indexSizeOf(page); at += 2) {
        for (let bits = page[at] as number; bits !== 0; bits &= bits - 1)
          ordinals.push(p * pageSize + at * 16 + lowestBit(bits));
      }
    });
    return ordinals;
  }

  /** With the k-th of these slots for the k-th of these ordinals, which ascend. */
  with(ordinals: Int32Array, slots: Int32Array): SlotMap {
    const words = ((ordinals.at(-1) ?? -1) + 32) >>> 5;
    const end = Math.max(this.end, words * 32);
    const pages: Page[] = [];
    for (let p = 0, from = 0; p * pageSize < end; p++) {
      let to = from;
      while (to < ordinals.length && (ordinals[to] as number) >>> pageShift === p) to++;
      const before = this.#pages[p] ?? emptyPage;
      const indexSize = Math.min((end - p * pageSize) / 16, indexSizeMax);
      const isSame = to === from && indexSizeOf(before) === indexSize;
      const added = { ordinals: ordinals.subarray(from, to), slots: slots.subarray(from, to) };
      pages.push(isSame ? before : pageWith(before, added, indexSize));
      from = to;
    }
    return new SlotMap(pages, end);
  }
}

/** The slots of the first word begin behind the index. */
function indexSizeOf(page: Page): number {
  return page[1] as number;
}

/** Some ordinals of a page, and their slots. */
interface AddedSlots {
  readonly ordinals: Int32Array;
  readonly slots: Int32Array;
}

function pageWith(before: Page, { ordinals, slots }: AddedSlots, indexSize: number): Page {
  const oldSize = Math.min(indexSizeOf(before), indexSize);
  const bitsOf = new Int32Array(indexSize);
  for (let at = 0; at < oldSize; at += 2) bitsOf[at] = before[at] as number;
  let size = indexSize + before.length - indexSizeOf(before);
  for (let k = 0; k < ordinals.length; k++) {
    const ordinal = ordinals[k] as number;
    const at = 2 * ((ordinal >>> 5) % wordsPerPage);
    const bits = bitsOf[at] as number;
    if (((bits >>> (ordinal & 31)) & 1) === 0) size++;
    bitsOf[at] = bits | (1 << (ordinal & 31));
  }
  const page = new Int32Array(size);
  let end = indexSize;
  let old = indexSizeOf(before);
  let k = 0;
  for (let at = 0; at < indexSize; at += 2) {
    page[at] = bitsOf[at] as number;
    page[at + 1] = end;
    const oldBits = at < oldSize ? (before[at] as number) : 0;
    for (let bits = bitsOf[at] as number; bits !== 0; bits &= bits - 1) {
      const bit = lowestBit(bits);
      const isNew = k < ordinals.length && (ordinals[k] as number) % pageSize === at * 16 + bit;
      page[end++] = isNew ? (slots[k++] as number) : (before[old] as number);
      if (((oldBits >>> bit) & 1) === 1) old++;
    }
  }
  return page;
}

/** Which of 32 bits is the lowest that is set. */
function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
