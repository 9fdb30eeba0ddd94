const capacityMin = 16;

/** Fullest share of the slots. */
const loadMax = 0.7;

/** Slots that are asked for at a time: they stay in the processor's first caches. */
const runLength = 256;

/** Keeps reads from being optimized away. */
const touched = new Int32Array(1);

/** One for all tables. */
let candidates = new Int32Array(runLength);

/** Where the contents are that a {@link DedupTable} finds: a type state (by ordinal) or an arena (by index). */
export interface RecordContents {
  recordEquals(entry: number, bytes: Uint8Array, start: number, end: number): boolean;
}

/**
 * Finds a record by its content without holding the content: an open-addressing table of entries (ordinals of a type
 * state, or indexes of an arena) with their hashes; bytes are compared in place, where the records are.
 */
export class DedupTable {
  /** Two numbers per slot, side by side because they are read together: entry + 1 (0: empty), and its hash. */
  #slots: Int32Array;
  #count = 0;

  constructor(countExpected: number = 0) {
    this.#slots = new Int32Array(slotsFor(countExpected));
  }

  get count(): number {
    return this.#count;
  }

  /** The entry with the content `bytes[start, end)`, or -1. `hash` is murmur3 of the bytes. */
  find(hash: number, contents: RecordContents, bytes: Uint8Array, start: number, end: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = (hash << 1) & mask; slots[at] !== 0; at = (at + 2) & mask) {
      if (slots[at + 1] !== hash) continue;
      const entry = (slots[at] as number) - 1;
      if (contents.recordEquals(entry, bytes, start, end)) return entry;
    }
    return -1;
  }

  /**
   * For each of `hashes[0, count)` the entry that {@link find} will compare first, or -1. Whatever it takes to find that out is
   * in the processor's caches then. Valid until the next call, of any table.
   */
  candidates(hashes: Int32Array, count: number): Int32Array {
    if (candidates.length < count) candidates = new Int32Array(count);
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let i = 0; i < count; i++) {
      const hash = hashes[i] as number;
      const at = (hash << 1) & mask;
      candidates[i] = slots[at + 1] === hash ? (slots[at] as number) - 1 : -1;
    }
    return candidates;
  }

  /** {@link insert} for many. */
  insertAll(hashes: Int32Array, entries: Int32Array): void {
    this.#reserve(entries.length);
    for (let from = 0; from < entries.length; from += runLength) {
      const end = Math.min(from + runLength, entries.length);
      this.#touch(hashes, from, end);
      for (let i = from; i < end; i++) this.insert(hashes[i] as number, entries[i] as number);
    }
  }

  /** {@link remove} for many; the first entry that was not there, or -1. */
  removeAll(hashes: Int32Array, entries: Int32Array): number {
    let missing = -1;
    for (let from = 0; from < entries.length; from += runLength) {
      const end = Math.min(from + runLength, entries.length);
      this.#touch(hashes, from, end);
      for (let i = from; i < end; i++) {
        const isFound = this.remove(hashes[i] as number, entries[i] as number);
        if (!isFound && missing < 0) missing = entries[i] as number;
      }
    }
    return missing;
  }

  /** Each slot of a big table is a wait for memory: here they overlap, and what comes next has none. */
  #touch(hashes: Int32Array, from: number, end: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let seen = 0;
    for (let i = from; i < end; i++) seen |= slots[((hashes[i] as number) << 1) & mask] as number;
    touched[0] = seen;
  }

  insert(hash: number, entry: number): void {
    if (this.#count * 2 >= this.#slots.length * loadMax) this.#growTo(this.#slots.length * 2);
    this.#place(hash, entry + 1);
    this.#count++;
  }

  /** True iff the entry was there under this hash. */
  remove(hash: number, entry: number): boolean {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = (hash << 1) & mask;
    while (slots[at] !== entry + 1 || slots[at + 1] !== hash) {
      if (slots[at] === 0) return false;
      at = (at + 2) & mask;
    }
    this.#close(at);
    this.#count--;
    return true;
  }

  /** Moves later entries of the probe run up, so that no search stops at the gap. */
  #close(gapStart: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let gap = gapStart;
    for (let at = (gap + 2) & mask; slots[at] !== 0; at = (at + 2) & mask) {
      const home = ((slots[at + 1] as number) << 1) & mask;
      // An entry may move back to the gap unless its home lies between the gap and itself.
      if (((at - home) & mask) >= ((at - gap) & mask)) {
        slots[gap] = slots[at] as number;
        slots[gap + 1] = slots[at + 1] as number;
        gap = at;
      }
    }
    slots[gap] = 0;
  }

  /** Makes room for `count` more entries at once. */
  #reserve(count: number): void {
    const size = slotsFor(this.#count + count);
    if (size > this.#slots.length) this.#growTo(size);
  }

  #place(hash: number, stored: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = (hash << 1) & mask;
    while (slots[at] !== 0) at = (at + 2) & mask;
    slots[at] = stored;
    slots[at + 1] = hash;
  }

  /** The low bits of a hash say where, so what is read in order is written in order, too, at a few places at a time. */
  #growTo(size: number): void {
    const slots = this.#slots;
    this.#slots = new Int32Array(size);
    for (let at = 0; at < slots.length; at += 2) {
      if (slots[at] !== 0) this.#place(slots[at + 1] as number, slots[at] as number);
    }
  }
}

function slotsFor(count: number): number {
  let capacity = capacityMin;
  while (capacity * loadMax < count) capacity *= 2;
  return capacity * 2;
}
