import { readFile } from 'node:fs/promises';
import { applyDelta } from '../blob/apply-delta.ts';
import { readHeader } from '../blob/decode-header.ts';
import { decodeSnapshot } from '../blob/decode-snapshot.ts';
import { ByteReader } from '../bytes/byte-reader.ts';
import { DatasetError } from '../errors.ts';
import { fileError } from '../file-errors.ts';
import type { ReadState } from '../state/read-state.ts';

/** A blob with the optional parts that belong to it. */
export interface BlobFile {
  readonly path: string;
  readonly main: Uint8Array;
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

interface PartFile {
  readonly path: string;
  readonly name: string;
  readonly originTag: bigint;
  readonly tag: bigint;
  readonly bytes: Uint8Array;
}

/**
 * Blobs from files, each with those of the given parts that have its tags.
 *
 * @throws DatasetError `invalid`: a part that belongs to none of them; `unavailable`, `denied`, `corrupt`
 */
export async function loadBlobFiles(
  paths: readonly string[],
  partPaths: readonly string[],
): Promise<readonly BlobFile[]> {
  const parts = await Promise.all(partPaths.map(loadPart));
  const left = new Set(parts);
  const blobs: BlobFile[] = [];
  for (const path of paths) {
    const main = await load(path);
    const { originTag, tag } = readHeader(new ByteReader(main));
    const own = parts.filter((part) => part.originTag === originTag && part.tag === tag);
    for (const part of own) left.delete(part);
    blobs.push({ path, main, parts: new Map(own.map(({ name, bytes }) => [name, bytes])) });
  }
  for (const { path, name } of left) {
    throw new DatasetError('invalid', `the part '${name}' in '${path}' belongs to none of the blobs`, {
      path,
    });
  }
  return blobs;
}

async function loadPart(path: string): Promise<PartFile> {
  const bytes = await load(path);
  const reader = new ByteReader(bytes);
  reader.readInt32('format of the part');
  const name = reader.readUtf('name of the part');
  const originTag = reader.readInt64('origin tag of the part');
  return { path, name, originTag, tag: reader.readInt64('destination tag of the part'), bytes };
}

export async function load(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw fileError(error, `reading '${path}'`);
  }
}

/** The state that the first blob, a snapshot, and the deltas after it lead to. */
export function stateOf(blobs: readonly BlobFile[]): ReadState {
  let state: ReadState | null = null;
  for (const { path, main, parts } of blobs) {
    try {
      state = state === null ? decodeSnapshot(main, parts) : applyDelta(state, main, parts).state;
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      throw new DatasetError(error.kind, `'${path}': ${error.message}`, error.details, error);
    }
  }
  if (state === null) throw new DatasetError('invalid', 'no snapshot is given');
  return state;
}
