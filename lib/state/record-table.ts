import { BitSet, type SharedBitSet } from '../bytes/bit-set.ts';
import { isMarked, type Marks, noMarks, withMarks } from '../bytes/marks.ts';
import type { SharedArena } from '../bytes/shared-arena.ts';
import { splitByShard } from './shard-split.ts';
import { type SharedSlotMap, SlotMap } from './slot-map.ts';

/** A slot is -1 (the record is in the base) or an overlay layer's index above the record's number in it. */
const recordBits = 25;
const recordMask = (1 << recordBits) - 1;

/** One delta may add this many records to a type; a bigger one has to be taken as a snapshot. */
export const addedRecordsMax = recordMask;

/** The last index stands for "no record": see {@link RecordTable.layerAt}. */
const overlayLayersMax = 63;
const noSlot = overlayLayersMax << recordBits;

const baseSlot = -1;

/** Of the records of an overlay layer, one after the other. */
function slotsOf(layer: number, count: number): Int32Array {
  const slots = new Int32Array(count);
  for (let record = 0; record < count; record++) slots[record] = (layer << recordBits) | record;
  return slots;
}

/** What the records of any kind of layer have in common. */
export interface Layer {
  readonly recordCount: number;
}

/**
 * What to pack into a new layer. Most of a fold's records lie in its base as they will lie, so only the others are
 * listed.
 */
export interface RecordList<L> {
  /** How many records the new layer has. */
  readonly count: number;
  /** Its record k is the new layer's, unless `changed` has k. */
  readonly base: L;
  /** Numbers of records in the new layer, ascending; those that the base does not have are among them. */
  readonly changed: Int32Array;
  readonly layers: readonly L[];
  /** Of each of `changed`: where it comes from, as an index into `layers`. */
  readonly layerOf: Uint16Array;
  /** Of each of `changed`: its number there. */
  readonly recordOf: Int32Array;
}

/** A list of records that have no base. */
export function listOf<L>(
  layers: readonly [L, ...(readonly L[])],
  layerOf: Uint16Array,
  recordOf: Int32Array,
): RecordList<L> {
  const changed = Int32Array.from(recordOf.keys());
  return { count: recordOf.length, base: layers[0], changed, layers, layerOf, recordOf };
}

/** Records as a snapshot brings them. */
export interface ShardedRecords<L> {
  /** A power of two of them; together they hold the ordinals from 0 to `maxOrdinal`. */
  readonly shards: readonly L[];
  readonly populated: BitSet;
  readonly maxOrdinal: number;
}

/** Packs records into one new layer. */
export type PackLayer<L> = (list: RecordList<L>) => L;

/** The records that one delta adds. */
export interface Additions<L> {
  readonly layer: L;
  /** Ascending; record k of the layer is `ordinals[k]`. */
  readonly ordinals: Int32Array;
  /** Ascending. */
  readonly removed: Int32Array;
  /** As the delta says; records may still lie above it. */
  readonly maxOrdinal: number;
}

/** A {@link RecordTable} on its way to another thread; `S` is its layers' form. */
export interface SharedTable<S> {
  readonly base: readonly S[];
  readonly baseSlots: number;
  readonly overlay: readonly S[];
  readonly slots: SharedSlotMap;
  readonly moved: Marks;
  readonly populated: SharedBitSet;
  readonly maxOrdinal: number;
}

interface TableParts<L> {
  readonly base: readonly L[];
  /** Ordinals that the base has room for. */
  readonly baseSlots: number;
  readonly overlay: readonly L[];
  /** Of the ordinals whose record is in the overlay. */
  readonly slots: SlotMap;
  /** Which of the base's ordinals have a slot. `slots` says so, too, but by pages, and every look-up under deltas asks for it. */
  readonly moved: Marks;
  readonly populated: BitSet;
  readonly maxOrdinal: number;
  readonly empty: L;
}

/**
 * Says where the record of each ordinal lies. Immutable; a delta makes a new table in time that grows with the delta,
 * not with the dataset:
 *
 * - The *base* is a snapshot's shards as they came (or what was folded): ordinal o is record o >>> log2(n) of shard
 *   o & (n - 1).
 * - Each delta adds one *overlay* layer that holds just its additions, with its own bit widths.
 * - A {@link SlotMap} says of which ordinals the record is in the overlay, and where. It is small enough to stay in the
 *   processor's caches, so that records are read about as fast as before, those that deltas changed as the others. Records
 *   that a delta removes keep their slot: they are readable as ghosts for as long as their ordinal is not used again.
 *   Guarded by test/bench (deltas).
 *
 * When the overlay has grown, layers are packed together ({@link RecordTable.applyAdditions}):
 * all 63 overlay layers in use: into one overlay layer; more overlay records than a twentieth of the base: everything
 * into a new base. The second costs O(dataset), but only after O(dataset) changes; the first O(overlay) per 62 deltas.
 */
export class RecordTable<L extends Layer> {
  /** Greatest slot, ghosts and holes included; -1: none. */
  readonly maxOrdinal: number;
  readonly populated: BitSet;
  // What look-ups read has a value of its kind from the start, for the reason that PackedField gives.
  readonly #base: readonly L[];
  readonly #baseSlots: number = 0;
  readonly #overlay: readonly L[];
  readonly #slots: SlotMap = SlotMap.empty;
  readonly #moved: Marks = noMarks;
  /** Ordinals from here on have no record. */
  readonly #end: number;
  /** Ordinals below have their record in the base, as all of them have before the first delta; 0 from then on. */
  readonly #plainCount: number = 0;
  /** The base, where it is one shard. */
  readonly #only: L | null;
  readonly #baseMask: number;
  readonly #baseShift: number;
  readonly #empty: L;

  private constructor(parts: TableParts<L>) {
    this.maxOrdinal = parts.maxOrdinal;
    this.populated = parts.populated;
    this.#base = parts.base;
    this.#baseSlots = parts.baseSlots;
    this.#overlay = parts.overlay;
    this.#slots = parts.slots;
    this.#moved = parts.moved;
    this.#end = Math.max(parts.baseSlots, parts.slots.end);
    this.#plainCount = parts.overlay.length > 0 ? 0 : parts.baseSlots;
    this.#only = parts.base.length === 1 ? (parts.base[0] as L) : null;
    this.#baseMask = parts.base.length - 1;
    this.#baseShift = 31 - Math.clz32(parts.base.length);
    this.#empty = parts.empty;
  }

  /** @param empty a layer without records, in which every record reads as null */
  static empty<L extends Layer>(empty: L): RecordTable<L> {
    return RecordTable.ofShards({ shards: [empty], populated: BitSet.empty, maxOrdinal: -1 }, empty);
  }

  /** The shards are its base. */
  static ofShards<L extends Layer>(
    { shards, populated, maxOrdinal }: ShardedRecords<L>,
    empty: L,
  ): RecordTable<L> {
    // Holes above the last populated ordinal need no slots: a small blob cannot ask for a big table.
    const baseSlots = Math.min(maxOrdinal, populated.last()) + 1;
    return new RecordTable({
      base: shards,
      baseSlots,
      overlay: [],
      slots: SlotMap.empty,
      moved: noMarks,
      populated,
      maxOrdinal,
      empty,
    });
  }

  /** The base, where it is one shard: there the record of an ordinal whose slot is negative has the ordinal's number. */
  get onlyBase(): L | null {
    return this.#only;
  }

  /** Ordinals that the base has room for. */
  get baseSlots(): number {
    return this.#baseSlots;
  }

  /** The layers of the base: ordinal o is record {@link recordAt} of o & (their number - 1). */
  get base(): readonly L[] {
    return this.#base;
  }

  /** How many records from `ordinal` on, without a gap and at most `max`, are populated and lie in the {@link base}. */
  countInBase(ordinal: number, max: number): number {
    const end = Math.min(ordinal + max, this.#baseSlots);
    let at = ordinal;
    while (at < end) {
      const from = at & ~31;
      const others = ~this.populated.bitsFrom(from) | this.#slots.bitsFrom(from);
      const rest = others >>> (at & 31);
      at = rest === 0 ? from + 32 : at + 31 - Math.clz32(rest & -rest);
      if (rest !== 0) break;
    }
    return Math.max(Math.min(at, end) - ordinal, 0);
  }

  static open<L extends Layer, S>(
    shared: SharedTable<S>,
    openLayer: (layer: S) => L,
    empty: L,
  ): RecordTable<L> {
    const { base, baseSlots, overlay, slots, moved, populated, maxOrdinal } = shared;
    return new RecordTable({
      base: base.map(openLayer),
      baseSlots,
      overlay: overlay.map(openLayer),
      slots: SlotMap.open(slots),
      moved,
      populated: BitSet.open(populated),
      maxOrdinal,
      empty,
    });
  }

  share<S>(shareLayer: (layer: L, arena: SharedArena) => S, arena: SharedArena): SharedTable<S> {
    const shareAll = (layers: readonly L[]): S[] => layers.map((layer) => shareLayer(layer, arena));
    return {
      base: shareAll(this.#base),
      baseSlots: this.#baseSlots,
      overlay: shareAll(this.#overlay),
      slots: this.#slots.share(arena),
      moved: arena.int32(this.#moved),
      populated: this.populated.share(arena),
      maxOrdinal: this.maxOrdinal,
    };
  }

  /** The base has the record of this ordinal, if there is one. Any number may be asked for. */
  isInBase(ordinal: number): boolean {
    return (ordinal >= 0 && ordinal < this.#plainCount) || this.#isInBaseBelowOverlay(ordinal);
  }

  #isInBaseBelowOverlay(ordinal: number): boolean {
    return ordinal >= 0 && ordinal < this.#baseSlots && !isMarked(this.#moved, ordinal);
  }

  /** Where a record is, for {@link layerAt} and {@link recordAt}. Any number may be asked for. */
  slotOf(ordinal: number): number {
    return this.isInBase(ordinal) ? baseSlot : this.#slotAbove(ordinal);
  }

  #slotAbove(ordinal: number): number {
    const slot = ordinal >= 0 && ordinal < this.#end ? this.#slots.get(ordinal) : -1;
    return slot >= 0 ? slot : noSlot;
  }

  layerAt(slot: number, ordinal: number): L {
    if (slot < 0) return this.#only ?? (this.#base[ordinal & this.#baseMask] as L);
    return this.#overlay[slot >>> recordBits] ?? this.#empty;
  }

  recordAt(slot: number, ordinal: number): number {
    return slot < 0 ? ordinal >>> this.#baseShift : slot & recordMask;
  }

  /** The layer that holds the records of all these ordinals, each under the ordinal as its number; null: there is none. */
  commonLayer(ordinals: Int32Array, count: number): L | null {
    for (let i = 0; i < count; i++) if ((ordinals[i] as number) >>> 0 >= this.#plainCount) return null;
    return this.#only;
  }

  /** The same places in other things: what `map` makes of each layer, e.g. one field of it. */
  mapLayers<Other extends Layer>(map: (layer: L) => Other): RecordTable<Other> {
    return new RecordTable({
      base: this.#base.map(map),
      baseSlots: this.#baseSlots,
      overlay: this.#overlay.map(map),
      slots: this.#slots,
      moved: this.#moved,
      populated: this.populated,
      maxOrdinal: this.maxOrdinal,
      empty: map(this.#empty),
    });
  }

  applyAdditions(change: Additions<L>, pack: PackLayer<L>): RecordTable<L> {
    const populated = this.populated.with(change.removed, change.ordinals);
    const maxOrdinal = Math.max(change.maxOrdinal, populated.last());
    if (change.ordinals.length === 0) return this.#with({ populated, maxOrdinal });
    const room = this.#overlay.length < overlayLayersMax ? this : this.#withPackedOverlay(pack);
    const overlay = [...room.#overlay, change.layer];
    const slots = room.#slots.with(change.ordinals, slotsOf(room.#overlay.length, change.ordinals.length));
    const moved = withMarks(room.#moved, change.ordinals, this.#baseSlots);
    const next = room.#with({ overlay, slots, moved, populated, maxOrdinal });
    const [inBase, inOverlay] = [countRecords(this.#base), countRecords(overlay)];
    const isOvergrown = inOverlay > Math.max(inBase * foldShare, foldRecordsMin);
    const isDense = next.#end <= foldSlotsPerRecordMax * (inBase + inOverlay);
    // What this delta removes stays readable: the fold keeps the records of both states.
    return isOvergrown && isDense ? next.#withNewBase(pack, this.populated) : next;
  }

  #with(parts: Partial<TableParts<L>>): RecordTable<L> {
    return new RecordTable({
      base: this.#base,
      baseSlots: this.#baseSlots,
      overlay: this.#overlay,
      slots: this.#slots,
      moved: this.#moved,
      populated: this.populated,
      maxOrdinal: this.maxOrdinal,
      empty: this.#empty,
      ...parts,
    });
  }

  /** All populated records of the overlay in one layer. */
  #withPackedOverlay(pack: PackLayer<L>): RecordTable<L> {
    const packed = Int32Array.from(this.#slots.ordinals().filter((ordinal) => this.populated.has(ordinal)));
    const { layers, layerOf, recordOf } = this.#placesOf(packed, () => true);
    const layer = pack(listOf(layers, layerOf, recordOf));
    const slots = SlotMap.empty.with(packed, slotsOf(0, packed.length));
    return this.#with({ overlay: [layer], slots, moved: withMarks(noMarks, packed, this.#baseSlots) });
  }

  /** All records that are populated here or in `ghosts` in a new base of as many shards. */
  #withNewBase(pack: PackLayer<L>, ghosts: BitSet): RecordTable<L> {
    const shardCount = this.#base.length;
    const end = Math.max(this.populated.last(), ghosts.last()) + 1;
    const isKept = (ordinal: number) => this.populated.has(ordinal) || ghosts.has(ordinal);
    const changed = splitByShard(this.#changedUpTo(end, ghosts), shardCount);
    const base = this.#base.map((layer, shard) => {
      const own = changed[shard] as Int32Array;
      return pack({
        count: Math.ceil(Math.max(end - shard, 0) / shardCount),
        base: layer,
        changed: own.map((ordinal) => ordinal >>> this.#baseShift),
        ...this.#placesOf(own, isKept),
      });
    });
    return this.#with({ base, baseSlots: end, overlay: [], slots: SlotMap.empty, moved: noMarks });
  }

  /** The ordinals below `end` that are not in a new base as they are in this one: in the overlay, or holes. */
  #changedUpTo(end: number, ghosts: BitSet): Int32Array {
    const changed = new Int32Array(end);
    let count = 0;
    for (let from = 0; from < end; from += 32) {
      const kept = this.populated.bitsFrom(from) | ghosts.bitsFrom(from);
      // What is kept and has no slot is in the base.
      let bits = ~kept | this.#slots.bitsFrom(from);
      if (end - from < 32) bits &= (1 << (end - from)) - 1;
      for (; bits !== 0; bits &= bits - 1) changed[count++] = from + 31 - Math.clz32(bits & -bits);
    }
    return changed.slice(0, count);
  }

  /** Where the records of these ordinals lie; of those that are not kept: nowhere. */
  #placesOf(ordinals: Int32Array, isKept: (ordinal: number) => boolean): RecordPlaces<L> {
    const layerOf = new Uint16Array(ordinals.length);
    const recordOf = new Int32Array(ordinals.length);
    for (let k = 0; k < ordinals.length; k++) {
      const ordinal = ordinals[k] as number;
      const slot = isKept(ordinal) ? this.#slots.get(ordinal) : noSlot;
      if (slot < 0 || slot === noSlot) continue;
      recordOf[k] = slot & recordMask;
      layerOf[k] = 1 + (slot >>> recordBits);
    }
    return { layers: [this.#empty, ...this.#overlay], layerOf, recordOf };
  }
}

interface RecordPlaces<L> {
  readonly layers: readonly [L, ...L[]];
  readonly layerOf: Uint16Array;
  readonly recordOf: Int32Array;
}

/**
 * Of the base: with more records in the overlay, all is packed into a new base. Look-ups take longer by how many records lie
 * in the overlay, and the folds are paid for by the changes between two of them (docs/performance.md, "What a fold is").
 */
const foldShare = 1 / 20;

/** Below this many records an overlay is not worth folding: the 63 layers are the only bound. */
const foldRecordsMin = 1024;

/** A base has room for every ordinal: a damaged delta must not make one of few records that lie far apart. */
const foldSlotsPerRecordMax = 64;

function countRecords(layers: readonly Layer[]): number {
  return layers.reduce((sum, layer) => sum + layer.recordCount, 0);
}
