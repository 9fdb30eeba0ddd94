import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { checkBlobMetadata, checkBlobName, checkBlobPrefix, checkBlobSize } from '../blob-rules.ts';
import { DatasetError } from '../errors.ts';
import { FieldReader, parseJson } from '../field-reader.ts';
import { readFileBytes } from '../file-bytes.ts';
import { limits } from '../limits.ts';
import type { BlobMetadata, BlobShelf, BlobStore, PutOutcome, StoredBlob } from '../ports.ts';
import { isSystemError, localError } from './errors.ts';

/** What is kept beside a blob's bytes. */
interface Facts {
  readonly sha256: string;
  readonly size: number;
  readonly metadata: BlobMetadata;
}

const bytesFile = 'blob';
const factsFile = 'facts.json';
/** Not a blob name, so in nobody's way. What a crash leaves here is garbage. */
const draftsFolder = '.drafts';

/**
 * Blobs under a directory. The name of a blob is a folder with the raw bytes and their facts: it is written as a draft
 * and appears by one rename, which fails if the folder is there. So a blob is whole or absent, and its facts are its own.
 */
export class LocalBlobStore implements BlobStore, BlobShelf {
  readonly #directory: string;

  /** @param directory created if missing */
  constructor(directory: string) {
    this.#directory = resolve(directory);
  }

  async put(name: string, bytes: Uint8Array, metadata: BlobMetadata): Promise<PutOutcome> {
    checkBlobName(name);
    checkBlobMetadata(metadata);
    const facts = { sha256: sha256Of(bytes), size: bytes.length, metadata: { ...metadata } };
    const draft = join(this.#directory, draftsFolder, randomUUID());
    try {
      const isStored = await this.#writeDraft(draft, bytes, facts).then(() => this.#appear(draft, name));
      if (isStored) return { kind: 'stored', sha256: facts.sha256 };
      const taken = await this.#readFacts(name);
      if (taken === null) throw new DatasetError('invalid', `put ${name}: a folder of other blobs`, { name });
      const { sha256 } = facts;
      const isSame = taken.sha256 === sha256;
      return { kind: 'exists', metadata: taken.metadata, size: taken.size, sha256, isSame };
    } catch (error) {
      throw localError(error, `put ${name}`);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  async get(name: string, sizeMax?: number): Promise<StoredBlob | null> {
    checkBlobName(name);
    try {
      const facts = await this.#readFacts(name);
      if (facts === null) return null;
      checkBlobSize(name, facts.size, sizeMax);
      const bytes = await readFileBytes(join(this.#directory, name, bytesFile), facts.size);
      if (bytes.length !== facts.size || sha256Of(bytes) !== facts.sha256) {
        throw new DatasetError('corrupt', `get ${name}: the bytes are not those that were put`, { name });
      }
      return { bytes, metadata: facts.metadata, sha256: facts.sha256 };
    } catch (error) {
      throw localError(error, `get ${name}`);
    }
  }

  async list(prefix: string, after: string | null): ReturnType<BlobShelf['list']> {
    checkBlobPrefix(prefix);
    try {
      const folder = join(this.#directory, prefix);
      const found = (await readdir(folder, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.name === factsFile)
        .map((entry) => relative(this.#directory, entry.parentPath).replaceAll(sep, '/'))
        .filter((name) => after === null || name > after)
        .toSorted();
      const names = found.slice(0, limits.shelfPageMax);
      return { names, next: found.length > names.length ? (names.at(-1) ?? null) : null };
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return { names: [], next: null };
      throw localError(error, `list ${prefix}`);
    }
  }

  /** A blob disappears by one rename, as it appeared. */
  async delete(names: readonly string[]): Promise<void> {
    for (const name of names) checkBlobName(name);
    for (const name of names) {
      const away = join(this.#directory, draftsFolder, randomUUID());
      try {
        if ((await this.#readFacts(name)) === null) continue;
        await mkdir(dirname(away), { recursive: true });
        await rename(join(this.#directory, name), away);
        await syncDirectory(dirname(join(this.#directory, name)));
      } catch (error) {
        if (!isSystemError(error, 'ENOENT')) throw localError(error, `delete ${name}`);
      } finally {
        await rm(away, { recursive: true, force: true });
      }
    }
  }

  async #writeDraft(draft: string, bytes: Uint8Array, facts: Facts): Promise<void> {
    await mkdir(draft, { recursive: true });
    await writeDurably(join(draft, bytesFile), bytes);
    await writeDurably(join(draft, factsFile), JSON.stringify(facts));
    await syncDirectory(draft);
  }

  /** False: the name is taken. */
  async #appear(draft: string, name: string): Promise<boolean> {
    const blob = join(this.#directory, name);
    const created = await mkdir(dirname(blob), { recursive: true });
    try {
      await rename(draft, blob);
    } catch (error) {
      if (isSystemError(error, 'ENOTEMPTY', 'EEXIST')) return false;
      throw error;
    }
    await syncDirectory(dirname(blob));
    if (created !== undefined) await this.#syncAncestors(dirname(blob));
    return true;
  }

  /** New folders survive a power cut only if their parents are flushed too. */
  async #syncAncestors(folder: string): Promise<void> {
    for (let parent = dirname(folder); parent.startsWith(this.#directory); parent = dirname(parent)) {
      await syncDirectory(parent);
    }
  }

  /** Null: no such blob. */
  async #readFacts(name: string): Promise<Facts | null> {
    try {
      const text = await readFile(join(this.#directory, name, factsFile), 'utf8');
      const fields = new FieldReader(parseJson(text, 'facts'), 'facts');
      return {
        sha256: fields.string('sha256'),
        size: fields.integer('size', 0),
        metadata: fields.object('metadata').texts(),
      };
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return null;
      throw error;
    }
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function writeDurably(file: string, content: Uint8Array | string): Promise<void> {
  await withFile(file, 'wx', async (handle) => {
    await handle.writeFile(content);
    await handle.sync();
  });
}

async function syncDirectory(directory: string): Promise<void> {
  await withFile(directory, 'r', (handle) => handle.sync());
}

async function withFile<Result>(
  file: string,
  flags: string,
  use: (handle: FileHandle) => Promise<Result>,
): Promise<Result> {
  const handle = await open(file, flags);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
