import { mixInt } from '../bytes/hash.ts';
import { DatasetError } from '../errors.ts';
import type { ObjectTypeState } from '../state/object-type-state.ts';
import type { ReadState } from '../state/read-state.ts';
import { type KeyPart, KeyPathReader } from './key-reader.ts';
import { KeyTable } from './key-table.ts';

/** What a delta did to the type; lib/blob's TypeChanges is one. */
interface ChangedOrdinals {
  readonly added: Int32Array;
}

/** Below this many entries, tables that deltas added are not worth a rebuild. */
const rebuildEntriesMin = 1024;

/**
 * The index over the primary key of a type. Immutable: {@link UniqueKeyIndex.apply} makes a new one that shares tables
 * with this one, which stays valid for its own state.
 *
 * The first table holds what was there when it was built, each further one what deltas have added; each is at least
 * twice as big as the next (smaller ones are merged), so a delta costs O(its additions x log). Nothing is ever taken
 * out: an entry counts only if its ordinal is populated and its record still has the key. When the further tables hold
 * more than a quarter of the first, all is built anew.
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
  /** False lets a lookup stop at the first record found. */
  readonly #hasDuplicates: boolean;

  private constructor(state: ReadState, type: string, content: IndexContent) {
    this.type = type;
    this.#records = state.objectType(type);
    this.#paths = content.paths;
    this.#tables = content.tables;
    this.#hasDuplicates = content.hasDuplicates;
  }

  /** @throws DatasetError `invalid`: the type does not exist or has no primary key */
  static build(state: ReadState, type: string): UniqueKeyIndex {
    const records = state.objectType(type);
    const paths = pathReaders(state, type);
    if (paths.length === 0) throw new DatasetError('invalid', `type '${type}' has no primary key`, { type });
    const table = new KeyTable(records.count, records.maxOrdinal);
    const index = new UniqueKeyIndex(state, type, { paths, tables: [table], hasDuplicates: false });
    let hasDuplicates = false;
    for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
      if (index.#insert(table, o)) hasDuplicates = true;
    }
    return new UniqueKeyIndex(state, type, { paths, tables: [table], hasDuplicates });
  }

  /**
   * The index of the next state.
   *
   * @param change of this type; undefined: the delta did not touch it
   */
  apply(next: ReadState, change: ChangedOrdinals | undefined): UniqueKeyIndex {
    const paths = pathReaders(next, this.type);
    const { added } = change ?? { added: noOrdinals };
    if (added.length === 0) {
      const content = { paths, tables: this.#tables, hasDuplicates: this.#hasDuplicates };
      return new UniqueKeyIndex(next, this.type, content);
    }
    const records = next.objectType(this.type);
    const { kept, merged } = mergePlan(this.#tables, added.length);
    const ordinals = new Set(
      merged.flatMap((table) => [...table.ordinals()]).filter((o) => records.isPopulated(o)),
    );
    for (const ordinal of added) ordinals.add(ordinal);
    const base = kept[0] as KeyTable;
    const further = kept.slice(1).reduce((sum, table) => sum + table.count, ordinals.size);
    if (further > Math.max(base.count / 4, rebuildEntriesMin)) return UniqueKeyIndex.build(next, this.type);
    const table = new KeyTable(ordinals.size, records.maxOrdinal);
    const tables = [...kept, table];
    const index = new UniqueKeyIndex(next, this.type, { paths, tables, hasDuplicates: this.#hasDuplicates });
    let hasDuplicates = this.#hasDuplicates;
    for (const ordinal of ordinals) if (index.#insert(table, ordinal)) hasDuplicates = true;
    return new UniqueKeyIndex(next, this.type, { paths, tables, hasDuplicates });
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
    let hash = mixPart(0, (paths[0] as KeyPathReader).hashOf(a));
    if (b !== undefined) hash = mixPart(hash, (paths[1] as KeyPathReader).hashOf(b));
    if (c !== undefined) hash = mixPart(hash, (paths[2] as KeyPathReader).hashOf(c));
    for (let i = 0; i < more.length; i++) {
      hash = mixPart(hash, (paths[3 + i] as KeyPathReader).hashOf(more[i] as KeyPart));
    }
    const key = hash & hashMask;
    let found = -1;
    for (let t = 0; t < this.#tables.length; t++) {
      const { entries, bucketMask, ordinalMask } = this.#tables[t] as KeyTable;
      const wanted = key & ~ordinalMask;
      for (let bucket = key & bucketMask; ; bucket = (bucket + 1) & bucketMask) {
        const entry = entries[bucket] as number;
        if (entry === 0) break;
        if ((entry & ~ordinalMask) !== wanted) continue;
        const ordinal = (entry & ordinalMask) - 1;
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
    const records = this.#records;
    const key = mixPart(0, path.hashOf(part)) & hashMask;
    let found = -1;
    for (let t = 0; t < this.#tables.length; t++) {
      const { entries, bucketMask, ordinalMask } = this.#tables[t] as KeyTable;
      const wanted = key & ~ordinalMask;
      for (let bucket = key & bucketMask; ; bucket = (bucket + 1) & bucketMask) {
        const entry = entries[bucket] as number;
        if (entry === 0) break;
        if ((entry & ~ordinalMask) !== wanted) continue;
        const ordinal = (entry & ordinalMask) - 1;
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

  /** Puts a record into one of this index's tables; true if another record has its key. */
  #insert(table: KeyTable, ordinal: number): boolean {
    let hash = 0;
    for (let i = 0; i < this.#paths.length; i++) {
      const path = this.#paths[i] as KeyPathReader;
      const leaf = path.leafOf(ordinal);
      if (path.isNullAt(leaf)) return false;
      hash = mixPart(hash, path.hashAt(leaf));
    }
    hash &= hashMask;
    let isDuplicate = false;
    for (let t = 0; t < this.#tables.length && !isDuplicate; t++) {
      isDuplicate = this.#hasOther(this.#tables[t] as KeyTable, hash, ordinal);
    }
    table.insert(hash, ordinal);
    return isDuplicate;
  }

  /** True if a table holds a populated record with the key of the one at `ordinal`. */
  #hasOther(table: KeyTable, hash: number, ordinal: number): boolean {
    const { entries, bucketMask, ordinalMask } = table;
    const wanted = hash & ~ordinalMask;
    for (let bucket = hash & bucketMask; entries[bucket] !== 0; bucket = (bucket + 1) & bucketMask) {
      const entry = entries[bucket] as number;
      const other = (entry & ordinalMask) - 1;
      if ((entry & ~ordinalMask) !== wanted || other === ordinal) continue;
      if (this.#records.isPopulated(other) && this.#keysEqual(ordinal, other)) return true;
    }
    return false;
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
  readonly hasDuplicates: boolean;
}

const noOrdinals = new Int32Array(0);

/** Entries of tables are never negative. */
const hashMask = 0x7fff_ffff;

function mixPart(hash: number, partHash: number): number {
  return Math.imul(hash, 31) ^ mixInt(partHash);
}

function pathReaders(state: ReadState, type: string): readonly KeyPathReader[] {
  return state.schema.keyPaths(type).map((path) => new KeyPathReader(state, path));
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
