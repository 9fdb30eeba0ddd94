import { readBits } from '../bytes/bit-reader.ts';
import { isNullIn, kindCodes, type PackedField, readFloatingIn } from './packed-field.ts';
import type { RecordTable } from './record-table.ts';

/** Records of one layer that follow each other. */
interface Run {
  readonly field: PackedField;
  readonly from: number;
  readonly count: number;
  /** From the place of a value to that of the next one: in between are those of other shards. */
  readonly step: number;
  /** What is written where there is no value. */
  readonly nullAs: number;
}

/**
 * Reads an INT, FLOAT or DOUBLE field of all records in the order of their ordinals. Most records lie in the base side by side, so they
 * are read in runs, each so many bits behind the one before; between runs are holes, and what deltas have changed.
 * Guarded by test/bench (scanFixed).
 */
export class NumberScan {
  readonly #table: RecordTable<PackedField>;
  readonly #nullAs: number;

  constructor(table: RecordTable<PackedField>, nullAs: number) {
    this.#table = table;
    this.#nullAs = nullAs;
  }

  toArray(): Float64Array<ArrayBuffer> {
    const values = new Float64Array(this.#table.populated.count);
    this.#read(values, 0);
    return values;
  }

  batches(): Generator<Float64Array, undefined> {
    return batchesOf(this.#table.populated.count, (values, from) => this.#read(values, from));
  }

  /** Of the records from ordinal `from` on, as many as there is room for; returns the ordinal behind them. */
  #read(values: Float64Array, from: number): number {
    const table = this.#table;
    const nullAs = this.#nullAs;
    let ordinal = from;
    for (let k = 0; k < values.length; ) {
      const count = table.countInBase(ordinal, values.length - k);
      if (count > 0) {
        this.#readBase(values, k, ordinal, count);
        k += count;
        ordinal += count;
      } else {
        ordinal = table.populated.next(ordinal);
        const slot = table.slotOf(ordinal);
        const field = table.layerAt(slot, ordinal);
        readRun(values, k++, { field, from: table.recordAt(slot, ordinal), count: 1, step: 1, nullAs });
        ordinal++;
      }
    }
    return ordinal;
  }

  /** Of so many records from an ordinal on that all lie in the base: shard by shard. */
  #readBase(values: Float64Array, at: number, ordinal: number, count: number): void {
    const table = this.#table;
    const nullAs = this.#nullAs;
    const step = table.base.length;
    for (let i = 0; i < step && i < count; i++) {
      const slot = table.slotOf(ordinal + i);
      const field = table.layerAt(slot, ordinal + i);
      const from = table.recordAt(slot, ordinal + i);
      readRun(values, at + i, { field, from, count: Math.ceil((count - i) / step), step, nullAs });
    }
  }
}

/** Writes the values of a run, the first of them to `values[at]`. */
function readRun(values: Float64Array, at: number, run: Run): void {
  if (run.field.kind !== kindCodes.INT) readFloatings(values, at, run);
  else if (run.field.isNarrow) readNarrowInts(values, at, run);
  else readWideInts(values, at, run);
}

function readNarrowInts(values: Float64Array, at: number, { field, from, count, step, nullAs }: Run): void {
  const { view, stride, offset, mask } = field;
  const end = at + count * step;
  for (let to = at, position = offset + from * stride; to < end; to += step, position += stride) {
    const raw = (view.getInt32(position >>> 3, true) >>> (position & 7)) & mask;
    values[to] = raw === mask ? nullAs : (raw >>> 1) ^ -(raw & 1);
  }
}

function readWideInts(values: Float64Array, at: number, { field, from, count, step, nullAs }: Run): void {
  const { bits, stride, offset, mask } = field;
  const end = at + count * step;
  for (let to = at, position = offset + from * stride; to < end; to += step, position += stride) {
    const raw = readBits(bits, position, mask);
    values[to] = raw === mask ? nullAs : (raw >>> 1) ^ -(raw & 1);
  }
}

function readFloatings(values: Float64Array, at: number, { field, from, count, step, nullAs }: Run): void {
  for (let k = 0; k < count; k++) {
    const value = readFloatingIn(field, from + k);
    values[at + k * step] = Number.isNaN(value) && isNullIn(field, from + k) ? nullAs : value;
  }
}

/** 32 KiB of values: they stay in the first caches. */
const batchRecords = 4096;

/** `count` values in pieces, one after the other in the same memory; `fill` returns the ordinal behind what it read. */
export function* batchesOf(
  count: number,
  fill: (values: Float64Array, from: number) => number,
): Generator<Float64Array, undefined> {
  const values = new Float64Array(Math.min(batchRecords, count));
  for (let left = count, ordinal = 0; left > 0; left -= batchRecords) {
    const batch = left < values.length ? values.subarray(0, left) : values;
    ordinal = fill(batch, ordinal);
    yield batch;
  }
}
