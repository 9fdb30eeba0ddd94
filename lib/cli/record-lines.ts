import { createReadStream } from 'node:fs';
import { DatasetError, isDatasetError } from '../errors.ts';
import { fileError } from '../file-errors.ts';
import { isPlainObject, type PlainObject } from '../schema/plain-object.ts';

/** What one line of records says; its parts are not checked against a schema yet. */
export type RecordLine =
  | { readonly op: 'upsert'; readonly type: unknown; readonly value: unknown }
  | { readonly op: 'delete'; readonly type: unknown; readonly key: unknown }
  | { readonly op: 'patch'; readonly type: unknown; readonly key: unknown; readonly fields: unknown };

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Calls `take` with each line of a file that is not blank: UTF-8, with a byte order mark or without; lines end with LF or
 * CR LF, and not with what else Unicode calls a line separator, which JSON has in its strings as it is.
 *
 * @param path '-': standard input
 * @throws DatasetError `rejected`, naming the line, if it is not UTF-8 or `take` rejects it; `unavailable`, `denied`
 */
export async function eachLine(path: string, take: (line: string) => void): Promise<void> {
  let number = 0;
  const takeBytes = (bytes: Uint8Array): void => {
    number++;
    const line = decode(bytes);
    if (line.trim() !== '') take(line);
  };
  /** Of a line that began in an earlier chunk. */
  let begun: Buffer[] = [];
  try {
    for await (const chunk of chunksOf(path)) {
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        const rest = chunk.subarray(start, end);
        takeBytes(begun.length === 0 ? rest : Buffer.concat([...begun, rest]));
        begun = [];
        start = end + 1;
      }
      if (start < chunk.length) begun.push(chunk.subarray(start));
    }
    if (begun.length > 0) takeBytes(Buffer.concat(begun));
  } catch (error) {
    if (!isDatasetError(error, 'rejected')) throw error;
    throw new DatasetError(
      'rejected',
      `'${path}', line ${number}: ${error.message}`,
      { ...error.details, line: number },
      error,
    );
  }
}

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  const input: AsyncIterable<Buffer> = createReadStream(
    path,
    path === '-' ? { fd: 0, autoClose: false } : {},
  );
  try {
    yield* input;
  } catch (error) {
    throw fileError(error, path === '-' ? 'reading the standard input' : `reading '${path}'`);
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new DatasetError('rejected', 'not UTF-8');
  }
}

/**
 * A line is a record or a deletion, `{"type","value"}` or `{"type","delete":key}`, or a mutation in the form that a
 * producer's messages have. What it says beyond that would be lost, and is refused.
 *
 * @throws DatasetError `rejected`
 */
export function parseRecordLine(line: string): RecordLine {
  const parsed = parseObject(line);
  const { op, type, value, key, fields } = parsed;
  switch (op) {
    case undefined:
      return Object.hasOwn(parsed, 'delete')
        ? only(parsed, { op: 'delete', type, key: parsed['delete'] }, ['type', 'delete'])
        : only(parsed, { op: 'upsert', type, value }, ['type', 'value']);
    case 'upsert':
      return only(parsed, { op, type, value }, ['op', 'type', 'value']);
    case 'delete':
      return only(parsed, { op, type, key }, ['op', 'type', 'key']);
    case 'patch':
      return only(parsed, { op, type, key, fields }, ['op', 'type', 'key', 'fields']);
    default:
      throw new DatasetError('rejected', `op: expected upsert, patch or delete, got ${JSON.stringify(op)}`);
  }
}

function only(parsed: PlainObject, line: RecordLine, known: readonly string[]): RecordLine {
  const other = Object.keys(parsed).find((name) => !known.includes(name));
  if (other === undefined) return line;
  throw new DatasetError(
    'rejected',
    `${JSON.stringify(other.slice(0, 80))} is not expected beside ${known.join(' and ')}`,
  );
}

function parseObject(line: string): PlainObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    throw new DatasetError('rejected', `not JSON: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
  if (!isPlainObject(parsed)) throw new DatasetError('rejected', 'not an object');
  return parsed;
}
