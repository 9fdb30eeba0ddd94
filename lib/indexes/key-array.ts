import type { SharedArena } from '../bytes/shared-arena.ts';
import { type SharedSlotMap, SlotMap } from '../state/slot-map.ts';
import type { KeyBatch } from './key-reader.ts';

/** It may have so many places for each key: of 4 bytes each, so that it takes no more than a hash table. */
const placesPerKeyMax = 3;

/** When deltas have changed this share of the entries, all of them are copied. */
const changedShareMax = 1 / 64;
const changedMin = 256;

const two21 = 2 ** 21;

/** Stands for the key of a record that has none, so it cannot be one. */
const noKey = -0x8000_0000;

/** The keys of all records, in the order of their ordinals, as long as they are whole numbers close together. */
export class CloseKeys {
  readonly #keys: Int32Array;
  #count = 0;
  #least = 0x7fff_ffff;
  #greatest = noKey;

  /** @param count of the records */
  constructor(count: number) {
    this.#keys = new Int32Array(count);
  }

  /** False: they are no such numbers. */
  add({ ordinals, hashes, count, areKeys }: KeyBatch): boolean {
    let [least, greatest] = [this.#least, this.#greatest];
    for (let i = 0; i < count; i++) {
      const hasKey = (ordinals[i] as number) >= 0;
      const key = hasKey ? keyOf(hashes[i] as number) : noKey;
      this.#keys[this.#count + i] = key;
      if (!hasKey) continue;
      if (key < least) least = key;
      if (key > greatest) greatest = key;
    }
    this.#count += count;
    this.#least = least;
    this.#greatest = greatest;
    return areKeys && least !== noKey && greatest - least < this.#keys.length * placesPerKeyMax;
  }

  /** Of the `from`-th record, and those behind it. */
  from(from: number): Int32Array {
    return this.#keys.subarray(from);
  }

  /** With room for them; null: there are none. */
  toArray(): KeyArray | null {
    if (this.#greatest === noKey) return null;
    return KeyArray.withRoomFor(this.#least, this.#greatest);
  }
}

/** What a delta does to keys, those that it removes before those that it adds. */
export class KeyChanges {
  readonly #places: Int32Array;
  /** The ordinal + 1; 0: its record is removed. */
  readonly #entries: Int32Array;
  #count = 0;

  /** @param count at most so many */
  constructor(count: number) {
    this.#places = new Int32Array(count);
    this.#entries = new Int32Array(count);
  }

  get count(): number {
    return this.#count;
  }

  add(place: number, entry: number): void {
    this.#places[this.#count] = place;
    this.#entries[this.#count++] = entry;
  }

  /** The least and the greatest place, and these two. */
  rangeWith(least: number, greatest: number): [least: number, greatest: number] {
    let [first, last] = [least, greatest];
    for (let k = 0; k < this.#count; k++) {
      const place = this.#places[k] as number;
      if (place < first) first = place;
      if (place > last) last = place;
    }
    return [first, last];
  }

  /** Writes them over entries, the first of which has the place `first`. False: two records have one key. */
  writeTo(entries: Int32Array, first: number): boolean {
    for (let k = 0; k < this.#count; k++) {
      const at = (this.#places[k] as number) - first;
      if (entries[at] !== 0 && this.#entries[k] !== 0) return false;
      entries[at] = this.#entries[k] as number;
    }
    return true;
  }

  /**
   * What becomes of each place, ascending. Null: two records have one key.
   *
   * @param isTaken of a place, before this delta
   */
  byPlace(isTaken: (place: number) => boolean): PlacedEntries | null {
    const places = new Int32Array(this.#count);
    const entries = new Int32Array(this.#count);
    let count = 0;
    for (const k of this.#inOrder()) {
      const place = this.#places[k] as number;
      const entry = this.#entries[k] as number;
      const isFirst = count === 0 || places[count - 1] !== place;
      const wasTaken = isFirst ? isTaken(place) : entries[count - 1] !== 0;
      if (wasTaken && entry !== 0) return null;
      if (isFirst) count++;
      places[count - 1] = place;
      entries[count - 1] = entry;
    }
    return { places: places.subarray(0, count), entries: entries.subarray(0, count) };
  }

  /** Numbers of changes by place, those of one place as they were added: place and number are sorted as one number, exact as a double. */
  #inOrder(): Float64Array {
    const order = Float64Array.from(
      { length: this.#count },
      (_, k) => (this.#places[k] as number) * two21 + k,
    );
    return order.sort().map((both) => both % two21);
  }
}

interface PlacedEntries {
  readonly places: Int32Array;
  readonly entries: Int32Array;
}

/** A {@link KeyArray} on its way to another thread. */
export interface SharedKeyArray {
  readonly least: number;
  readonly entries: Int32Array;
  readonly changed: SharedSlotMap;
  readonly changedCount: number;
}

interface ArrayParts {
  /** The key of the first entry. */
  readonly least: number;
  /** The ordinal + 1; 0: no record has the key. */
  readonly entries: Int32Array;
  /** Entries that deltas changed, by place. */
  readonly changed: SlotMap;
  /** At least as many as are in `changed`. */
  readonly changedCount: number;
}

/**
 * Ordinals by key, where keys are whole numbers close together: a look-up is one read of four bytes. Immutable: a delta makes a
 * new one, which shares the array; what it changed is in a {@link SlotMap}, which has room for new keys on both sides of the
 * array. Guarded by test/bench (index, lookUp, deltas).
 */
export class KeyArray {
  readonly #least: number;
  readonly #entries: Int32Array;
  /** Of {@link ArrayParts.entries}. */
  readonly #count: number;
  readonly #changed: SlotMap;
  readonly #changedCount: number;
  /** All entries, if none has changed; else 0. */
  readonly #plainCount: number;
  /** Places before that of the first entry, so that there is room for lesser keys. */
  readonly #before: number;

  private constructor({ least, entries, changed, changedCount }: ArrayParts) {
    this.#least = least;
    this.#entries = entries;
    this.#count = entries.length;
    this.#changed = changed;
    this.#changedCount = changedCount;
    this.#plainCount = changed.end === 0 ? entries.length : 0;
    this.#before = (entries.length >>> 3) & ~31;
  }

  static withRoomFor(least: number, greatest: number): KeyArray {
    const entries = new Int32Array(greatest - least + 1);
    return new KeyArray({ least, entries, changed: SlotMap.empty, changedCount: 0 });
  }

  static open(shared: SharedKeyArray): KeyArray {
    return new KeyArray({ ...shared, changed: SlotMap.open(shared.changed) });
  }

  share(arena: SharedArena): SharedKeyArray {
    return {
      least: this.#least,
      entries: arena.int32(this.#entries),
      changed: this.#changed.share(arena),
      changedCount: this.#changedCount,
    };
  }

  /** The ordinal of a key, which is a whole number of 32 bits; -1: there is none. */
  find(key: number): number {
    const at = (key - this.#least) >>> 0;
    return at < this.#plainCount ? (this.#entries[at] as number) - 1 : this.#findBelowChanges(at);
  }

  #findBelowChanges(at: number): number {
    const place = (at + this.#before) >>> 0;
    if (at < this.#count && !this.#changed.has(place)) return (this.#entries[at] as number) - 1;
    const entry = this.#changed.get(place);
    return entry < 0 ? -1 : entry - 1;
  }

  /**
   * Puts records in, of which the k-th has the k-th key; before anybody looks one up.
   *
   * @returns true if a record was left out, because one before it has its key
   */
  fill({ ordinals, count }: KeyBatch, keys: Int32Array): boolean {
    const entries = this.#entries;
    let hasDuplicates = false;
    for (let i = 0; i < count; i++) {
      const key = keys[i] as number;
      if (key === noKey) continue;
      const at = key - this.#least;
      if (entries[at] === 0) entries[at] = (ordinals[i] as number) + 1;
      else hasDuplicates = true;
    }
    return hasDuplicates;
  }

  /** Adds what becomes of the keys of a batch. False: one of them has no place. */
  listChanges(
    { ordinals, hashes, count, areKeys }: KeyBatch,
    isAdded: boolean,
    changes: KeyChanges,
  ): boolean {
    const placeCount = 2 * this.#count;
    for (let i = 0; i < count; i++) {
      const ordinal = ordinals[i] as number;
      if (ordinal < 0) continue;
      const place = (keyOf(hashes[i] as number) - this.#least + this.#before) >>> 0;
      if (!areKeys || place >= placeCount) return false;
      changes.add(place, isAdded ? ordinal + 1 : 0);
    }
    return true;
  }

  /**
   * Null: it is to be built anew, as two records have one key, or keys lie far apart now.
   *
   * @param recordCount that there are then
   */
  with(changes: KeyChanges, recordCount: number): KeyArray | null {
    const changedCount = this.#changedCount + changes.count;
    const isMuch = changedCount > Math.max(this.#count * changedShareMax, changedMin);
    if (isMuch || changes.count >= two21) return this.#foldedWith(changes, recordCount);
    const placed = changes.byPlace((place) => this.find(place - this.#before + this.#least) >= 0);
    if (placed === null) return null;
    const changed = this.#changed.with(placed.places, placed.entries);
    return new KeyArray({ least: this.#least, entries: this.#entries, changed, changedCount });
  }

  /** In a new array, so that none of its entries are changed any more. */
  #foldedWith(changes: KeyChanges, recordCount: number): KeyArray | null {
    const places = this.#changed.ordinals();
    const [first, last] = changes.rangeWith(
      Math.min(this.#before, places[0] ?? this.#before),
      Math.max(this.#before + this.#count - 1, places.at(-1) ?? 0),
    );
    if (last - first >= recordCount * placesPerKeyMax) return null;
    const entries = new Int32Array(last - first + 1);
    entries.set(this.#entries, this.#before - first);
    for (const place of places) entries[place - first] = this.#changed.get(place);
    const least = this.#least - this.#before + first;
    return changes.writeTo(entries, first)
      ? new KeyArray({ least, entries, changed: SlotMap.empty, changedCount: 0 })
      : null;
  }
}

/** Of a hash that is a key in zig-zag form. */
export function keyOf(hash: number): number {
  return (hash >>> 1) ^ -(hash & 1);
}
