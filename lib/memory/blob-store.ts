import { checkBlobMetadata, checkBlobName, checkBlobPrefix, checkBlobSize } from '../blob-rules.ts';
import { limits } from '../limits.ts';
import type { BlobMetadata, BlobShelf, BlobStore, PutOutcome, StoredBlob } from '../ports.ts';
import { sha256 } from './sha256.ts';

/** Blobs in a map. Bytes are copied in and out, so nobody can change a stored one. */
export class MemoryBlobStore implements BlobStore, BlobShelf {
  readonly #blobs = new Map<string, StoredBlob>();
  readonly #digestOf: (bytes: Uint8Array) => string;

  /** @param digestOf SHA-256 as 64 lower-case hex digits; where there is Node, its own is several times faster */
  constructor(digestOf: (bytes: Uint8Array) => string = sha256) {
    this.#digestOf = digestOf;
  }

  async put(name: string, bytes: Uint8Array, metadata: BlobMetadata): Promise<PutOutcome> {
    checkBlobName(name);
    checkBlobMetadata(metadata);
    const digest = this.#digestOf(bytes);
    const taken = this.#blobs.get(name);
    if (taken !== undefined) {
      const isSame = taken.sha256 === digest;
      return { kind: 'exists', metadata: taken.metadata, size: taken.bytes.length, sha256: digest, isSame };
    }
    this.#blobs.set(name, { bytes: new Uint8Array(bytes), metadata: { ...metadata }, sha256: digest });
    return { kind: 'stored', sha256: digest };
  }

  async get(name: string, sizeMax?: number): Promise<StoredBlob | null> {
    checkBlobName(name);
    const blob = this.#blobs.get(name);
    if (blob === undefined) return null;
    checkBlobSize(name, blob.bytes.length, sizeMax);
    return { ...blob, bytes: blob.bytes.slice() };
  }

  async list(prefix: string, after: string | null): ReturnType<BlobShelf['list']> {
    checkBlobPrefix(prefix);
    const found = [...this.#blobs.keys()].filter((name) => name.startsWith(prefix)).toSorted();
    const rest = found.filter((name) => after === null || name > after);
    const names = rest.slice(0, limits.shelfPageMax);
    return { names, next: rest.length > names.length ? (names.at(-1) ?? null) : null };
  }

  async delete(names: readonly string[]): Promise<void> {
    for (const name of names) checkBlobName(name);
    for (const name of names) this.#blobs.delete(name);
  }

  /** Names of all blobs, in the order they were stored. */
  names(): readonly string[] {
    return [...this.#blobs.keys()];
  }
}
