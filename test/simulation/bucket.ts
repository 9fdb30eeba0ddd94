import { checkBlobSize } from '../../lib/blob-rules.ts';
import { DatasetError } from '../../lib/errors.ts';
import type { BlobMetadata, BlobShelf, BlobStore, DatasetId, StoredBlob } from '../../lib/ports.ts';
import type { Invariants } from './invariants.ts';
import type { Carrier } from './network.ts';
import type { Request } from './ports.ts';
import type { SharedStores } from './shared-stores.ts';
import { Violation, type World } from './world.ts';

/** With the other blobs of the chain, in the heads' table, or in the inbox of the dataset. */
type Place = 'blob' | 'inline' | 'inbox';

interface NewBlob {
  readonly bytes: Uint8Array;
  readonly metadata: BlobMetadata;
}

export interface BucketOptions {
  readonly id: DatasetId;
  readonly world: World;
  readonly network: Carrier;
  readonly shared: SharedStores;
  readonly invariants: Invariants;
}

/** The blobs of one chain. */
export class Bucket {
  readonly #world: World;
  readonly #network: Carrier;
  readonly #shared: SharedStores;
  readonly #invariants: Invariants;
  /** Where they are, and where the inbox is; no request of the chain's processes names anything else. */
  readonly #folder: string;
  readonly #inboxFolder: string;

  constructor({ id, world, network, shared, invariants }: BucketOptions) {
    this.#world = world;
    this.#network = network;
    this.#shared = shared;
    this.#invariants = invariants;
    this.#folder = chainFolder(id);
    this.#inboxFolder = inboxFolder(id);
  }

  storeOf(request: Request, place: Place): BlobStore {
    return {
      put: (name, bytes, metadata) =>
        request(
          `${place}.put`,
          () => short(name),
          () => this.#put(place, this.#own(name, place), { bytes, metadata }),
        ),
      get: (name, sizeMax) =>
        request(
          `${place}.get`,
          () => short(name),
          async () => this.#get(place, this.#own(name, place), sizeMax),
        ),
    };
  }

  shelfOf(request: Request, place: Place): BlobShelf {
    const { store } = this.#at(place);
    return {
      list: (prefix, after) =>
        request(
          'shelf.list',
          () => prefix,
          () => store.list(this.#own(prefix), after),
        ),
      delete: (names) =>
        request(
          'shelf.delete',
          () => names.map(short).join(),
          async () => {
            for (const name of names) await this.delete(this.#own(name), place);
          },
        ),
    };
  }

  #at(place: Place) {
    const { blobs, present, inline, presentInline } = this.#shared;
    return place === 'inline' ? { store: inline, present: presentInline } : { store: blobs, present };
  }

  async delete(name: string, place: Place = 'blob'): Promise<void> {
    const { store, present } = this.#at(place);
    await store.delete([name]);
    present.delete(name);
    this.#world.trace(() => `deleted ${short(name)}`);
    this.#invariants.afterDeletion(name);
  }

  get names(): readonly string[] {
    const { present, presentInline } = this.#shared;
    return [...present.keys(), ...presentInline.keys()].filter((name) => name.startsWith(this.#folder));
  }

  /** The bucket's rule for what is old: an object of the inbox is gone. */
  async expire(name: string): Promise<void> {
    await this.delete(this.#own(name, 'inbox'), 'inbox');
  }

  /** For mutants only: as it is stored, without faults. */
  peek(name: string): StoredBlob | null {
    return this.#shared.present.get(name) ?? null;
  }

  /** For mutants only: a blob whose name begins like this, the part or the main one. */
  find(prefix: string, isPart: boolean): string | null {
    for (const name of this.#shared.present.keys()) {
      if (name.startsWith(prefix) && name.includes('.part-') === isPart) return name;
    }
    return null;
  }

  /** For mutants only. */
  overwrite(name: string, blob: StoredBlob): void {
    this.#shared.present.set(name, blob);
    this.#invariants.afterBlob(name, blob.bytes);
  }

  /** S11: what a process of this chain asks for is of this chain. */
  #own(name: string, place: Place = 'blob'): string {
    if (name.startsWith(place === 'inbox' ? this.#inboxFolder : this.#folder)) return name;
    throw new Violation('S11', `a request to ${this.#folder} names ${name}`);
  }

  async #put(place: Place, name: string, { bytes, metadata }: NewBlob): ReturnType<BlobStore['put']> {
    const { store, present } = this.#at(place);
    const outcome = await store.put(name, bytes, metadata);
    if (outcome.kind === 'stored') {
      const stored = await store.get(name);
      if (stored !== null) present.set(name, stored);
      this.#invariants.afterBlob(name, stored?.bytes ?? bytes);
    }
    return outcome;
  }

  /** Damage on the way is found by the adapters, by digest and by size: that is their contract. */
  #get(place: Place, name: string, sizeMax: number | undefined): StoredBlob | null {
    const blob = this.#at(place).present.get(name);
    if (blob === undefined) return null;
    checkBlobSize(name, blob.bytes.length, sizeMax);
    if (this.#network.strikes(`${place}.get`, 'corrupt'))
      throw new DatasetError('corrupt', 'the digest does not match');
    if (this.#network.strikes(`${place}.get`, 'truncate'))
      throw new DatasetError('unavailable', 'the bytes end early');
    return { ...blob, bytes: blob.bytes.slice() };
  }
}

function chainFolder({ tenant, dataset, partition }: DatasetId): string {
  return `${tenant === undefined ? 'd' : `t/${tenant}`}/${dataset}/1/${partition}/`;
}

function inboxFolder({ tenant, dataset }: DatasetId): string {
  return `inbox/${tenant === undefined ? 'd' : `t/${tenant}`}/${dataset}/`;
}

/** Enough of a blob's name to follow a trace. */
function short(name: string): string {
  const [kind = '', file = ''] = name.split('/').slice(-2);
  return `${kind} ${file.replace(/0{8,}/g, '').replace(/([0-9a-f]{6})[0-9a-f]{26}/, '$1')}`;
}
