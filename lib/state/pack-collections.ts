import { copyBits, setBits } from '../bytes/bit-copy.ts';
import { maskOf } from '../bytes/bit-reader.ts';
import { bitLength } from '../bytes/bit-writer.ts';
import { type BitArray, paddingHalves } from '../bytes/longs.ts';
import {
  CollectionLayer,
  type CollectionLayout,
  elementAt,
  entriesEnd,
  keyAt,
  requireEntries,
  statedSize,
  valueAt,
} from './collection-layer.ts';
import type { RecordList } from './record-table.ts';

type Layers = RecordList<CollectionLayer>;

/** Packs LIST records into one layer, with widths that fit all of them. */
export function packLists(list: Layers): CollectionLayer {
  return pack(list, elementAt);
}

/** Packs SET or MAP records into one layer, with widths that fit all of them. Buckets stay as they are. */
export function packBuckets(list: Layers): CollectionLayer {
  return pack(list, keyAt);
}

/** The key of an entry; -1: all ones, whatever the width. */
type ReadKey = (layer: CollectionLayer, entry: number) => number;

function pack(list: Layers, readKey: ReadKey): CollectionLayer {
  const { base, changed, layers, layerOf, recordOf, count } = list;
  const target = targetFor(list);
  let at = 0;
  let from = 0;
  for (let k = 0; k <= changed.length; k++) {
    const to = k < changed.length ? (changed[k] as number) : count;
    if (from < to) {
      const end = entriesEnd(base, to - 1);
      const start = startOf(base, from);
      putEntries(target, at, { layer: base, start, end }, readKey);
      if (at !== start || !target.isCopied)
        movePointers(target, base, { from, to, start, shift: at - start });
      at += end - start;
    }
    if (to === count) break;
    const layer = layers[layerOf[k] as number] as CollectionLayer;
    const record = recordOf[k] as number;
    const end = entriesEnd(layer, record);
    const start = startOf(layer, record);
    putEntries(target, at, { layer, start, end }, readKey);
    at += end - start;
    putEnd(target, to, at);
    putSize(target, to, statedSize(layer, record));
    from = to + 1;
  }
  return new CollectionLayer(count, target);
}

interface Target extends CollectionLayout {
  readonly bitsPerPointer: number;
  readonly bitsPerEntry: number;
  /** The base's pointers are there already. */
  readonly isCopied: boolean;
}

function targetFor(list: Layers): Target {
  const { base, count } = list;
  const total = totalOf(list);
  // The base's width stays although less would do: then its bits can be taken as they are.
  const pointerWidth = Math.max(base.pointerWidth, bitLength(total));
  const [sizeWidth, keyWidth, valueWidth] = [
    widest(list, 'sizeWidth'),
    widest(list, 'keyWidth'),
    widest(list, 'valueWidth'),
  ];
  const bitsPerPointer = pointerWidth + sizeWidth;
  const bitsPerEntry = keyWidth + valueWidth;
  const pointers = bitsFor(count * bitsPerPointer);
  const isCopied = base.pointerWidth === pointerWidth && base.sizeWidth === sizeWidth;
  if (isCopied) {
    const halves = Math.ceil((Math.min(count, base.recordCount) * bitsPerPointer) / 32);
    pointers.set(base.pointers.subarray(0, halves));
  }
  const entries = bitsFor(total * bitsPerEntry);
  const widths = { pointerWidth, sizeWidth, keyWidth, valueWidth };
  return { pointers, entries, ...widths, bitsPerPointer, bitsPerEntry, isCopied };
}

function bitsFor(bitCount: number): BitArray {
  return new Uint32Array(Math.ceil(bitCount / 64) * 2 + paddingHalves);
}

function widest({ base, layers }: Layers, width: 'sizeWidth' | 'keyWidth' | 'valueWidth'): number {
  return layers.reduce((max, layer) => Math.max(max, layer[width]), base[width]);
}

/** How many entries the records of a list have; checks that they lie within their layers. */
function totalOf({ base, changed, layers, layerOf, recordOf, count }: Layers): number {
  let total = 0;
  let from = 0;
  for (let k = 0; k <= changed.length; k++) {
    const to = k < changed.length ? (changed[k] as number) : count;
    if (from < to) total += entriesIn(base, from, to);
    if (to === count) break;
    const record = recordOf[k] as number;
    total += entriesIn(layers[layerOf[k] as number] as CollectionLayer, record, record + 1);
    from = to + 1;
  }
  return total;
}

function entriesIn(layer: CollectionLayer, from: number, to: number): number {
  const start = startOf(layer, from);
  const end = entriesEnd(layer, to - 1);
  requireEntries(layer, start, end);
  return end - start;
}

function startOf(layer: CollectionLayer, record: number): number {
  return record === 0 ? 0 : entriesEnd(layer, record - 1);
}

/** Entries of a layer, from `start` to before `end`. */
interface Entries {
  readonly layer: CollectionLayer;
  readonly start: number;
  readonly end: number;
}

function putEntries(target: Target, at: number, { layer, start, end }: Entries, readKey: ReadKey): void {
  const { entries, bitsPerEntry, keyWidth, valueWidth } = target;
  if (layer.keyWidth === keyWidth && layer.valueWidth === valueWidth) {
    const move = { from: layer.entries, to: entries, count: (end - start) * bitsPerEntry };
    copyBits(move, start * bitsPerEntry, at * bitsPerEntry);
    return;
  }
  const [keyMask, valueMask] = [maskOf(keyWidth), maskOf(valueWidth)];
  for (let entry = start, position = at * bitsPerEntry; entry < end; entry++, position += bitsPerEntry) {
    const key = readKey(layer, entry);
    setBits(entries, position, keyMask, key & keyMask);
    setBits(entries, position + keyWidth, valueMask, valueAt(layer, entry));
  }
}

/** Records of the base, one behind the other. */
interface Run {
  readonly from: number;
  readonly to: number;
  /** Of the first one's entries. */
  readonly start: number;
  /** From where the entries are to where they go. */
  readonly shift: number;
}

function movePointers(target: Target, base: CollectionLayer, { from, to, start, shift }: Run): void {
  for (let record = from, last = start; record < to; record++) {
    const end = entriesEnd(base, record);
    if (end < last) requireEntries(base, last, end);
    putEnd(target, record, end + shift);
    if (!target.isCopied) putSize(target, record, statedSize(base, record));
    last = end;
  }
}

function putEnd({ pointers, bitsPerPointer, pointerWidth }: Target, record: number, end: number): void {
  const position = record * bitsPerPointer;
  setBits(pointers, position, maskOf(pointerWidth), end | 0);
  if (pointerWidth > 32)
    setBits(pointers, position + 32, maskOf(pointerWidth - 32), Math.floor(end / 0x1_0000_0000));
}

function putSize(
  { pointers, bitsPerPointer, pointerWidth, sizeWidth }: Target,
  record: number,
  size: number,
): void {
  setBits(pointers, record * bitsPerPointer + pointerWidth, maskOf(sizeWidth), size);
}
