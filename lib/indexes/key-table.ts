import type { SharedArena } from '../bytes/shared-arena.ts';
import { batchMax, type KeyBatch } from './key-reader.ts';

/** Asked of records whose hashes are alike. */
type IsSameKey = (ordinal: number, other: number) => boolean;

/** Keeps reads from being optimized away. */
const touched = new Int32Array(batchMax);

/** At most this share of the buckets is taken: probes stay short. */
const bucketsPerEntry = 2;

/** 2^32 / golden ratio: keys that follow each other are spread so evenly that they hardly ever meet. */
const spread = 0x9e37_79b1;

/** A {@link KeyTable} on its way to another thread. */
export interface SharedKeyTable {
  readonly entries: Int32Array;
  readonly count: number;
  readonly ordinalsEnd: number;
  readonly areKeys: boolean;
}

/**
 * Open addressing from hashes (32 bits) to ordinals, the two side by side: a bucket is one place in memory, and a record is
 * read only if its hash is the one that is wanted, or not at all if hashes are the keys themselves. Filled once, then never
 * changed. Guarded by test/bench (index, lookUp).
 */
export class KeyTable {
  count: number;
  /** All its ordinals are below. */
  ordinalsEnd: number;
  /** Are the hashes the keys themselves? See {@link KeyBatch.areKeys}. */
  areKeys: boolean;
  /** Of bucket b: the hash at 2b, the ordinal + 1 at 2b + 1 (0: empty). */
  readonly entries: Int32Array;
  /** Bucket of a hash: its product with {@link spread}, so far down. */
  readonly shift: number;
  /** Greatest index of an ordinal in {@link entries}. */
  readonly mask: number;

  private constructor({ entries, count, ordinalsEnd, areKeys }: SharedKeyTable) {
    this.count = count;
    this.ordinalsEnd = ordinalsEnd;
    this.areKeys = areKeys;
    this.entries = entries;
    this.shift = 1 + Math.clz32(entries.length - 1);
    this.mask = entries.length - 1;
  }

  static withRoomFor(count: number): KeyTable {
    const sizeLog = 32 - Math.clz32(Math.max(count * bucketsPerEntry - 1, 1));
    // Written to once in order: else the first touch of each of its pages is a read, and the next one a fault again.
    const entries = new Int32Array(2 * 2 ** sizeLog).fill(0);
    return new KeyTable({ entries, count: 0, ordinalsEnd: 0, areKeys: true });
  }

  static open(shared: SharedKeyTable): KeyTable {
    return new KeyTable(shared);
  }

  share(arena: SharedArena): SharedKeyTable {
    const { count, ordinalsEnd, areKeys } = this;
    return { entries: arena.int32(this.entries), count, ordinalsEnd, areKeys };
  }

  /** The index of a hash's first bucket in {@link entries}. The next one: `(at + 2) & mask`. */
  startOf(hash: number): number {
    return (Math.imul(hash, spread) >>> this.shift) * 2;
  }

  /**
   * The ordinal of a key that is its own hash; -1: there is none.
   *
   * @param gone bit o of word o >>> 5 is set if the entry of ordinal o does not count any more; null: all count
   */
  findKey(key: number, gone: Uint32Array | null): number {
    const { entries, mask } = this;
    for (let at = this.startOf(key); ; at = (at + 2) & mask) {
      const ordinal = (entries[at + 1] as number) - 1;
      if (ordinal < 0) return -1;
      if (entries[at] === key && (gone === null || !hasBit(gone, ordinal))) return ordinal;
    }
  }

  /**
   * Puts records in.
   *
   * @returns true if two records have one key
   */
  insertAll({ ordinals, hashes, count, areKeys }: KeyBatch, isSame: IsSameKey): boolean {
    const { entries, mask } = this;
    if (!areKeys) this.areKeys = false;
    // Of a big table each bucket is a wait for memory. Here these waits overlap, and below there are none: 60 ms -> 20 a million.
    for (let i = 0; i < count; i++) touched[i] = entries[this.startOf(hashes[i] as number)] as number;
    let hasDuplicates = false;
    for (let i = 0; i < count; i++) {
      const ordinal = ordinals[i] as number;
      if (ordinal < 0) continue;
      const hash = hashes[i] as number;
      let at = this.startOf(hash);
      for (; entries[at + 1] !== 0; at = (at + 2) & mask) {
        if (entries[at] !== hash || hasDuplicates) continue;
        hasDuplicates = isSame(ordinal, (entries[at + 1] as number) - 1);
      }
      entries[at] = hash;
      entries[at + 1] = ordinal + 1;
      if (ordinal >= this.ordinalsEnd) this.ordinalsEnd = ordinal + 1;
      this.count++;
    }
    return hasDuplicates;
  }

  /** Does it hold the key of one of these records, at another ordinal? */
  hasAny({ ordinals, hashes, count }: KeyBatch, isSame: IsSameKey): boolean {
    const { entries, mask } = this;
    for (let i = 0; i < count; i++) {
      const ordinal = ordinals[i] as number;
      if (ordinal < 0) continue;
      const hash = hashes[i] as number;
      for (let at = this.startOf(hash); entries[at + 1] !== 0; at = (at + 2) & mask) {
        const other = (entries[at + 1] as number) - 1;
        if (entries[at] === hash && other !== ordinal && isSame(ordinal, other)) return true;
      }
    }
    return false;
  }

  /** The ordinals of all entries, ascending. */
  ordinals(): Int32Array {
    const ordinals = new Int32Array(this.count);
    const { entries } = this;
    for (let at = 1, k = 0; at < entries.length; at += 2) {
      if (entries[at] !== 0) ordinals[k++] = (entries[at] as number) - 1;
    }
    return ordinals.sort();
  }
}

function hasBit(words: Uint32Array, bit: number): boolean {
  return (((words[bit >>> 5] as number) >>> (bit & 31)) & 1) === 1;
}
