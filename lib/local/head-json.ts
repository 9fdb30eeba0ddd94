import { FieldReader, parseJson } from '../field-reader.ts';
import { checkHead, checkHeadFormat } from '../head-rules.ts';
import type { CommitEntry, Head } from '../ports.ts';

export function encodeHead(head: Head): string {
  return JSON.stringify(head);
}

/** `incompatible` for a later format, `corrupt` for what is no head. */
export function decodeHead(text: string): Head {
  const fields = new FieldReader(parseJson(text, 'head'), 'head');
  const format = fields.integer('format', 0);
  checkHeadFormat(format);
  const hashes = fields.object('hashes');
  return checkHead({
    format,
    era: fields.integer('era', 1),
    version: fields.integer('version', 1),
    cid: fields.string('cid'),
    hashes: { data: hashes.string('data'), bookkeeping: hashes.string('bookkeeping') },
    recent: fields.objects('recent').map(decodeEntry),
    snapshots: fields.objects('snapshots').map(decodeEntry),
    floor: fields.integer('floor', 0),
    schemaId: fields.string('schemaId'),
    mapGeneration: fields.integer('mapGeneration', 0),
    status: fields.word('status', ['open', 'sealed']),
    lastOperation: fields.word('lastOperation', ['commit', 'snapshot']),
  });
}

function decodeEntry(fields: FieldReader): CommitEntry {
  return {
    version: fields.integer('version', 1),
    cid: fields.string('cid'),
    hash: fields.string('hash'),
    size: fields.integer('size', 0),
  };
}
