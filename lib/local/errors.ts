import { DatasetError, type ErrorKind } from '../errors.ts';
import { fileError } from '../file-errors.ts';

/** SQLite's primary result codes (sqlite.org/rescode.html); all others are `unavailable`. */
const kindBySqliteCode: Readonly<Record<number, ErrorKind>> = {
  3: 'denied', // PERM
  8: 'denied', // READONLY
  11: 'corrupt', // CORRUPT
  23: 'denied', // AUTH
  26: 'corrupt', // NOTADB
};

/** What a failed call to SQLite or the file system means for the caller. DatasetErrors pass unchanged. */
export function localError(error: unknown, doing: string): DatasetError {
  if (!(error instanceof Error) || !isSystemError(error, 'ERR_SQLITE_ERROR')) return fileError(error, doing);
  const code = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : -1; // primary: the low byte
  return new DatasetError(
    kindBySqliteCode[code] ?? 'unavailable',
    `${doing}: ${error.message}`,
    { code },
    error,
  );
}

export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code);
}
