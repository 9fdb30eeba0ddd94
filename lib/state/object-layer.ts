import type { BitArray } from '../bytes/longs.ts';
import type { SharedArena } from '../bytes/shared-arena.ts';
import type { ObjectSchema } from '../schema/schema.ts';
import { type FieldLayout, kindCodes, noBytes, PackedField, unstoredField } from './packed-field.ts';

/**
 * Records of one OBJECT type, packed with widths of their own: one shard of a snapshot, or the additions of one delta.
 * Records are numbered from 0; which ordinal each is, is the business of {@link RecordTable}.
 */
export class ObjectLayer {
  readonly recordCount: number;
  readonly bitsPerRecord: number;
  readonly bits: BitArray;
  /** In the order of the schema. */
  readonly fields: readonly PackedField[];

  constructor(schema: ObjectSchema, recordCount: number, bits: BitArray, layout: PackedLayout) {
    const { bitsPerRecord } = layout;
    const view = new DataView(bits.buffer, bits.byteOffset, bits.byteLength);
    const records = { recordCount, bits, view, bitsPerRecord };
    this.recordCount = recordCount;
    this.bitsPerRecord = bitsPerRecord;
    this.bits = bits;
    this.fields = schema.fields.map(({ kind }, i) => {
      const field = layout.fields[i] as FieldLayout;
      const isStored = field.width > 0 || field.data.length > 0;
      return isStored ? new PackedField(kindCodes[kind], records, field) : unstoredField(kindCodes[kind]);
    });
  }

  /** A layer without records in which every field reads as null. */
  static empty(schema: ObjectSchema): ObjectLayer {
    const known = emptyLayers.get(schema);
    if (known !== undefined) return known;
    const fields = schema.fields.map(() => ({ offset: 0, width: 0, data: noBytes }));
    const layer = new ObjectLayer(schema, 0, new Uint32Array(3), { fields, bitsPerRecord: 0 });
    emptyLayers.set(schema, layer);
    return layer;
  }
}

/** One for all states of a type: it holds nothing. */
const emptyLayers = new WeakMap<ObjectSchema, ObjectLayer>();

/** Fields in the order of the schema. */
export interface PackedLayout {
  readonly fields: readonly FieldLayout[];
  readonly bitsPerRecord: number;
}

/** An {@link ObjectLayer} on its way to another thread. */
export interface SharedObjectLayer {
  readonly recordCount: number;
  readonly bits: BitArray;
  readonly layout: PackedLayout;
}

export function shareObjectLayer(layer: ObjectLayer, arena: SharedArena): SharedObjectLayer {
  const { recordCount, bitsPerRecord } = layer;
  const fields = layer.fields.map(({ offset, width, data }) => ({ offset, width, data: arena.uint8(data) }));
  return { recordCount, bits: arena.uint32(layer.bits), layout: { fields, bitsPerRecord } };
}
