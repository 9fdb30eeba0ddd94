import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { announcedVersionFile, type HollowFile, hollowFileName } from '../blob/hollow-file-names.ts';
import { fileError } from '../file-errors.ts';
import type { VersionRef } from '../ports.ts';

/** A blob as bytes: the main one, and its optional parts by name. */
export interface ExportedBlob {
  readonly main: Uint8Array;
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

/** One version of a chain, as far as its blobs are there. */
export interface ExportedVersion {
  readonly version: bigint;
  /** The version that the delta starts from; null: this is the first one of the chain, or only its snapshot is given. */
  readonly from: bigint | null;
  readonly header?: Uint8Array;
  readonly delta?: ExportedBlob;
  readonly reverseDelta?: ExportedBlob;
  readonly snapshot?: ExportedBlob;
}

/** Versions of one era that fit between two eras' first ones: a million per second for twelve days. */
const versionsPerEra = 2n ** 40n;

/**
 * The one number by which Hollow knows a version. Restored chains count versions again, Hollow's consumers go by the
 * number alone: the era is its upper part. In the first era it is the version itself.
 */
export function hollowVersionOf(ref: Pick<VersionRef, 'era' | 'version'>): bigint {
  return BigInt(ref.era - 1) * versionsPerEra + BigInt(ref.version);
}

/**
 * Writes a version into a directory that stock Java consumers follow: header, delta, reverse delta, snapshot, and then
 * the announcement, in Hollow's order. Each file appears whole, under its name, or not at all; doing it again is
 * harmless.
 *
 * @example
 * await exportVersion('/var/cities', { version: 2n, from: 1n, delta, reverseDelta });
 * @throws DatasetError `unavailable`, `denied`
 */
export async function exportVersion(directory: string, exported: ExportedVersion): Promise<void> {
  const { version, from, header, delta, reverseDelta, snapshot } = exported;
  await makeDirectory(directory);
  if (header !== undefined) {
    await writeBlob(directory, { kind: 'header', version }, { main: header, parts: new Map() });
  }
  if (from !== null) {
    if (delta !== undefined) await writeBlob(directory, { kind: 'delta', from, to: version }, delta);
    if (reverseDelta !== undefined) {
      await writeBlob(directory, { kind: 'reversedelta', from: version, to: from }, reverseDelta);
    }
  }
  if (snapshot !== undefined) await writeBlob(directory, { kind: 'snapshot', version }, snapshot);
  await announceVersion(directory, version);
}

/** Java's readers go to a version whose files are there, forward or back. @throws DatasetError `unavailable`, `denied` */
export async function announceVersion(directory: string, version: bigint): Promise<void> {
  // A power cut must not leave the announcement and take the files.
  await syncDirectory(directory);
  await writeWhole(directory, announcedVersionFile, new TextEncoder().encode(String(version)));
}

/** Adds the snapshot of a version that was exported before: readers that start find a shorter way. */
export async function exportSnapshot(
  directory: string,
  version: bigint,
  snapshot: ExportedBlob,
): Promise<void> {
  await makeDirectory(directory);
  await writeBlob(directory, { kind: 'snapshot', version }, snapshot);
}

/**
 * Takes away what writers that were killed had begun to write. Only for who knows that nobody else writes here now.
 *
 * @throws DatasetError `unavailable`, `denied`
 */
export async function removeUnfinished(directory: string): Promise<void> {
  try {
    const names = await readdir(directory);
    const unfinished = names.filter((name) => unfinishedPattern.test(name));
    for (const name of unfinished) await rm(join(directory, name), { force: true });
  } catch (error) {
    throw fileError(error, `cleaning up in '${directory}'`);
  }
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    throw fileError(error, `making the directory '${directory}'`);
  }
}

/** Parts first: who sees the main file finds them. */
async function writeBlob(directory: string, file: HollowFile, blob: ExportedBlob): Promise<void> {
  for (const [part, bytes] of blob.parts) await writeWhole(directory, hollowFileName(file, part), bytes);
  await writeWhole(directory, hollowFileName(file), blob.main);
}

/** What {@link writeWhole} calls a file until it is whole. */
const unfinishedPattern =
  /^\.(?:announced\.version|(?:snapshot|header|delta|reversedelta)[_-].*)\.[0-9a-f-]{36}$/;

/** Several processes may write the same file at once: each writes its own, and one of them stays. */
async function writeWhole(directory: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(directory, `.${name}.${randomUUID()}`);
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, join(directory, name));
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError(error, `writing '${name}' in '${directory}'`);
  }
}

async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError(error, `flushing the directory '${directory}'`);
  }
}
