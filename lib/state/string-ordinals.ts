import { ByteWriter } from '../bytes/byte-writer.ts';
import { textHash, unitsEqual } from '../bytes/code-units.ts';

const countMax = 16_384;
const slotsMin = 64;

/** Longer ones are seldom the same, and hashing them costs as much as looking their bytes up. */
const lengthMax = 64;

/** Strings that meet in the table at so many slots are not kept: whoever sends texts can make many of one hash. */
const probesMax = 32;
/** No slot: it is not in the table, and cannot be. */
const none = -1;

const noSlots = new Int32Array(0);

/** The ordinal of a string that was deleted; its place stays taken. */
const deleted = -1;

/**
 * The ordinals of strings that were met lately, most of which come again and again (tags, names of attributes): finding
 * one here takes a fifth of the time of writing and interning its bytes. Bounded, and given up where strings do not repeat.
 * A string is found by its text, or by the bytes that a record has of it.
 */
export class StringOrdinals {
  /** Open addressing, four numbers a slot: hash, where the bytes start and end, ordinal + 2 (0: empty; see {@link deleted}). */
  #slots = noSlots;
  readonly #bytes = new ByteWriter(512);
  /** Slots that are not empty. */
  #count = 0;
  /** Hits since the last time that it was full. */
  #hits = 0;
  #isOpen = true;

  /** -1: not known here. */
  find(text: string): number {
    if (this.#count === 0 || text.length > lengthMax) return -1;
    return this.#hit(this.#slotOf(text, textHash(text)));
  }

  /** @param hash `unitsHash` of `bytes[start, end)` */
  findBytes(bytes: Uint8Array, start: number, end: number, hash: number): number {
    if (this.#count === 0 || end - start > lengthMax) return -1;
    return this.#hit(this.#slotOfBytes(bytes, start, end, hash));
  }

  add(text: string, ordinal: number): void {
    if (text.length > lengthMax || !this.#makeRoom()) return;
    const hash = textHash(text);
    const slot = this.#slotOf(text, hash);
    if (slot === none) return;
    const start = this.#bytes.position;
    if (this.#slots[slot + 3] === 0) this.#bytes.writeUnits(text);
    this.#put(slot, hash, start, ordinal);
  }

  /** As {@link add}, of ASCII bytes. */
  addBytes(bytes: Uint8Array, from: number, end: number, [hash, ordinal]: readonly [number, number]): void {
    if (end - from > lengthMax || !this.#makeRoom()) return;
    const slot = this.#slotOfBytes(bytes, from, end, hash);
    if (slot === none) return;
    const start = this.#bytes.position;
    if (this.#slots[slot + 3] === 0) this.#bytes.writeBytes(bytes, from, end);
    this.#put(slot, hash, start, ordinal);
  }

  delete(text: string): void {
    if (this.#count === 0 || text.length > lengthMax) return;
    const slot = this.#slotOf(text, textHash(text));
    if (slot !== none && this.#slots[slot + 3] !== 0) this.#slots[slot + 3] = deleted + 2;
  }

  clear(): void {
    this.#slots.fill(0);
    this.#bytes.reset();
    this.#count = 0;
  }

  /** If it has given up, it tries once more. */
  reopen(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#hits = 0;
  }

  #hit(slot: number): number {
    const ordinal = slot === none ? -1 : (this.#slots[slot + 3] as number) - 2;
    if (ordinal < 0) return -1;
    this.#hits++;
    return ordinal;
  }

  /** Of the string, or the empty one where it would be. */
  #slotOf(text: string, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 4;
    let at = placeOf(hash) & mask;
    for (let probes = 0; probes < probesMax; probes++, at = (at + 4) & mask) {
      if (slots[at + 3] === 0) return at;
      if (slots[at] !== hash) continue;
      if (unitsEqual(this.#bytes.bytes, slots[at + 1] as number, slots[at + 2] as number, text)) return at;
    }
    return none;
  }

  #slotOfBytes(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const slots = this.#slots;
    const own = this.#bytes.bytes;
    const mask = slots.length - 4;
    let at = placeOf(hash) & mask;
    for (let probes = 0; probes < probesMax; probes++, at = (at + 4) & mask) {
      if (slots[at + 3] === 0) return at;
      if (slots[at] !== hash) continue;
      let i = slots[at + 1] as number;
      if ((slots[at + 2] as number) - i !== end - start) continue;
      let j = start;
      for (; j < end && own[i] === bytes[j]; i++, j++);
      if (j === end) return at;
    }
    return none;
  }

  #put(slot: number, hash: number, start: number, ordinal: number): void {
    const slots = this.#slots;
    if (slots[slot + 3] === 0) {
      slots[slot] = hash;
      slots[slot + 1] = start;
      slots[slot + 2] = this.#bytes.position;
      this.#count++;
    }
    slots[slot + 3] = ordinal + 2;
  }

  /** False: it has given up. */
  #makeRoom(): boolean {
    if (!this.#isOpen) return false;
    if (this.#count === countMax) {
      this.#isOpen = this.#hits > countMax;
      this.#hits = 0;
      this.clear();
    } else if (this.#count * 8 >= this.#slots.length) this.#grow();
    return this.#isOpen;
  }

  #grow(): void {
    const before = this.#slots;
    const slots = new Int32Array(Math.max(before.length * 2, slotsMin * 4));
    const mask = slots.length - 4;
    for (let from = 0; from < before.length; from += 4) {
      if (before[from + 3] === 0) continue;
      let at = placeOf(before[from] as number) & mask;
      let probes = 0;
      for (; probes < probesMax && slots[at + 3] !== 0; probes++) at = (at + 4) & mask;
      // One that is out of reach could come back at the next growth, with an ordinal that is not its own any more.
      if (probes < probesMax) slots.set(before.subarray(from, from + 4), at);
    }
    this.#slots = slots;
  }
}

/** Hashes of short texts differ in their low bits only. Of a slot, before it is cut down to the table. */
function placeOf(hash: number): number {
  return (Math.imul(hash, 0x9e37_79b1) >>> 14) << 2;
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

  /** As {@link find}. @param hash `unitsHash` of `bytes[start, end)` */
  findBytes(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const kept = this.#kept === null ? -1 : this.#kept.findBytes(bytes, start, end, hash);
    return kept < 0 ? this.#own.findBytes(bytes, start, end, hash) : kept;
  }

  /** Which strings it goes to. */
  ofOrdinal(isNew: boolean): StringOrdinals {
    return isNew ? this.#own : (this.#kept ?? this.#own);
  }

  add(text: string, ordinal: number, isNew: boolean): void {
    this.ofOrdinal(isNew).add(text, ordinal);
  }

  /** What is kept for other cycles stays. */
  clearOwn(): void {
    this.#own.clear();
  }
}
