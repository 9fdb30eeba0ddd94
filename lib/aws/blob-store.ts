import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { checkBlobMetadata, checkBlobName, checkBlobPrefix, checkBlobSize } from '../blob-rules.ts';
import { DatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { BlobMetadata, BlobShelf, BlobStore, PutOutcome, StoredBlob } from '../ports.ts';
import { awsError } from './errors.ts';
import { forEachAtOnce } from './for-each-at-once.ts';

export interface AwsBlobStoreOptions {
  readonly client: S3Client;
  readonly bucket: string;
}

/**
 * Blobs as S3 objects under their own names. A put is conditional on the name being free, and carries the SHA-256 that
 * S3 checks, keeps, and sends along with every get. That a missing object is told from a forbidden one needs
 * `s3:ListBucket`; without it S3 says 403 for both, which is `denied` here, never "missing".
 */
export class AwsBlobStore implements BlobStore, BlobShelf {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(options: AwsBlobStoreOptions) {
    this.#client = options.client;
    this.#bucket = options.bucket;
  }

  async put(name: string, bytes: Uint8Array, metadata: BlobMetadata): Promise<PutOutcome> {
    checkBlobName(name);
    checkBlobMetadata(metadata);
    const digest = createHash('sha256').update(bytes).digest();
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: name,
      Body: bytes,
      ContentType: 'application/octet-stream',
      IfNoneMatch: '*',
      ChecksumSHA256: digest.toString('base64'),
      Metadata: { ...metadata },
    });
    try {
      await this.#client.send(command);
      return { kind: 'stored', sha256: digest.toString('hex') };
    } catch (error) {
      if (error instanceof Error && error.name === 'PreconditionFailed') return this.#describe(name, digest);
      throw awsError(error, `put ${name}`);
    }
  }

  async get(name: string, sizeMax?: number): Promise<StoredBlob | null> {
    checkBlobName(name);
    try {
      const command = new GetObjectCommand({ Bucket: this.#bucket, Key: name, ChecksumMode: 'ENABLED' });
      const result = await this.#client.send(command);
      return { ...(await readVerified(result, name, sizeMax)), metadata: result.Metadata ?? {} };
    } catch (error) {
      if (error instanceof NoSuchKey) return null;
      throw awsError(error, `get ${name}`);
    }
  }

  async list(prefix: string, after: string | null): ReturnType<BlobShelf['list']> {
    checkBlobPrefix(prefix);
    const command = new ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: prefix,
      MaxKeys: limits.shelfPageMax,
      ...(after === null ? {} : { StartAfter: after }),
    });
    const result = await this.#client.send(command).catch((error: unknown) => {
      throw awsError(error, `list ${prefix}`);
    });
    const names = (result.Contents ?? []).flatMap(({ Key }) => Key ?? []);
    return { names, next: result.IsTruncated === true ? (names.at(-1) ?? null) : null };
  }

  /** In a bucket with versions a deletion can be undone until the noncurrent versions expire. */
  async delete(names: readonly string[]): Promise<void> {
    for (const name of names) checkBlobName(name);
    await forEachAtOnce(names, limits.deleteConcurrencyMax, async (name) => {
      const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: name });
      await this.#client.send(command).catch((error: unknown) => {
        throw awsError(error, `delete ${name}`);
      });
    });
  }

  async #describe(name: string, digest: Buffer): Promise<PutOutcome> {
    try {
      const command = new HeadObjectCommand({ Bucket: this.#bucket, Key: name, ChecksumMode: 'ENABLED' });
      const {
        Metadata: metadata = {},
        ContentLength: size = 0,
        ChecksumSHA256,
      } = await this.#client.send(command);
      const isSame = ChecksumSHA256 === digest.toString('base64');
      return { kind: 'exists', metadata, size, sha256: digest.toString('hex'), isSame };
    } catch (error) {
      const cause = awsError(error, `describe ${name}`);
      if (cause.details['status'] !== 404) throw cause;
      throw new DatasetError('unavailable', `put ${name}: it was taken, and has gone since`, { name }, error);
    }
  }
}

/** The SDK compares the body with the digest while it is read, but only if the object has one: so it must. */
async function readVerified(
  result: GetObjectCommandOutput,
  name: string,
  sizeMax: number | undefined,
): Promise<Omit<StoredBlob, 'metadata'>> {
  const { Body: body, ChecksumSHA256: digest, ContentLength: size } = result;
  if (!(body instanceof Readable) || size === undefined) {
    throw new DatasetError('unavailable', `get ${name}: an answer without a body or its size`, { name });
  }
  if (digest === undefined || digest.includes('-')) {
    body.destroy();
    throw new DatasetError('corrupt', `get ${name}: it has no SHA-256 of the whole object`, { name });
  }
  if (sizeMax !== undefined && size > sizeMax) body.destroy();
  checkBlobSize(name, size, sizeMax);
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (at + chunk.length <= size) bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at !== size)
    throw new DatasetError('unavailable', `get ${name}: ${at} of ${size} bytes`, { name, size });
  return { bytes, sha256: Buffer.from(digest, 'base64').toString('hex') };
}
