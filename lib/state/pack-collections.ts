import { BitWriter, bitLength } from '../bytes/bit-writer.ts';
import {
  CollectionLayer,
  elementAt,
  entriesEnd,
  entriesStart,
  keyAt,
  statedSize,
  valueAt,
} from './collection-layer.ts';
import type { RecordList } from './record-table.ts';

type Layers = RecordList<CollectionLayer>;

/** Packs the listed LIST records into one layer, with widths that fit all of them. */
export function packLists(list: Layers): CollectionLayer {
  return pack(list, (writer, layer, entry, width) => writer.append(elementAt(layer, entry), width));
}

/** Packs the listed SET or MAP records into one layer, with widths that fit all of them. Buckets stay as they are. */
export function packBuckets(list: Layers): CollectionLayer {
  return pack(list, (writer, layer, entry, width) => {
    const key = keyAt(layer, entry);
    if (key < 0) writer.appendOnes(width);
    else writer.append(key, width);
  });
}

type AppendKey = (writer: BitWriter, layer: CollectionLayer, entry: number, width: number) => void;

function pack({ layers, layerOf, recordOf }: Layers, appendKey: AppendKey): CollectionLayer {
  const recordCount = recordOf.length;
  const layerAt = (k: number) => layers[layerOf[k] as number] as CollectionLayer;
  let total = 0;
  for (let k = 0; k < recordCount; k++) {
    const end = entriesEnd(layerAt(k), recordOf[k] as number);
    total += end - entriesStart(layerAt(k), recordOf[k] as number, end);
  }
  const pointerWidth = bitLength(total);
  const sizeWidth = widest(layers, 'sizeWidth');
  const keyWidth = widest(layers, 'keyWidth');
  const valueWidth = widest(layers, 'valueWidth');
  const pointers = new BitWriter(recordCount * (pointerWidth + sizeWidth));
  const entries = new BitWriter(total * (keyWidth + valueWidth));
  let written = 0;
  for (let k = 0; k < recordCount; k++) {
    const layer = layerAt(k);
    const record = recordOf[k] as number;
    const end = entriesEnd(layer, record);
    for (let entry = entriesStart(layer, record, end); entry < end; entry++) {
      appendKey(entries, layer, entry, keyWidth);
      if (valueWidth > 0) entries.append(valueAt(layer, entry), valueWidth);
      written++;
    }
    pointers.appendNumber(written, pointerWidth);
    pointers.append(statedSize(layer, record), sizeWidth);
  }
  return new CollectionLayer(recordCount, {
    pointers: pointers.toBitArray(),
    pointerWidth,
    sizeWidth,
    entries: entries.toBitArray(),
    keyWidth,
    valueWidth,
  });
}

function widest(layers: readonly CollectionLayer[], width: 'sizeWidth' | 'keyWidth' | 'valueWidth'): number {
  return layers.reduce((max, layer) => Math.max(max, layer[width]), 0);
}
