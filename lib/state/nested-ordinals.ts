/** Ordinals of the records nested in those that are being written, one behind the other; -1: null. One is reused for all. */
export class NestedOrdinals {
  count = 0;
  #ordinals = new Int32Array(64);

  push(ordinal: number): void {
    if (this.count === this.#ordinals.length) {
      const ordinals = new Int32Array(this.#ordinals.length * 2);
      ordinals.set(this.#ordinals);
      this.#ordinals = ordinals;
    }
    this.#ordinals[this.count++] = ordinal;
  }

  at(index: number): number {
    return this.#ordinals[index] as number;
  }
}
