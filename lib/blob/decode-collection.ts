import type { ByteReader } from '../bytes/byte-reader.ts';
import { readLongs } from '../bytes/longs.ts';
import {
  CollectionLayer,
  type CollectionLayout,
  entriesEnd,
  entriesStart,
} from '../state/collection-layer.ts';

/** One shard of a LIST type, as snapshots and deltas hold it, behind its ordinals. */
export function readListShard(reader: ByteReader, name: string, recordCount: number): CollectionLayer {
  const pointerWidth = readWidth(reader, name, 0, 53);
  const keyWidth = readWidth(reader, name, 1, 32);
  return readEntries(reader, name, recordCount, { pointerWidth, sizeWidth: 0, keyWidth, valueWidth: 0 });
}

/** One shard of a SET type. */
export function readSetShard(reader: ByteReader, name: string, recordCount: number): CollectionLayer {
  const pointerWidth = readWidth(reader, name, 0, 53);
  const sizeWidth = readWidth(reader, name, 0, 32);
  const keyWidth = readWidth(reader, name, 1, 32);
  return readEntries(reader, name, recordCount, { pointerWidth, sizeWidth, keyWidth, valueWidth: 0 });
}

/** One shard of a MAP type. Writers before 2025 leave 0 bits for values that are all 0. */
export function readMapShard(reader: ByteReader, name: string, recordCount: number): CollectionLayer {
  const pointerWidth = readWidth(reader, name, 0, 53);
  const sizeWidth = readWidth(reader, name, 0, 32);
  const keyWidth = readWidth(reader, name, 1, 32);
  const valueWidth = readWidth(reader, name, 0, 32);
  return readEntries(reader, name, recordCount, { pointerWidth, sizeWidth, keyWidth, valueWidth });
}

function readEntries(
  reader: ByteReader,
  name: string,
  recordCount: number,
  widths: Omit<CollectionLayout, 'pointers' | 'entries'>,
): CollectionLayer {
  // The total is what a reader that merges has to make room for; this one does not merge.
  reader.readVarLong(`total of ${name}`);
  const pointerBits = recordCount * (widths.pointerWidth + widths.sizeWidth);
  const pointers = readLongs(reader, pointerBits, `pointers of ${name}`);
  const at = reader.position;
  const entries = readLongs(reader, 0, `entries of ${name}`);
  const layer = new CollectionLayer(recordCount, { ...widths, pointers, entries });
  const end = recordCount === 0 ? 0 : entriesEnd(layer, recordCount - 1);
  if (end > layer.entryCount) {
    throw reader.corrupt(`entries of ${name}`, `${layer.entryCount} instead of ${end}`, at);
  }
  return layer;
}

function readWidth(reader: ByteReader, name: string, min: number, max: number): number {
  const at = reader.position;
  const width = reader.readVarInt(`widths of ${name}`);
  if (width >= min && width <= max) return width;
  throw reader.corrupt(`widths of ${name}`, `${width} bits are not within ${min}..${max}`, at);
}

/** Checks every end: what a delta brings is small enough to be proved sound. */
export function requireEntries(layer: CollectionLayer): void {
  for (let record = 0; record < layer.recordCount; record++) {
    entriesStart(layer, record, entriesEnd(layer, record));
  }
}
