const capacityMin = 64;
const noHashes = new Int32Array(0);

/**
 * The hash of the record at each ordinal of a type. Working it out again means reading the whole record, which has long left
 * the processor's caches when it goes.
 */
export class OrdinalHashes {
  #hashes = noHashes;

  /** Of an ordinal that one was set for. */
  of(ordinal: number): number {
    return this.#hashes[ordinal] as number;
  }

  /** Of ordinals that one was set for. */
  ofAll(ordinals: Int32Array): Int32Array {
    return ordinals.map((ordinal) => this.#hashes[ordinal] as number);
  }

  set(ordinal: number, hash: number): void {
    if (ordinal >= this.#hashes.length) this.#grow(ordinal);
    this.#hashes[ordinal] = hash;
  }

  #grow(ordinal: number): void {
    const hashes = new Int32Array(Math.max(ordinal + 1, this.#hashes.length * 2, capacityMin));
    hashes.set(this.#hashes);
    this.#hashes = hashes;
  }
}
