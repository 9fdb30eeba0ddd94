import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { checkDatasetId } from '../dataset-id.ts';
import { FieldReader, hex128Pattern, hex256Pattern } from '../field-reader.ts';
import { checkHead, checkHeadFormat } from '../head-checks.ts';
import { newestSnapshot } from '../head-rules.ts';
import { fromHex, toHex } from '../hex.ts';
import {
  type CommitProposal,
  type DatasetId,
  type Head,
  headOperations,
  type Pin,
  type Serve,
  type SnapshotDigests,
  type SnapshotEntry,
  type StateHashes,
} from '../ports.ts';
import { decodeRecentEntries, encodeRecentEntries } from './recent-entries.ts';

/**
 * The head as a DynamoDB item. Writers own their attributes, so they never disturb each other:
 *
 * | attribute                | type | owner    |                                                                |
 * |--------------------------|------|----------|----------------------------------------------------------------|
 * | `pk`, `sk`               | S    | creation | `C#<tenant>#<dataset>#<partition>`, `HEAD`                       |
 * | `format`, `era`, `mapGen`| N    | creation | restore writes a new era, and then all of them                 |
 * | `status`                 | S    | creation | `open` or `sealed`                                             |
 * | `floor`                  | N    | cleaner  |                                                                |
 * | `v`, `cid`               | N, S | commit   |                                                                |
 * | `hash`, `bookHash`       | B    | commit   | 16 bytes each                                                  |
 * | `recent`                 | B    | commit   | recent-entries.ts                                              |
 * | `schemaId`               | S    | commit   |                                                                |
 * | `snapshots`              | L    | snapshot | of M: `v` N, `cid` B, `hash` B, `size` N, `at` N, perhaps `digests` M; cleaner trims |
 * | `snapV`                  | N    | snapshot | version of the last of them, for the condition                 |
 * | `pins`                   | M    | pins     | of M: as of a version, `snapshot` M, `deltas` B, `expires` N      |
 * | `pinRev`                 | N    | pins     | one more at each change of `pins`                              |
 * | `serveEpoch`, `servePin` | N, S | serve    | `servePin` is NULL when the head's version is served           |
 * | `lastOp`                 | S    | all      | what a stream filters by                                       |
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
    lastOp: { S: proposal.operation },
  };
}

/** Every attribute of a head but its key. */
export function headAttributes(head: Head): Item {
  return {
    v: number(head.version),
    cid: { S: head.cid },
    hash: { B: fromHex(head.hashes.data) },
    bookHash: { B: fromHex(head.hashes.bookkeeping) },
    recent: { B: encodeRecentEntries(head.recent) },
    schemaId: { S: head.schemaId },
    lastOp: { S: head.lastOperation },
    format: number(head.format),
    era: number(head.era),
    mapGen: number(head.mapGeneration),
    status: { S: head.status },
    floor: number(head.floor),
    snapshots: { L: head.snapshots.map(snapshotAttribute) },
    snapV: number(newestSnapshot(head).version),
    pins: {
      M: Object.fromEntries(Object.entries(head.pins).map(([name, pin]) => [name, pinAttribute(pin)])),
    },
    pinRev: number(head.pinRevision),
    ...serveAttributes(head.serve),
  };
}

export function snapshotAttribute(snapshot: SnapshotEntry): AttributeValue {
  return {
    M: {
      v: number(snapshot.version),
      cid: { B: fromHex(snapshot.cid) },
      hash: { B: fromHex(snapshot.hash) },
      size: number(snapshot.size),
      at: number(snapshot.writtenAtMs),
      ...(snapshot.digests === undefined ? {} : { digests: digestsAttribute(snapshot.digests) }),
    },
  };
}

function digestsAttribute({ main, bookkeeping, bookkeepingHash }: SnapshotDigests): AttributeValue {
  return {
    M: {
      main: { B: fromHex(main) },
      book: { B: fromHex(bookkeeping) },
      bookHash: { B: fromHex(bookkeepingHash) },
    },
  };
}

export function pinAttribute(pin: Pin): AttributeValue {
  return {
    M: {
      v: number(pin.version),
      cid: { B: fromHex(pin.cid) },
      hash: { B: fromHex(pin.hashes.data) },
      bookHash: { B: fromHex(pin.hashes.bookkeeping) },
      schemaId: { S: pin.schemaId },
      snapshot: snapshotAttribute(pin.snapshot),
      deltas: { B: encodeRecentEntries(pin.deltas) },
      ...(pin.expiresAtMs === null ? {} : { expires: number(pin.expiresAtMs) }),
    },
  };
}

export function serveAttributes({ epoch, pin }: Serve): Item {
  return { serveEpoch: number(epoch), servePin: pin === null ? { NULL: true } : { S: pin } };
}

export function number(value: number): AttributeValue {
  return { N: String(value) };
}

/** `incompatible` for another format, `corrupt` for what is no head. */
export function decodeHeadItem(item: Item): Head {
  const fields = new FieldReader(plainOf({ M: item }), 'head');
  const format = fields.integer('format', 0);
  checkHeadFormat(format);
  return checkHead({
    format,
    era: fields.integer('era', 1),
    version: fields.integer('v', 1),
    cid: fields.string('cid', hex128Pattern),
    hashes: decodeHashes(fields),
    recent: decodeRecentEntries(fromHex(fields.string('recent'))),
    snapshots: fields.objects('snapshots').map(decodeSnapshot),
    floor: fields.integer('floor', 0),
    schemaId: fields.string('schemaId'),
    mapGeneration: fields.integer('mapGen', 0),
    status: fields.word('status', ['open', 'sealed']),
    pins: Object.fromEntries(
      fields
        .object('pins')
        .entries()
        .map(([name, pin]) => [name, decodePin(pin)]),
    ),
    pinRevision: fields.integer('pinRev', 0),
    serve: { epoch: fields.integer('serveEpoch', 0), pin: fields.optionalString('servePin') ?? null },
    lastOperation: fields.word('lastOp', headOperations),
  });
}

function decodeHashes(fields: FieldReader): StateHashes {
  return {
    data: fields.string('hash', hex128Pattern),
    bookkeeping: fields.string('bookHash', hex128Pattern),
  };
}

function decodePin(fields: FieldReader): Pin {
  return {
    version: fields.integer('v', 1),
    cid: fields.string('cid', hex128Pattern),
    hashes: decodeHashes(fields),
    schemaId: fields.string('schemaId'),
    snapshot: decodeSnapshot(fields.object('snapshot')),
    deltas: decodeRecentEntries(fromHex(fields.string('deltas'))),
    expiresAtMs: fields.has('expires') ? fields.integer('expires', 0) : null,
  };
}

function decodeSnapshot(fields: FieldReader): SnapshotEntry {
  return {
    version: fields.integer('v', 1),
    cid: fields.string('cid', hex128Pattern),
    hash: fields.string('hash', hex128Pattern),
    size: fields.integer('size', 0),
    writtenAtMs: fields.integer('at', 0),
    ...(fields.has('digests') ? { digests: decodeDigests(fields.object('digests')) } : {}),
  };
}

function decodeDigests(fields: FieldReader): SnapshotDigests {
  return {
    main: fields.string('main', hex256Pattern),
    bookkeeping: fields.string('book', hex256Pattern),
    bookkeepingHash: fields.string('bookHash', hex128Pattern),
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
