/**
 * Which ordinals of a type are taken, and the least free one from anywhere on, in steps that do not grow with the type:
 * a bit set of taken ordinals under levels of bit sets of full words.
 *
 * Ordinals are handed out lowest first. What a warm writer would call "never used" and what a restored one sees as
 * "beyond the last" then come in the same order, so there is no counter to restore.
 */
export class FreeOrdinals {
  /** levels[0]: bit set = ordinal taken. levels[i + 1]: bit set = word of levels[i] is full. The last has one word. */
  #levels: Uint32Array[] = [new Uint32Array(2), new Uint32Array(1)];
  #highestTaken = -1;

  /** The highest ordinal that is taken; -1: none. */
  get highestTaken(): number {
    return this.#highestTaken;
  }

  take(ordinal: number): void {
    while (ordinal >>> 5 >= (this.#levels[0] as Uint32Array).length) this.#grow();
    let bit = ordinal;
    for (const level of this.#levels) {
      const word = ((level[bit >>> 5] as number) | (1 << (bit & 31))) >>> 0;
      level[bit >>> 5] = word;
      if (word !== 0xffff_ffff) break;
      bit >>>= 5;
    }
    if (ordinal > this.#highestTaken) this.#highestTaken = ordinal;
  }

  release(ordinal: number): void {
    let bit = ordinal;
    for (const level of this.#levels) {
      const index = bit >>> 5;
      const word = level[index] as number;
      level[index] = (word & ~(1 << (bit & 31))) >>> 0;
      if (word !== 0xffff_ffff) break;
      bit = index;
    }
    if (ordinal === this.#highestTaken) this.#highestTaken = this.#previousTaken(ordinal);
  }

  /** The least free ordinal >= `from`. */
  nextFree(from: number): number {
    const levels = this.#levels;
    let bit = from;
    let depth = 0;
    // Up while the rest of the word is full, then down along the first gap.
    while (depth < levels.length) {
      const level = levels[depth] as Uint32Array;
      const index = bit >>> 5;
      if (index >= level.length) break;
      const open = ~(level[index] as number) & (0xffff_ffff << (bit & 31));
      if (open !== 0) {
        bit = (index << 5) | trailingZeros(open);
        if (depth === 0) return bit;
        depth--;
        bit <<= 5;
      } else {
        bit = index + 1;
        depth++;
      }
    }
    // Beyond all bits: everything there is free.
    return Math.max(from, this.#highestTaken + 1);
  }

  #previousTaken(ordinal: number): number {
    const words = this.#levels[0] as Uint32Array;
    for (let index = ordinal >>> 5; index >= 0; index--) {
      const word = words[index] as number;
      if (word !== 0) return (index << 5) | (31 - Math.clz32(word));
    }
    return -1;
  }

  /** Doubles the lowest level; a level is added whenever the top one would need a second word. */
  #grow(): void {
    const grown: Uint32Array[] = [];
    let size = (this.#levels[0] as Uint32Array).length * 2;
    for (let depth = 0; ; depth++) {
      const level = new Uint32Array(size);
      const old = this.#levels[depth];
      if (old !== undefined) level.set(old);
      else markFullWords(grown[depth - 1] as Uint32Array, level);
      grown.push(level);
      if (size === 1) break;
      size = Math.ceil(size / 32);
    }
    this.#levels = grown;
  }
}

function markFullWords(words: Uint32Array, summary: Uint32Array): void {
  for (let index = 0; index < words.length; index++) {
    if (words[index] !== 0xffff_ffff) continue;
    summary[index >>> 5] = ((summary[index >>> 5] as number) | (1 << (index & 31))) >>> 0;
  }
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
