/** The first capacity that is a map's own. */
const capacityMin = 16;

/** Of maps that hold nothing yet, as most of a small cycle's do: one slot, which is never filled. */
const noSlots = new Int32Array(1);

/**
 * A hash map from non-negative integers to 32-bit integers in two typed arrays: several times faster and smaller than
 * a Map of boxed numbers. Keys cannot be removed.
 */
export class IntMap {
  /** Key + 1; 0: empty. */
  #keys: Int32Array = noSlots;
  #values: Int32Array = noSlots;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The value of `key`, or `missing`. */
  get(key: number, missing: number): number {
    const slot = this.#slotOf(key);
    return this.#keys[slot] === 0 ? missing : (this.#values[slot] as number);
  }

  has(key: number): boolean {
    return this.#keys[this.#slotOf(key)] !== 0;
  }

  set(key: number, value: number): void {
    const slot = this.#claim(key);
    this.#values[slot] = value;
  }

  clone(): IntMap {
    const copy = new IntMap();
    if (this.#count === 0) return copy;
    copy.#keys = this.#keys.slice();
    copy.#values = this.#values.slice();
    copy.#count = this.#count;
    return copy;
  }

  /** In no particular order. */
  forEach(visit: (key: number, value: number) => void): void {
    for (let slot = 0; slot < this.#keys.length; slot++) {
      const key = this.#keys[slot] as number;
      if (key !== 0) visit(key - 1, this.#values[slot] as number);
    }
  }

  /** The keys, in no particular order. */
  keys(): Int32Array {
    const keys = new Int32Array(this.#count);
    if (this.#count === 0) return keys;
    let next = 0;
    for (let slot = 0; slot < this.#keys.length; slot++) {
      const key = this.#keys[slot] as number;
      if (key !== 0) keys[next++] = key - 1;
    }
    return keys;
  }

  #slotOf(key: number): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    let slot = (Math.imul(key, 0x9e37_79b1) >>> 7) & mask;
    while (keys[slot] !== 0 && keys[slot] !== key + 1) slot = (slot + 1) & mask;
    return slot;
  }

  #claim(key: number): number {
    let slot = this.#slotOf(key);
    if (this.#keys[slot] !== 0) return slot;
    if ((this.#count + 1) * 3 > this.#keys.length * 2) {
      this.#grow();
      slot = this.#slotOf(key);
    }
    this.#keys[slot] = key + 1;
    this.#count++;
    return slot;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    const capacity = Math.max(keys.length * 2, capacityMin);
    this.#keys = new Int32Array(capacity);
    this.#values = new Int32Array(capacity);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as number;
      if (key === 0) continue;
      const slot = this.#slotOf(key - 1);
      this.#keys[slot] = key;
      this.#values[slot] = values[i] as number;
    }
  }
}
