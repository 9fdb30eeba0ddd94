import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { announcedVersionFile, parseHollowVersion } from '../blob/hollow-file-names.ts';
import { DatasetError } from '../errors.ts';
import { fileError, isFileMissing } from '../file-errors.ts';

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
