import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { localError } from './errors.ts';

/** How long a process waits for another one's transaction. Ours take well under a millisecond. */
const busyMsMax = 5_000;

/** Opens the file for several processes at once, creates it and its tables if missing; a commit survives a power cut. */
export function openDatabase(file: string, tables: string): DatabaseSync {
  return attempt(`open ${file}`, () => {
    mkdirSync(dirname(file), { recursive: true });
    const database = new DatabaseSync(file, { timeout: busyMsMax });
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    database.exec(tables);
    return database;
  });
}

/** Runs `body`; what SQLite throws becomes a DatasetError. */
export function attempt<Result>(doing: string, body: () => Result): Result {
  try {
    return body();
  } catch (error) {
    throw localError(error, doing);
  }
}

/** Runs `body` alone among all processes: all of it happens, or nothing. */
export function transact<Result>(database: DatabaseSync, doing: string, body: () => Result): Result {
  return attempt(doing, () => {
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = body();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  });
}
