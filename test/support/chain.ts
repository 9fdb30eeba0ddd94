/** A chain as it stands in the bucket, read back from the head to its first version and then forward, blob by blob. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { type BlobName, blobName, parseBlobName } from '../../lib/blob/blob-names.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { hashLoaded, type LoadedHashes, updateLoadedHashes } from '../../lib/consumer/loaded-version.ts';
import type { BlobMetadata, Head } from '../../lib/ports.ts';
import { bookkeepingTypesOf, withBookkeeping } from '../../lib/producer/bookkeeping-schema.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { recordJson } from '../../lib/state/plain-record.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { toHex } from '../../lib/state/state-hash.ts';
import type { StateChanges } from '../../lib/state/type-changes.ts';
import { root } from './source-tree.ts';
import { citiesId, type TestCloud } from './test-cloud.ts';

const part = 'bookkeeping';
const citySchema = DatasetSchema.of(
  parseSchemas(readFileSync(join(root, 'datasets', 'cities.hollow'), 'utf8')),
);
const loadOptions = {
  parts: new Map([[part, bookkeepingTypesOf(withBookkeeping(citySchema))]]),
  indexedTypes: [],
};

export interface ChainVersion {
  readonly version: number;
  readonly cid: string;
  /** Bytes of the blob that leads here, with its part. */
  readonly size: number;
  readonly state: ReadState;
  /** Null for the first version, which is a snapshot. */
  readonly changes: StateChanges | null;
}

export interface Chain {
  readonly head: Head;
  /** Ascending from 1. */
  readonly versions: readonly ChainVersion[];
  /** Main blobs of deltas that lead to no committed version. */
  readonly orphans: readonly string[];
}

export async function listBlobs({ s3, output }: TestCloud): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  let token: string | undefined;
  do {
    const list = new ListObjectsV2Command({ Bucket: output('BucketName'), ContinuationToken: token });
    const page = await s3.send(list);
    for (const { Key = '', Size = 0 } of page.Contents ?? []) sizes.set(Key, Size);
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return sizes;
}

/**
 * Follows the commit ids from the head back to version 1 and decodes forward. Throws when a version, a blob or a part is
 * missing, when one is named twice on the way, or when a state has another hash than its blob says.
 */
export async function readChain(testCloud: TestCloud): Promise<Chain> {
  const head = await testCloud.heads.load(citiesId, 'strong');
  if (head === null) throw new Error('there is no version');
  const names = [...(await listBlobs(testCloud)).keys()].flatMap((key) => {
    const parsed = parseBlobName(key);
    return parsed?.part === null ? [parsed.name] : [];
  });
  const way: FetchedBlob[] = [];
  for (let cid = head.cid, version = head.version; version >= 1; version -= 1) {
    const kind = version === 1 ? 'snapshot' : 'delta';
    const name = names.find((each) => each.kind === kind && each.cid === cid && each.toVersion === version);
    if (name === undefined)
      throw new Error(`no ${kind} leads to version ${version} with the commit id ${cid}`);
    const blob = await fetchBlob(testCloud, name);
    way.unshift(blob);
    cid = blob.metadata['fromcid'] ?? '';
  }
  const versions: ChainVersion[] = [];
  let hashes: LoadedHashes | null = null;
  for (const blob of way) {
    const { next, nextHashes } = follow(versions.at(-1) ?? null, hashes, blob);
    versions.push(next);
    hashes = nextHashes;
  }
  const onChain = new Set(versions.map(({ cid }) => cid));
  const orphans = names.filter(({ kind, cid }) => kind === 'delta' && !onChain.has(cid));
  return { head, versions, orphans: orphans.map((name) => blobName(name)) };
}

interface FetchedBlob {
  readonly name: BlobName;
  readonly main: Uint8Array;
  readonly bookkeeping: Uint8Array;
  readonly metadata: BlobMetadata;
}

async function fetchBlob({ blobs }: TestCloud, name: BlobName): Promise<FetchedBlob> {
  const [main, bookkeeping] = await Promise.all([blobs.get(blobName(name)), blobs.get(blobName(name, part))]);
  if (main === null || bookkeeping === null) throw new Error(`${blobName(name)} or its part is missing`);
  return { name, main: main.bytes, bookkeeping: bookkeeping.bytes, metadata: main.metadata };
}

function follow(
  from: ChainVersion | null,
  hashes: LoadedHashes | null,
  { name, main, bookkeeping, metadata }: FetchedBlob,
): { next: ChainVersion; nextHashes: LoadedHashes } {
  const parts = new Map([[part, bookkeeping]]);
  const size = main.length + bookkeeping.length;
  const { toVersion: version, cid } = name;
  let next: ChainVersion;
  let nextHashes: LoadedHashes;
  if (from === null || hashes === null) {
    const state = decodeSnapshot(main, parts);
    next = { version, cid, size, state, changes: null };
    nextHashes = hashLoaded(state, loadOptions);
  } else {
    const { state, changes } = applyDelta(from.state, main, parts);
    next = { version, cid, size, state, changes };
    nextHashes = updateLoadedHashes(hashes, { from: from.state, to: state, changes }, loadOptions);
  }
  if (toHex(nextHashes.data) !== metadata['hash']) throw new Error(`version ${version} has another hash`);
  return { next, nextHashes };
}

/** Every record of a type, by its first field, as JSON has it. */
export function recordsOf(
  state: ReadState,
  type: string,
): ReadonlyMap<unknown, Readonly<Record<string, unknown>>> {
  const records = new Map<unknown, Readonly<Record<string, unknown>>>();
  const [keyField] = state.schema.getObject(type).fields;
  const typeState = state.type(type);
  for (let o = typeState.nextPopulated(0); o >= 0; o = typeState.nextPopulated(o + 1)) {
    const record = recordJson(state, type, o);
    records.set(record[keyField?.name ?? ''], record);
  }
  return records;
}

/**
 * What each version took in, one text per key and order stamp. A text that is there twice is an effect that was taken
 * in twice.
 */
export function effectsOf(versions: readonly ChainVersion[]): readonly string[] {
  return versions.flatMap(({ state, changes }) => {
    const stamps = state.type('OrderStampOfCity');
    const added = changes === null ? populated(stamps) : (changes.get('OrderStampOfCity')?.added ?? []);
    return Array.from(added, (ordinal) => JSON.stringify(recordJson(state, 'OrderStampOfCity', ordinal)));
  });
}

function populated(type: { nextPopulated(from: number): number }): readonly number[] {
  const ordinals: number[] = [];
  for (let o = type.nextPopulated(0); o >= 0; o = type.nextPopulated(o + 1)) ordinals.push(o);
  return ordinals;
}
