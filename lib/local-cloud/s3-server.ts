/**
 * A small S3 for one machine: path-style requests, only the operations that this project uses, answered with S3's own
 * status codes and error codes. Whatever else S3 can do is refused with 501, never ignored. Signatures are not checked.
 * Durable in a directory (s3/bucket.ts). Never answers 409 or 503 by itself: those are injected.
 */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { LocalService } from './environment.ts';
import { Counts, header, listen, readBody } from './http.ts';
import { Bucket, matches, type StoredObject } from './s3/bucket.ts';
import { readObjectBody } from './s3/request-body.ts';
import {
  escapeXml,
  noSuchBucket,
  noSuchKey,
  notImplemented,
  preconditionFailed,
  S3Error,
} from './s3/s3-error.ts';

export interface S3Options {
  /** Where objects live. Absent: a temporary directory that goes with the server. */
  readonly directory?: string;
  readonly port?: number;
}

const keySizeMax = 1024;
const metadataSizeMax = 2048;
const storedHeaders = ['content-type', 'content-encoding', 'content-disposition', 'cache-control'];

export async function startS3Server(options: S3Options = {}): Promise<LocalService> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'local-s3-'));
  const server = new S3Server(directory);
  await server.openBuckets();
  const listener = await listen((request, response) => void server.answer(request, response), options.port);
  return {
    endpoint: listener.endpoint,
    requests: () => server.counts.all(),
    async stop() {
      await listener.close();
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** One request, taken apart. */
interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly bucketName: string;
  readonly key: string;
}

class S3Server {
  readonly counts = new Counts();
  readonly #directory: string;
  readonly #buckets = new Map<string, Bucket>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  async openBuckets(): Promise<void> {
    mkdirSync(this.#directory, { recursive: true });
    for (const entry of readdirSync(this.#directory, { withFileTypes: true })) {
      if (entry.isDirectory()) await this.#openBucket(entry.name);
    }
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const call = parseCall(request, response);
      const operation = operationOf(call);
      this.counts.add(operation);
      await this.#perform(operation, call);
    } catch (error) {
      request.resume();
      answerError(request, response, error);
    }
  }

  async #perform(operation: string, call: Call): Promise<void> {
    switch (operation) {
      case 'PutObject':
        return this.#putObject(call);
      case 'GetObject':
      case 'HeadObject':
        return this.#getObject(call);
      case 'DeleteObject':
        this.#bucket(call).remove(call.key, header(call.request, 'if-match'));
        return answer(call, 204);
      case 'ListObjectsV2':
        return this.#listObjects(call);
      case 'CreateBucket':
        await readBody(call.request);
        await this.#openBucket(call.bucketName);
        return answer(call, 200, { location: `/${call.bucketName}` });
      case 'HeadBucket':
        this.#bucket(call);
        return answer(call, 200);
      case 'PutBucketVersioning':
        this.#bucket(call).writeSetting('versioning', (await readBody(call.request)).toString());
        return answer(call, 200);
      default:
        throw notImplemented(operation);
    }
  }

  async #openBucket(name: string): Promise<void> {
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) {
      throw new S3Error(400, 'InvalidBucketName', 'The specified bucket is not valid.');
    }
    if (!this.#buckets.has(name)) this.#buckets.set(name, await Bucket.open(join(this.#directory, name)));
  }

  #bucket(call: Call): Bucket {
    const bucket = this.#buckets.get(call.bucketName);
    if (bucket === undefined) throw noSuchBucket();
    return bucket;
  }

  async #putObject(call: Call): Promise<void> {
    const { request, key } = call;
    const bucket = this.#bucket(call);
    for (const name of ['x-amz-copy-source', 'x-amz-tagging', 'x-amz-acl']) {
      if (request.headers[name] !== undefined) throw notImplemented(name);
    }
    const body = await readObjectBody(request);
    const etag = `"${createHash('md5').update(body.bytes).digest('hex')}"`;
    const entry = {
      key,
      etag,
      size: body.bytes.length,
      lastModifiedMs: Date.now(),
      headers: headersToStore(request),
      metadata: metadataOf(request),
      checksums: body.checksums,
    };
    const condition = { ifMatch: header(request, 'if-match'), ifNoneMatch: header(request, 'if-none-match') };
    await bucket.put(entry, body.bytes, condition);
    answer(call, 200, { etag, ...checksumHeaders(body.checksums) });
  }

  async #getObject(call: Call): Promise<void> {
    const { request, response } = call;
    const object = this.#bucket(call).find(call.key);
    if (object === undefined) throw noSuchKey();
    const ifMatch = header(request, 'if-match');
    if (ifMatch !== undefined && !matches(ifMatch, object.etag)) throw preconditionFailed();
    const ifNoneMatch = header(request, 'if-none-match');
    if (ifNoneMatch !== undefined && matches(ifNoneMatch, object.etag)) {
      return answer(call, 304, { etag: object.etag });
    }
    const range = parseRange(header(request, 'range'), object.size);
    const wantsChecksums = header(request, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED';
    const headers: Record<string, string> = {
      ...objectHeaders(object),
      // The stored checksum is the whole object's: S3 sends none with a part of it.
      ...(wantsChecksums && range === null ? checksumHeaders(object.checksums) : {}),
    };
    const { start, end } = range ?? { start: 0, end: object.size - 1 };
    if (range !== null) headers['content-range'] = `bytes ${start}-${end}/${object.size}`;
    headers['content-length'] = String(end - start + 1);
    response.writeHead(range === null ? 200 : 206, { ...requestIds(), ...headers });
    if (request.method === 'HEAD' || end < start) {
      response.end();
      return;
    }
    // Opened before anything else can replace the file; the stream closes the descriptor.
    const fd = openSync(object.file, 'r');
    const slice = { fd, start: object.bodyOffset + start, end: object.bodyOffset + end };
    await pipeline(createReadStream('', slice), response).catch(() => response.destroy());
  }

  #listObjects(call: Call): void {
    const { query } = call;
    for (const name of ['delimiter', 'encoding-type', 'fetch-owner']) {
      if (query.has(name)) throw notImplemented(`ListObjectsV2 with ${name}`);
    }
    const prefix = query.get('prefix') ?? '';
    const token = query.get('continuation-token');
    const after =
      token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();
    const countMax = Math.min(Number(query.get('max-keys') ?? 1000), 1000);
    const found = this.#bucket(call).list(prefix, after, countMax);
    const page = found.slice(0, countMax);
    const last = page.at(-1);
    const next =
      found.length > countMax && last !== undefined ? Buffer.from(last.key).toString('base64url') : null;
    const contents = page.map(
      (object) =>
        `<Contents><Key>${escapeXml(object.key)}</Key><LastModified>${new Date(object.lastModifiedMs).toISOString()}` +
        `</LastModified><ETag>${escapeXml(object.etag)}</ETag><Size>${object.size}</Size>` +
        '<StorageClass>STANDARD</StorageClass></Contents>',
    );
    answer(
      call,
      200,
      { 'content-type': 'application/xml' },
      '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
        `<Name>${call.bucketName}</Name><Prefix>${escapeXml(prefix)}</Prefix><KeyCount>${page.length}</KeyCount>` +
        `<MaxKeys>${countMax}</MaxKeys><IsTruncated>${next !== null}</IsTruncated>` +
        (next === null ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`) +
        `${contents.join('')}</ListBucketResult>`,
    );
  }
}

function parseCall(request: IncomingMessage, response: ServerResponse): Call {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const [bucketName = '', ...rest] = url.pathname.slice(1).split('/');
  const key = decodeURIComponent(rest.join('/'));
  if (Buffer.byteLength(key) > keySizeMax) throw new S3Error(400, 'KeyTooLongError', 'Your key is too long');
  return { request, response, query: url.searchParams, bucketName, key };
}

/** The operation's name in the API reference; what is not implemented still gets a name to be counted and refused by. */
function operationOf({ request, query, bucketName, key }: Call): string {
  const method = request.method ?? 'GET';
  const subresource = [...query.keys()].find((name) => name !== 'x-id' && !listParameters.has(name));
  if (subresource === 'versioning' && key === '' && method === 'PUT') return 'PutBucketVersioning';
  if (subresource !== undefined) return `${method} ?${subresource}`;
  const operations: Readonly<Record<string, string>> =
    key === ''
      ? {
          PUT: 'CreateBucket',
          HEAD: 'HeadBucket',
          GET: query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects',
        }
      : { PUT: 'PutObject', GET: 'GetObject', HEAD: 'HeadObject', DELETE: 'DeleteObject' };
  const operation = operations[method];
  return bucketName === '' || operation === undefined
    ? `${method} ${key === '' ? 'bucket' : 'object'}`
    : operation;
}

const listParameters = new Set([
  'list-type',
  'prefix',
  'max-keys',
  'continuation-token',
  'start-after',
  'delimiter',
  'encoding-type',
  'fetch-owner',
]);

function headersToStore(request: IncomingMessage): Record<string, string> {
  const stored: Record<string, string> = {};
  for (const name of storedHeaders) {
    const value = header(request, name)?.replace(/^aws-chunked,?\s*/, '');
    if (value !== undefined && value !== '') stored[name] = value;
  }
  return stored;
}

function metadataOf(request: IncomingMessage): Record<string, string> {
  const metadata: Record<string, string> = {};
  let size = 0;
  for (const [name, value] of Object.entries(request.headers)) {
    if (!name.startsWith('x-amz-meta-') || typeof value !== 'string') continue;
    metadata[name.slice('x-amz-meta-'.length)] = value;
    size += name.length - 'x-amz-meta-'.length + value.length;
  }
  if (size > metadataSizeMax) {
    throw new S3Error(
      400,
      'MetadataTooLarge',
      'Your metadata headers exceed the maximum allowed metadata size',
    );
  }
  return metadata;
}

function objectHeaders(object: StoredObject): Record<string, string> {
  const metadata = Object.entries(object.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
  return {
    'content-type': 'binary/octet-stream',
    ...object.headers,
    ...Object.fromEntries(metadata),
    etag: object.etag,
    'last-modified': new Date(object.lastModifiedMs).toUTCString(),
    'accept-ranges': 'bytes',
  };
}

function checksumHeaders(checksums: Readonly<Record<string, string>>): Record<string, string> {
  const headers = Object.entries(checksums).map(([algorithm, value]) => [
    `x-amz-checksum-${algorithm}`,
    value,
  ]);
  return headers.length === 0 ? {} : { ...Object.fromEntries(headers), 'x-amz-checksum-type': 'FULL_OBJECT' };
}

/** `bytes=a-b`, `bytes=a-`, `bytes=-n`; null for none and, as S3 does, for what is not understood. */
function parseRange(value: string | undefined, size: number): { start: number; end: number } | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(value ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (match === null || (first === '' && last === '')) return null;
  const start = first === '' ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < start) return null;
  if (start >= size) throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable');
  return { start, end };
}

let requestCount = 0;

function requestIds(): Record<string, string> {
  requestCount += 1;
  return {
    'x-amz-request-id': requestCount.toString(16).toUpperCase().padStart(16, '0'),
    'x-amz-id-2': 'local',
  };
}

function answer({ response }: Call, status: number, headers: Record<string, string> = {}, body = ''): void {
  const length =
    status === 204 || status === 304 ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  response.writeHead(status, { ...requestIds(), ...headers, ...length }).end(body);
}

function answerError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const known = error instanceof S3Error ? error : new S3Error(500, 'InternalError', String(error));
  const ids = requestIds();
  const body =
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${known.code}</Code><Message>${escapeXml(known.message)}</Message>` +
    `<RequestId>${ids['x-amz-request-id']}</RequestId></Error>`;
  response
    .writeHead(known.status, { ...ids, 'content-type': 'application/xml' })
    .end(request.method === 'HEAD' ? undefined : body);
}
