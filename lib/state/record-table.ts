import { BitSet, type SharedBitSet } from '../bytes/bit-set.ts';
import type { SharedArena } from '../bytes/shared-arena.ts';

const pageShift = 8;
const pageSize = 1 << pageShift;
const pageMask = pageSize - 1;

/** A slot is -1 (the record is in the base) or an overlay layer's index above the record's number in it. */
const recordBits = 25;
const recordMask = (1 << recordBits) - 1;

/** One delta may add this many records to a type; a bigger one has to be taken as a snapshot. */
export const addedRecordsMax = recordMask;

/** The last index stands for "no record": see {@link RecordTable.layerAt}. */
const overlayLayersMax = 63;
const noSlot = overlayLayersMax << recordBits;

const baseSlot = -1;

/** The last page may be shorter: as long as it needs to be, up to the next power of two, and at least this. */
const pageSizeMin = 16;

const basePage = new Int32Array(pageSize).fill(baseSlot);
const emptyPage = new Int32Array(pageSize).fill(noSlot);

/** What the records of any kind of layer have in common. */
export interface Layer {
  readonly recordCount: number;
}

/** A list of records by place: what to pack into a new layer, in this order. */
export interface RecordList<L> {
  readonly layers: readonly L[];
  /** Index into `layers`. */
  readonly layerOf: Uint16Array;
  /** Number within its layer. */
  readonly recordOf: Int32Array;
}

/** Packs records into one new layer, record k from the k-th of the list. */
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
  readonly overlaid: SharedBitSet;
  /** Those that all tables have in common go by name. */
  readonly pages: readonly (Int32Array | 'base' | 'empty')[];
  readonly populated: SharedBitSet;
  readonly maxOrdinal: number;
}

interface TableParts<L> {
  readonly base: readonly L[];
  /** Ordinals that the base has room for. */
  readonly baseSlots: number;
  readonly overlay: readonly L[];
  /** Of the ordinals that the base has room for, those whose record is in the overlay. */
  readonly overlaid: BitSet;
  readonly pages: readonly Int32Array[];
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
 * - *Pages* of 256 slots (the last one may be shorter) say for each ordinal which of them counts. A delta copies the pages
 *   it touches and shares the rest (all untouched ones are the same constant page). Records that it removes keep their
 *   slot: they are readable as ghosts for as long as their ordinal is not used again.
 * - A *set* of the ordinals in the overlay is asked first: it is small enough to stay in the processor's caches, where the
 *   pages are not, so that records which no delta touched are read as fast as before. Guarded by test/bench (deltas).
 *
 * When the overlay has grown, layers are packed together ({@link RecordTable.applyAdditions}):
 * all 63 overlay layers in use: into one overlay layer; more overlay records than a quarter of the base: everything
 * into a new base. The second costs O(dataset), but only after O(dataset) changes; the first O(overlay) per 62 deltas.
 */
export class RecordTable<L extends Layer> {
  /** Greatest slot, ghosts and holes included; -1: none. */
  readonly maxOrdinal: number;
  readonly populated: BitSet;
  readonly #base: readonly L[];
  readonly #baseSlots: number;
  readonly #overlay: readonly L[];
  readonly #overlaid: BitSet;
  readonly #pages: readonly Int32Array[];
  /** Ordinals from here on have no slot. */
  readonly #slotCount: number;
  /** Ordinals below have their record in the base, as all of them have before the first delta. */
  readonly #plainCount: number;
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
    this.#overlaid = parts.overlaid;
    this.#pages = parts.pages;
    this.#slotCount = Math.max(0, parts.pages.length - 1) * pageSize + (parts.pages.at(-1)?.length ?? 0);
    this.#plainCount = parts.overlay.length > 0 ? 0 : parts.baseSlots;
    this.#only = parts.base.length === 1 ? (parts.base[0] as L) : null;
    this.#baseMask = parts.base.length - 1;
    this.#baseShift = 31 - Math.clz32(parts.base.length);
    this.#empty = parts.empty;
  }

  /** @param empty a layer without records, in which every record reads as null */
  static empty<L extends Layer>(empty: L): RecordTable<L> {
    return RecordTable.ofBase([empty], BitSet.empty, -1, empty);
  }

  /** @param base a power of two of shards; together they hold the ordinals from 0 to `maxOrdinal` */
  static ofBase<L extends Layer>(
    base: readonly L[],
    populated: BitSet,
    maxOrdinal: number,
    empty: L,
  ): RecordTable<L> {
    // Holes above the last populated ordinal need no slots: a small blob cannot ask for a big table.
    const baseSlots = Math.min(maxOrdinal, populated.last()) + 1;
    const overlay = { overlay: [], overlaid: BitSet.empty, pages: basePages(baseSlots) };
    return new RecordTable({ base, baseSlots, ...overlay, populated, maxOrdinal, empty });
  }

  /** The base, where it is one shard: there the record of an ordinal whose slot is negative has the ordinal's number. */
  get onlyBase(): L | null {
    return this.#only;
  }

  /** Ordinals that the base has room for. */
  get baseSlots(): number {
    return this.#baseSlots;
  }

  /** {@link onlyBase}, where no delta has touched it: every record is there. */
  get plainBase(): L | null {
    return this.#overlay.length === 0 ? this.#only : null;
  }

  static open<L extends Layer, S>(
    shared: SharedTable<S>,
    openLayer: (layer: S) => L,
    empty: L,
  ): RecordTable<L> {
    const { base, baseSlots, overlay, overlaid, pages, populated, maxOrdinal } = shared;
    return new RecordTable({
      base: base.map(openLayer),
      baseSlots,
      overlay: overlay.map(openLayer),
      overlaid: BitSet.open(overlaid),
      pages: pages.map((page) => (page === 'base' ? basePage : page === 'empty' ? emptyPage : page)),
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
      overlaid: this.#overlaid.share(arena),
      pages: this.#pages.map((page) =>
        page === basePage ? 'base' : page === emptyPage ? 'empty' : arena.int32(page),
      ),
      populated: this.populated.share(arena),
      maxOrdinal: this.maxOrdinal,
    };
  }

  /** Where a record is, for {@link layerAt} and {@link recordAt}. Any number may be asked for. */
  slotOf(ordinal: number): number {
    if (ordinal >= 0 && ordinal < this.#plainCount) return baseSlot;
    if (!(ordinal >= 0 && ordinal < this.#slotCount)) return noSlot;
    if (ordinal < this.#baseSlots && !this.#overlaid.has(ordinal)) return baseSlot;
    return (this.#pages[ordinal >>> pageShift] as Int32Array)[ordinal & pageMask] as number;
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
      overlaid: this.#overlaid,
      pages: this.#pages,
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
    const pages = pagesWith(room.#pages, change.ordinals, room.#overlay.length << recordBits);
    const overlaid = room.#overlaid.with(noOrdinals, ordinalsBelow(change.ordinals, room.#baseSlots));
    const next = room.#with({ overlay, overlaid, pages, populated, maxOrdinal });
    const [inBase, inOverlay] = [countRecords(this.#base), countRecords(overlay)];
    const isOvergrown = inOverlay > Math.max(inBase / 4, foldRecordsMin);
    const isDense = next.#slotCount <= foldSlotsPerRecordMax * (inBase + inOverlay);
    // What this delta removes stays readable: the fold keeps the records of both states.
    return isOvergrown && isDense ? next.#withNewBase(pack, this.populated) : next;
  }

  #with(parts: Partial<TableParts<L>>): RecordTable<L> {
    return new RecordTable({
      base: this.#base,
      baseSlots: this.#baseSlots,
      overlay: this.#overlay,
      overlaid: this.#overlaid,
      pages: this.#pages,
      populated: this.populated,
      maxOrdinal: this.maxOrdinal,
      empty: this.#empty,
      ...parts,
    });
  }

  /** All populated records of the overlay in one layer. */
  #withPackedOverlay(pack: PackLayer<L>): RecordTable<L> {
    const ordinals: number[] = [];
    for (let page = 0; page < this.#pages.length; page++) {
      if (this.#pages[page] === basePage || this.#pages[page] === emptyPage) continue;
      for (let ordinal = page * pageSize; ordinal < (page + 1) * pageSize; ordinal++) {
        if (this.slotOf(ordinal) >= 0 && this.populated.has(ordinal)) ordinals.push(ordinal);
      }
    }
    const packed = Int32Array.from(ordinals);
    const layer = pack(this.#list(packed.length, (k) => packed[k] as number));
    return this.#with({ overlay: [layer], pages: pagesWith(this.#pages, packed, 0) });
  }

  /** All records that are populated here or in `ghosts` in a new base of as many shards. */
  #withNewBase(pack: PackLayer<L>, ghosts: BitSet): RecordTable<L> {
    const shardCount = this.#base.length;
    const slots = Math.max(this.populated.last(), ghosts.last()) + 1;
    const isKept = (ordinal: number) => this.populated.has(ordinal) || ghosts.has(ordinal);
    const base = this.#base.map((_, shard) =>
      pack(
        this.#list(Math.ceil(Math.max(slots - shard, 0) / shardCount), (k) => {
          const ordinal = k * shardCount + shard;
          return isKept(ordinal) ? ordinal : -1;
        }),
      ),
    );
    const overlay = { overlay: [], overlaid: BitSet.empty, pages: basePages(slots) };
    return this.#with({ base, baseSlots: slots, ...overlay });
  }

  /** The places of `count` records; an ordinal of -1 stands for a hole. */
  #list(count: number, ordinalAt: (k: number) => number): RecordList<L> {
    const layers = [this.#empty, ...this.#base, ...this.#overlay];
    const layerOf = new Uint16Array(count);
    const recordOf = new Int32Array(count);
    for (let k = 0; k < count; k++) {
      const ordinal = ordinalAt(k);
      const slot = this.slotOf(ordinal);
      if (slot === noSlot) continue;
      recordOf[k] = this.recordAt(slot, ordinal);
      layerOf[k] = slot < 0 ? 1 + (ordinal & this.#baseMask) : 1 + this.#base.length + (slot >>> recordBits);
    }
    return { layers, layerOf, recordOf };
  }
}

const noOrdinals = new Int32Array(0);

/** The first of ascending ordinals: those beyond the base need no bit, and may be as far away as a blob says. */
function ordinalsBelow(ordinals: Int32Array, end: number): Int32Array {
  let count = ordinals.length;
  while (count > 0 && (ordinals[count - 1] as number) >= end) count--;
  return ordinals.subarray(0, count);
}

/** Below this many records an overlay is not worth folding: the 63 layers are the only bound. */
const foldRecordsMin = 1024;

/** A base has room for every ordinal: a damaged delta must not make one of few records that lie far apart. */
const foldSlotsPerRecordMax = 64;

function countRecords(layers: readonly Layer[]): number {
  return layers.reduce((sum, layer) => sum + layer.recordCount, 0);
}

/** Pages for the ordinals below `slots`, all in the base. */
function basePages(slots: number): Int32Array[] {
  const pages = new Array<Int32Array>(slots >>> pageShift).fill(basePage);
  const rest = slots & pageMask;
  if (rest !== 0) pages.push(shortPage(rest - 1).fill(baseSlot, 0, rest));
  return pages;
}

/** A copy in which the k-th of `ordinals` has the slot `firstSlot` + k; pages without change are shared. */
function pagesWith(before: readonly Int32Array[], ordinals: Int32Array, firstSlot: number): Int32Array[] {
  const pages = before.slice();
  const last = ordinals.at(-1) ?? -1;
  growPages(pages, last);
  let current = -1;
  let page = emptyPage;
  for (let k = 0; k < ordinals.length; k++) {
    const ordinal = ordinals[k] as number;
    if (ordinal >>> pageShift !== current) {
      current = ordinal >>> pageShift;
      page = (pages[current] as Int32Array).slice();
      pages[current] = page;
    }
    page[ordinal & pageMask] = firstSlot + k;
  }
  return pages;
}

/** Makes pages that have a slot for this ordinal (-1: none is needed), all but the last one in full. */
function growPages(pages: Int32Array[], ordinal: number): void {
  const index = ordinal >> pageShift;
  const lastIndex = pages.length - 1;
  const lastPage = pages[lastIndex];
  if (lastPage !== undefined && lastPage.length < pageSize) {
    if (index < lastIndex || (index === lastIndex && (ordinal & pageMask) < lastPage.length)) return;
    const longer = index === lastIndex ? shortPage(ordinal & pageMask) : emptyPage.slice();
    longer.set(lastPage);
    pages[lastIndex] = longer;
  }
  while (pages.length < index) pages.push(emptyPage);
  if (pages.length === index) pages.push(shortPage(ordinal & pageMask));
}

/** A page without records that has the slot `last`. */
function shortPage(last: number): Int32Array {
  return emptyPage.slice(0, Math.max(pageSizeMin, 2 ** (32 - Math.clz32(last))));
}
