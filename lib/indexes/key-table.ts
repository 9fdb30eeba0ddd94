/** At most this share of the buckets is taken: probes stay short. */
const bucketsPerEntry = 2;

/**
 * Open addressing from hashes (31 bits) to ordinals. An entry is the ordinal + 1 in its low bits and as many of the
 * hash's high bits as there is room for above them, so that most other keys are told apart without reading a record.
 * Filled once, then never changed.
 */
export class KeyTable {
  count = 0;
  readonly entries: Int32Array;
  /** Bucket of a hash: its low bits. */
  readonly bucketMask: number;
  /** The ordinal + 1 of an entry. */
  readonly ordinalMask: number;

  constructor(capacity: number, maxOrdinal: number) {
    const size = 2 ** (32 - Math.clz32(Math.max(capacity * bucketsPerEntry - 1, 1)));
    this.entries = new Int32Array(size);
    this.bucketMask = size - 1;
    this.ordinalMask = 2 ** (32 - Math.clz32(maxOrdinal + 1)) - 1;
  }

  insert(hash: number, ordinal: number): void {
    const { entries, bucketMask } = this;
    let bucket = hash & bucketMask;
    while (entries[bucket] !== 0) bucket = (bucket + 1) & bucketMask;
    entries[bucket] = (hash & ~this.ordinalMask) | (ordinal + 1);
    this.count++;
  }

  /** The ordinals of all entries, ascending. */
  ordinals(): Int32Array {
    const ordinals = new Int32Array(this.count);
    let k = 0;
    for (const entry of this.entries) if (entry !== 0) ordinals[k++] = (entry & this.ordinalMask) - 1;
    return ordinals.sort();
  }
}
