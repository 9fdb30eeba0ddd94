import type { SharedArena } from '../bytes/shared-arena.ts';
import { batchMax, type KeyBatch } from './key-reader.ts';

/** Asked of records whose hashes are alike. */
type IsSameKey = (ordinal: number, other: number) => boolean;

/** Keeps reads from being optimized away. */
const touched = new Int32Array(batchMax);

/** A new table has so many buckets for each entry, of which deltas may fill some: 12 bytes an entry. */
const bucketsPerEntry = 1.5;
const bucketsMin = 8;
/** Beyond, probes grow long. From the 2/3 of a new table it is a quarter more entries to here. */
const takenShareMax = 5 / 6;

/** 2^32 / golden ratio: keys that follow each other are spread so evenly that they hardly ever meet. */
const spread = 0x9e37_79b1;
const two32 = 0x1_0000_0000;

/** A {@link KeyTable} on its way to another thread. */
export interface SharedKeyTable {
  readonly entries: Int32Array;
  readonly taken: number;
}

/**
 * Open addressing from hashes (32 bits) to ordinals, the two side by side: a bucket is one place in memory.
 *
 * The indexes of a chain of states have one table together. What is in a bucket never changes: entries are only added, and
 * each index says by a bit for every bucket which of them are its own, its *live* ones; the others it passes by. So an index
 * stays right when later ones add to the table, in other threads, too: a bucket that is filled meanwhile is not one of theirs.
 * Only the thread that made a table adds to it. Guarded by test/bench (index, lookUp, deltas).
 */
export class KeyTable {
  /** Of bucket b: the hash at 2b, the ordinal + 1 at 2b + 1 (0: empty). */
  entries: Int32Array;
  /** What the live bits are of an index that has none: those of the buckets that were filled at first; null: all still are. */
  firstLive: Uint32Array | null = null;
  /** Buckets that are not empty. */
  #taken: number;
  readonly #isOfThisThread: boolean;
  /** From 32 bits to a bucket. */
  readonly #scale: number;

  private constructor({ entries, taken }: SharedKeyTable, isOfThisThread: boolean) {
    this.entries = entries;
    this.#taken = taken;
    this.#isOfThisThread = isOfThisThread;
    this.#scale = entries.length / 2 / two32;
  }

  static withRoomFor(count: number): KeyTable {
    const buckets = Math.max(Math.ceil(count * bucketsPerEntry), bucketsMin);
    // Written to once in order: else the first touch of each of its pages is a read, and the next one a fault again.
    return new KeyTable({ entries: new Int32Array(2 * buckets).fill(0), taken: 0 }, true);
  }

  static open(shared: SharedKeyTable): KeyTable {
    return new KeyTable(shared, false);
  }

  /** From now on it lies in shared memory: what is added to it later is seen by those that it was shared with. */
  share(arena: SharedArena): SharedKeyTable {
    this.entries = arena.int32(this.entries);
    return { entries: this.entries, taken: this.#taken };
  }

  hasRoomFor(count: number): boolean {
    return this.#taken + count <= (this.entries.length / 2) * takenShareMax;
  }

  /** One that may be added to: itself, or, of another thread's, a copy. */
  toAddTo(): KeyTable {
    if (this.#isOfThisThread) return this;
    const copy = new KeyTable({ entries: this.entries.slice(), taken: this.#taken }, true);
    copy.firstLive = this.firstLive;
    return copy;
  }

  /** The live bits of an index that has none, from now on; before anything is added to what was there at first. */
  keepFirstLive(): Uint32Array {
    if (this.firstLive !== null) return this.firstLive;
    const { entries } = this;
    const live = new Uint32Array((entries.length + 63) >>> 6);
    for (let at = 0; at < entries.length; at += 2) if (entries[at + 1] !== 0) setLive(live, at);
    this.firstLive = live;
    return live;
  }

  /** The index of a hash's first bucket in {@link entries}. */
  startOf(hash: number): number {
    return (((Math.imul(hash, spread) >>> 0) * this.#scale) | 0) * 2;
  }

  /** The ordinal of a key that is its own hash; -1: there is none. */
  findKey(key: number, live: Uint32Array | null): number {
    const { entries } = this;
    const end = entries.length;
    for (let at = this.startOf(key); ; at = at + 2 < end ? at + 2 : 0) {
      const ordinal = (entries[at + 1] as number) - 1;
      if (ordinal < 0) return -1;
      if (entries[at] === key && isLive(live, at)) return ordinal;
    }
  }

  /**
   * Puts records in.
   *
   * @param live null: of a new table, whose entries are all live; else their bits are set
   * @returns true if a record was left out, because a live one has its key: a table of very many such would take a pass over
   *   all of them for each
   */
  insertAll({ ordinals, hashes, count }: KeyBatch, live: Uint32Array | null, isSame: IsSameKey): boolean {
    const { entries } = this;
    const end = entries.length;
    this.#touchAll(hashes, count);
    let hasDuplicates = false;
    for (let i = 0; i < count; i++) {
      const ordinal = ordinals[i] as number;
      if (ordinal < 0) continue;
      const hash = hashes[i] as number;
      let at = this.startOf(hash);
      // A bucket that it had in an earlier state is as good as a new one; further on another record may have its key.
      let own = -1;
      let isDuplicate = false;
      for (; entries[at + 1] !== 0; at = at + 2 < end ? at + 2 : 0) {
        if (entries[at] !== hash) continue;
        if (entries[at + 1] === ordinal + 1) own = at;
        else isDuplicate = isLive(live, at) && isSame(ordinal, (entries[at + 1] as number) - 1);
        if (isDuplicate) break;
      }
      if (isDuplicate) {
        hasDuplicates = true;
        continue;
      }
      if (own >= 0) at = own;
      if (entries[at + 1] === 0) this.#taken++;
      entries[at] = hash;
      entries[at + 1] = ordinal + 1;
      if (live !== null) setLive(live, at);
    }
    return hasDuplicates;
  }

  /** Takes the bits of records away. */
  removeAll({ ordinals, hashes, count }: KeyBatch, live: Uint32Array): void {
    const { entries } = this;
    const end = entries.length;
    this.#touchAll(hashes, count);
    for (let i = 0; i < count; i++) {
      const entry = (ordinals[i] as number) + 1;
      if (entry === 0) continue;
      const hash = hashes[i] as number;
      for (let at = this.startOf(hash); entries[at + 1] !== 0; at = at + 2 < end ? at + 2 : 0) {
        if (entries[at + 1] !== entry || entries[at] !== hash) continue;
        live[at >>> 6] = (live[at >>> 6] as number) & ~(1 << ((at >>> 1) & 31));
        break;
      }
    }
  }

  /** Of a big table each bucket is a wait for memory. Here these waits overlap, and then there are none: 60 ms -> 20 a million. */
  #touchAll(hashes: Int32Array, count: number): void {
    const { entries } = this;
    for (let i = 0; i < count; i++) touched[i] = entries[this.startOf(hashes[i] as number)] as number;
  }
}

/** @param at of a bucket in {@link KeyTable.entries} */
export function isLive(live: Uint32Array | null, at: number): boolean {
  return live === null || (((live[at >>> 6] as number) >>> ((at >>> 1) & 31)) & 1) === 1;
}

function setLive(live: Uint32Array, at: number): void {
  live[at >>> 6] = (live[at >>> 6] as number) | (1 << ((at >>> 1) & 31));
}
