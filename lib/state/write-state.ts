import { DatasetError } from '../errors.ts';
import { Cycle, type CycleOptions } from './cycle.ts';
import type { ReadState } from './read-state.ts';
import { RecordReferences } from './record-references.ts';
import type { CycleTransition } from './transition.ts';
import type { StateChanges } from './type-changes.ts';
import { TypePlans } from './type-plans.ts';
import type { TypeStatistics } from './type-statistics.ts';
import { type RecordBytes, TypeWriteState } from './type-write-state.ts';

/**
 * The producer's side of a dataset. The records are those of the read state, held once; beside them, per type: a table
 * that finds a record by its content, reference counts, counts of bit widths, and the free ordinals. All of it follows
 * a delta, its own or another producer's, in steps that grow with the delta and not with the dataset.
 *
 * What lives: a record is alive while it is a root or a living record refers to it. Roots are all records of types with
 * a primary key, until they are removed, and records of other types that nothing refers to. Everything else goes in the
 * very cycle in which its last reference goes. The rule can be read off the state alone, so a producer that restores a
 * version and one that made it agree. (So a record of a keyed type that came in nested within another outlives it.)
 *
 * @example
 * const writer = WriteState.restore(state);
 * const cycle = writer.begin();
 * cycle.add('City', { cityId: 1, name: 'Utrecht' });
 * const transition = cycle.transition();
 * const delta = encodeDelta(transition, { tag, headerTags, parts });
 * const { state: next, changes } = applyDelta(state, delta.main, delta.parts);
 * writer.follow(next, transition);          // or advance(next, changes), if the delta is another producer's
 */
export class WriteState {
  readonly #types: readonly TypeWriteState[];
  readonly #references: RecordReferences;
  readonly #plans: TypePlans;
  #state: ReadState;

  private constructor(state: ReadState) {
    const schemas = state.schema.inBlobOrder;
    this.#state = state;
    this.#references = new RecordReferences(schemas);
    this.#plans = new TypePlans(schemas);
    this.#types = schemas.map((schema) => new TypeWriteState(schema, state.type(schema.name)));
  }

  /**
   * One pass over all records. Works for `ReadState.empty` too: the first cycle then starts a chain.
   *
   * @throws DatasetError `invalid`: types or fields of the dataset are not loaded
   */
  static restore(state: ReadState): WriteState {
    const [leftOut] = state.schema.leftOut;
    if (leftOut !== undefined) {
      throw new DatasetError(
        'invalid',
        `only a whole dataset can be written on: '${leftOut}' is not loaded`,
        {
          leftOut,
        },
      );
    }
    const writer = new WriteState(state);
    for (const [position, type] of writer.#types.entries()) {
      const { records } = type;
      for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
        writer.#countReferences(position, type.include(records, o), 1);
      }
    }
    return writer;
  }

  get state(): ReadState {
    return this.#state;
  }

  /**
   * Per type, over the records of this state and of the one before it: with these, `encodeSnapshot` writes the bytes
   * that Java Hollow would write here.
   */
  get statistics(): ReadonlyMap<string, TypeStatistics> {
    return new Map(this.#types.map((type) => [type.schema.name, type.statistics]));
  }

  /** A cycle over the present state. It changes nothing here: one that loses its race is just dropped. */
  begin(options: CycleOptions = {}): Cycle {
    const base = { state: this.#state, types: this.#types, references: this.#references, plans: this.#plans };
    return new Cycle(base, options);
  }

  /**
   * Moves on to `next`, which a delta from the present state led to.
   *
   * @throws DatasetError `invalid` if `next` does not follow the present state; nothing has changed then
   */
  advance(next: ReadState, changes: StateChanges): void {
    this.#requireNext(next);
    for (const [position, type] of this.#types.entries()) {
      const change = changes.get(type.schema.name);
      if (change !== undefined) this.#include(position, next, change.added);
    }
    for (const [position, type] of this.#types.entries()) {
      const change = changes.get(type.schema.name);
      if (change !== undefined) this.#exclude(position, next, change.removed);
      type.settle(next.type(type.schema.name), change !== undefined);
    }
    this.#state = next;
  }

  /**
   * As {@link advance}, to the state that the delta of a transition of this very writer led to: what the cycle has
   * worked out about its records is not worked out again.
   *
   * @throws DatasetError `invalid` if `next` does not follow the present state; nothing has changed then
   */
  follow(next: ReadState, { from, types, referenceChanges }: CycleTransition): void {
    if (from !== this.#state) {
      throw new DatasetError('invalid', 'the transition does not start at the present state', {
        tag: String(this.#state.tag),
        from: String(from.tag),
      });
    }
    this.#requireNext(next);
    const transitions = new Map(types.map((type) => [type.schema.name, type]));
    for (const [position, type] of this.#types.entries()) {
      const transition = transitions.get(type.schema.name);
      const records = next.type(type.schema.name);
      if (transition !== undefined) type.follow(transition, records);
      referenceChanges[position]?.forEach((ordinal, amount) => {
        if (amount !== 0) type.references.add(ordinal, amount);
      });
      type.settle(records, transition !== undefined);
    }
    this.#state = next;
  }

  #requireNext(next: ReadState): void {
    if (next.originTag === this.#state.tag) return;
    throw new DatasetError('invalid', 'the state to advance to does not follow the present one', {
      tag: String(this.#state.tag),
      originTag: String(next.originTag),
    });
  }

  #include(position: number, next: ReadState, added: Int32Array): void {
    const type = this.#type(position);
    const records = next.type(type.schema.name);
    type.reshard(records.shardCount);
    for (let i = 0; i < added.length; i++) {
      this.#countReferences(position, type.include(records, added[i] as number), 1);
    }
    type.keepStatistics();
  }

  #exclude(position: number, next: ReadState, removed: Int32Array): void {
    const type = this.#type(position);
    const records = next.type(type.schema.name);
    for (let i = 0; i < removed.length; i++) {
      this.#countReferences(position, type.exclude(removed[i] as number, records), -1);
    }
  }

  #countReferences(position: number, record: RecordBytes, amount: 1 | -1): void {
    const found = this.#references.read(position, record.bytes, 0);
    for (let i = 0; i < found.count; i++) {
      this.#type(found.types[i] as number).references.add(found.ordinals[i] as number, amount);
    }
  }

  #type(position: number): TypeWriteState {
    return this.#types[position] as TypeWriteState;
  }
}
