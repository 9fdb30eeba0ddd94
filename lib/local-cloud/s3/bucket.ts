/**
 * One bucket: a directory with one file per object (a line of JSON, then the bytes) and an index in memory that is read
 * back from those files on start. An object appears by rename, so a killed process leaves either all of it or nothing.
 * Nothing is flushed to the platter: the state survives a crash of the process, not of the machine.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { noSuchKey, preconditionFailed } from './s3-error.ts';

/** What is known of an object besides its bytes. */
export interface ObjectEntry {
  readonly key: string;
  /** In double quotes, as S3 sends it. */
  readonly etag: string;
  readonly size: number;
  readonly lastModifiedMs: number;
  /** Stored response headers (`content-type`, …). */
  readonly headers: Readonly<Record<string, string>>;
  /** User metadata without its `x-amz-meta-` prefix. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly checksums: Readonly<Record<string, string>>;
}

export interface StoredObject extends ObjectEntry {
  readonly file: string;
  /** Where the bytes begin in `file`. */
  readonly bodyOffset: number;
}

/** Conditions of a write, as their headers came. */
export interface WriteCondition {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

const headerSizeMax = 65_536;

export class Bucket {
  readonly #directory: string;
  readonly #objects = new Map<string, StoredObject>();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Opens the bucket of that directory and reads its index; creates it if it is not there. */
  static async open(directory: string): Promise<Bucket> {
    const bucket = new Bucket(directory);
    mkdirSync(directory, { recursive: true });
    for (const name of await readdir(directory)) {
      const file = join(directory, name);
      if (name.endsWith('.object')) bucket.#add(await readHeader(file));
      if (name.endsWith('.writing')) rmSync(file);
    }
    return bucket;
  }

  find(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  /** Stores the object if the condition holds at the moment it would appear: of many racers, one wins. */
  async put(entry: ObjectEntry, bytes: Uint8Array, condition: WriteCondition): Promise<void> {
    this.#check(entry.key, condition);
    const head = Buffer.from(`${JSON.stringify(entry)}\n`);
    const writing = join(this.#directory, `${randomUUID()}.writing`);
    await writeFile(writing, [head, bytes]);
    try {
      this.#check(entry.key, condition);
      const file = join(this.#directory, `${createHash('sha256').update(entry.key).digest('hex')}.object`);
      renameSync(writing, file);
      this.#add({ ...entry, file, bodyOffset: head.length });
    } catch (error) {
      rmSync(writing, { force: true });
      throw error;
    }
  }

  /** A missing key is a success, also with If-Match (DeleteObject in the API reference). */
  remove(key: string, ifMatch: string | undefined): void {
    const object = this.#objects.get(key);
    if (object === undefined) return;
    if (ifMatch !== undefined && !matches(ifMatch, object.etag)) throw preconditionFailed();
    rmSync(object.file, { force: true });
    this.#objects.delete(key);
  }

  /** Entries with that prefix after that key, ascending; one more than `countMax` if there are more. */
  list(prefix: string, after: string, countMax: number): StoredObject[] {
    return [...this.#objects.values()]
      .filter((object) => object.key.startsWith(prefix) && object.key > after)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .slice(0, countMax + 1);
  }

  /** Settings that are stored and returned but change nothing (versioning). */
  writeSetting(name: string, value: string): void {
    writeFileSync(join(this.#directory, `${name}.setting`), value);
  }

  #check(key: string, { ifMatch, ifNoneMatch }: WriteCondition): void {
    const object = this.#objects.get(key);
    if (ifNoneMatch === '*' && object !== undefined) throw preconditionFailed();
    if (ifMatch === undefined) return;
    if (object === undefined) throw noSuchKey();
    if (!matches(ifMatch, object.etag)) throw preconditionFailed();
  }

  #add(object: StoredObject): void {
    this.#objects.set(object.key, object);
  }
}

/** S3 takes an ETag with or without its quotes. */
export function matches(condition: string, etag: string): boolean {
  return condition === '*' || condition.replaceAll('"', '') === etag.replaceAll('"', '');
}

async function readHeader(file: string): Promise<StoredObject> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerSizeMax), 0, headerSizeMax, 0);
    const lineEnd = buffer.subarray(0, bytesRead).indexOf(10);
    const entry: ObjectEntry = JSON.parse(buffer.toString('utf8', 0, lineEnd));
    return { ...entry, file, bodyOffset: lineEnd + 1 };
  } finally {
    await handle.close();
  }
}
