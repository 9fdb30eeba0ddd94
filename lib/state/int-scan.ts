import { readBits } from '../bytes/bit-reader.ts';
import { type PackedField, rawLow } from './packed-field.ts';
import type { RecordTable } from './record-table.ts';

/**
 * Reads an INT field of records in the order of their ordinals. Most records lie in the base side by side, so they are read
 * in runs, each so many bits behind the one before; between runs are holes, and what deltas have changed.
 * Guarded by test/bench (scanFixed).
 */
export class IntScan {
  readonly #table: RecordTable<PackedField>;
  readonly #nullAs: number;

  /** @param nullAs what is written where there is no value */
  constructor(table: RecordTable<PackedField>, nullAs: number) {
    this.#table = table;
    this.#nullAs = nullAs;
  }

  /**
   * The values of the records from ordinal `from` on, of which there are at least as many as there is room for.
   *
   * @returns the ordinal behind the last one
   */
  read(values: Float64Array, from: number): number {
    const table = this.#table;
    let ordinal = from;
    for (let k = 0; k < values.length; ) {
      const count = table.countInBase(ordinal, values.length - k);
      if (count > 0) {
        const base = table.onlyBase as PackedField;
        if (base.isNarrow) this.#readNarrow(values, k, base, { from: ordinal, count });
        else this.#readWide(values, k, base, { from: ordinal, count });
        k += count;
        ordinal += count;
      } else {
        ordinal = table.populated.next(ordinal);
        const slot = table.slotOf(ordinal);
        const field = table.layerAt(slot, ordinal);
        const raw = rawLow(field, table.recordAt(slot, ordinal));
        values[k++] = raw === field.mask ? this.#nullAs : (raw >>> 1) ^ -(raw & 1);
        ordinal++;
      }
    }
    return ordinal;
  }

  #readNarrow(values: Float64Array, at: number, field: PackedField, { from, count }: Run): void {
    const nullAs = this.#nullAs;
    const { view, stride, offset, mask } = field;
    for (let k = 0, position = offset + from * stride; k < count; k++, position += stride) {
      const raw = (view.getInt32(position >>> 3, true) >>> (position & 7)) & mask;
      values[at + k] = raw === mask ? nullAs : (raw >>> 1) ^ -(raw & 1);
    }
  }

  #readWide(values: Float64Array, at: number, field: PackedField, { from, count }: Run): void {
    const nullAs = this.#nullAs;
    const { bits, stride, offset, mask } = field;
    for (let k = 0, position = offset + from * stride; k < count; k++, position += stride) {
      const raw = readBits(bits, position, mask);
      values[at + k] = raw === mask ? nullAs : (raw >>> 1) ^ -(raw & 1);
    }
  }
}

/** Ordinals that follow each other. */
interface Run {
  readonly from: number;
  readonly count: number;
}
