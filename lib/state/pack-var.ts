import { setBits } from '../bytes/bit-copy.ts';
import { maskOf, readBits } from '../bytes/bit-reader.ts';
import type { BitArray } from '../bytes/longs.ts';
import { isVarNull, type PackedField, requireRange, varEnd, varEndOrNull, varStart } from './packed-field.ts';
import type { RecordList } from './record-table.ts';

/** One field of what is packed. */
export type FieldList = RecordList<PackedField>;

/** Where a field goes. */
export interface Place {
  readonly bits: BitArray;
  readonly bitsPerRecord: number;
  readonly offset: number;
  readonly width: number;
  /** The bits of the base are there already. */
  readonly isCopied: boolean;
}

/**
 * How many bytes of a STRING or BYTES field some of the changed records have, from the `from`th on, and the base's before
 * each of them.
 */
export function varSizeOf(list: FieldList, from: number, to: number): number {
  const { base, changed, layers, layerOf, recordOf } = list;
  let size = 0;
  for (let k = from; k < to; k++) {
    size += varSizeIn(base, k === 0 ? 0 : (changed[k - 1] as number) + 1, changed[k] as number);
    const source = layers[layerOf[k] as number] as PackedField;
    const record = recordOf[k] as number;
    if (!isVarNull(source, record)) size += varSizeIn(source, record, record + 1);
  }
  return size;
}

/** How many bytes records have that lie one behind the other. */
export function varSizeIn(field: PackedField, from: number, to: number): number {
  if (from >= to) return 0;
  const start = varStart(field, from);
  const end = varEnd(field, to - 1);
  requireRange(field, start, end);
  return end - start;
}

/**
 * Writes the ends of a STRING or BYTES field and gathers its bytes, from the first record on. The bytes of records that lie
 * one behind the other in the base are copied as one, and their ends only move.
 */
export class VarPacker {
  readonly #list: FieldList;
  readonly #place: Place;
  readonly #data: Uint8Array;
  /** Bytes written. */
  #at = 0;
  /** Records written. */
  #done = 0;

  /** @param size of all records' bytes */
  constructor(list: FieldList, place: Place, size: number) {
    this.#list = list;
    this.#place = place;
    this.#data = new Uint8Array(size);
  }

  /** Nothing: the base's records are packed between the changed ones. */
  packBase(): void {}

  /** The changed records from the `from`th on, which is the first that was not packed, and the base's before them. */
  packChanged(from: number, to: number): void {
    const { changed, layers, layerOf, recordOf } = this.#list;
    for (let k = from; k < to; k++) {
      const record = changed[k] as number;
      if (this.#done < record) this.#packRun(record);
      const source = layers[layerOf[k] as number] as PackedField;
      this.#packOne(record, source, recordOf[k] as number);
    }
  }

  /** The rest of the records; all bytes. */
  finish(): Uint8Array {
    // A field that is not stored has nothing to be packed.
    if (this.#place.width > 0 && this.#done < this.#list.count) this.#packRun(this.#list.count);
    return this.#data;
  }

  #packOne(record: number, source: PackedField, sourceRecord: number): void {
    const end = varEndOrNull(source, sourceRecord);
    if (end >= 0) this.#copy(source, varStart(source, sourceRecord), end);
    putEnd(this.#place, record, this.#at, end < 0);
    this.#done = record + 1;
  }

  /** The base's records from the next one on, as they are. */
  #packRun(to: number): void {
    const { base } = this.#list;
    const from = this.#done;
    const start = varStart(base, from);
    const end = varEnd(base, to - 1);
    const shift = this.#at - start;
    if (shift !== 0 || !this.#place.isCopied) moveEnds(base, this.#place, { from, to, start, shift });
    this.#copy(base, start, end);
    this.#done = to;
  }

  #copy(source: PackedField, start: number, end: number): void {
    requireRange(source, start, end);
    const [from, to, at] = [source.data, this.#data, this.#at];
    // Below a few dozen bytes the loop beats the call into the runtime.
    if (end - start < 48) for (let i = start, j = at; i < end; i++, j++) to[j] = from[i] as number;
    else to.set(from.subarray(start, end), at);
    this.#at = at + end - start;
  }
}

/** Records of the base, one behind the other. */
interface Run {
  readonly from: number;
  readonly to: number;
  /** Of the first one's bytes. */
  readonly start: number;
  /** From where the bytes are to where they go. */
  readonly shift: number;
}

function moveEnds(base: PackedField, place: Place, run: Run): void {
  const { from, to, start, shift } = run;
  if (base.nullBit === 0 || place.width > 32) {
    moveWideEnds(base, place, run);
    return;
  }
  const { bits, bitsPerRecord, offset, width } = place;
  const mask = maskOf(width);
  const nullBit = 1 << (width - 1);
  for (let record = from, last = start; record < to; record++) {
    const raw = readBits(base.bits, record * base.stride + base.offset, base.mask | base.nullBit);
    const end = raw & base.mask;
    if (end < last) requireRange(base, last, end);
    const isNull = (raw & base.nullBit) !== 0;
    setBits(bits, record * bitsPerRecord + offset, mask, isNull ? (end + shift) | nullBit : end + shift);
    last = end;
  }
}

function moveWideEnds(base: PackedField, place: Place, { from, to, start, shift }: Run): void {
  for (let record = from, last = start; record < to; record++) {
    const end = varEnd(base, record);
    if (end < last) requireRange(base, last, end);
    putEnd(place, record, end + shift, isVarNull(base, record));
    last = end;
  }
}

function putEnd(
  { bits, bitsPerRecord, offset, width }: Place,
  record: number,
  end: number,
  isNull: boolean,
): void {
  const position = record * bitsPerRecord + offset;
  if (width <= 32) {
    setBits(bits, position, maskOf(width), isNull ? end | (1 << (width - 1)) : end);
    return;
  }
  const high = Math.floor(end / 0x1_0000_0000);
  setBits(bits, position, -1, end | 0);
  setBits(bits, position + 32, maskOf(width - 32), isNull ? high | (1 << (width - 33)) : high);
}
