/** What a fold makes of layers of any widths: each record reads as it read where it came from. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BitWriter } from '../../lib/bytes/bit-writer.ts';
import { isDatasetError } from '../../lib/errors.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import type { ObjectSchema } from '../../lib/schema/schema.ts';
import {
  CollectionLayer,
  elementAt,
  emptyCollectionLayer,
  entriesEnd,
  entriesStart,
  keyAt,
  statedSize,
  valueAt,
} from '../../lib/state/collection-layer.ts';
import { ObjectLayer } from '../../lib/state/object-layer.ts';
import { packBuckets, packLists } from '../../lib/state/pack-collections.ts';
import { packObjects } from '../../lib/state/pack-objects.ts';
import {
  isAllOnesIn,
  isVar,
  kindCodes,
  type PackedField,
  rawHigh,
  rawLow,
  varEndOrNull,
  varStart,
} from '../../lib/state/packed-field.ts';
import type { RecordList } from '../../lib/state/record-table.ts';
import { bitArrayOf } from '../support/bit-array.ts';

const schema = parseSchemas(
  'Row { int i; string s; long l; float f; bytes y; boolean b; double d; Row r; }',
)[0] as ObjectSchema;
const kinds = schema.fields.map(({ kind }) => kindCodes[kind]);
const fieldOrder = [...kinds.keys()];
const widthsOf = { INT: [0, 3, 20, 32], LONG: [0, 5, 31, 32, 33, 50, 64], REFERENCE: [0, 1, 7, 32] } as const;
const varWidths = [0, 10, 24, 26, 32, 33, 40];

/** Whatever is asked of a seed: fast-check's own values are too slow for hundreds of records. */
class Draws {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(bound: number): number {
    this.#state = (Math.imul(this.#state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * bound);
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}

/** Widths of a layer's fields. Those of a base and its overlay are often the same, which has a way of its own. */
function drawWidths(draws: Draws): number[] {
  return schema.fields.map(({ kind }) => {
    if (kind === 'STRING' || kind === 'BYTES') return draws.of(varWidths);
    if (kind === 'BOOLEAN') return draws.of([0, 2]);
    if (kind === 'FLOAT') return draws.of([0, 32]);
    if (kind === 'DOUBLE') return draws.of([0, 64]);
    return draws.of(widthsOf[kind]);
  });
}

/** @param isDamaged ends are not in order */
function drawObjects(draws: Draws, count: number, widths: readonly number[], isDamaged = false): ObjectLayer {
  const gap = draws.of([0, 0, 3]);
  // A wire schema may have the fields in another order.
  const order = draws.of([fieldOrder, fieldOrder, fieldOrder.toReversed()]);
  const bitsPerRecord = widths.reduce((sum, width) => sum + width, gap);
  const bits = new BitWriter(count * bitsPerRecord);
  const bytes: number[][] = schema.fields.map(() => []);
  for (let record = 0; record < count; record++) {
    bits.append(draws.below(1 << gap), gap);
    for (const i of order) {
      const width = widths[i] as number;
      const isNull = draws.below(4) === 0;
      if (width === 0) continue;
      if (isVar(kinds[i] as number)) {
        const data = bytes[i] as number[];
        for (let size = isNull ? 0 : draws.of([0, 0, 1, 3, 3, 60]); size > 0 && data.length < 500; size--)
          data.push(draws.below(256));
        bits.appendNumber(isDamaged && draws.below(20) === 0 ? draws.below(500) : data.length, width - 1);
        bits.append(isNull ? 1 : 0, 1);
      } else if (isNull) bits.appendOnes(width);
      else {
        // Its top bit is 0, so it is not all ones.
        bits.append(draws.below(2 ** Math.min(32, width - 1)), Math.min(32, width));
        if (width > 32) bits.append(draws.below(2 ** (width - 33)), width - 32);
      }
    }
  }
  const fields = widths.map((width, i) => {
    const before = order.slice(0, order.indexOf(i));
    const offset = before.reduce((sum, other) => sum + (widths[other] as number), gap);
    return { offset, width, data: Uint8Array.from(bytes[i] as number[]) };
  });
  return new ObjectLayer(schema, count, bitArrayOf(bits), { fields, bitsPerRecord });
}

/** What a record's field holds, whatever the layer's widths. */
function shownField(field: PackedField, record: number): string {
  if (!isVar(field.kind)) {
    if (isAllOnesIn(field, record)) return 'null';
    return `${rawHigh(field, record)} ${rawLow(field, record)}`;
  }
  const end = varEndOrNull(field, record);
  return end < 0 ? 'null' : `bytes ${field.data.subarray(varStart(field, record), end).join()}`;
}

function shownObject(layer: ObjectLayer, record: number): string {
  return layer.fields.map((field) => shownField(field, record)).join('; ');
}

/** Some of a base's records and some of the layers', in runs and one by one. */
function drawList<L extends { readonly recordCount: number }>(
  draws: Draws,
  layers: readonly L[],
  base: L,
): RecordList<L> {
  const count = draws.below(2 * base.recordCount + 2);
  const changed: number[] = [];
  const often = draws.of([2, 10, 100]);
  for (let k = 0; k < count; k++) {
    if (k >= base.recordCount || draws.below(often) === 0) changed.push(k);
  }
  const layerOf = changed.map(() => draws.below(layers.length));
  const recordOf = layerOf.map((at) => draws.below(Math.max((layers[at] as L).recordCount, 1)));
  return {
    count,
    base,
    changed: Int32Array.from(changed),
    layers,
    layerOf: Uint16Array.from(layerOf),
    recordOf: Int32Array.from(recordOf),
  };
}

function expectedOf<L>(list: RecordList<L>, show: (layer: L, record: number) => string): string[] {
  const changes = new Map([...list.changed].map((record, k) => [record, k]));
  return Array.from({ length: list.count }, (_, record) => {
    const k = changes.get(record);
    if (k === undefined) return show(list.base, record);
    return show(list.layers[list.layerOf[k] as number] as L, list.recordOf[k] as number);
  });
}

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const empty = ObjectLayer.empty(schema);

describe('packed objects', () => {
  it('read as where they came from, whatever the widths', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const draws = new Draws(seed);
        const widths = drawWidths(draws);
        const base = drawObjects(draws, draws.below(600), widths);
        const others = [1, 2].map(() =>
          drawObjects(draws, 1 + draws.below(50), draws.of([widths, drawWidths(draws)])),
        );
        const list = drawList(draws, [empty, ...others], base);
        const packed = packObjects(schema, list);
        expect(packed.recordCount).toBe(list.count);
        const seen = Array.from({ length: list.count }, (_, record) => shownObject(packed, record));
        expect(seen).toEqual(expectedOf(list, shownObject));
        // Once more, on what came out, which changes nothing: all bits are taken as they are.
        const again = packObjects(schema, { ...list, base: packed, changed: new Int32Array(0) });
        expect(Array.from({ length: list.count }, (_, record) => shownObject(again, record))).toEqual(seen);
        expect(again.fields.map(({ width }) => width)).toEqual(packed.fields.map(({ width }) => width));
      }),
      { numRuns: 300 },
    );
  });

  it('are packed or refused as corrupt where ends are out of order, and nothing else is thrown', () => {
    let refused = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const draws = new Draws(seed);
        const base = drawObjects(draws, draws.below(200), drawWidths(draws), true);
        const list = drawList(draws, [empty, drawObjects(draws, 20, drawWidths(draws))], base);
        try {
          packObjects(schema, list);
        } catch (error) {
          if (!isDatasetError(error, 'corrupt')) throw error;
          refused++;
        }
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(0);
  });
});

interface CollectionWidths {
  readonly pointerWidth: number;
  readonly sizeWidth: number;
  readonly keyWidth: number;
  readonly valueWidth: number;
}

function drawCollectionWidths(draws: Draws): CollectionWidths {
  return {
    pointerWidth: draws.of([12, 13, 32, 33, 45]),
    sizeWidth: draws.of([4, 5, 32]),
    keyWidth: draws.of([2, 9, 17, 32]),
    valueWidth: draws.of([0, 6, 32]),
  };
}

function drawCollections(draws: Draws, count: number, widths: CollectionWidths): CollectionLayer {
  const sizes = Array.from({ length: count }, () => draws.of([0, 1, 2, 4, 8]));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const { pointerWidth, sizeWidth, keyWidth, valueWidth } = widths;
  const pointers = new BitWriter(count * (pointerWidth + sizeWidth));
  const entries = new BitWriter(total * (keyWidth + valueWidth));
  let end = 0;
  for (const size of sizes) {
    for (let entry = 0; entry < size; entry++) {
      if (draws.below(3) === 0) entries.appendOnes(keyWidth);
      else entries.append(draws.below(2 ** (keyWidth - 1)), keyWidth);
      entries.append(draws.below(2 ** valueWidth), valueWidth);
    }
    end += size;
    pointers.appendNumber(end, pointerWidth);
    pointers.append(draws.below(size + 1), sizeWidth);
  }
  return new CollectionLayer(count, {
    ...widths,
    pointers: bitArrayOf(pointers),
    entries: bitArrayOf(entries),
  });
}

function shownCollection(layer: CollectionLayer, record: number, keyOf: typeof keyAt): string {
  const end = record < layer.recordCount ? entriesEnd(layer, record) : 0;
  const shown = record < layer.recordCount ? [statedSize(layer, record)] : [0];
  for (let entry = end === 0 ? 0 : entriesStart(layer, record, end); entry < end; entry++)
    shown.push(keyOf(layer, entry), valueAt(layer, entry));
  return shown.join();
}

describe.each([
  ['buckets', packBuckets, keyAt],
  ['lists', packLists, elementAt],
] as const)('packed %s', (_, pack, keyOf) => {
  const show = (layer: CollectionLayer, record: number) => shownCollection(layer, record, keyOf);

  it('read as where they came from, whatever the widths', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const draws = new Draws(seed);
        const widths = drawCollectionWidths(draws);
        const base = drawCollections(draws, draws.below(600), widths);
        const others = [1, 2].map(() =>
          drawCollections(draws, 1 + draws.below(50), draws.of([widths, drawCollectionWidths(draws)])),
        );
        const list = drawList(draws, [emptyCollectionLayer, ...others], base);
        const packed = pack(list);
        expect(packed.recordCount).toBe(list.count);
        const seen = Array.from({ length: list.count }, (_, record) => show(packed, record));
        expect(seen).toEqual(expectedOf(list, show));
      }),
      { numRuns: 300 },
    );
  });

  it('are refused as corrupt where ends are out of order', () => {
    const widths = { pointerWidth: 5, sizeWidth: 1, keyWidth: 4, valueWidth: 0 };
    const pointers = new BitWriter(4 * 6);
    for (const end of [2, 9, 1, 3]) {
      pointers.append(end, 5);
      pointers.append(0, 1);
    }
    const entries = new Uint32Array(4);
    const base = new CollectionLayer(4, { ...widths, pointers: bitArrayOf(pointers), entries });
    const layers = [emptyCollectionLayer];
    const changed = { changed: Int32Array.of(0), layerOf: new Uint16Array(1), recordOf: new Int32Array(1) };
    expect(() => pack({ count: 4, base, layers, ...changed })).toThrow(/do not lie/);
  });
});
