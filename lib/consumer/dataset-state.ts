import type { ServedRef } from '../ports.ts';
import type { AnyDataset } from '../schema/builder.ts';
import { requireReadable } from '../schema/reader-schema.ts';
import type { ReadState } from '../state/read-state.ts';
import type { LoadedVersion } from './loaded-version.ts';
import { openType } from './open-type.ts';
import { openVersion, type SharedVersion, shareVersion } from './shared-version.ts';
import type { Found, LookupKey, TypeNameOf, TypeRecords } from './type-records.ts';

/**
 * All records of a dataset at one version. Immutable: it stays readable and unchanged for as long
 * as somebody holds it, so take it once if several reads must see the same version.
 *
 * @example
 * const { state } = consumer;
 * state.type('City').count;                     // 135233
 * state.type('City').get(3039154).name;         // 'El Tarter'
 */
export class DatasetState<D extends AnyDataset | null = null> {
  readonly version: ServedRef;
  /** The layer below, for tools: type states, ordinals, schema, header tags. */
  readonly read: ReadState;
  readonly #loaded: LoadedVersion;
  readonly #dataset: AnyDataset | null;
  readonly #types = new Map<string, TypeRecords<never, never>>();

  /** @param dataset that of D */
  constructor(loaded: LoadedVersion, dataset: AnyDataset | null) {
    this.version = loaded.ref;
    this.read = loaded.state;
    this.#loaded = loaded;
    this.#dataset = dataset;
  }

  /** @throws DatasetError `invalid` if there is no such OBJECT type */
  type<Name extends TypeNameOf<D>>(name: Name): TypeRecords<Found<D, Name>, LookupKey<D, Name>> {
    let records = this.#types.get(name);
    if (records === undefined) {
      records = openType(this.#loaded, this.#dataset, name);
      this.#types.set(name, records);
    }
    return records;
  }

  /**
   * This state for another thread, which reads records and indexes in place, without a copy.
   * With `memory: 'shared'` a call costs next to nothing; otherwise the first call copies what is not shared
   * yet. The result stays valid for as long as somebody holds it, whatever is refreshed meanwhile.
   *
   * @returns what `postMessage` takes; the other side opens it with {@link openState}
   */
  share(): SharedVersion {
    return shareVersion(this.#loaded);
  }
}

/**
 * Opens a state that another thread has shared. It has the same API and reads the same memory, without a copy.
 *
 * @param dataset as the other thread defined it; without it records are read as they are stored
 * @throws DatasetError `incompatible`: the state lacks a type or a field of the dataset
 * @example
 * // In the main thread: worker.postMessage(consumer.state.share()), again at each `onChange`.
 * parentPort.on('message', (shared: SharedVersion) => {
 *   state = openState(shared, cities);
 *   state.type('City').get(3039154).name;
 * });
 */
export function openState(shared: SharedVersion): DatasetState;
export function openState<D extends AnyDataset>(shared: SharedVersion, dataset: D): DatasetState<D>;
export function openState(shared: SharedVersion, dataset: AnyDataset | null = null): DatasetState {
  const loaded = openVersion(shared);
  if (dataset !== null) requireReadable(dataset.schema, loaded.state.schema);
  return new DatasetState(loaded, dataset);
}
