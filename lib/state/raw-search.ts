import { readBits } from '../bytes/bit-reader.ts';
import type { PackedField } from './packed-field.ts';
import type { RecordTable } from './record-table.ts';

/** So few records at a time that a search soon runs in compiled code, in a process that has just started too. */
const runMax = 4096;

/**
 * The least ordinal with a record whose packed value is this, of up to 32 bits and not null; -1: there is none. One pass over
 * the records as they lie, without an index. Guarded by test/bench (coldStart).
 */
export function findRaw(table: RecordTable<PackedField>, raw: number): number {
  const { populated } = table;
  for (let ordinal = populated.next(0); ordinal >= 0; ordinal = populated.next(ordinal)) {
    const count = table.countInBase(ordinal, runMax);
    if (count > 0) {
      const found = findInBase(table, ordinal, count, raw);
      if (found >= 0) return found;
      ordinal += count;
    } else {
      const slot = table.slotOf(ordinal);
      const field = table.layerAt(slot, ordinal);
      if (indexInRun(field, table.recordAt(slot, ordinal), 1, raw) === 0) return ordinal;
      ordinal++;
    }
  }
  return -1;
}

/** The same among so many records from an ordinal on that all lie in the base: the least of what each shard has. */
function findInBase(table: RecordTable<PackedField>, ordinal: number, count: number, raw: number): number {
  const step = table.base.length;
  let least = -1;
  for (let i = 0; i < step && i < count; i++) {
    const first = ordinal + i;
    const inShard = Math.ceil((count - i) / step);
    const slot = table.slotOf(first);
    const index = indexInRun(table.layerAt(slot, first), table.recordAt(slot, first), inShard, raw);
    const found = first + index * step;
    if (index >= 0 && (least < 0 || found < least)) least = found;
  }
  return least;
}

/** Which of the records from `from` on it is; -1: none of them. */
function indexInRun(field: PackedField, from: number, count: number, raw: number): number {
  const { bits, stride, offset, mask, highMask } = field;
  // What does not fit is nowhere, and all ones are null.
  if ((raw & mask) !== raw || (raw === mask && highMask === 0)) return -1;
  for (let k = 0, position = offset + from * stride; k < count; k++, position += stride) {
    if (readBits(bits, position, mask) !== raw) continue;
    if (highMask === 0 || readBits(bits, position + 32, highMask) === 0) return k;
  }
  return -1;
}
