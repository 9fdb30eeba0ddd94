import type { SharedArena } from './shared-arena.ts';

const pageShift = 15;
const pageBits = 1 << pageShift;
const pageMask = pageBits - 1;
const pageHalves = pageBits / 32;

/** A new page has room for so many halves at least: they live within the array's own object, without memory beside it. */
const pageHalvesMin = 16;
const emptyPage = new Uint32Array(0);

/** A {@link BitSet} on its way to another thread. */
export interface SharedBitSet {
  readonly pages: readonly Uint32Array[];
  readonly count: number;
}

/**
 * An immutable set of small non-negative integers. A changed copy shares the pages (of up to 4 KiB, 32,768 integers) that
 * it did not touch with its predecessor. What a page does not reach is not in the set.
 */
export class BitSet {
  static readonly empty = new BitSet([], 0);

  readonly count: number;
  readonly #pages: readonly Uint32Array[];

  private constructor(pages: readonly Uint32Array[], count: number) {
    this.#pages = pages;
    this.count = count;
  }

  /** Bit i is bit (i mod 32) of `halves[floor(i / 32)]`. Views `halves` in place: it must not change any more. */
  static of(halves: Uint32Array): BitSet {
    let used = halves.length;
    while (used > 0 && halves[used - 1] === 0) used--;
    const pages: Uint32Array[] = used > 0 && used <= pageHalves ? [halves] : [];
    let count = 0;
    for (let start = pages.length * pageHalves; start < used; start += pageHalves) {
      pages.push(halves.subarray(start, Math.min(used, start + pageHalves)));
    }
    for (let i = 0; i < used; i++) count += bitCount(halves[i] as number);
    return new BitSet(pages, count);
  }

  static open({ pages, count }: SharedBitSet): BitSet {
    return new BitSet(pages, count);
  }

  share(arena: SharedArena): SharedBitSet {
    return { pages: this.#pages.map((page) => arena.uint32(page)), count: this.count };
  }

  has(index: number): boolean {
    const page = this.#pages[index >>> pageShift];
    const half = (index & pageMask) >>> 5;
    return page !== undefined && half < page.length && (((page[half] as number) >>> (index & 31)) & 1) === 1;
  }

  /** Bit i: is `from` + i in the set? `from` is a multiple of 32. */
  bitsFrom(from: number): number {
    const page = this.#pages[from >>> pageShift];
    const half = (from & pageMask) >>> 5;
    return page !== undefined && half < page.length ? (page[half] as number) | 0 : 0;
  }

  /** The least element >= `from` (>= 0); -1: none. */
  next(from: number): number {
    const pages = this.#pages;
    // In a scan the next one is mostly in the same half.
    const page = pages[from >>> pageShift];
    const first = (from & pageMask) >>> 5;
    if (page !== undefined && first < page.length) {
      const rest = (page[first] as number) >>> (from & 31);
      if (rest !== 0) return from + 31 - Math.clz32(rest & -rest);
    }
    // `bit` is of the first half that is looked at: a page that ends before it is left without having been looked at.
    for (
      let pageIndex = from >>> pageShift, bit = from & pageMask;
      pageIndex < pages.length;
      pageIndex++, bit = 0
    ) {
      const page = pages[pageIndex] as Uint32Array;
      for (let half = bit >>> 5; half < page.length; half++, bit = 0) {
        const bits = ((page[half] as number) >>> (bit & 31)) << (bit & 31);
        if (bits !== 0) return pageIndex * pageBits + half * 32 + 31 - Math.clz32(bits & -bits);
      }
    }
    return -1;
  }

  /** Writes the elements >= `from`, ascending, as many as `room` holds; returns how many. */
  list(from: number, room: Int32Array): number {
    let count = 0;
    for (
      let pageIndex = from >>> pageShift, bit = from & pageMask;
      pageIndex < this.#pages.length;
      pageIndex++, bit = 0
    ) {
      const page = this.#pages[pageIndex] as Uint32Array;
      for (let half = bit >>> 5; half < page.length; half++, bit = 0) {
        let bits = ((page[half] as number) >>> (bit & 31)) << (bit & 31);
        for (; bits !== 0; bits &= bits - 1) {
          if (count === room.length) return count;
          room[count++] = pageIndex * pageBits + half * 32 + 31 - Math.clz32(bits & -bits);
        }
      }
    }
    return count;
  }

  /** The greatest element; -1: none. */
  last(): number {
    for (let pageIndex = this.#pages.length - 1; pageIndex >= 0; pageIndex--) {
      const page = this.#pages[pageIndex] as Uint32Array;
      for (let half = page.length - 1; half >= 0; half--) {
        const bits = page[half] as number;
        if (bits !== 0) return pageIndex * pageBits + half * 32 + 31 - Math.clz32(bits);
      }
    }
    return -1;
  }

  /** (this \ removed) + added. */
  with(removed: Int32Array, added: Int32Array): BitSet {
    if (removed.length === 0 && added.length === 0) return this;
    const change = new PageChanges(this.#pages);
    let count = this.count;
    for (let i = 0; i < removed.length; i++) if (change.set(removed[i] as number, 0)) count--;
    for (let i = 0; i < added.length; i++) if (change.set(added[i] as number, 1)) count++;
    return new BitSet(change.pages, count);
  }

  /** A copy as 32-bit halves, `length` of them. */
  toHalves(length: number): Uint32Array<ArrayBuffer> {
    const halves = new Uint32Array(length);
    for (let i = 0; i < this.#pages.length && i * pageHalves < length; i++) {
      const page = this.#pages[i] as Uint32Array;
      const start = i * pageHalves;
      halves.set(start + page.length <= length ? page : page.subarray(0, length - start), start);
    }
    return halves;
  }
}

/** Copies each page at its first change. */
class PageChanges {
  readonly pages: Uint32Array[];
  readonly #before: readonly Uint32Array[];

  constructor(before: readonly Uint32Array[]) {
    this.#before = before;
    this.pages = before.slice();
  }

  /** True if the bit was different. */
  set(index: number, value: 0 | 1): boolean {
    const pageIndex = index >>> pageShift;
    while (this.pages.length <= pageIndex) {
      if (value === 0) return false;
      this.pages.push(emptyPage);
    }
    const page = this.pages[pageIndex] as Uint32Array;
    const half = (index & pageMask) >>> 5;
    const bits = half < page.length ? (page[half] as number) : 0;
    if (((bits >>> (index & 31)) & 1) === value) return false;
    const isShared = page === this.#before[pageIndex] || page === emptyPage;
    const own = isShared || half >= page.length ? copyWithRoom(page, half) : page;
    this.pages[pageIndex] = own;
    own[half] = bits ^ (1 << (index & 31));
    return true;
  }
}

/** A copy in which there is the half `half`. */
function copyWithRoom(page: Uint32Array, half: number): Uint32Array {
  if (half < page.length) return page.slice();
  const copy = new Uint32Array(Math.max(pageHalvesMin, 2 ** (32 - Math.clz32(half))));
  copy.set(page);
  return copy;
}

/** How many bits of 32 are set. */
export function bitCount(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x5555_5555);
  n = (n & 0x3333_3333) + ((n >>> 2) & 0x3333_3333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
