import { blobName } from '../blob/blob-names.ts';
import { DatasetError } from '../errors.ts';
import { findPin } from '../head-rules.ts';
import { limits } from '../limits.ts';
import type { Clock, DatasetId, Head, HeadStore, Pin } from '../ports.ts';
import { blobFactsOf } from '../producer/blob-facts.ts';
import type { VersionStores } from './load-version.ts';

export interface PinPorts extends VersionStores {
  readonly heads: HeadStore;
  readonly clock: Clock;
}

export interface PinRequest {
  readonly name: string;
  /** Default: the newest. */
  readonly version?: number;
  /** From now on; default: until it is removed. */
  readonly forMs?: number;
}

/** The blobs that lead to a version, as the head lists them now. */
type ReadPlan = Pick<Pin, 'version' | 'cid' | 'snapshot' | 'deltas'>;

/**
 * What it takes to read a version of the chain: the newest snapshot at or before it, and the deltas from there. Pure.
 *
 * @throws DatasetError `refused`: the head no longer lists all of it, or it is too long for a pin
 */
function planRead(head: Head, version: number): ReadPlan {
  const snapshot = head.snapshots.findLast(
    (entry) => entry.version <= version && entry.version >= head.floor,
  );
  if (snapshot === undefined) throw refused(head, version, 'it has no snapshot any more');
  const deltas = head.recent.filter((entry) => entry.version > snapshot.version && entry.version <= version);
  const { cid } = deltas.at(-1) ?? snapshot;
  if (version > head.version || deltas.length !== version - snapshot.version) {
    throw refused(head, version, 'the head does not list its deltas');
  }
  if (deltas.length > limits.pinDeltasMax) {
    throw refused(head, version, `${deltas.length} deltas are too many: write a snapshot first`);
  }
  return { version, cid, snapshot, deltas };
}

/**
 * Keeps a version readable until the pin is removed, whatever is cleaned. Once this resolves no floor can rise above the
 * pin's snapshot: the condition of the pin looks at the floor, and the condition of the floor at the pins' revision.
 *
 * @throws DatasetError `refused`: not readable now, or the name is of another version; `conflict`: others came first
 */
export async function pinVersion(ports: PinPorts, id: DatasetId, request: PinRequest): Promise<Pin> {
  const { heads, clock } = ports;
  const { name, forMs } = request;
  const expiresAtMs = forMs === undefined ? null : clock.nowMs() + forMs;
  for (let attempt = 0; attempt < limits.refreshAttemptsMax; attempt++) {
    const head = await requireHead(heads, id);
    const plan = planRead(head, request.version ?? head.version);
    const held = findPin(head, name);
    if (held !== undefined && (held.version !== plan.version || held.cid !== plan.cid)) {
      throw refused(head, plan.version, `the name is taken by version ${held.version}`);
    }
    if (held === undefined && Object.keys(head.pins).length >= limits.pinsMax) {
      throw refused(head, plan.version, `there are ${limits.pinsMax} pins already`);
    }
    const pin: Pin = { ...plan, ...(await describe(ports, id, head, plan)), expiresAtMs };
    const outcome = await heads.putPin(id, head.era, name, pin);
    if (outcome.kind === 'committed') return pin;
  }
  throw new DatasetError('conflict', 'the floor moved at every attempt to pin', { name });
}

/**
 * Lets a version go. Nothing is deleted by this; the next cleaner may.
 *
 * @throws DatasetError `refused`: consumers are told to serve it
 */
export async function removePin(heads: HeadStore, id: DatasetId, name: string): Promise<void> {
  const head = await requireHead(heads, id);
  const outcome = await heads.removePin(id, head.era, name);
  if (outcome.kind === 'committed' || outcome.head === null) return;
  if (outcome.head.serve.pin === name) {
    throw new DatasetError('refused', 'consumers are told to serve this pin', { name });
  }
  if (findPin(outcome.head, name) !== undefined) {
    throw new DatasetError('conflict', 'the chain moved to another era meanwhile', { name });
  }
}

/** Removes the pins whose time is over, but for one that is served. The only thing that an expiry ever does. */
export async function removeExpiredPins(
  heads: HeadStore,
  id: DatasetId,
  nowMs: number,
): Promise<readonly string[]> {
  const head = await heads.load(id, 'strong');
  if (head === null) return [];
  const removed: string[] = [];
  for (const [name, { expiresAtMs }] of Object.entries(head.pins)) {
    if (expiresAtMs === null || expiresAtMs > nowMs) continue;
    const outcome = await heads.removePin(id, head.era, name);
    if (outcome.kind === 'committed') removed.push(name);
  }
  return removed;
}

/** @throws DatasetError `refused`: the dataset has no version */
export async function requireHead(heads: HeadStore, id: DatasetId): Promise<Head> {
  const head = await heads.load(id, 'strong');
  if (head === null) throw new DatasetError('refused', 'the dataset has no version');
  return head;
}

/** What the head says of its own version only; of others their blobs say it. */
async function describe(
  { blobs, inline }: VersionStores,
  id: DatasetId,
  head: Head,
  { version, cid, snapshot, deltas }: ReadPlan,
): Promise<Pick<Pin, 'hashes' | 'schemaId'>> {
  if (version === head.version) return { hashes: head.hashes, schemaId: head.schemaId };
  const owner = { id, mapGeneration: head.mapGeneration, toVersion: version, cid };
  const name =
    deltas.length === 0
      ? blobName({ ...owner, kind: 'snapshot' })
      : blobName({ ...owner, kind: 'delta', fromVersion: version - 1 });
  const isInline = deltas.at(-1)?.tier === 'inline' && inline !== undefined;
  const blob = (isInline ? await inline.get(name) : null) ?? (await blobs.get(name));
  if (blob === null) throw refused(head, version, `${name} is missing`);
  const { hashes, schemaId } = blobFactsOf(name, blob.metadata);
  if (hashes.data !== (deltas.at(-1) ?? snapshot).hash) {
    throw new DatasetError('corrupt', 'a blob carries another hash than its commit', { name });
  }
  return { hashes, schemaId };
}

function refused(head: Head, version: number, why: string): DatasetError {
  return new DatasetError('refused', `version ${version} cannot be pinned: ${why}`, {
    version,
    newest: head.version,
    floor: head.floor,
  });
}
