import { getSystemErrorMessage } from 'node:util';
import { DatasetError, isDatasetError } from './errors.ts';

/** What a failed file operation asks of the caller. `doing` names the operation and the file, for people. */
export function fileError(error: unknown, doing: string): DatasetError {
  if (isDatasetError(error)) return error;
  const code = errorCode(error);
  const kind = code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'denied' : 'unavailable';
  return new DatasetError(kind, `${doing} failed: ${textOf(error, code)}`, { code }, error);
}

export function isFileMissing(error: unknown): boolean {
  return errorCode(error) === 'ENOENT';
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** With the system's own words: not everybody knows the codes. */
function textOf(error: unknown, code: string): string {
  if (!(error instanceof Error) || !('errno' in error)) return code;
  const { errno } = error;
  return typeof errno === 'number' && errno < 0 ? `${getSystemErrorMessage(errno)} (${code})` : code;
}
