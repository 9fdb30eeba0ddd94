/**
 * LAYER 5, indexes: from values to ordinals.
 *
 *   unique-key.ts  the index over a primary key
 *   key-table.ts   the hash table that it is made of
 *   key-array.ts   the array that it is made of where keys are whole numbers close together
 *   key-reader.ts  hashes and compares keys in place, without building their values (this file)
 */
import { textHash, unitsHash } from '../bytes/code-units.ts';
import { mixInt, mixPart, murmur3 } from '../bytes/hash.ts';
import type { KeyPath } from '../schema/dataset-schema.ts';
import type { KeyPart } from '../schema/record-key.ts';
import type { ObjectTypeState } from '../state/object-type-state.ts';
import { intNull, kindCodes, longNull } from '../state/packed-field.ts';
import type { ReadState } from '../state/read-state.ts';

/** Records on their way into a table; at most {@link batchMax}. */
export interface KeyBatch {
  /** -1: its key has a null, so it is not indexed. */
  readonly ordinals: Int32Array;
  /** Of their keys, as far as these have been read; 0 at first. */
  readonly hashes: Int32Array;
  count: number;
  /** Is no hash that of two keys? So it is where keys are single numbers of up to 32 bits: each is its own hash. */
  areKeys: boolean;
}

/** So that a batch stays in the processor's first cache. */
export const batchMax = 1024;

/** Of the records of a batch: where the value of a path is, and its packed halves. */
const leaves = new Int32Array(batchMax);
const lows = new Int32Array(batchMax);
const highs = new Int32Array(batchMax);

const two32 = 0x1_0000_0000;
const doubleBits = new DataView(new ArrayBuffer(8));

/** One path of the key, bound to the type states it leads through. */
export class KeyPathReader {
  readonly #path: KeyPath;
  readonly #kind: number;
  /** INT or LONG. */
  readonly isInteger: boolean;
  /** Of a kind whose only null is all ones. */
  readonly #isFixed: boolean;
  readonly #states: readonly ObjectTypeState[];
  readonly #leafState: ObjectTypeState;
  readonly #leafField: number;

  constructor(state: ReadState, path: KeyPath) {
    this.#path = path;
    this.#kind = kindCodes[path.leafKind];
    this.isInteger = path.leafKind === 'INT' || path.leafKind === 'LONG';
    this.#isFixed = this.isInteger || path.leafKind === 'BOOLEAN' || path.leafKind === 'REFERENCE';
    this.#states = path.types.map((type) => state.objectType(type));
    this.#leafState = this.#states.at(-1) as ObjectTypeState;
    this.#leafField = path.leafField;
  }

  /** True: all that it reads is in that state, too. */
  isOf(state: ReadState): boolean {
    return this.#path.types.every((type, i) => state.objectType(type) === this.#states[i]);
  }

  /** The record that holds the value; -1: a reference on the way is null. */
  leafOf(ordinal: number): number {
    let at = ordinal;
    const { steps } = this.#path;
    for (let i = 0; i < steps.length && at >= 0; i++) {
      at = (this.#states[i] as ObjectTypeState).readReference(at, steps[i] as number);
    }
    return at;
  }

  /** @param leaf from {@link leafOf} */
  isNullAt(leaf: number): boolean {
    return leaf < 0 || this.#leafState.isNull(leaf, this.#leafField);
  }

  /** @param leaf from {@link leafOf} */
  #hashAt(leaf: number): number {
    const state = this.#leafState;
    const field = this.#leafField;
    switch (this.#kind) {
      case kindCodes.STRING: {
        const { bytes, start, end } = state.varBytes(leaf, field);
        return unitsHash(bytes, start, end);
      }
      case kindCodes.BYTES: {
        const { bytes, start, end } = state.varBytes(leaf, field);
        return murmur3(bytes, start, end);
      }
      default:
        return hashBits(state.readRawHigh(leaf, field), state.readRawLow(leaf, field));
    }
  }

  /** Makes the hashes of a batch's keys, whose only path this is. */
  readHashes(batch: KeyBatch): void {
    const { ordinals, hashes, count } = batch;
    this.#readLeaves(batch);
    if (!this.#isFixed) {
      batch.areKeys = false;
      this.#hashOthers(batch);
      return;
    }
    this.#leafState.readRaws(this.#leafField, leaves, { lows, highs, count });
    let anyHigh = 0;
    for (let i = 0; i < count; i++) {
      const low = lows[i] as number;
      const high = highs[i] as number;
      if ((low & high) === -1) {
        ordinals[i] = -1;
      } else {
        anyHigh |= high;
        hashes[i] = hashBits(high, low);
      }
    }
    if (anyHigh !== 0) batch.areKeys = false;
  }

  #readLeaves({ ordinals, count }: KeyBatch): void {
    if (this.#path.steps.length === 0) leaves.set(ordinals);
    else for (let i = 0; i < count; i++) leaves[i] = this.leafOf(ordinals[i] as number);
  }

  #hashOthers({ ordinals, hashes, count }: KeyBatch): void {
    for (let i = 0; i < count; i++) {
      const leaf = leaves[i] as number;
      if (this.isNullAt(leaf)) ordinals[i] = -1;
      else hashes[i] = this.#hashAt(leaf);
    }
  }

  /** Mixes the hashes of this path's values into those of a batch's keys, which have several paths. */
  mixHashes(batch: KeyBatch): void {
    batch.areKeys = false;
    this.#readLeaves(batch);
    if (this.#isFixed) this.#mixFixed(batch);
    else this.#mixOthers(batch);
  }

  #mixFixed({ ordinals, hashes, count }: KeyBatch): void {
    this.#leafState.readRaws(this.#leafField, leaves, { lows, highs, count });
    for (let i = 0; i < count; i++) {
      const low = lows[i] as number;
      const high = highs[i] as number;
      if ((low & high) === -1) ordinals[i] = -1;
      else hashes[i] = mixPart(hashes[i] as number, hashBits(high, low));
    }
  }

  #mixOthers({ ordinals, hashes, count }: KeyBatch): void {
    for (let i = 0; i < count; i++) {
      const leaf = leaves[i] as number;
      if (this.isNullAt(leaf)) ordinals[i] = -1;
      else hashes[i] = mixPart(hashes[i] as number, this.#hashAt(leaf));
    }
  }

  equalAt(leaf: number, otherLeaf: number): boolean {
    const state = this.#leafState;
    const field = this.#leafField;
    if (leaf === otherLeaf) return true;
    if (this.#kind < kindCodes.STRING) {
      return (
        state.readRawLow(leaf, field) === state.readRawLow(otherLeaf, field) &&
        state.readRawHigh(leaf, field) === state.readRawHigh(otherLeaf, field)
      );
    }
    return bytesEqual(state.readBytes(leaf, field), state.readBytes(otherLeaf, field));
  }

  /** Hash of a value that is looked for; the same as {@link readHashes} makes for a record that holds it. */
  hashOf(part: KeyPart): number {
    if (typeof part === 'number' && this.isShortInteger(part)) return zigZagInt(part) | 0;
    if (typeof part === 'string') return textHash(part);
    if (part instanceof Uint8Array) return murmur3(part, 0, part.length);
    return hashBits(this.#rawHigh(part), this.#rawLow(part));
  }

  /** Does the record hold this value? Null is none. */
  matches(leaf: number, part: KeyPart): boolean {
    const state = this.#leafState;
    const field = this.#leafField;
    if (typeof part === 'number' && this.isShortInteger(part))
      return state.holdsRaw(leaf, field, zigZagInt(part), 0);
    switch (this.#kind) {
      case kindCodes.STRING:
        return typeof part === 'string' && state.stringEquals(leaf, field, part);
      case kindCodes.BYTES:
        return part instanceof Uint8Array && bytesEqual(state.readBytes(leaf, field), part);
      case kindCodes.INT:
        return part === state.readInt(leaf, field) && part !== intNull;
      case kindCodes.BOOLEAN:
        return part === state.readBoolean(leaf, field);
      case kindCodes.REFERENCE:
        return part === state.readReference(leaf, field) && part !== -1;
      case kindCodes.LONG:
        return typeof part === 'number'
          ? part === state.readLongNumber(leaf, field) && Number.isSafeInteger(part)
          : part === state.readLong(leaf, field) && part !== longNull;
      default:
        return typeof part === 'number' && this.#matchesBits(leaf, part);
    }
  }

  /** The first record with this {@link isShortInteger short integer}, by a pass over all; null: its records do not hold it themselves. */
  scanFor(part: number): number | null {
    return this.#path.steps.length > 0 ? null : this.#leafState.findRaw(this.#leafField, zigZagInt(part));
  }

  /** What most keys are: then there is no arithmetic on doubles, and no decoding of what is compared. */
  isShortInteger(part: number): boolean {
    return (part | 0) === part && this.isInteger;
  }

  #matchesBits(leaf: number, part: number): boolean {
    return (
      this.#rawLow(part) === this.#leafState.readRawLow(leaf, this.#leafField) &&
      this.#rawHigh(part) === this.#leafState.readRawHigh(leaf, this.#leafField)
    );
  }

  /** The low half of the packed form of a value; of values of another kind, some number. */
  #rawLow(part: number | bigint | boolean): number {
    switch (this.#kind) {
      case kindCodes.INT:
        return zigZagInt(Number(part));
      case kindCodes.LONG:
        return zigZagLow(lowOf(part), highOf(part));
      case kindCodes.FLOAT:
        doubleBits.setFloat32(0, Number(part));
        return Number.isNaN(part) ? 0x7fc0_0000 : doubleBits.getUint32(0);
      case kindCodes.DOUBLE:
        doubleBits.setFloat64(0, Number(part));
        return Number.isNaN(part) ? 0 : doubleBits.getUint32(4);
      default:
        return Number(part) >>> 0;
    }
  }

  #rawHigh(part: number | bigint | boolean): number {
    if (this.#kind === kindCodes.LONG) return zigZagHigh(lowOf(part), highOf(part));
    if (this.#kind !== kindCodes.DOUBLE) return 0;
    doubleBits.setFloat64(0, Number(part));
    return Number.isNaN(part) ? 0x7ff8_0000 : doubleBits.getUint32(0);
  }
}

/** Of short numbers the number itself: see {@link KeyBatch.areKeys}. */
function hashBits(high: number, low: number): number {
  return high === 0 ? low | 0 : mixInt(low ^ mixInt(high));
}

function lowOf(part: number | bigint | boolean): number {
  return typeof part === 'bigint' ? Number(BigInt.asIntN(32, part)) : Number(part) | 0;
}

function highOf(part: number | bigint | boolean): number {
  return typeof part === 'bigint'
    ? Number(BigInt.asIntN(32, part >> 32n))
    : Math.floor(Number(part) / two32) | 0;
}

/** Of a {@link KeyPathReader.isShortInteger short integer}; as a signed number its hash. */
export function zigZagInt(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

function zigZagLow(low: number, high: number): number {
  return ((low << 1) ^ (high >> 31)) >>> 0;
}

function zigZagHigh(low: number, high: number): number {
  return (((high << 1) | (low >>> 31)) ^ (high >> 31)) >>> 0;
}

function bytesEqual(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
