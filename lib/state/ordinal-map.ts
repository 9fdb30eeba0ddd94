import { IntMap } from '../bytes/int-map.ts';

const tailSizeMin = 16;
const noTail = new Int32Array(0);

/**
 * What a cycle knows about ordinals of a type: a number each, 0 unless set. Ordinals that the cycle gives out beyond
 * all that were taken come one after the other, so theirs are in an array; only the others need a map. In a bulk load
 * nearly all are of the first kind.
 */
export class OrdinalMap {
  readonly #tailStart: number;
  /** Of the ordinals from `#tailStart` on, as far as they are claimed. */
  #tail: Int32Array = noTail;
  #tailCount = 0;
  #others = new IntMap();

  /** @param tailStart least ordinal beyond all that are taken */
  constructor(tailStart: number) {
    this.#tailStart = tailStart;
  }

  /** An ordinal has been given out. */
  claim(ordinal: number): void {
    if (ordinal !== this.#tailStart + this.#tailCount) return;
    if (this.#tailCount === this.#tail.length) {
      const tail = new Int32Array(Math.max(this.#tail.length * 2, tailSizeMin));
      tail.set(this.#tail);
      this.#tail = tail;
    }
    // Something may have been set before the ordinal was given out.
    this.#tail[this.#tailCount++] = this.#others.get(ordinal);
  }

  get(ordinal: number): number {
    const index = ordinal - this.#tailStart;
    return index >= 0 && index < this.#tailCount ? (this.#tail[index] as number) : this.#others.get(ordinal);
  }

  set(ordinal: number, value: number): void {
    const index = ordinal - this.#tailStart;
    if (index >= 0 && index < this.#tailCount) this.#tail[index] = value;
    else this.#others.set(ordinal, value);
  }

  /** The number that is there afterwards. */
  add(ordinal: number, amount: number): number {
    const index = ordinal - this.#tailStart;
    if (index < 0 || index >= this.#tailCount) return this.#others.add(ordinal, amount);
    const sum = (this.#tail[index] as number) + amount;
    this.#tail[index] = sum;
    return sum;
  }

  clone(): OrdinalMap {
    const copy = new OrdinalMap(this.#tailStart);
    if (this.#tailCount > 0) copy.#tail = this.#tail.slice();
    copy.#tailCount = this.#tailCount;
    copy.#others = this.#others.clone();
    return copy;
  }

  /** All that were set; some of the values may be 0. */
  forEach(visit: (ordinal: number, value: number) => void): void {
    for (let i = 0; i < this.#tailCount; i++) visit(this.#tailStart + i, this.#tail[i] as number);
    this.#others.forEach(visit);
  }

  /** The ordinals below the tail that were set, in no particular order. */
  others(): Int32Array {
    return this.#others.keys();
  }
}
