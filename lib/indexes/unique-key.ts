import { mixPart } from '../bytes/hash.ts';
import type { SharedArena } from '../bytes/shared-arena.ts';
import { DatasetError } from '../errors.ts';
import type { KeyPart } from '../schema/record-key.ts';
import type { ObjectTypeState } from '../state/object-type-state.ts';
import type { ReadState } from '../state/read-state.ts';
import type { TypeChanges } from '../state/type-changes.ts';
import { CloseKeys, KeyArray, KeyChanges, keyOf, type SharedKeyArray } from './key-array.ts';
import { batchMax, type KeyBatch, KeyPathReader, zigZagInt } from './key-reader.ts';
import { isLive, KeyTable, type SharedKeyTable } from './key-table.ts';

/** A {@link UniqueKeyIndex} on its way to another thread. */
export interface SharedIndex {
  readonly type: string;
  /** Either this or a table. */
  readonly array: SharedKeyArray | null;
  readonly table: SharedKeyTable | null;
  readonly live: Uint32Array | null;
  readonly areKeys: boolean;
  readonly hasDuplicates: boolean;
}

/**
 * The index over the primary key of a type. Immutable: {@link UniqueKeyIndex.apply} makes a new one, and this one stays
 * valid for its own state.
 *
 * The two have one table: a delta adds entries for what it adds, and makes a new set of bits that says which entries count,
 * so it costs O(its changes) and the copy of those bits, and a look-up goes as before it. Where keys are short numbers no
 * record is read. When a quarter has been added to the table, all is built anew. Where keys are short numbers close together
 * there is no table, but a {@link KeyArray}.
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
  /** Of keys that are whole numbers close together; null: they are not, or nothing is built yet. */
  #array: KeyArray | null;
  /** Of all others; null: there is an array, or nothing is built yet. */
  #table: KeyTable | null;
  /** While nothing is built: how many keys look-ups may still go over one by one. */
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
    this.#array = content.array;
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
    return new UniqueKeyIndex(state, type, notBuilt);
  }

  /** {@link of}, and it is built now. */
  static build(state: ReadState, type: string): UniqueKeyIndex {
    const index = UniqueKeyIndex.of(state, type);
    index.#build();
    return index;
  }

  /** @param state the one it was shared with */
  static open(state: ReadState, shared: SharedIndex): UniqueKeyIndex {
    const array = shared.array && KeyArray.open(shared.array);
    const table = shared.table && KeyTable.open(shared.table);
    return new UniqueKeyIndex(state, shared.type, { ...shared, array, table });
  }

  share(arena: SharedArena): SharedIndex {
    if (!this.#isBuilt) this.#build();
    const array = this.#array?.share(arena) ?? null;
    // Before the table: what is added to it from now on is not of this index.
    const live = this.#table && arena.uint32(this.#live ?? this.#table.keepFirstLive());
    const table = this.#table?.share(arena) ?? null;
    const [areKeys, hasDuplicates] = [this.#areKeys, this.#hasDuplicates];
    return { type: this.type, array, table, live, areKeys, hasDuplicates };
  }

  /**
   * The index of the next state.
   *
   * @param change of this type; undefined: the delta did not touch it
   */
  apply(next: ReadState, change: TypeChanges | undefined): UniqueKeyIndex {
    if (change === undefined && this.#paths.every((path) => path.isOf(next))) return this;
    if (!this.#isBuilt) {
      const unbuilt = UniqueKeyIndex.of(next, this.type);
      unbuilt.#scanBudget = this.#scanBudget;
      return unbuilt;
    }
    const { added, removed } = change ?? noChange;
    if (removed.length + added.length === 0) return new UniqueKeyIndex(next, this.type, this.#content());
    return this.#followed(next, { added, removed }) ?? UniqueKeyIndex.build(next, this.type);
  }

  #content(): IndexContent {
    return {
      array: this.#array,
      table: this.#table,
      live: this.#live,
      areKeys: this.#areKeys,
      hasDuplicates: this.#hasDuplicates,
    };
  }

  /** Null: it has to be built anew. */
  #followed(next: ReadState, changes: TypeChanges): UniqueKeyIndex | null {
    if (this.#hasDuplicates) return null;
    if (this.#array !== null) return this.#followedByArray(this.#array, next, changes);
    const table = this.#table;
    const hasRoom = table?.hasRoomFor(changes.added.length) === true;
    return hasRoom ? this.#followedByTable(table.toAddTo(), next, changes) : null;
  }

  #followedByArray(array: KeyArray, next: ReadState, { added, removed }: TypeChanges): UniqueKeyIndex | null {
    const changes = new KeyChanges(removed.length + added.length);
    for (const batch of batchesOf(removed)) {
      this.#readHashes(batch);
      if (!array.listChanges(batch, false, changes)) return null;
    }
    const index = new UniqueKeyIndex(next, this.type, this.#content());
    for (const batch of batchesOf(added)) {
      index.#readHashes(batch);
      if (!array.listChanges(batch, true, changes)) return null;
    }
    index.#array = array.with(changes, index.#records.count);
    return index.#array && index;
  }

  #followedByTable(table: KeyTable, next: ReadState, { added, removed }: TypeChanges): UniqueKeyIndex | null {
    const live = (this.#live ?? table.keepFirstLive()).slice();
    for (const batch of batchesOf(removed)) {
      this.#readHashes(batch);
      table.removeAll(batch, live);
    }
    const index = new UniqueKeyIndex(next, this.type, { ...this.#content(), table, live });
    for (const batch of batchesOf(added)) index.#insert(table, batch);
    if (index.#hasDuplicates) return null;
    index.#settle();
    return index;
  }

  /**
   * The ordinal of the record with this key, -1: there is none. Of a key with one path; allocates nothing for INT, LONG (as
   * number) and STRING.
   */
  find(part: KeyPart): number {
    const array = this.#array;
    return array !== null && typeof part === 'number' && (part | 0) === part
      ? array.find(part)
      : this.#findElsewhere(part);
  }

  #findElsewhere(part: KeyPart): number {
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
    if (!this.#isBuilt) {
      if (this.#scanBudget > 0) return this.#scan(hash, first, all);
      this.#build();
    }
    if (this.#table !== null) return this.#searchTable(this.#table, { hash, first, all });
    const ordinal = this.#array?.find(keyOf(hash)) ?? -1;
    return ordinal >= 0 && this.#matches(ordinal, first, all) ? ordinal : -1;
  }

  #searchTable(table: KeyTable, { hash, first, all }: SearchedKey): number {
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

  get #isBuilt(): boolean {
    return this.#table !== null || this.#array !== null;
  }

  #build(): void {
    this.#array = this.#buildArray();
    if (this.#array === null) this.#table = this.#buildTable();
    this.#settle();
  }

  #buildArray(): KeyArray | null {
    if (!this.#isOfInteger) return null;
    const keys = new CloseKeys(this.#records.count);
    for (const batch of populatedBatches(this.#records)) {
      this.#readHashes(batch);
      if (!keys.add(batch)) return null;
    }
    const array = keys.toArray();
    let from = 0;
    for (const batch of populatedBatches(this.#records)) {
      if (array?.fill(batch, keys.from(from))) this.#hasDuplicates = true;
      from += batch.count;
    }
    return array;
  }

  #buildTable(): KeyTable {
    const table = KeyTable.withRoomFor(this.#records.count);
    for (const batch of populatedBatches(this.#records)) this.#insert(table, batch);
    return table;
  }

  get #isOfInteger(): boolean {
    return this.#paths.length === 1 && this.#paths[0]?.isInteger === true;
  }

  /** When all records are in. */
  #settle(): void {
    this.#direct = this.#isOfInteger && this.#areKeys ? this.#table : null;
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
  readonly array: KeyArray | null;
  readonly table: KeyTable | null;
  readonly live: Uint32Array | null;
  readonly areKeys: boolean;
  readonly hasDuplicates: boolean;
}

const notBuilt: IndexContent = {
  array: null,
  table: null,
  live: null,
  areKeys: true,
  hasDuplicates: false,
};

/** `all` parts of it; null: the first is the only one. */
interface SearchedKey {
  readonly hash: number;
  readonly first: KeyPart;
  readonly all: readonly KeyPart[] | null;
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
