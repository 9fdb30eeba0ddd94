import { checkDatasetId } from './dataset-id.ts';
import { DatasetError } from './errors.ts';
import { hex128Pattern } from './field-reader.ts';
import { toHex } from './hex.ts';
import type { BlobStore, DatasetId, Inbox, Random } from './ports.ts';

export interface BlobInboxOptions {
  /** All partitions of a dataset share its inbox. */
  readonly id: DatasetId;
  readonly blobs: BlobStore;
  readonly random: Random;
}

/**
 * An inbox among blobs: names `inbox/d/<dataset>/<128 random bits>`, or `inbox/t/<tenant>/<dataset>/…`. Nobody deletes
 * from it; the store lets what is there expire (on S3 a lifecycle rule for `inbox/`).
 *
 * @example
 * const inbox = new BlobInbox({ id, blobs, random });
 * const ref = await inbox.put(bytes);
 */
export class BlobInbox implements Inbox {
  readonly #blobs: BlobStore;
  readonly #random: Random;
  readonly #folder: string;

  constructor({ id, blobs, random }: BlobInboxOptions) {
    checkDatasetId(id);
    this.#blobs = blobs;
    this.#random = random;
    this.#folder = `inbox/${id.tenant === undefined ? 'd' : `t/${id.tenant}`}/${id.dataset}/`;
  }

  async put(bytes: Uint8Array): Promise<string> {
    const ref = this.#folder + toHex(this.#random.bytes(16));
    await this.#blobs.put(ref, bytes, {});
    return ref;
  }

  async get(ref: string, sizeMax: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const isOwn = ref.startsWith(this.#folder) && hex128Pattern.test(ref.slice(this.#folder.length));
    // Whoever may write messages must not read other blobs by it.
    if (!isOwn) throw new DatasetError('rejected', `not a reference into the inbox ${this.#folder}`);
    return (await this.#blobs.get(ref, sizeMax))?.bytes ?? null;
  }
}
