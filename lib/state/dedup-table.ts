const capacityMin = 16;

/** Where the contents are that a {@link DedupTable} finds: a type state (by ordinal) or an arena (by index). */
export interface RecordContents {
  recordEquals(entry: number, bytes: Uint8Array, start: number, end: number): boolean;
}

/**
 * Finds a record by its content without holding the content: an open-addressing table of entries (ordinals of a type
 * state, or indexes of an arena) with their hashes; bytes are compared in place, where the records are.
 */
export class DedupTable {
  /** Entry + 1; 0: empty. */
  #entries: Int32Array;
  #hashes: Int32Array;
  #count = 0;

  constructor(countExpected: number = 0) {
    let capacity = capacityMin;
    while (capacity * 0.7 < countExpected) capacity *= 2;
    this.#entries = new Int32Array(capacity);
    this.#hashes = new Int32Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** The entry with this content, or -1. `hash` is murmur3 of the bytes. */
  find(hash: number, contents: RecordContents, record: RecordBytes): number {
    const entries = this.#entries;
    const hashes = this.#hashes;
    const mask = entries.length - 1;
    for (let slot = hash & mask; entries[slot] !== 0; slot = (slot + 1) & mask) {
      if (hashes[slot] !== hash) continue;
      const entry = (entries[slot] as number) - 1;
      if (contents.recordEquals(entry, record.bytes, 0, record.position)) return entry;
    }
    return -1;
  }

  insert(hash: number, entry: number): void {
    if (this.#count + 1 > this.#entries.length * 0.7) this.#grow();
    this.#place(hash, entry + 1);
    this.#count++;
  }

  /** True iff the entry was there under this hash. */
  remove(hash: number, entry: number): boolean {
    const entries = this.#entries;
    const mask = entries.length - 1;
    let slot = hash & mask;
    while (entries[slot] !== entry + 1 || this.#hashes[slot] !== hash) {
      if (entries[slot] === 0) return false;
      slot = (slot + 1) & mask;
    }
    this.#close(slot);
    this.#count--;
    return true;
  }

  /** Moves later entries of the probe run up, so that no search stops at the gap. */
  #close(gapStart: number): void {
    const entries = this.#entries;
    const hashes = this.#hashes;
    const mask = entries.length - 1;
    let gap = gapStart;
    for (let slot = (gap + 1) & mask; entries[slot] !== 0; slot = (slot + 1) & mask) {
      const home = (hashes[slot] as number) & mask;
      // An entry may move back to the gap unless its home lies between the gap and itself.
      if (((slot - home) & mask) >= ((slot - gap) & mask)) {
        entries[gap] = entries[slot] as number;
        hashes[gap] = hashes[slot] as number;
        gap = slot;
      }
    }
    entries[gap] = 0;
  }

  #place(hash: number, stored: number): void {
    const mask = this.#entries.length - 1;
    let slot = hash & mask;
    while (this.#entries[slot] !== 0) slot = (slot + 1) & mask;
    this.#entries[slot] = stored;
    this.#hashes[slot] = hash;
  }

  #grow(): void {
    const entries = this.#entries;
    const hashes = this.#hashes;
    this.#entries = new Int32Array(entries.length * 2);
    this.#hashes = new Int32Array(entries.length * 2);
    for (let slot = 0; slot < entries.length; slot++) {
      if (entries[slot] !== 0) this.#place(hashes[slot] as number, entries[slot] as number);
    }
  }
}

/** Record bytes `[0 .. position)`; a ByteWriter is one. */
export interface RecordBytes {
  readonly bytes: Uint8Array;
  readonly position: number;
}
