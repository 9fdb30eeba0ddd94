import { maskOf, readBits } from '../bytes/bit-reader.ts';
import { type BitArray, paddingHalves } from '../bytes/longs.ts';
import type { SharedArena } from '../bytes/shared-arena.ts';
import { DatasetError } from '../errors.ts';
import type { RecordTable } from './record-table.ts';

/** What a collection layer is made of. Widths in bits. */
export interface CollectionLayout {
  /** Per record: the end of its entries (`pointerWidth`), then its size (`sizeWidth`; a LIST stores none). */
  readonly pointers: BitArray;
  readonly pointerWidth: number;
  readonly sizeWidth: number;
  /** Per entry: `keyWidth`, then `valueWidth` (MAP only). */
  readonly entries: BitArray;
  readonly keyWidth: number;
  readonly valueWidth: number;
}

/**
 * Records of one LIST, SET or MAP type, packed with widths of their own: one shard of a snapshot, or the additions of
 * one delta. The entries of record r lie between the end of record r - 1 and its own. Those of a LIST are its elements
 * in order; those of a SET or MAP are the buckets of a hash table, the empty ones with a key of all ones.
 */
export class CollectionLayer {
  readonly recordCount: number;
  readonly pointers: BitArray;
  readonly pointerWidth: number;
  readonly sizeWidth: number;
  readonly bitsPerPointer: number;
  readonly entries: BitArray;
  readonly keyWidth: number;
  readonly keyMask: number;
  readonly valueWidth: number;
  readonly bitsPerEntry: number;
  /** Entries that there is room for. */
  readonly entryCount: number;

  constructor(recordCount: number, layout: CollectionLayout) {
    this.recordCount = recordCount;
    this.pointers = layout.pointers;
    this.pointerWidth = layout.pointerWidth;
    this.sizeWidth = layout.sizeWidth;
    this.bitsPerPointer = layout.pointerWidth + layout.sizeWidth;
    this.entries = layout.entries;
    this.keyWidth = layout.keyWidth;
    this.keyMask = maskOf(layout.keyWidth);
    this.valueWidth = layout.valueWidth;
    this.bitsPerEntry = layout.keyWidth + layout.valueWidth;
    this.entryCount = Math.floor(((layout.entries.length - paddingHalves) * 32) / this.bitsPerEntry);
  }
}

/** A layer in which every record is empty. */
export const emptyCollectionLayer = new CollectionLayer(0, {
  pointers: new Uint32Array(1 + paddingHalves),
  pointerWidth: 0,
  sizeWidth: 0,
  entries: new Uint32Array(paddingHalves),
  keyWidth: 1,
  valueWidth: 0,
});

/** A {@link CollectionLayer} on its way to another thread. */
export interface SharedCollectionLayer extends CollectionLayout {
  readonly recordCount: number;
}

export function shareCollectionLayer(layer: CollectionLayer, arena: SharedArena): SharedCollectionLayer {
  const { recordCount, pointerWidth, sizeWidth, keyWidth, valueWidth } = layer;
  const pointers = arena.uint32(layer.pointers);
  const entries = arena.uint32(layer.entries);
  return { recordCount, pointers, pointerWidth, sizeWidth, entries, keyWidth, valueWidth };
}

export function openCollectionLayer(shared: SharedCollectionLayer): CollectionLayer {
  return new CollectionLayer(shared.recordCount, shared);
}

/** Where the entries of a record end, unchecked. */
export function entriesEnd(layer: CollectionLayer, record: number): number {
  const position = record * layer.bitsPerPointer;
  const width = layer.pointerWidth;
  const low = readBits(layer.pointers, position, maskOf(width)) >>> 0;
  if (width <= 32) return low;
  return (readBits(layer.pointers, position + 32, maskOf(width - 32)) >>> 0) * 0x1_0000_0000 + low;
}

/** Where the entries of a record start; checks that they lie within the layer. */
export function entriesStart(layer: CollectionLayer, record: number, end: number): number {
  const start = record === 0 ? 0 : entriesEnd(layer, record - 1);
  requireEntries(layer, start, end);
  return start;
}

/** For the start and end of a record's entries, which only damage can put out of order. */
export function requireEntries(layer: CollectionLayer, start: number, end: number): void {
  if (start <= end && end <= layer.entryCount) return;
  throw new DatasetError('corrupt', `entries ${start} to ${end} do not lie within ${layer.entryCount}`, {
    start,
    end,
  });
}

/** The size that a SET or MAP record states. */
export function statedSize(layer: CollectionLayer, record: number): number {
  const position = record * layer.bitsPerPointer + layer.pointerWidth;
  return readBits(layer.pointers, position, maskOf(layer.sizeWidth)) >>> 0;
}

/** The element of a LIST. */
export function elementAt(layer: CollectionLayer, entry: number): number {
  return readBits(layer.entries, entry * layer.bitsPerEntry, layer.keyMask) >>> 0;
}

/** The element of a SET or key of a MAP in a bucket; -1: the bucket is empty. */
export function keyAt(layer: CollectionLayer, bucket: number): number {
  const key = readBits(layer.entries, bucket * layer.bitsPerEntry, layer.keyMask);
  return key === layer.keyMask ? -1 : key >>> 0;
}

/** The value of a MAP in a bucket. Writers before 2025 may store none where all are 0. */
export function valueAt(layer: CollectionLayer, bucket: number): number {
  const position = bucket * layer.bitsPerEntry + layer.keyWidth;
  return readBits(layer.entries, position, maskOf(layer.valueWidth)) >>> 0;
}

/** More than this many at a time would not stay in the processor's first caches. */
const touchedMax = 256;
const ends = new Float64Array(touchedMax);

/** See `TypeRecords.touch`. First where the entries are, then the entries. */
export function touchCollections(
  table: RecordTable<CollectionLayer>,
  ordinals: Int32Array,
  count: number,
): void {
  const touched = Math.min(count, touchedMax);
  for (let i = 0; i < touched; i++) {
    const ordinal = ordinals[i] as number;
    const slot = table.slotOf(ordinal);
    ends[i] = ordinal < 0 ? 0 : entriesEnd(table.layerAt(slot, ordinal), table.recordAt(slot, ordinal));
  }
  let seen = 0;
  for (let i = 0; i < touched; i++) {
    const ordinal = ordinals[i] as number;
    if (ordinal < 0) continue;
    const layer = table.layerAt(table.slotOf(ordinal), ordinal);
    seen |= layer.entries[Math.floor(((ends[i] as number) * layer.bitsPerEntry) / 32)] as number;
  }
  ends[0] = seen;
}
