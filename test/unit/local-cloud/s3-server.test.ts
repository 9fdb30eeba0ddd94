import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientConfig, type LocalService } from '../../../lib/local-cloud/environment.ts';
import { startS3Server } from '../../../lib/local-cloud/s3-server.ts';

const Bucket = 'unit-bucket';

function clientOf(service: LocalService): S3Client {
  return new S3Client({ ...clientConfig(service.endpoint), forcePathStyle: true, maxAttempts: 1 });
}

/** The parts of an SDK error that callers act on. */
async function failureOf(promise: Promise<unknown>): Promise<{ name: string; status: number | undefined }> {
  try {
    await promise;
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    return { name, status: $metadata?.httpStatusCode };
  }
  throw new Error('the call succeeded');
}

describe('local S3', () => {
  let server: LocalService;
  let client: S3Client;

  beforeAll(async () => {
    server = await startS3Server();
    client = clientOf(server);
    await client.send(new CreateBucketCommand({ Bucket }));
  });
  afterAll(async () => {
    client.destroy();
    await server.stop();
  });

  const put = (Key: string, Body: string | Uint8Array, more: object = {}) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
  const read = async (Key: string, more: object = {}) => {
    const answer = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
    return { ...answer, bytes: await answer.Body?.transformToByteArray() };
  };

  test('stores bytes, metadata and checksum, and returns them', async () => {
    const bytes = randomBytes(1000);
    const sha256 = createHash('sha256').update(bytes).digest('base64');
    const stored = await put('a/b c+é.bin', bytes, {
      ChecksumSHA256: sha256,
      Metadata: { format: '1', cid: 'ab' },
      ContentType: 'application/x-hollow',
    });
    expect(stored.ChecksumSHA256).toBe(sha256);
    const answer = await read('a/b c+é.bin');
    expect(Buffer.from(answer.bytes ?? [])).toEqual(bytes);
    expect(answer.Metadata).toEqual({ format: '1', cid: 'ab' });
    expect(answer.ContentType).toBe('application/x-hollow');
    expect(answer.ChecksumSHA256).toBe(sha256);
    const head = await client.send(
      new HeadObjectCommand({ Bucket, Key: 'a/b c+é.bin', ChecksumMode: 'ENABLED' }),
    );
    expect(head.ContentLength).toBe(1000);
    expect(head.ETag).toBe(stored.ETag);
    expect(head.ChecksumSHA256).toBe(sha256);
  });

  test('takes a stream in aws-chunked framing with a trailing checksum', async () => {
    const bytes = randomBytes(300_000);
    const Body = Readable.from([bytes.subarray(0, 100_001), bytes.subarray(100_001)]);
    await client.send(
      new PutObjectCommand({
        Bucket,
        Key: 'stream',
        Body,
        ContentLength: bytes.length,
        ChecksumAlgorithm: 'SHA256',
      }),
    );
    const answer = await read('stream');
    expect(Buffer.from(answer.bytes ?? []).equals(bytes)).toBe(true);
    expect(answer.ChecksumSHA256).toBe(createHash('sha256').update(bytes).digest('base64'));
    expect(answer.ContentEncoding).toBeUndefined();
  });

  test('takes a body above 11 MiB and an empty one', async () => {
    const bytes = Buffer.alloc(12 * 1_048_576, 7);
    await put('large', bytes);
    expect((await read('large')).bytes?.length).toBe(bytes.length);
    await put('empty', '');
    expect((await read('empty')).bytes?.length).toBe(0);
  });

  test('refuses a body whose checksum is wrong and stores nothing', async () => {
    const wrong = createHash('sha256').update('other').digest('base64');
    expect(await failureOf(put('wrong', 'body', { ChecksumSHA256: wrong }))).toEqual({
      name: 'BadDigest',
      status: 400,
    });
    expect(await failureOf(put('wrong', 'body', { ChecksumCRC32: 'AAAAAA==' }))).toEqual({
      name: 'BadDigest',
      status: 400,
    });
    expect((await failureOf(read('wrong'))).name).toBe('NoSuchKey');
  });

  test('refuses a wrong trailing checksum', async () => {
    const { hostname, port } = new URL(server.endpoint);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const call = request({ hostname, port, method: 'PUT', path: `/${Bucket}/trailer` }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      call.on('error', reject);
      call.setHeader('x-amz-content-sha256', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER');
      call.setHeader('x-amz-decoded-content-length', '4');
      call.end('4\r\nbody\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n');
    });
    expect(status).toBe(400);
  });

  test('If-None-Match: one of many racers wins, the rest get 412', async () => {
    const race = Array.from({ length: 12 }, (_, i) => put('race', `racer ${i}`, { IfNoneMatch: '*' }));
    const outcomes = await Promise.allSettled(race);
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    expect(await failureOf(put('race', 'late', { IfNoneMatch: '*' }))).toEqual({
      name: 'PreconditionFailed',
      status: 412,
    });
  });

  test('If-Match: the right tag replaces, a wrong one is 412, a missing key 404', async () => {
    const first = await put('match', 'one');
    await put('match', 'two', { IfMatch: first.ETag });
    expect(await failureOf(put('match', 'three', { IfMatch: first.ETag }))).toEqual({
      name: 'PreconditionFailed',
      status: 412,
    });
    expect(await failureOf(put('absent', 'x', { IfMatch: first.ETag }))).toEqual({
      name: 'NoSuchKey',
      status: 404,
    });
  });

  test('Range: a part, an open end, a suffix, and 416 beyond the end', async () => {
    await put('range', '0123456789');
    const part = await read('range', { Range: 'bytes=2-4' });
    expect(Buffer.from(part.bytes ?? []).toString()).toBe('234');
    expect(part.ContentRange).toBe('bytes 2-4/10');
    expect(part.ChecksumCRC32).toBeUndefined();
    expect(Buffer.from((await read('range', { Range: 'bytes=7-' })).bytes ?? []).toString()).toBe('789');
    expect(Buffer.from((await read('range', { Range: 'bytes=-2' })).bytes ?? []).toString()).toBe('89');
    expect((await failureOf(read('range', { Range: 'bytes=10-' }))).status).toBe(416);
  });

  test('missing keys and buckets have the codes of S3', async () => {
    expect(await failureOf(read('nothing'))).toEqual({ name: 'NoSuchKey', status: 404 });
    expect(await failureOf(client.send(new HeadObjectCommand({ Bucket, Key: 'nothing' })))).toEqual({
      name: 'NotFound',
      status: 404,
    });
    const elsewhere = new GetObjectCommand({ Bucket: 'other-bucket', Key: 'x' });
    expect(await failureOf(client.send(elsewhere))).toEqual({ name: 'NoSuchBucket', status: 404 });
    expect((await failureOf(client.send(new HeadBucketCommand({ Bucket: 'other-bucket' })))).status).toBe(
      404,
    );
  });

  test('DeleteObject removes, is silent about a missing key, and heeds If-Match', async () => {
    await put('gone', 'x');
    const conditional = new DeleteObjectCommand({ Bucket, Key: 'gone', IfMatch: '"0"' });
    expect((await failureOf(client.send(conditional))).status).toBe(412);
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
    expect((await failureOf(read('gone'))).name).toBe('NoSuchKey');
  });

  test('ListObjectsV2 pages in key order under a prefix', async () => {
    const keys = Array.from({ length: 7 }, (_, i) => `list/${i}&<`);
    await Promise.all(keys.toReversed().map((key) => put(key, key)));
    const seen: (string | undefined)[] = [];
    let token: string | undefined;
    let pages = 0;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket, Prefix: 'list/', MaxKeys: 3, ContinuationToken: token }),
      );
      seen.push(...(page.Contents ?? []).map((item) => item.Key));
      token = page.NextContinuationToken;
      pages += 1;
    } while (token !== undefined);
    expect(seen).toEqual(keys);
    expect(pages).toBe(3);
    const after = await client.send(
      new ListObjectsV2Command({ Bucket, Prefix: 'list/', StartAfter: keys[4] }),
    );
    expect(after.Contents?.map((item) => item.Key)).toEqual(keys.slice(5));
  });

  test('what is not implemented is refused, not ignored', async () => {
    const upload = new CreateMultipartUploadCommand({ Bucket, Key: 'x' });
    expect(await failureOf(client.send(upload))).toEqual({ name: 'NotImplemented', status: 501 });
    const tagged = put('tagged', 'x', { Tagging: 'a=b' });
    expect((await failureOf(tagged)).status).toBe(501);
  });

  test('counts requests by operation', async () => {
    const before = server.requests().get('PutBucketVersioning') ?? 0;
    await client.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
    expect(server.requests().get('PutBucketVersioning')).toBe(before + 1);
  });
});

test('local S3 reads its objects back from the directory', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'unit-s3-'));
  try {
    const first = await startS3Server({ directory });
    const writer = clientOf(first);
    await writer.send(new CreateBucketCommand({ Bucket }));
    const stored = await writer.send(
      new PutObjectCommand({ Bucket, Key: 'kept', Body: 'bytes\nand more', Metadata: { a: 'b' } }),
    );
    await first.stop();
    const second = await startS3Server({ directory });
    const answer = await clientOf(second).send(new GetObjectCommand({ Bucket, Key: 'kept' }));
    expect(await answer.Body?.transformToString()).toBe('bytes\nand more');
    expect(answer.Metadata).toEqual({ a: 'b' });
    expect(answer.ETag).toBe(stored.ETag);
    expect(answer.ChecksumCRC32).toBe(stored.ChecksumCRC32);
    await second.stop();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
