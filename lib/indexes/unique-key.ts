import type { SharedArena } from '../bytes/shared-arena.ts';
import { DatasetError } from '../errors.ts';
import type { ObjectTypeState } from '../state/object-type-state.ts';
import type { ReadState } from '../state/read-state.ts';
import { batchMax, type KeyBatch, type KeyPart, KeyPathReader, mixPart, zigZagInt } from './key-reader.ts';
import { KeyTable, type SharedKeyTable } from './key-table.ts';

/** What a delta did to the type; lib/blob's TypeChanges is one. */
interface ChangedOrdinals {
  readonly removed: Int32Array;
  readonly added: Int32Array;
}

/** A {@link UniqueKeyIndex} on its way to another thread. */
export interface SharedIndex {
  readonly type: string;
  readonly tables: readonly SharedKeyTable[];
  readonly gone: Uint32Array | null;
  readonly hasDuplicates: boolean;
}

/** Below this many entries, tables that deltas added are not worth a rebuild. */
const rebuildEntriesMin = 1024;

/**
 * The index over the primary key of a type. Immutable: {@link UniqueKeyIndex.apply} makes a new one that shares tables
 * with this one, which stays valid for its own state.
 *
 * The first table holds what was there when it was built, each further one what deltas have added; each is at least
 * twice as big as the next (smaller ones are merged), so a delta costs O(its additions x log). Nothing is ever taken
 * out: an entry counts only if its ordinal is populated and its record still has the key; of the first table a set of
 * bits says which entries do not, so that where keys are short numbers no record is read at all. When the further tables
 * hold more than a quarter of the first, all is built anew.
 *
 * Where several records have one key, the lowest ordinal is found. Records with a null in their key are not found.
 *
 * @example
 * const index = UniqueKeyIndex.build(state, 'City');
 * const ordinal = index.find(2988507);              // -1: no such city
 */
export class UniqueKeyIndex {
  readonly type: string;
  readonly #records: ObjectTypeState;
  readonly #paths: readonly KeyPathReader[];
  readonly #tables: readonly KeyTable[];
  /** Ordinals that were removed or used again since the first table was built: see {@link KeyTable.findKey}. */
  readonly #gone: Uint32Array | null;
  /** False lets a lookup stop at the first record found. */
  #hasDuplicates: boolean;

  private constructor(state: ReadState, type: string, content: IndexContent) {
    this.type = type;
    this.#records = state.objectType(type);
    this.#paths = content.paths;
    this.#tables = content.tables;
    this.#gone = content.gone;
    this.#hasDuplicates = content.hasDuplicates;
  }

  /** @throws DatasetError `invalid`: the type does not exist or has no primary key */
  static build(state: ReadState, type: string): UniqueKeyIndex {
    const records = state.objectType(type);
    const paths = pathReaders(state, type);
    if (paths.length === 0) throw new DatasetError('invalid', `type '${type}' has no primary key`, { type });
    const tables = [KeyTable.withRoomFor(records.count)];
    const index = new UniqueKeyIndex(state, type, { paths, tables, gone: null, hasDuplicates: false });
    const batch = newBatch();
    for (let from = 0; from >= 0; ) {
      batch.count = records.listPopulated(from, batch.ordinals);
      from = batch.count < batchMax ? -1 : (batch.ordinals[batchMax - 1] as number) + 1;
      index.#insert(batch);
    }
    return index;
  }

  /** @param state the one it was shared with */
  static open(state: ReadState, { type, tables, gone, hasDuplicates }: SharedIndex): UniqueKeyIndex {
    const content = {
      paths: pathReaders(state, type),
      tables: tables.map((table) => KeyTable.open(table)),
      gone,
      hasDuplicates,
    };
    return new UniqueKeyIndex(state, type, content);
  }

  share(arena: SharedArena): SharedIndex {
    const tables = this.#tables.map((table) => table.share(arena));
    const gone = this.#gone === null ? null : arena.uint32(this.#gone);
    return { type: this.type, tables, gone, hasDuplicates: this.#hasDuplicates };
  }

  /**
   * The index of the next state.
   *
   * @param change of this type; undefined: the delta did not touch it
   */
  apply(next: ReadState, change: ChangedOrdinals | undefined): UniqueKeyIndex {
    const paths = pathReaders(next, this.type);
    const { added, removed } = change ?? noChange;
    const hasDuplicates = this.#hasDuplicates;
    const gone = this.#goneWith(removed, added);
    if (added.length === 0) {
      return new UniqueKeyIndex(next, this.type, { paths, tables: this.#tables, gone, hasDuplicates });
    }
    const records = next.objectType(this.type);
    const { kept, merged } = mergePlan(this.#tables, added.length);
    const ordinals = entriesOf(merged, added, records);
    const base = kept[0] as KeyTable;
    const further = kept.slice(1).reduce((sum, table) => sum + table.count, ordinals.length);
    if (further > Math.max(base.count / 4, rebuildEntriesMin)) return UniqueKeyIndex.build(next, this.type);
    const tables = [...kept, KeyTable.withRoomFor(ordinals.length)];
    const index = new UniqueKeyIndex(next, this.type, { paths, tables, gone, hasDuplicates });
    const batch = newBatch();
    for (let at = 0; at < ordinals.length; at += batchMax) {
      const some = ordinals.subarray(at, at + batchMax);
      batch.ordinals.set(some);
      batch.count = some.length;
      index.#insert(batch);
    }
    return index;
  }

  /**
   * The ordinal of the record with this key, -1: there is none. One argument for each path of the key. Allocates nothing
   * for INT, LONG (as number) and STRING.
   */
  find(a: KeyPart, b?: KeyPart, c?: KeyPart, ...more: readonly KeyPart[]): number {
    const paths = this.#paths;
    if (b === undefined && c === undefined && more.length === 0 && paths.length === 1)
      return this.#findOne(a);
    const count = more.length > 0 ? 3 + more.length : c !== undefined ? 3 : b !== undefined ? 2 : 1;
    if (count !== paths.length) throw this.#wrongCount(count);
    let hash = mixPart(0, (paths[0] as KeyPathReader).hashOf(a)) | 0;
    if (b !== undefined) hash = mixPart(hash, (paths[1] as KeyPathReader).hashOf(b));
    if (c !== undefined) hash = mixPart(hash, (paths[2] as KeyPathReader).hashOf(c));
    for (let i = 0; i < more.length; i++) {
      hash = mixPart(hash, (paths[3 + i] as KeyPathReader).hashOf(more[i] as KeyPart));
    }
    let found = -1;
    for (let t = 0; t < this.#tables.length; t++) {
      const table = this.#tables[t] as KeyTable;
      const { entries, mask } = table;
      for (let at = table.startOf(hash); ; at = (at + 2) & mask) {
        const ordinal = (entries[at + 1] as number) - 1;
        if (ordinal < 0) break;
        if (entries[at] !== hash) continue;
        if (!this.#records.isPopulated(ordinal) || !this.#matches(ordinal, a, b, c, more)) continue;
        if (!this.#hasDuplicates) return ordinal;
        if (found < 0 || ordinal < found) found = ordinal;
      }
    }
    return found;
  }

  /** {@link find} where the key has one path, as most have. */
  #findOne(part: KeyPart): number {
    const path = this.#paths[0] as KeyPathReader;
    const first = this.#tables[0] as KeyTable;
    const isKey =
      first.areKeys && !this.#hasDuplicates && typeof part === 'number' && path.isShortInteger(part);
    if (!isKey) return this.#search(path, part, 0);
    const found = first.findKey(zigZagInt(part) | 0, this.#gone);
    return found >= 0 || this.#tables.length === 1 ? found : this.#search(path, part, 1);
  }

  /** Looks into the tables from the `from`-th on, and at the records that they name. */
  #search(path: KeyPathReader, part: KeyPart, from: number): number {
    const records = this.#records;
    const hash = path.hashOf(part);
    let found = -1;
    for (let t = from; t < this.#tables.length; t++) {
      const table = this.#tables[t] as KeyTable;
      const { entries, mask } = table;
      for (let at = table.startOf(hash); ; at = (at + 2) & mask) {
        const ordinal = (entries[at + 1] as number) - 1;
        if (ordinal < 0) break;
        if (entries[at] !== hash) continue;
        const leaf = path.leafOf(ordinal);
        if (leaf < 0 || !path.matches(leaf, part) || !records.isPopulated(ordinal)) continue;
        if (!this.#hasDuplicates) return ordinal;
        if (found < 0 || ordinal < found) found = ordinal;
      }
    }
    return found;
  }

  /** {@link find} for a list of values. */
  findByKey(key: readonly KeyPart[]): number {
    const [only] = key;
    if (key.length === 1 && this.#paths.length === 1 && only !== undefined) return this.#findOne(only);
    const [a, b, c, ...more] = key;
    if (key.length !== this.#paths.length || a === undefined) throw this.#wrongCount(key.length);
    return this.find(a, b, c, ...more);
  }

  #matches(
    ordinal: number,
    a: KeyPart,
    b: KeyPart | undefined,
    c: KeyPart | undefined,
    more: readonly KeyPart[],
  ): boolean {
    if (!this.#matchesPart(ordinal, 0, a)) return false;
    if (b !== undefined && !this.#matchesPart(ordinal, 1, b)) return false;
    if (c !== undefined && !this.#matchesPart(ordinal, 2, c)) return false;
    for (let i = 0; i < more.length; i++) {
      if (!this.#matchesPart(ordinal, 3 + i, more[i] as KeyPart)) return false;
    }
    return true;
  }

  #matchesPart(ordinal: number, i: number, part: KeyPart): boolean {
    const path = this.#paths[i] as KeyPathReader;
    const leaf = path.leafOf(ordinal);
    return leaf >= 0 && path.matches(leaf, part);
  }

  /** Puts records into the last table. */
  #insert(batch: KeyBatch): void {
    const { hashes, count } = batch;
    hashes.fill(0, 0, count);
    batch.areKeys = true;
    if (this.#paths.length === 1) (this.#paths[0] as KeyPathReader).readHashes(batch);
    else for (const path of this.#paths) path.mixHashes(batch);
    const isSame = (ordinal: number, other: number): boolean =>
      this.#records.isPopulated(other) && this.#keysEqual(ordinal, other);
    const last = this.#tables.length - 1;
    for (let t = 0; t < last && !this.#hasDuplicates; t++) {
      this.#hasDuplicates = (this.#tables[t] as KeyTable).hasAny(batch, isSame);
    }
    if ((this.#tables[last] as KeyTable).insertAll(batch, isSame)) this.#hasDuplicates = true;
  }

  /** {@link UniqueKeyIndex.#gone} after a delta: a copy in proportion to the first table, of one bit for an ordinal. */
  #goneWith(removed: Int32Array, added: Int32Array): Uint32Array | null {
    const { areKeys, ordinalsEnd } = this.#tables[0] as KeyTable;
    if (!areKeys || removed.length + added.length === 0) return this.#gone;
    const gone = this.#gone?.slice() ?? new Uint32Array((ordinalsEnd + 31) >>> 5);
    for (const ordinals of [removed, added]) {
      for (let i = 0; i < ordinals.length; i++) {
        const ordinal = ordinals[i] as number;
        // Beyond the end nothing is set: what a later table brought has no bit here.
        gone[ordinal >>> 5] = (gone[ordinal >>> 5] as number) | (1 << (ordinal & 31));
      }
    }
    return gone;
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
  readonly paths: readonly KeyPathReader[];
  readonly tables: readonly KeyTable[];
  readonly gone: Uint32Array | null;
  readonly hasDuplicates: boolean;
}

const noChange: ChangedOrdinals = { removed: new Int32Array(0), added: new Int32Array(0) };

function pathReaders(state: ReadState, type: string): readonly KeyPathReader[] {
  return state.schema.keyPaths(type).map((path) => new KeyPathReader(state, path));
}

function newBatch(): KeyBatch {
  return { ordinals: new Int32Array(batchMax), hashes: new Int32Array(batchMax), count: 0, areKeys: true };
}

/** What these tables hold that is still populated, and what was added; ascending, each once. */
function entriesOf(tables: readonly KeyTable[], added: Int32Array, records: ObjectTypeState): Int32Array {
  const held = tables.flatMap((table) => [...table.ordinals()]).filter((o) => records.isPopulated(o));
  const ordinals = Int32Array.from([...held, ...added]).sort();
  let count = 0;
  for (const ordinal of ordinals)
    if (count === 0 || ordinals[count - 1] !== ordinal) ordinals[count++] = ordinal;
  return ordinals.subarray(0, count);
}

/** Which tables stay, and which are merged with `addedCount` new entries so that each stays twice as big as the next. */
function mergePlan(
  tables: readonly KeyTable[],
  addedCount: number,
): { readonly kept: readonly KeyTable[]; readonly merged: readonly KeyTable[] } {
  let keptCount = tables.length;
  let count = addedCount;
  // The first table is replaced only by a rebuild.
  while (keptCount > 1 && (tables[keptCount - 1] as KeyTable).count < 2 * count) {
    keptCount--;
    count += (tables[keptCount] as KeyTable).count;
  }
  return { kept: tables.slice(0, keptCount), merged: tables.slice(keptCount) };
}
