const countMax = 16_384;

/** Longer ones are seldom the same, and hashing them costs as much as looking their bytes up. */
const lengthMax = 64;

/**
 * The ordinals of strings that were met lately, most of which come again and again (tags, names of attributes): finding
 * one here takes a fifth of the time of writing and interning its bytes. Bounded, and given up where strings do not repeat.
 */
export class StringOrdinals {
  readonly #ordinals = new Map<string, number>();
  /** Of the map. */
  #count = 0;
  /** Hits since the last time that it was full. */
  #hits = 0;
  #isOpen = true;

  /** -1: not known here. */
  find(text: string): number {
    if (this.#count === 0 || text.length > lengthMax) return -1;
    const ordinal = this.#ordinals.get(text);
    if (ordinal === undefined) return -1;
    this.#hits++;
    return ordinal;
  }

  add(text: string, ordinal: number): void {
    if (!this.#isOpen || text.length > lengthMax) return;
    if (this.#count === countMax) {
      this.#isOpen = this.#hits > countMax;
      this.#hits = 0;
      this.clear();
      if (!this.#isOpen) return;
    }
    this.#ordinals.set(text, ordinal);
    this.#count = this.#ordinals.size;
  }

  delete(text: string): void {
    this.#ordinals.delete(text);
    this.#count = this.#ordinals.size;
  }

  clear(): void {
    this.#ordinals.clear();
    this.#count = 0;
  }

  /** If it has given up, it tries once more. */
  reopen(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#hits = 0;
  }
}

/**
 * The strings of one type that a cycle has met: those of the state beneath are kept for the cycles after it, those that it has
 * added are its own, as it may come to nothing.
 */
export class CycleStrings {
  readonly #kept: StringOrdinals | null;
  readonly #own = new StringOrdinals();

  /** @param kept null: everything is its own */
  constructor(kept: StringOrdinals | null) {
    this.#kept = kept;
  }

  /** -1: not known here. */
  find(text: string): number {
    const kept = this.#kept === null ? -1 : this.#kept.find(text);
    return kept < 0 ? this.#own.find(text) : kept;
  }

  add(text: string, ordinal: number, isNew: boolean): void {
    const strings = isNew ? this.#own : (this.#kept ?? this.#own);
    strings.add(text, ordinal);
  }

  /** What is kept for other cycles stays. */
  clearOwn(): void {
    this.#own.clear();
  }
}
