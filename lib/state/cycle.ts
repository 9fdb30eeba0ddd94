import type { IntMap } from '../bytes/int-map.ts';
import { DatasetError } from '../errors.ts';
import type { Schema } from '../schema/schema.ts';
import { CycleType } from './cycle-type.ts';
import { HashKeys } from './hash-keys.ts';
import { planType } from './plan-type.ts';
import { emptyStateTag, type ReadState } from './read-state.ts';
import type { FoundReferences, RecordReferences } from './record-references.ts';
import { RecordWriter } from './record-writer.ts';
import { sweep } from './sweep.ts';
import type { CycleTransition } from './transition.ts';
import type { TypePlans } from './type-plans.ts';
import type { TypeWriteState } from './type-write-state.ts';

/** What a cycle stands on: shared with its WriteState, read only. */
export interface CycleBase {
  readonly state: ReadState;
  /** In blob order. */
  readonly types: readonly TypeWriteState[];
  readonly references: RecordReferences;
  readonly plans: TypePlans;
}

export interface CycleOptions {
  /** `changes` (default): everything stays but what is removed. `populate`: nothing stays but what is added again. */
  readonly mode?: 'changes' | 'populate';
  /**
   * Types whose shard count is to become this. One doubling or halving per version, so that every reader can follow; a
   * type without records takes any.
   */
  readonly shardCounts?: ReadonlyMap<string, number>;
  /** Bytes that a shard may take: all other types move towards the count that this asks for, as Hollow's do. */
  readonly shardSizeMax?: number;
}

/**
 * One attempt at the next version. Collects additions and removals over an unchanging state; which records that adds
 * and removes in the end is worked out by {@link transition}. Made by `WriteState.begin`.
 */
export class Cycle {
  readonly #base: CycleBase;
  readonly #options: CycleOptions;
  readonly #types: readonly CycleType[];
  readonly #positions: ReadonlyMap<string, number>;
  readonly #writer: RecordWriter;
  readonly #hashKeys: HashKeys;
  #transition: CycleTransition | null = null;

  constructor(base: CycleBase, options: CycleOptions) {
    this.#base = base;
    this.#options = options;
    this.#types = base.types.map((type) => new CycleType(type, options.mode === 'populate'));
    this.#positions = new Map(base.types.map((type, position) => [type.schema.name, position]));
    this.#writer = new RecordWriter(base.plans, {
      open: (position) => this.#type(position).arena.open(),
      close: (position) => this.#intern(position, this.#type(position).arena.hashOpen()),
      closeHashed: (position, hash) => this.#intern(position, hash),
      touch: (position, hashes, count) => this.#type(position).touch(hashes, count),
      isNew: (position, ordinal) => this.#type(position).indexOf(ordinal) >= 0,
      // A populator has to meet each record itself, or it goes.
      keptStrings: (position) => (options.mode === 'populate' ? null : this.#type(position).base.strings),
    });
    this.#hashKeys = new HashKeys(base.state.schema, (type, ordinal, out) =>
      this.#type(this.#positionOf(type)).writeRecord(ordinal, out),
    );
  }

  /**
   * Adds a record as a root, the records nested in it first. Equal records are one: the ordinal of a record that is
   * there already (be it removed by this very cycle) is returned again.
   *
   * @param value a record that passed `validateRecord`
   * @throws DatasetError `invalid` if there is no such type or the value was not valid after all; `rejected` if the
   *   hash key of an element of a set, or of a key of a map, is null
   */
  add(type: string, value: unknown): number {
    const position = this.#positionOf(type);
    return this.#addRoot(position, this.#writer.write(position, value));
  }

  /**
   * Adds many records, as {@link add} one after the other; several at a time wait for memory, which makes it sooner. If it
   * throws, those before the one that is not valid are in.
   *
   * @returns their ordinals
   * @throws DatasetError as {@link add}
   * @example
   * cycle.addAll('City', [{ cityId: 1, name: 'Utrecht' }, { cityId: 2, name: 'Gouda' }]);   // Int32Array [0, 1]
   */
  addAll(type: string, values: readonly unknown[]): Int32Array {
    const position = this.#positionOf(type);
    const ordinals = new Int32Array(values.length);
    let count = 0;
    this.#writer.writeAll(position, values, (ordinal) => {
      ordinals[count++] = this.#addRoot(position, ordinal);
    });
    return ordinals;
  }

  /**
   * The low-level way in: a record whose references are ordinals. OBJECT: values in field order, null for null, BYTES
   * as Uint8Array; LIST and SET: ordinals of the elements; MAP: [key, value] ordinals. Whether they lead anywhere is not
   * checked, as in Hollow: what they refer to may be added later in the cycle.
   *
   * @throws DatasetError as {@link add}
   */
  addFlat(type: string, values: readonly unknown[]): number {
    const position = this.#positionOf(type);
    return this.#addRoot(position, this.#writer.writeFlat(position, values));
  }

  /**
   * The record is no root any more: it goes unless something refers to it, and what only it referred to goes with it.
   *
   * @throws DatasetError `invalid` if there is no record at that ordinal
   */
  remove(type: string, ordinal: number): void {
    const cycleType = this.#type(this.#positionOf(type));
    if (!cycleType.has(ordinal)) {
      throw new DatasetError('invalid', `${type} has no record at ordinal ${ordinal}`, { type, ordinal });
    }
    this.#transition = null;
    // A populator holds on to what it adds again, which the writer must not skip then.
    if (this.#options.mode === 'populate') this.#writer.forgetOrdinals();
    cycleType.dropRoot(ordinal);
  }

  /** The step to the next state as it stands now; the cycle can go on afterwards. */
  transition(): CycleTransition {
    this.#transition ??= this.#plan();
    return this.#transition;
  }

  #plan(): CycleTransition {
    const { state: from, references } = this.#base;
    const { dead, referenceChanges } = sweep(this.#types, references);
    const options = { ...this.#options, isFirst: from.tag === emptyStateTag };
    const types = this.#types
      .map((type, position) => planType(type, dead[position] as IntMap, options))
      .filter((type) => type !== null);
    return { from, types, isEmpty: types.length === 0, referenceChanges, hashKeys: this.#hashKeys };
  }

  #addRoot(position: number, ordinal: number): number {
    this.#transition = null;
    this.#type(position).markRoot(ordinal);
    return ordinal;
  }

  /** The ordinal of the record that is open: that of its equal if there is one, else a new one. */
  #intern(position: number, hash: number): number {
    const type = this.#type(position);
    const { arena } = type;
    const known = type.findOpen(hash);
    if (known >= 0) return known;
    const found = this.#base.references.read(position, arena.bytes, arena.size);
    this.#requireHashable(type.base.schema, found);
    for (let i = 0; i < found.count; i++) {
      this.#type(found.types[i] as number).referenceChanges.add(found.ordinals[i] as number, 1);
    }
    this.#transition = null;
    return type.append(hash);
  }

  /** Found out now, when it can still be said of which record; the encoder could only fail as a whole. */
  #requireHashable(schema: Schema, { count, types, ordinals }: FoundReferences): void {
    if ((schema.kind !== 'SET' && schema.kind !== 'MAP') || schema.hashKey.length === 0) return;
    const hash = this.#hashKeys.ofType(schema.name);
    const keyType = this.#positionOf(schema.kind === 'SET' ? schema.elementType : schema.keyType);
    // Of a map, keys and values alternate.
    const step = schema.kind === 'SET' ? 1 : 2;
    for (let i = 0; i < count && types[i] === keyType; i += step) hash(ordinals[i] as number);
  }

  #positionOf(type: string): number {
    const position = this.#positions.get(type);
    if (position === undefined) throw new DatasetError('invalid', `there is no type '${type}'`, { type });
    return position;
  }

  #type(position: number): CycleType {
    return this.#types[position] as CycleType;
  }
}
