import { checkBlobMetadata, checkBlobName } from '../blob-rules.ts';
import type { BlobMetadata, BlobStore, PutOutcome, StoredBlob } from '../ports.ts';

/** Blobs in a map. Bytes are copied in and out, so nobody can change a stored one. */
export class MemoryBlobStore implements BlobStore {
  readonly #blobs = new Map<string, StoredBlob>();

  async put(name: string, bytes: Uint8Array, metadata: BlobMetadata): Promise<PutOutcome> {
    checkBlobName(name);
    checkBlobMetadata(metadata);
    const taken = this.#blobs.get(name);
    if (taken !== undefined) return { kind: 'exists', metadata: taken.metadata, size: taken.bytes.length };
    this.#blobs.set(name, { bytes: Uint8Array.from(bytes), metadata: { ...metadata } });
    return { kind: 'stored' };
  }

  async get(name: string): Promise<StoredBlob | null> {
    checkBlobName(name);
    const blob = this.#blobs.get(name);
    return blob === undefined ? null : { bytes: blob.bytes.slice(), metadata: blob.metadata };
  }

  /** Names of all blobs, in the order they were stored. */
  names(): readonly string[] {
    return [...this.#blobs.keys()];
  }
}
