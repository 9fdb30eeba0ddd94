/**
 * A directory in Hollow's own file layout: one that a Hollow producer owns, written by its filesystem publisher and
 * announcer, or one that we write for Java's readers.
 *
 *   hollow-directory.ts   finds blobs by Hollow's rules (this file)
 *   follow.ts             from state to state by what is found
 *   directory-reader.ts   the same for applications, with types and look-ups
 *   verify.ts             whether all ways to a version agree
 *   announced-version.ts  which version is announced
 *   export-version.ts     writes one version, and announces it
 *   hollow-export.ts      keeps a directory at what one of our chains serves
 *
 * There is one writer, no head and no commit: the announced version is the truth. Versions are 64-bit.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type HollowFile, hollowFileName, parseHollowFileName } from '../blob/hollow-file-names.ts';
import { DatasetError } from '../errors.ts';
import { readFileBytes } from '../file-bytes.ts';
import { fileError, isFileMissing } from '../file-errors.ts';

/** A blob that was found. */
export interface RetrievedBlob {
  /** The version that it leads to. */
  readonly version: bigint;
  readonly main: Uint8Array;
  /** The optional parts that were asked for. */
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

type NamedFile = NonNullable<ReturnType<typeof parseHollowFileName>>;
/** A delta, or a reverse delta, whose `from` is the newer version. */
export type Transition = Extract<HollowFile, { from: bigint }>;

/**
 * @example
 * const directory = new HollowDirectory('/var/movies');
 * const snapshot = await directory.findSnapshot(20261123113054001n);   // at that version, or the nearest one before
 */
export class HollowDirectory {
  readonly path: string;
  readonly #parts: readonly string[] | 'all';

  /**
   * @param parts optional parts to retrieve with every blob; the others are left alone, as are their types. 'all': those
   *   that each blob has
   */
  constructor(path: string, parts: readonly string[] | 'all' = []) {
    this.path = path;
    this.#parts = parts === 'all' ? parts : [...parts];
  }

  /** All versions that some snapshot or delta leads to, ascending. */
  async versions(): Promise<readonly bigint[]> {
    const versions = (await this.#files()).flatMap((file) => {
      if (file.kind === 'snapshot') return [file.version];
      return file.kind === 'delta' ? [file.to] : [];
    });
    return [...new Set(versions)].toSorted((a, b) => (a < b ? -1 : 1));
  }

  /** The names of all optional parts that some blob has here, also of those that are not retrieved. */
  async parts(): Promise<readonly string[]> {
    const parts = (await this.#named()).flatMap(({ part }) => (part === null ? [] : [part]));
    return [...new Set(parts)].toSorted();
  }

  /** The snapshot with the greatest version that is not above `desired`. */
  async findSnapshot(desired: bigint): Promise<RetrievedBlob | null> {
    const versions = (await this.#files()).flatMap((file) =>
      file.kind === 'snapshot' && file.version <= desired ? [file.version] : [],
    );
    const version = versions.reduce((greatest, one) => (one > greatest ? one : greatest), -1n);
    return version < 0n ? null : this.#retrieve({ kind: 'snapshot', version }, version);
  }

  /** All deltas and reverse deltas, also those that failed cycles left behind. */
  async transitions(): Promise<readonly Transition[]> {
    return (await this.#files()).filter((file) => 'from' in file);
  }

  findTransition(file: Transition): Promise<RetrievedBlob | null> {
    return this.#retrieve(file, file.to);
  }

  /** The header blob of exactly this version. */
  findHeader(version: bigint): Promise<Uint8Array | null> {
    return this.#read(hollowFileName({ kind: 'header', version }));
  }

  findDelta(from: bigint): Promise<RetrievedBlob | null> {
    return this.#findNewest('delta', from);
  }

  /** @param from the newer version */
  findReverseDelta(from: bigint): Promise<RetrievedBlob | null> {
    return this.#findNewest('reversedelta', from);
  }

  /** A failed cycle leaves its delta behind, and the next one starts from the same version: the newest file counts. */
  async #findNewest(kind: Transition['kind'], from: bigint): Promise<RetrievedBlob | null> {
    const candidates: { file: Transition; modifiedAtMs: number }[] = [];
    for (const file of await this.#files()) {
      if (file.kind !== kind || !('from' in file) || file.from !== from) continue;
      const modifiedAtMs = await this.#modifiedAtMs(hollowFileName(file));
      if (modifiedAtMs !== null) candidates.push({ file, modifiedAtMs });
    }
    const newest = candidates.toSorted(byAge).at(-1);
    return newest === undefined ? null : this.#retrieve(newest.file, newest.file.to);
  }

  async #files(): Promise<readonly HollowFile[]> {
    return (await this.#named()).flatMap(({ file, part }) => (part === null ? [file] : []));
  }

  async #named(): Promise<readonly NamedFile[]> {
    try {
      return (await readdir(this.path)).map(parseHollowFileName).filter((named) => named !== null);
    } catch (error) {
      if (isFileMissing(error)) return [];
      throw fileError(error, `listing '${this.path}'`);
    }
  }

  async #modifiedAtMs(name: string): Promise<number | null> {
    try {
      return (await stat(join(this.path, name))).mtimeMs;
    } catch (error) {
      if (isFileMissing(error)) return null;
      throw fileError(error, `looking at '${name}' in '${this.path}'`);
    }
  }

  async #retrieve(file: HollowFile, version: bigint): Promise<RetrievedBlob | null> {
    const main = await this.#read(hollowFileName(file));
    if (main === null) return null;
    const parts = new Map<string, Uint8Array>();
    for (const part of this.#parts === 'all' ? await this.#partsOf(file) : this.#parts) {
      const name = hollowFileName(file, part);
      const bytes = await this.#read(name);
      if (bytes === null)
        throw new DatasetError('corrupt', `'${name}' is missing in '${this.path}'`, { part });
      parts.set(part, bytes);
    }
    return { version, main, parts };
  }

  async #partsOf(file: HollowFile): Promise<readonly string[]> {
    const main = hollowFileName(file);
    return (await this.#named()).flatMap((named) =>
      named.part !== null && hollowFileName(named.file) === main ? [named.part] : [],
    );
  }

  /** Null: deleted since it was listed. */
  async #read(name: string): Promise<Uint8Array | null> {
    try {
      return await readFileBytes(join(this.path, name));
    } catch (error) {
      if (isFileMissing(error)) return null;
      throw fileError(error, `reading '${name}' in '${this.path}'`);
    }
  }
}

function byAge(
  a: { file: Transition; modifiedAtMs: number },
  b: { file: Transition; modifiedAtMs: number },
): number {
  return a.modifiedAtMs - b.modifiedAtMs || (a.file.to < b.file.to ? -1 : 1);
}
