import { checkDatasetId } from '../dataset-id.ts';
import type { DatasetId, Quarantine, QuarantineEntry } from '../ports.ts';

/** Keeps every entry in a list, repeats included. */
export class MemoryQuarantine implements Quarantine {
  readonly #records: (QuarantineEntry & { readonly id: DatasetId })[] = [];

  async send(id: DatasetId, entries: readonly QuarantineEntry[]): Promise<void> {
    checkDatasetId(id);
    for (const entry of entries) this.#records.push({ id: { ...id }, ...entry });
  }

  records(): readonly (QuarantineEntry & { readonly id: DatasetId })[] {
    return [...this.#records];
  }
}
