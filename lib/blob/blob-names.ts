import { checkDatasetId, datasetIdProblem } from '../dataset-id.ts';
import { DatasetError } from '../errors.ts';
import { hex128Pattern } from '../field-reader.ts';
import type { DatasetId } from '../ports.ts';

interface BlobOwner {
  readonly id: DatasetId;
  /** Generation of the partition map; from 1. */
  readonly mapGeneration: number;
  /** Commit id of the version that the blob leads to: 32 lower-case hex digits. */
  readonly cid: string;
  readonly toVersion: number;
}

/** Names a blob. A commit id is in every name, so a name is never reused for other content. */
export type BlobName =
  | (BlobOwner & { readonly kind: 'snapshot' })
  | (BlobOwner & { readonly kind: 'delta' | 'reversedelta'; readonly fromVersion: number });

const partPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const namePattern =
  /^(?:t\/([^/]+)|d)\/([^/]+)\/(\d{1,16})\/(\d{1,5})\/(snapshot|delta|reversedelta)\/(?:(\d{16})-)?(\d{16})-([0-9a-f]{32})(?:\.part-([^/.]+))?$/;

/**
 * The name of a blob in a store. Versions are padded, so names sort as versions do.
 *
 * @param part name of an optional part, for the blob that holds it
 * @example
 * blobName({ kind: 'delta', id: { dataset: 'cities', partition: 0 }, mapGeneration: 1, fromVersion: 41, toVersion: 42, cid })
 * // 'd/cities/1/0/delta/0000000000000041-0000000000000042-<cid>'
 * @throws DatasetError `invalid`: something in the name could leave its place
 */
export function blobName(name: BlobName, part?: string): string {
  if (!hex128Pattern.test(name.cid)) throw invalid('the commit id is not 32 hex digits');
  if (part !== undefined && !partPattern.test(part))
    throw invalid(`${JSON.stringify(part)} cannot name a part`);
  const folder = blobFolder(name.id, name.mapGeneration, name.kind);
  const from = name.kind === 'snapshot' ? '' : `${padded(name.fromVersion)}-`;
  const suffix = part === undefined ? '' : `.part-${part}`;
  return `${folder}${from}${padded(name.toVersion)}-${name.cid}${suffix}`;
}

/** Where a chain's blobs of one kind are: the prefix of their names. */
export function blobFolder(id: DatasetId, mapGeneration: number, kind: BlobName['kind']): string {
  checkDatasetId(id);
  return `${ownerFolder(id)}/${checked(mapGeneration)}/${id.partition}/${kind}/`;
}

/** Name of the object that keeps a chain's floor outside the heads' table. No blob has such a name. */
export function floorName(id: DatasetId): string {
  checkDatasetId(id);
  return `${ownerFolder(id)}/floor/${id.partition}`;
}

function ownerFolder({ tenant, dataset }: DatasetId): string {
  return tenant === undefined ? `d/${dataset}` : `t/${tenant}/${dataset}`;
}

/** The reverse of {@link blobName}; null for the name of anything else. */
export function parseBlobName(text: string): { name: BlobName; part: string | null } | null {
  const match = namePattern.exec(text);
  if (match === null) return null;
  const [, tenant, dataset = '', generation, partition, kind, from, to, cid = '', part = null] = match;
  const id = { ...(tenant === undefined ? {} : { tenant }), dataset, partition: Number(partition) };
  const owner = { id, mapGeneration: Number(generation), cid, toVersion: Number(to) };
  if (datasetIdProblem(id) !== null) return null;
  if ((kind === 'snapshot') !== (from === undefined)) return null;
  if (![generation, from ?? 0, to].every((each) => Number.isSafeInteger(Number(each)))) return null;
  const name: BlobName =
    kind === 'delta' || kind === 'reversedelta'
      ? { ...owner, kind, fromVersion: Number(from) }
      : { ...owner, kind: 'snapshot' };
  // One name has one spelling: a generation with leading zeros is no name of ours.
  if (part !== null && !partPattern.test(part)) return null;
  return blobName(name, part ?? undefined) === text ? { name, part } : null;
}

function padded(version: number): string {
  return checked(version).padStart(16, '0');
}

/** Numbers up to 2^53 - 1 have at most 16 digits. */
function checked(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(`${value} is no version`);
  return String(value);
}

function invalid(problem: string): DatasetError {
  return new DatasetError('invalid', `blob name: ${problem}`);
}
