import type { ElementHash } from '../state/hash-keys.ts';

const empty = -1;

/**
 * The table of one set or map while it is laid out: docs/format.md, "Bucket order". Readers find elements by probing,
 * so where each one lies is part of the format; elements must come in ascending order.
 */
export class HashBuckets {
  readonly #hash: ElementHash;
  #keys = new Int32Array(16);
  #values = new Int32Array(16);
  #mask = 0;

  constructor(hash: ElementHash) {
    this.#hash = hash;
  }

  reset(bucketCount: number): void {
    if (bucketCount > this.#keys.length) {
      this.#keys = new Int32Array(bucketCount);
      this.#values = new Int32Array(bucketCount);
    }
    this.#keys.fill(empty, 0, bucketCount);
    this.#values.fill(0, 0, bucketCount);
    this.#mask = bucketCount - 1;
  }

  place(key: number, value: number): void {
    let bucket = this.#hash(key) & this.#mask;
    while (this.#keys[bucket] !== empty) bucket = (bucket + 1) & this.#mask;
    this.#keys[bucket] = key;
    this.#values[bucket] = value;
  }

  /** Negative: the bucket is empty. */
  keyAt(bucket: number): number {
    return this.#keys[bucket] as number;
  }

  /** 0 in an empty bucket. */
  valueAt(bucket: number): number {
    return this.#values[bucket] as number;
  }
}
