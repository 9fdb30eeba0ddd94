import { readFile } from 'node:fs/promises';
import { applyDelta } from '../blob/apply-delta.ts';
import { isPart, readHeader, readPartHeader } from '../blob/decode-header.ts';
import { decodeSnapshot } from '../blob/decode-snapshot.ts';
import { ByteReader } from '../bytes/byte-reader.ts';
import { DatasetError, isDatasetError } from '../errors.ts';
import { fileError } from '../file-errors.ts';
import type { ReadState } from '../state/read-state.ts';
import { type BlobInspection, inspectBlob } from '../tools/inspect-blob.ts';

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
    const main = await loadFile(path);
    const { originTag, tag } = naming(path, () => readHeader(new ByteReader(main)));
    const own = parts.filter((part) => part.originTag === originTag && part.tag === tag);
    for (const part of own) left.delete(part);
    const twice = own.find(({ name }, i) => own.findIndex((other) => other.name === name) < i);
    // A snapshot and the delta to its state have the same tags.
    if (twice !== undefined)
      throw new DatasetError('invalid', `'${twice.path}' is a second part '${twice.name}' of '${path}'`);
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
  const bytes = await loadFile(path);
  return naming(path, () => {
    if (!isPart(bytes)) throw new DatasetError('invalid', 'this is no optional part', { path });
    const { name, originTag, tag } = readPartHeader(new ByteReader(bytes));
    return { path, name, originTag, tag, bytes };
  });
}

export async function loadFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw fileError(error, `reading '${path}'`);
  }
}

/**
 * The state that the first blob, a snapshot, and the deltas after it lead to.
 *
 * @throws DatasetError `invalid`: one is of another kind; `corrupt`, `incompatible`
 */
export function stateOf(blobs: readonly BlobFile[]): ReadState {
  let state: ReadState | null = null;
  for (const { path, main, parts } of blobs) {
    const from: ReadState | null = state;
    try {
      state = naming(path, () =>
        from === null ? decodeSnapshot(main, parts) : applyDelta(from, main, parts).state,
      );
    } catch (error) {
      const expected = from === null ? 'snapshot' : 'delta';
      const found = kindOf(main);
      if (!isDatasetError(error, 'corrupt') || found === null || found === expected) throw error;
      throw new DatasetError(
        'invalid',
        `'${path}' is a ${found}, expected here is a ${expected}`,
        { path },
        error,
      );
    }
  }
  if (state === null) throw new DatasetError('invalid', 'no snapshot is given');
  return state;
}

/** Null: damaged, or a delta of no changes, which has no sections and could be anything. */
function kindOf(main: Uint8Array): BlobInspection['kind'] | null {
  try {
    const { kind, header } = inspectBlob(main);
    return header.sectionCount === 0 ? null : kind;
  } catch {
    return null;
  }
}

/** Runs `read`; the errors of it name the file. */
export function naming<Result>(path: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!isDatasetError(error)) throw error;
    throw new DatasetError(error.kind, `'${path}': ${error.message}`, error.details, error);
  }
}
