import { mixPart } from '../bytes/hash.ts';
import type { SharedArena } from '../bytes/shared-arena.ts';
import { DatasetError } from '../errors.ts';
import type { KeyPart } from '../schema/record-key.ts';
import type { ObjectTypeState } from '../state/object-type-state.ts';
import type { ReadState } from '../state/read-state.ts';
import type { TypeChanges } from '../state/type-changes.ts';
import { batchMax, type KeyBatch, KeyPathReader, zigZagInt } from './key-reader.ts';
import { isLive, KeyTable, type SharedKeyTable } from './key-table.ts';

/** A {@link UniqueKeyIndex} on its way to another thread. */
export interface SharedIndex {
  readonly type: string;
  readonly table: SharedKeyTable;
  readonly live: Uint32Array;
  readonly areKeys: boolean;
  readonly hasDuplicates: boolean;
}

/**
 * The index over the primary key of a type. Immutable: {@link UniqueKeyIndex.apply} makes a new one, and this one stays
 * valid for its own state.
 *
 * The two have one table: a delta adds entries for what it adds, and makes a new set of bits that says which entries count,
 * so it costs O(its changes) and the copy of those bits, and a look-up goes as before it. Where keys are short numbers no
 * record is read. When a quarter has been added to the table, all is built anew.
 *
 * Where several records have one key, the lowest ordinal is found; every delta to such a type builds the index anew. Records
 * with a null in their key are not found.
 *
 * @example
 * const index = UniqueKeyIndex.of(state, 'City');
 * const ordinal = index.find(2988507);              // -1: no such city
 */
export class UniqueKeyIndex {
  readonly type: string;
  readonly #records: ObjectTypeState;
  readonly #paths: readonly KeyPathReader[];
  /** Null: it is not built yet. */
  #table: KeyTable | null;
  /** While it is not: how many keys look-ups may still go over one by one. */
  #scanBudget: number;
  /** Which entries count: see {@link KeyTable}. Null: {@link KeyTable.firstLive}. */
  readonly #live: Uint32Array | null;
  /** See {@link KeyBatch.areKeys}. */
  #areKeys: boolean;
  /** Of records with one key the lowest is in the table, the others are not: what a delta does to them is not to be seen there. */
  #hasDuplicates: boolean;
  /** The table, where keys are short numbers: a look-up there reads no record. */
  #direct: KeyTable | null = null;

  private constructor(state: ReadState, type: string, content: IndexContent) {
    this.type = type;
    this.#records = state.objectType(type);
    this.#paths = pathReaders(state, type);
    this.#table = content.table;
    this.#scanBudget = this.#records.count * scansMax;
    this.#live = content.live;
    this.#areKeys = content.areKeys;
    this.#hasDuplicates = content.hasDuplicates;
    if (this.#paths.length === 0)
      throw new DatasetError('invalid', `type '${type}' has no primary key`, { type });
    this.#settle();
  }

  /**
   * Builds nothing yet: the first look-ups go over the keys one by one. When they have done so for long, the next one
   * builds the table. So whoever starts cold and asks little need not wait for it, and types that nobody asks for
   * cost nothing (docs/adr/0028-look-ups-build-indexes.md).
   *
   * @throws DatasetError `invalid`: the type does not exist or has no primary key
   */
  static of(state: ReadState, type: string): UniqueKeyIndex {
    return new UniqueKeyIndex(state, type, { table: null, live: null, areKeys: true, hasDuplicates: false });
  }

  /** {@link of}, and the table is built now. */
  static build(state: ReadState, type: string): UniqueKeyIndex {
    const index = UniqueKeyIndex.of(state, type);
    index.#build();
    return index;
  }

  /** @param state the one it was shared with */
  static open(state: ReadState, shared: SharedIndex): UniqueKeyIndex {
    return new UniqueKeyIndex(state, shared.type, { ...shared, table: KeyTable.open(shared.table) });
  }

  share(arena: SharedArena): SharedIndex {
    const built = this.#table ?? this.#build();
    // Before the table: what is added to it from now on is not of this index.
    const live = arena.uint32(this.#live ?? built.keepFirstLive());
    const table = built.share(arena);
    return { type: this.type, table, live, areKeys: this.#areKeys, hasDuplicates: this.#hasDuplicates };
  }

  /**
   * The index of the next state.
   *
   * @param change of this type; undefined: the delta did not touch it
   */
  apply(next: ReadState, change: TypeChanges | undefined): UniqueKeyIndex {
    if (change === undefined && this.#paths.every((path) => path.isOf(next))) return this;
    if (this.#table === null) {
      const unbuilt = UniqueKeyIndex.of(next, this.type);
      unbuilt.#scanBudget = this.#scanBudget;
      return unbuilt;
    }
    const { added, removed } = change ?? noChange;
    const content = { areKeys: this.#areKeys, hasDuplicates: this.#hasDuplicates };
    if (removed.length + added.length === 0)
      return new UniqueKeyIndex(next, this.type, { ...content, table: this.#table, live: this.#live });
    if (this.#hasDuplicates || !this.#table.hasRoomFor(added.length))
      return UniqueKeyIndex.build(next, this.type);
    const table = this.#table.toAddTo();
    const live = (this.#live ?? table.keepFirstLive()).slice();
    for (const batch of batchesOf(removed)) {
      this.#readHashes(batch);
      table.removeAll(batch, live);
    }
    const index = new UniqueKeyIndex(next, this.type, { ...content, table, live });
    for (const batch of batchesOf(added)) index.#insert(table, batch);
    if (index.#hasDuplicates) return UniqueKeyIndex.build(next, this.type);
    index.#settle();
    return index;
  }

  /**
   * The ordinal of the record with this key, -1: there is none. Of a key with one path; allocates nothing for INT, LONG (as
   * number) and STRING.
   */
  find(part: KeyPart): number {
    const direct = this.#direct;
    if (direct !== null && typeof part === 'number' && (part | 0) === part)
      return direct.findKey(zigZagInt(part) | 0, this.#live ?? direct.firstLive);
    if (this.#paths.length !== 1) throw this.#wrongCount(1);
    return this.#search((this.#paths[0] as KeyPathReader).hashOf(part), part, null);
  }

  /** {@link find} for any key: a value for each of its paths. */
  findByKey(key: readonly KeyPart[]): number {
    const [first] = key;
    if (first === undefined || key.length !== this.#paths.length) throw this.#wrongCount(key.length);
    if (key.length === 1) return this.find(first);
    let hash = 0;
    for (let i = 0; i < key.length; i++)
      hash = mixPart(hash, (this.#paths[i] as KeyPathReader).hashOf(key[i] as KeyPart));
    return this.#search(hash, first, key);
  }

  /**
   * Looks at the records, too.
   *
   * @param all parts of the key; null: the first is the only one
   */
  #search(hash: number, first: KeyPart, all: readonly KeyPart[] | null): number {
    const table = this.#table ?? this.#buildIfEarned();
    if (table === null) return this.#scan(hash, first, all);
    const { entries, firstLive } = table;
    const live = this.#live ?? firstLive;
    const end = entries.length;
    for (let at = table.startOf(hash); ; at = at + 2 < end ? at + 2 : 0) {
      const ordinal = (entries[at + 1] as number) - 1;
      if (ordinal < 0) return -1;
      if (entries[at] === hash && isLive(live, at) && this.#matches(ordinal, first, all)) return ordinal;
    }
  }

  #matches(ordinal: number, first: KeyPart, all: readonly KeyPart[] | null): boolean {
    if (!this.#matchesPart(ordinal, 0, first)) return false;
    if (all === null) return true;
    for (let i = 1; i < all.length; i++) if (!this.#matchesPart(ordinal, i, all[i] as KeyPart)) return false;
    return true;
  }

  #matchesPart(ordinal: number, i: number, part: KeyPart): boolean {
    const path = this.#paths[i] as KeyPathReader;
    const leaf = path.leafOf(ordinal);
    return leaf >= 0 && path.matches(leaf, part);
  }

  /** Without a table: the first record in order of ordinals. */
  #scan(hash: number, first: KeyPart, all: readonly KeyPart[] | null): number {
    const path = this.#paths[0] as KeyPathReader;
    const isShort = all === null && typeof first === 'number' && path.isShortInteger(first);
    const found = isShort ? path.scanFor(first) : null;
    if (found === null) return this.#scanHashes(hash, first, all);
    this.#scanBudget -= found < 0 ? this.#records.count : found + 1;
    return found;
  }

  #scanHashes(hash: number, first: KeyPart, all: readonly KeyPart[] | null): number {
    for (const batch of populatedBatches(this.#records)) {
      const { ordinals, hashes, count } = batch;
      this.#scanBudget -= count;
      this.#readHashes(batch);
      for (let i = hashes.indexOf(hash); i >= 0 && i < count; i = hashes.indexOf(hash, i + 1)) {
        const ordinal = ordinals[i] as number;
        if (ordinal >= 0 && this.#matches(ordinal, first, all)) return ordinal;
      }
    }
    return -1;
  }

  #buildIfEarned(): KeyTable | null {
    return this.#scanBudget > 0 ? null : this.#build();
  }

  #build(): KeyTable {
    const table = KeyTable.withRoomFor(this.#records.count);
    for (const batch of populatedBatches(this.#records)) this.#insert(table, batch);
    this.#table = table;
    this.#settle();
    return table;
  }

  /** When all records are in. */
  #settle(): void {
    const isDirect = this.#paths.length === 1 && this.#paths[0]?.isInteger === true;
    this.#direct = isDirect && this.#areKeys ? this.#table : null;
  }

  #insert(table: KeyTable, batch: KeyBatch): void {
    this.#readHashes(batch);
    if (!batch.areKeys) this.#areKeys = false;
    const isSame = (ordinal: number, other: number): boolean => this.#keysEqual(ordinal, other);
    if (table.insertAll(batch, this.#live, isSame)) this.#hasDuplicates = true;
  }

  #readHashes(batch: KeyBatch): void {
    batch.hashes.fill(0, 0, batch.count);
    batch.areKeys = true;
    if (this.#paths.length === 1) (this.#paths[0] as KeyPathReader).readHashes(batch);
    else for (const path of this.#paths) path.mixHashes(batch);
  }

  #keysEqual(ordinal: number, other: number): boolean {
    return this.#paths.every((path) => {
      const leaf = path.leafOf(ordinal);
      const otherLeaf = path.leafOf(other);
      return !path.isNullAt(otherLeaf) && path.equalAt(leaf, otherLeaf);
    });
  }

  #wrongCount(count: number): DatasetError {
    return new DatasetError(
      'invalid',
      `the key of '${this.type}' has ${this.#paths.length} parts, not ${count}`,
      {
        type: this.type,
      },
    );
  }
}

interface IndexContent {
  readonly table: KeyTable | null;
  readonly live: Uint32Array | null;
  readonly areKeys: boolean;
  readonly hasDuplicates: boolean;
}

/** So often may look-ups go over all keys: together that takes a little over half as long as building the table. */
const scansMax = 4;

const noChange: TypeChanges = { removed: new Int32Array(0), added: new Int32Array(0) };

function pathReaders(state: ReadState, type: string): readonly KeyPathReader[] {
  return state.schema.keyPaths(type).map((path) => new KeyPathReader(state, path));
}

/** One for all indexes: nothing else runs while records are on their way in. */
const batchOfAll: KeyBatch = {
  ordinals: new Int32Array(batchMax),
  hashes: new Int32Array(batchMax),
  count: 0,
  areKeys: true,
};

/** Of all records, ascending; one after the other, in the same arrays. */
function* populatedBatches(records: ObjectTypeState): Generator<KeyBatch, undefined> {
  const batch = batchOfAll;
  for (let from = 0; from >= 0; ) {
    batch.count = records.listPopulated(from, batch.ordinals);
    from = batch.count < batchMax ? -1 : (batch.ordinals[batchMax - 1] as number) + 1;
    yield batch;
  }
}

/** One after the other, in the same arrays. */
function* batchesOf(ordinals: Int32Array): Generator<KeyBatch, undefined> {
  const batch = batchOfAll;
  for (let at = 0; at < ordinals.length; at += batchMax) {
    batch.count = Math.min(batchMax, ordinals.length - at);
    for (let i = 0; i < batch.count; i++) batch.ordinals[i] = ordinals[at + i] as number;
    yield batch;
  }
}
