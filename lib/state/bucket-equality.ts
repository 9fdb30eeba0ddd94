import { hashTableSize, mixInt } from '../bytes/hash.ts';
import { type CollectionLayer, entriesEnd, entriesStart, keyAt, valueAt } from './collection-layer.ts';
import { RecordCursor } from './record-cursor.ts';

/** Up to this many elements each is looked for among all: most sets and maps are small. */
const sizeMax = 16;

/** Buckets of so many elements. */
const bucketsMax = 32;

const keys = new Int32Array(bucketsMax);
const values = new Int32Array(bucketsMax);
const cursor = new RecordCursor();

/**
 * Compares a SET or MAP record with canonical bytes in place, without putting its elements in order.
 *
 * @param hasValues a MAP
 * @returns whether `bytes[start, end)` are the record's; null: too big for this way of looking
 */
export function bucketsEqual(
  layer: CollectionLayer,
  record: number,
  hasValues: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean | null {
  cursor.open(bytes, start);
  const size = cursor.readVarInt();
  const last = entriesEnd(layer, record);
  const first = entriesStart(layer, record, last);
  if (size > sizeMax || last - first > bucketsMax) return null;
  let count = 0;
  for (let bucket = first; bucket < last; bucket++) {
    const key = keyAt(layer, bucket);
    if (key < 0) continue;
    keys[count] = key;
    if (hasValues) values[count] = valueAt(layer, bucket);
    count++;
  }
  if (count !== size) return false;
  const bucketMask = hashTableSize(size) - 1;
  for (let i = 0, key = 0; i < size; i++) {
    const gap = cursor.readVarInt();
    // The same element twice would hide that another one is missing.
    if (i > 0 && gap === 0) return false;
    key += gap;
    let at = 0;
    while (at < count && keys[at] !== key) at++;
    if (at === count || (hasValues && values[at] !== cursor.readVarInt())) return false;
    if (cursor.readVarInt() !== (mixInt(key) & bucketMask)) return false;
  }
  return cursor.position === end;
}
