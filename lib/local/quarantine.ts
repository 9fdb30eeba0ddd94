import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkDatasetId } from '../dataset-id.ts';
import type { DatasetId, Quarantine, QuarantineEntry } from '../ports.ts';
import { localError } from './errors.ts';

/** Appends a line of JSON per entry, with the dataset's `id` in it, to one file. */
export class LocalQuarantine implements Quarantine {
  readonly #file: string;

  /** @param file created if missing, its folder too */
  constructor(file: string) {
    this.#file = file;
  }

  async send(id: DatasetId, entries: readonly QuarantineEntry[]): Promise<void> {
    checkDatasetId(id);
    if (entries.length === 0) return;
    const lines = entries.map((entry) => `${JSON.stringify({ id, ...entry })}\n`).join('');
    try {
      await mkdir(dirname(this.#file), { recursive: true });
      const handle = await open(this.#file, 'a');
      try {
        await handle.appendFile(lines);
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw localError(error, 'quarantine');
    }
  }
}
