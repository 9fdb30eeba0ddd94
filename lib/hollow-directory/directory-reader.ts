import type { Found, LookupKey, TypeNameOf, TypeRecords } from '../consumer/type-records.ts';
import { TypedState } from '../consumer/typed-state.ts';
import { DatasetError } from '../errors.ts';
import type { AnyDataset } from '../schema/builder.ts';
import { requireReadable } from '../schema/reader-schema.ts';
import type { ReadState } from '../state/read-state.ts';
import { loadAnnouncedVersion } from './announced-version.ts';
import { followHollow, type HollowVersion } from './follow.ts';
import { HollowDirectory } from './hollow-directory.ts';

/** All records of a directory at one version, as {@link HollowDirectoryReader} reads them. Immutable. */
export class HollowState<D extends AnyDataset | null = null> {
  readonly version: bigint;
  readonly #typed: TypedState<D>;

  /** @param dataset that of D */
  constructor({ version, state }: HollowVersion, dataset: AnyDataset | null) {
    this.version = version;
    this.#typed = new TypedState<D>(state, dataset);
  }

  /** What lies below: type states, ordinals, schema, header tags. */
  get read(): ReadState {
    return this.#typed.read;
  }

  /** @throws DatasetError `invalid` if there is no such OBJECT type */
  type<Name extends TypeNameOf<D>>(name: Name): TypeRecords<Found<D, Name>, LookupKey<D, Name>> {
    return this.#typed.type(name);
  }
}

/** `dataset`: what the records are read as; without it they are read as they are stored, and their fields are unknown. */
export type HollowDirectoryReaderOptions<D extends AnyDataset | null = null> = {
  /** As Java's filesystem publisher and announcer write it. */
  readonly path: string;
  /** Optional parts to load with every blob. Default: none. */
  readonly parts?: readonly string[];
  readonly dataset?: D;
} & (D extends null ? unknown : { readonly dataset: D });

/**
 * Reads a directory that a Java producer owns, with the types and look-ups of a consumer: there is one writer and no head,
 * the announced version is the truth, and it may go back.
 *
 * @example
 * const reader = new HollowDirectoryReader({ path: '/var/movies', dataset: movies });
 * await reader.refresh();                       // again whenever a newer version is wanted
 * reader.state.type('Movie').get(1).title;
 */
export class HollowDirectoryReader<D extends AnyDataset | null = null> {
  readonly #directory: HollowDirectory;
  readonly #dataset: AnyDataset | null;
  #at: HollowVersion | null = null;
  #state: HollowState<D> | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor({ path, parts = [], dataset }: HollowDirectoryReaderOptions<D>) {
    this.#directory = new HollowDirectory(path, parts);
    this.#dataset = dataset ?? null;
  }

  /** @throws DatasetError `unavailable` before the first version */
  get state(): HollowState<D> {
    if (this.#state === null) throw new DatasetError('unavailable', 'no version is loaded yet');
    return this.#state;
  }

  /**
   * Goes to the announced version, or as near to it from below as the blobs lead. Nothing happens while none is announced.
   *
   * @throws DatasetError `incompatible`: a type or field of the dataset is not there; `corrupt`; `unavailable`; `denied`.
   * What was read before still is
   */
  refresh(): Promise<void> {
    this.#running = this.#running.catch(() => undefined).then(() => this.#refreshOnce());
    return this.#running;
  }

  async #refreshOnce(): Promise<void> {
    const announced = await loadAnnouncedVersion(this.#directory.path);
    const next = announced === null ? null : await followHollow(this.#directory, this.#at, announced);
    if (next === null || next === this.#at) return;
    if (this.#dataset !== null) requireReadable(this.#dataset.schema, next.state.schema);
    this.#at = next;
    this.#state = new HollowState(next, this.#dataset);
  }
}
