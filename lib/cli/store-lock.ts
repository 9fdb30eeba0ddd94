import { closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DatasetError } from '../errors.ts';
import { isFileMissing } from '../file-errors.ts';
import { localError } from '../local/errors.ts';

const busy = 5; // SQLITE_BUSY

/**
 * Runs `body` while no other process of this machine is in here for the same directory, which is made if it is not there.
 * The lock is one of SQLite's on a file of its own: it ends with the process, however that ends.
 *
 * @throws DatasetError `conflict`: another one is in here; `unavailable`, `denied`; what `body` throws
 */
export async function withStoreLock<Result>(directory: string, body: () => Promise<Result>): Promise<Result> {
  const file = join(directory, '.build-lock');
  let lock: DatabaseSync | null = null;
  try {
    mkdirSync(directory, { recursive: true });
    while (lock === null) lock = lockOn(file);
  } catch (error) {
    const isBusy = error instanceof Error && 'errcode' in error && error.errcode === busy;
    if (isBusy) throw new DatasetError('conflict', `another build writes to '${directory}'`, {}, error);
    throw localError(error, `locking '${directory}'`);
  }
  try {
    return await body();
  } finally {
    // While it is locked: whoever opened it before sees below that it is gone.
    rmSync(file, { force: true });
    lock.close();
  }
}

/** Null: whoever had the lock before has taken the file away meanwhile. */
function lockOn(file: string): DatabaseSync | null {
  closeSync(openSync(file, 'a'));
  const before = inodeOf(file);
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    // No journal: there is never anything in it.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE;');
    if (before !== null && inodeOf(file) === before) return database;
  } catch (error) {
    database.close();
    throw error;
  }
  database.close();
  return null;
}

function inodeOf(file: string): bigint | null {
  try {
    return statSync(file, { bigint: true }).ino;
  } catch (error) {
    if (isFileMissing(error)) return null;
    throw error;
  }
}
