import type { AnyDataset } from '../schema/builder.ts';
import { requireReadable } from '../schema/reader-schema.ts';
import type { ReadState } from '../state/read-state.ts';
import { indexesOf } from './loaded-version.ts';
import { openType } from './open-type.ts';
import type { Found, LookupKey, TypeNameOf, TypeRecords } from './type-records.ts';

/**
 * A state that came from no head, with the types and look-ups of a consumer's. Immutable.
 *
 * @example
 * const state = TypedState.of(decodeSnapshot(bytes), cities);
 * state.type('City').get(2988507).name;   // 'Paris'
 */
export class TypedState<D extends AnyDataset | null = null> {
  /** What lies below: type states, ordinals, schema, header tags. */
  readonly read: ReadState;
  readonly #dataset: AnyDataset | null;
  readonly #types = new Map<string, TypeRecords<never, never>>();

  /** @param dataset that of D, which the state can be read as; {@link TypedState.of} looks whether it can */
  constructor(read: ReadState, dataset: AnyDataset | null) {
    this.read = read;
    this.#dataset = dataset;
  }

  /** Everything as it is stored. */
  static of(state: ReadState): TypedState;
  /** @throws DatasetError `incompatible`: a type or field of the dataset is not there */
  static of<D extends AnyDataset>(state: ReadState, dataset: D): TypedState<D>;
  static of(state: ReadState, dataset: AnyDataset | null = null): TypedState {
    if (dataset !== null) requireReadable(dataset.schema, state.schema);
    return new TypedState(state, dataset);
  }

  /** @throws DatasetError `invalid` if there is no such OBJECT type */
  type<Name extends TypeNameOf<D>>(name: Name): TypeRecords<Found<D, Name>, LookupKey<D, Name>> {
    let records = this.#types.get(name);
    if (records === undefined) {
      const isKeyed = this.read.schema.keyedTypes.includes(name);
      const indexes = indexesOf(this.read, { parts: new Map(), indexedTypes: isKeyed ? [name] : [] });
      records = openType({ state: this.read, indexes }, this.#dataset, name);
      this.#types.set(name, records);
    }
    return records;
  }
}
