/** The first capacity that is a map's own. */
const capacityMin = 16;

/** Of maps that hold nothing yet, as most of a small cycle's do: one slot, which is never filled. */
const noSlots = new Int32Array(2);

/**
 * A hash map from non-negative integers to 32-bit integers in one typed array: several times faster and smaller than
 * a Map of boxed numbers. Keys cannot be removed.
 */
export class IntMap {
  /** Of slot s: key + 1 (0: empty) at 2s, the value (0 in an empty one) at 2s + 1. */
  #slots: Int32Array = noSlots;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The value of `key`; 0: it has none. */
  get(key: number): number {
    return this.#slots[this.#find(key) + 1] as number;
  }

  has(key: number): boolean {
    return this.#slots[this.#find(key)] !== 0;
  }

  set(key: number, value: number): void {
    const at = this.#claim(key);
    this.#slots[at + 1] = value;
  }

  /** The value, which was 0 if there was none, and then `amount` more; returns that. */
  add(key: number, amount: number): number {
    const at = this.#claim(key);
    const value = ((this.#slots[at + 1] as number) + amount) | 0;
    this.#slots[at + 1] = value;
    return value;
  }

  clone(): IntMap {
    const copy = new IntMap();
    if (this.#count === 0) return copy;
    copy.#slots = this.#slots.slice();
    copy.#count = this.#count;
    return copy;
  }

  /** In no particular order. */
  forEach(visit: (key: number, value: number) => void): void {
    const slots = this.#slots;
    for (let at = 0; at < slots.length; at += 2) {
      const key = slots[at] as number;
      if (key !== 0) visit(key - 1, slots[at + 1] as number);
    }
  }

  /** The keys, in no particular order. */
  keys(): Int32Array {
    const keys = new Int32Array(this.#count);
    if (this.#count === 0) return keys;
    const slots = this.#slots;
    for (let at = 0, next = 0; at < slots.length; at += 2) {
      const key = slots[at] as number;
      if (key !== 0) keys[next++] = key - 1;
    }
    return keys;
  }

  /** Where the key is, or would be. */
  #find(key: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = (Math.imul(key, 0x9e37_79b1) >>> 6) & mask & ~1;
    while (slots[at] !== 0 && slots[at] !== key + 1) at = (at + 2) & mask;
    return at;
  }

  #claim(key: number): number {
    let at = this.#find(key);
    if (this.#slots[at] !== 0) return at;
    // Two thirds of the slots at most.
    if ((this.#count + 1) * 3 > this.#slots.length) {
      this.#grow();
      at = this.#find(key);
    }
    this.#slots[at] = key + 1;
    this.#count++;
    return at;
  }

  #grow(): void {
    const slots = this.#slots;
    this.#slots = new Int32Array(Math.max(slots.length, capacityMin) * 2);
    for (let from = 0; from < slots.length; from += 2) {
      const key = slots[from] as number;
      if (key === 0) continue;
      const at = this.#find(key - 1);
      this.#slots[at] = key;
      this.#slots[at + 1] = slots[from + 1] as number;
    }
  }
}
