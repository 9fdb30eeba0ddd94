import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { checkDatasetId } from '../dataset-id.ts';
import { DatasetError } from '../errors.ts';
import { FieldReader, hex128Pattern } from '../field-reader.ts';
import { checkHead, checkHeadFormat } from '../head-rules.ts';
import { fromHex, toHex } from '../hex.ts';
import type { CommitEntry, CommitProposal, DatasetId, Head, SnapshotEntry } from '../ports.ts';
import { decodeRecentEntries, encodeRecentEntries } from './recent-entries.ts';

/**
 * The head as a DynamoDB item. Writers own their attributes, so they never disturb each other:
 *
 * | attribute                | type | owner    |                                                  |
 * |--------------------------|------|----------|--------------------------------------------------|
 * | `pk`, `sk`               | S    | creation | `C#<tenant>#<dataset>#<partition>`, `HEAD`         |
 * | `format`, `era`, `mapGen`| N    | creation |                                                  |
 * | `status`                 | S    | creation | `open` or `sealed`                               |
 * | `floor`                  | N    | creation | later: whoever deletes                           |
 * | `v`, `cid`               | N, S | commit   |                                                  |
 * | `hash`, `bookHash`       | B    | commit   | 16 bytes each                                    |
 * | `recent`                 | B    | commit   | recent-entries.ts                                |
 * | `schemaId`               | S    | commit   |                                                  |
 * | `snapshots`              | L    | snapshot | of M: `v` N, `cid` B, `hash` B, `size` N         |
 * | `snapV`                  | N    | snapshot | version of the last of them, for the condition   |
 * | `lastOp`                 | S    | both     | `commit` or `snapshot`; what a stream filters by |
 */
export type Item = Readonly<Record<string, AttributeValue>>;

export function headKey(id: DatasetId): Record<string, AttributeValue> {
  checkDatasetId(id);
  return { pk: { S: `C#${id.tenant ?? ''}#${id.dataset}#${id.partition}` }, sk: { S: 'HEAD' } };
}

/** Attributes that belong to a commit. */
export function commitAttributes(proposal: CommitProposal): Item {
  return {
    v: number(proposal.version),
    cid: { S: proposal.cid },
    hash: { B: fromHex(proposal.hashes.data) },
    bookHash: { B: fromHex(proposal.hashes.bookkeeping) },
    recent: { B: encodeRecentEntries(proposal.recent) },
    schemaId: { S: proposal.schemaId },
    lastOp: { S: 'commit' },
  };
}

/** Every attribute of a new chain's head but its key. */
export function headAttributes(head: Head, proposal: CommitProposal): Item {
  return {
    ...commitAttributes(proposal),
    format: number(head.format),
    era: number(head.era),
    mapGen: number(head.mapGeneration),
    status: { S: head.status },
    floor: number(head.floor),
    snapshots: { L: head.snapshots.map(snapshotAttribute) },
    snapV: number(head.version),
  };
}

export function snapshotAttribute(snapshot: SnapshotEntry): AttributeValue {
  return {
    M: {
      v: number(snapshot.version),
      cid: { B: fromHex(snapshot.cid) },
      hash: { B: fromHex(snapshot.hash) },
      size: number(snapshot.size),
    },
  };
}

export function number(value: number): AttributeValue {
  return { N: String(value) };
}

/** `incompatible` for a later format, `corrupt` for what is no head. */
export function decodeHeadItem(item: Item): Head {
  const fields = new FieldReader(plainOf({ M: item }), 'head');
  const format = fields.integer('format', 0);
  checkHeadFormat(format);
  const recent = item['recent']?.B;
  if (recent === undefined) throw new DatasetError('corrupt', 'head.recent: expected bytes');
  return checkHead({
    format,
    era: fields.integer('era', 1),
    version: fields.integer('v', 1),
    cid: fields.string('cid', hex128Pattern),
    hashes: {
      data: fields.string('hash', hex128Pattern),
      bookkeeping: fields.string('bookHash', hex128Pattern),
    },
    recent: decodeRecentEntries(recent),
    snapshots: fields.objects('snapshots').map(decodeSnapshot),
    floor: fields.integer('floor', 0),
    schemaId: fields.string('schemaId'),
    mapGeneration: fields.integer('mapGen', 0),
    status: fields.word('status', ['open', 'sealed']),
    lastOperation: fields.word('lastOp', ['commit', 'snapshot']),
  });
}

function decodeSnapshot(fields: FieldReader): CommitEntry {
  return {
    version: fields.integer('v', 1),
    cid: fields.string('cid', hex128Pattern),
    hash: fields.string('hash', hex128Pattern),
    size: fields.integer('size', 0),
  };
}

/** An attribute as JSON would have it; bytes as hex digits. */
function plainOf(value: AttributeValue): unknown {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.B !== undefined) return toHex(value.B);
  if (value.L !== undefined) return value.L.map(plainOf);
  if (value.M !== undefined) {
    return Object.fromEntries(Object.entries(value.M).map(([name, field]) => [name, plainOf(field)]));
  }
  return null;
}
