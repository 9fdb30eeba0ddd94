import { hash } from 'node:crypto';
import { MemoryBlobStore } from '../../lib/memory/blob-store.ts';
import { MemoryFloorRecord } from '../../lib/memory/floor-record.ts';
import { MemoryHeadStore } from '../../lib/memory/head-store.ts';
import type { DatasetId, Head, StoredBlob } from '../../lib/ports.ts';

/** What the chains of a run share, as in production: one table of heads, one bucket, one record of floors. */
export class SharedStores {
  readonly blobs = new MemoryBlobStore((bytes) => hash('sha256', bytes, 'hex'));
  /** Blobs as they are: a mutant may delete or overwrite what the memory adapter rightly keeps. */
  readonly present = new Map<string, StoredBlob>();
  /** Small deltas in the heads' table, and how they are. */
  readonly inline = new MemoryBlobStore();
  readonly presentInline = new Map<string, StoredBlob>();
  readonly floors = new MemoryFloorRecord();
  readonly #tables = new Map<string, MemoryHeadStore>();

  /** The heads' table, as far as one chain is concerned: a run may set back one chain of it. */
  tableOf({ tenant = '', dataset, partition }: DatasetId): MemoryHeadStore {
    const key = `${tenant}#${dataset}#${partition}`;
    let table = this.#tables.get(key);
    if (table === undefined) {
      table = new MemoryHeadStore();
      this.#tables.set(key, table);
    }
    return table;
  }

  /** The head of a chain is what it was, or never was there; null: that. */
  async setBack(id: DatasetId, head: Head | null): Promise<void> {
    const { tenant = '', dataset, partition } = id;
    const table = new MemoryHeadStore();
    this.#tables.set(`${tenant}#${dataset}#${partition}`, table);
    if (head !== null) await table.replace(id, null, head);
  }
}
