const capacityMin = 64;

/** Of types that nothing refers to. */
const noCounts = new Int32Array(0);

/**
 * How many references lead to each ordinal of a type, from all records of the state. A record that is no root lives as
 * long as its count is above 0; without the counts, what a removed record leaves behind could be found only by a scan.
 */
export class ReferenceCounts {
  #counts = noCounts;

  of(ordinal: number): number {
    return this.#counts[ordinal] ?? 0;
  }

  add(ordinal: number, amount: number): void {
    if (ordinal >= this.#counts.length) this.#grow(ordinal);
    this.#counts[ordinal] = (this.#counts[ordinal] as number) + amount;
  }

  #grow(ordinal: number): void {
    const counts = new Int32Array(Math.max(ordinal + 1, this.#counts.length * 2, capacityMin));
    counts.set(this.#counts);
    this.#counts = counts;
  }
}
