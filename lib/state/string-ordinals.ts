const countMax = 16_384;

/** Longer ones are seldom the same, and hashing them costs as much as looking their bytes up. */
const lengthMax = 64;

/**
 * The ordinals of strings that a cycle has met, most of which come again and again (tags, names of attributes): finding
 * one here takes a fifth of the time of writing and interning its bytes. Bounded, and given up for a type whose strings
 * do not repeat.
 */
export class StringOrdinals {
  readonly #ordinals = new Map<string, number>();
  /** Hits since the last time that it was full. */
  #hits = 0;
  #isOpen = true;

  /** -1: not known here. */
  find(text: string): number {
    if (!this.#isOpen || text.length > lengthMax) return -1;
    const ordinal = this.#ordinals.get(text);
    if (ordinal === undefined) return -1;
    this.#hits++;
    return ordinal;
  }

  add(text: string, ordinal: number): void {
    if (!this.#isOpen || text.length > lengthMax) return;
    if (this.#ordinals.size === countMax) {
      this.#isOpen = this.#hits > countMax;
      this.#hits = 0;
      this.#ordinals.clear();
      if (!this.#isOpen) return;
    }
    this.#ordinals.set(text, ordinal);
  }

  clear(): void {
    this.#ordinals.clear();
  }
}
