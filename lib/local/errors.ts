import { DatasetError, type ErrorKind } from '../errors.ts';

/** System calls and what their failure asks of the caller; all others are `unavailable`. */
const kindBySystemCode: Readonly<Record<string, ErrorKind>> = {
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ENAMETOOLONG: 'invalid',
};

/** SQLite's primary result codes (sqlite.org/rescode.html); all others are `unavailable`. */
const kindBySqliteCode: Readonly<Record<number, ErrorKind>> = {
  3: 'denied', // PERM
  8: 'denied', // READONLY
  11: 'corrupt', // CORRUPT
  23: 'denied', // AUTH
  26: 'corrupt', // NOTADB
};

/** What a failed call to the file system or SQLite means for the caller. DatasetErrors pass unchanged. */
export function localError(error: unknown, doing: string): DatasetError {
  if (error instanceof DatasetError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new DatasetError(kindOf(error), `${doing}: ${message}`, {}, error);
}

export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code);
}

function kindOf(error: unknown): ErrorKind {
  if (!(error instanceof Error) || !('code' in error)) return 'unavailable';
  if (error.code === 'ERR_SQLITE_ERROR' && 'errcode' in error && typeof error.errcode === 'number') {
    return kindBySqliteCode[error.errcode & 0xff] ?? 'unavailable'; // the low byte is the primary code
  }
  return (typeof error.code === 'string' ? kindBySystemCode[error.code] : undefined) ?? 'unavailable';
}
