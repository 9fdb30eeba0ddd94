/**
 * The body of a PutObject as S3 sees it: unwraps aws-chunked framing with its trailers, and verifies every digest that
 * the client sent, in headers or trailers. A wrong one is refused before anything is stored.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { crc32 } from 'node:zlib';
import { header, readBody } from '../http.ts';
import { notImplemented, S3Error } from './s3-error.ts';

export interface ObjectBody {
  readonly bytes: Buffer;
  /** Verified checksums by algorithm (`crc32`, `sha256`, `sha1`), base64. */
  readonly checksums: Readonly<Record<string, string>>;
}

const algorithms: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  crc32: (bytes) => {
    const digest = Buffer.alloc(4);
    digest.writeUInt32BE(crc32(bytes));
    return digest;
  },
  sha1: (bytes) => createHash('sha1').update(bytes).digest(),
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
};

export async function readObjectBody(request: IncomingMessage): Promise<ObjectBody> {
  const raw = await readBody(request);
  const framed = header(request, 'x-amz-content-sha256')?.startsWith('STREAMING-') ?? false;
  const { bytes, trailers } = framed ? unwrapChunks(raw) : { bytes: raw, trailers: {} };
  const decodedSize = header(request, 'x-amz-decoded-content-length');
  if (framed && Number(decodedSize) !== bytes.length) {
    throw new S3Error(400, 'IncompleteBody', 'The request body terminated unexpectedly');
  }
  verifyWholeBody(request, raw, bytes, framed);
  return { bytes, checksums: verifyChecksums({ ...checksumHeaders(request), ...trailers }, bytes) };
}

function verifyWholeBody(request: IncomingMessage, raw: Buffer, bytes: Buffer, framed: boolean): void {
  const signedDigest = header(request, 'x-amz-content-sha256');
  if (!framed && signedDigest !== undefined && signedDigest !== 'UNSIGNED-PAYLOAD') {
    if (createHash('sha256').update(raw).digest('hex') !== signedDigest) {
      throw new S3Error(
        400,
        'XAmzContentSHA256Mismatch',
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
      );
    }
  }
  const md5 = header(request, 'content-md5');
  if (md5 !== undefined && createHash('md5').update(bytes).digest('base64') !== md5) {
    throw new S3Error(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
}

function checksumHeaders(request: IncomingMessage): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (name.startsWith('x-amz-checksum-') && typeof value === 'string') found[name] = value;
  }
  return found;
}

function verifyChecksums(sent: Readonly<Record<string, string>>, bytes: Buffer): Record<string, string> {
  const checksums: Record<string, string> = {};
  for (const [name, value] of Object.entries(sent)) {
    const algorithm = name.slice('x-amz-checksum-'.length);
    const compute = algorithms[algorithm];
    if (compute === undefined) throw notImplemented(name);
    if (compute(bytes).toString('base64') !== value) {
      const label = algorithm.toUpperCase();
      throw new S3Error(
        400,
        'BadDigest',
        `The ${label} you specified did not match the calculated checksum.`,
      );
    }
    checksums[algorithm] = value;
  }
  return checksums;
}

/** `<hex size>[;extension]\r\n<bytes>\r\n` … `0\r\n`, then trailer lines. */
function unwrapChunks(raw: Buffer): { bytes: Buffer; trailers: Record<string, string> } {
  const parts: Buffer[] = [];
  let position = 0;
  for (;;) {
    const lineEnd = raw.indexOf('\r\n', position);
    const size = Number.parseInt(raw.toString('latin1', position, Math.max(position, lineEnd)), 16);
    if (lineEnd < 0 || Number.isNaN(size)) throw malformed();
    position = lineEnd + 2;
    if (size === 0) break;
    if (position + size + 2 > raw.length) throw malformed();
    parts.push(raw.subarray(position, position + size));
    position += size + 2;
  }
  const trailers: Record<string, string> = {};
  for (const line of raw.toString('latin1', position).split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    if (name.startsWith('x-amz-checksum-')) trailers[name] = line.slice(colon + 1).trim();
  }
  return { bytes: Buffer.concat(parts), trailers };
}

function malformed(): S3Error {
  return new S3Error(400, 'IncompleteBody', 'The aws-chunked framing of the body is broken');
}
