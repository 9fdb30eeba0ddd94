import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { announcedVersionFile, parseHollowVersion } from '../blob/hollow-file-names.ts';
import { DatasetError } from '../errors.ts';
import { fileError, isFileMissing } from '../file-errors.ts';
import type { Clock, Telemetry } from '../ports.ts';

/** The version that the producer announced last; null: none yet. @throws DatasetError `unavailable`, `denied`, `corrupt` */
export async function loadAnnouncedVersion(directory: string): Promise<bigint | null> {
  const path = join(directory, announcedVersionFile);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isFileMissing(error)) return null;
    throw fileError(error, `reading '${path}'`);
  }
  try {
    return parseHollowVersion(text.trim());
  } catch (error) {
    throw new DatasetError('corrupt', `'${path}' does not hold a version`, {}, error);
  }
}

/** How often the file is looked at: as often as Hollow's own watcher does. */
const intervalMs = 1_000;

/**
 * Calls `listener` with the announced version, at once and then whenever it is another one, until the signal aborts.
 * It may go down: an operator may announce an old version. What cannot be read is logged and looked at again.
 */
export async function watchAnnouncedVersion(
  directory: string,
  listener: (version: bigint) => void,
  signal: AbortSignal,
  ports: { readonly clock: Clock; readonly telemetry: Telemetry },
): Promise<void> {
  let known: bigint | null = null;
  while (!signal.aborted) {
    try {
      const announced = await loadAnnouncedVersion(directory);
      if (announced !== null && announced !== known && !signal.aborted) {
        known = announced;
        listener(announced);
      }
    } catch (error) {
      ports.telemetry.log('warn', 'cannot read the announced version', { directory, error });
    }
    await ports.clock.sleep(intervalMs, signal);
  }
}
