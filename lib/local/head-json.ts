import { FieldReader, parseJson } from '../field-reader.ts';
import { checkHead, checkHeadFormat } from '../head-checks.ts';
import {
  type CommitEntry,
  type Head,
  headOperations,
  type Pin,
  type SnapshotDigests,
  type SnapshotEntry,
  type StateHashes,
} from '../ports.ts';

/**
 * A head as text, for a file or an HTTP response.
 *
 * @example
 * response.end(encodeHead(head));
 * const head = decodeHead(await (await fetch(url)).text());   // on the other side
 */
export function encodeHead(head: Head): string {
  return JSON.stringify(head);
}

/** @throws DatasetError `incompatible`: another format; `corrupt`: no head */
export function decodeHead(text: string): Head {
  const fields = new FieldReader(parseJson(text, 'head'), 'head');
  const format = fields.integer('format', 0);
  checkHeadFormat(format);
  const serve = fields.object('serve');
  return checkHead({
    format,
    era: fields.integer('era', 1),
    version: fields.integer('version', 1),
    cid: fields.string('cid'),
    hashes: decodeHashes(fields.object('hashes')),
    recent: fields.objects('recent').map(decodeCommit),
    snapshots: fields.objects('snapshots').map(decodeSnapshot),
    floor: fields.integer('floor', 0),
    schemaId: fields.string('schemaId'),
    mapGeneration: fields.integer('mapGeneration', 0),
    status: fields.word('status', ['open', 'sealed']),
    pins: Object.fromEntries(
      fields
        .object('pins')
        .entries()
        .map(([name, pin]) => [name, decodePin(pin)]),
    ),
    pinRevision: fields.integer('pinRevision', 0),
    serve: { epoch: serve.integer('epoch', 0), pin: serve.optionalString('pin') ?? null },
    lastOperation: fields.word('lastOperation', headOperations),
  });
}

function decodeHashes(fields: FieldReader): StateHashes {
  return { data: fields.string('data'), bookkeeping: fields.string('bookkeeping') };
}

function decodePin(fields: FieldReader): Pin {
  return {
    version: fields.integer('version', 1),
    cid: fields.string('cid'),
    hashes: decodeHashes(fields.object('hashes')),
    schemaId: fields.string('schemaId'),
    snapshot: decodeSnapshot(fields.object('snapshot')),
    deltas: fields.objects('deltas').map(decodeCommit),
    expiresAtMs: fields.has('expiresAtMs') ? fields.integer('expiresAtMs', 0) : null,
  };
}

function decodeCommit(fields: FieldReader): CommitEntry {
  return { ...decodeEntry(fields), tier: fields.word('tier', ['s3', 'inline']) };
}

function decodeSnapshot(fields: FieldReader): SnapshotEntry {
  return {
    ...decodeEntry(fields),
    writtenAtMs: fields.integer('writtenAtMs', 0),
    ...(fields.has('digests') ? { digests: decodeDigests(fields.object('digests')) } : {}),
  };
}

function decodeDigests(fields: FieldReader): SnapshotDigests {
  return {
    main: fields.string('main'),
    bookkeeping: fields.string('bookkeeping'),
    bookkeepingHash: fields.string('bookkeepingHash'),
  };
}

function decodeEntry(fields: FieldReader): Omit<CommitEntry, 'tier'> {
  return {
    version: fields.integer('version', 1),
    cid: fields.string('cid'),
    hash: fields.string('hash'),
    size: fields.integer('size', 0),
  };
}
