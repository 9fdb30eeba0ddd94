import type { SharedArena } from '../bytes/shared-arena.ts';
import { batchMax, type KeyBatch } from './key-reader.ts';

/** Asked of records whose hashes are alike. */
type IsSameKey = (ordinal: number, other: number) => boolean;

/** Keeps reads from being optimized away. */
const touched = new Int32Array(batchMax);

/** At most this share of the buckets is taken: probes stay short. */
const bucketsPerEntry = 2;

/** A {@link KeyTable} on its way to another thread. */
export interface SharedKeyTable {
  readonly entries: Int32Array;
  readonly ordinalMask: number;
  readonly count: number;
}

/**
 * Open addressing from hashes (31 bits) to ordinals. An entry is the ordinal + 1 in its low bits and as many of the
 * hash's high bits as there is room for above them, so that most other keys are told apart without reading a record.
 * Filled once, then never changed.
 */
export class KeyTable {
  count: number;
  readonly entries: Int32Array;
  /** Bucket of a hash: its low bits. */
  readonly bucketMask: number;
  /** The ordinal + 1 of an entry. */
  readonly ordinalMask: number;

  private constructor({ entries, ordinalMask, count }: SharedKeyTable) {
    this.count = count;
    this.entries = entries;
    this.bucketMask = entries.length - 1;
    this.ordinalMask = ordinalMask;
  }

  static withRoomFor(count: number, maxOrdinal: number): KeyTable {
    const size = 2 ** (32 - Math.clz32(Math.max(count * bucketsPerEntry - 1, 1)));
    // Written to once in order: else the first touch of each of its pages is a read, and the next one a fault again.
    const entries = new Int32Array(size).fill(0);
    return new KeyTable({ entries, ordinalMask: 2 ** (32 - Math.clz32(maxOrdinal + 1)) - 1, count: 0 });
  }

  static open(shared: SharedKeyTable): KeyTable {
    return new KeyTable(shared);
  }

  share(arena: SharedArena): SharedKeyTable {
    return { entries: arena.int32(this.entries), ordinalMask: this.ordinalMask, count: this.count };
  }

  /**
   * Puts records in.
   *
   * @returns true if two records have one key
   */
  insertAll({ ordinals, hashes, count }: KeyBatch, isSame: IsSameKey): boolean {
    const { entries, bucketMask, ordinalMask } = this;
    // Of a big table each bucket is a wait for memory. Here these waits overlap, and below there are none: 60 ms -> 20 a million.
    for (let i = 0; i < count; i++) touched[i] = entries[(hashes[i] as number) & bucketMask] as number;
    let hasDuplicates = false;
    for (let i = 0; i < count; i++) {
      const ordinal = ordinals[i] as number;
      if (ordinal < 0) continue;
      const hash = hashes[i] as number;
      const high = hash & ~ordinalMask;
      let bucket = hash & bucketMask;
      for (; ; bucket = (bucket + 1) & bucketMask) {
        const entry = entries[bucket] as number;
        if (entry === 0) break;
        if ((entry & ~ordinalMask) !== high || hasDuplicates) continue;
        hasDuplicates = isSame(ordinal, (entry & ordinalMask) - 1);
      }
      entries[bucket] = high | (ordinal + 1);
      this.count++;
    }
    return hasDuplicates;
  }

  /** Does it hold the key of one of these records, at another ordinal? */
  hasAny({ ordinals, hashes, count }: KeyBatch, isSame: IsSameKey): boolean {
    const { entries, bucketMask, ordinalMask } = this;
    for (let i = 0; i < count; i++) {
      const ordinal = ordinals[i] as number;
      if (ordinal < 0) continue;
      const high = (hashes[i] as number) & ~ordinalMask;
      let bucket = (hashes[i] as number) & bucketMask;
      for (; entries[bucket] !== 0; bucket = (bucket + 1) & bucketMask) {
        const entry = entries[bucket] as number;
        const other = (entry & ordinalMask) - 1;
        if ((entry & ~ordinalMask) === high && other !== ordinal && isSame(ordinal, other)) return true;
      }
    }
    return false;
  }

  /** The ordinals of all entries, ascending. */
  ordinals(): Int32Array {
    const ordinals = new Int32Array(this.count);
    let k = 0;
    for (const entry of this.entries) if (entry !== 0) ordinals[k++] = (entry & this.ordinalMask) - 1;
    return ordinals.sort();
  }
}
