import { DatasetError } from '../errors.ts';
import { ringFrom } from '../head-rules.ts';
import type { Clock, DatasetId, FloorRecord, Head, HeadStore, Telemetry } from '../ports.ts';
import { headFormat } from '../ports.ts';
import { type BlobChain, type BlobPorts, chainOf, findBlobs } from './chain-of-blobs.ts';
import { loadVersion, wholeSource } from './load-version.ts';
import { beginEra } from './restore.ts';

export interface RecoverPorts extends BlobPorts {
  readonly heads: HeadStore;
  readonly floors: FloorRecord;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

export interface RecoverOptions {
  /** Commit id of the version to go to, where the blobs alone cannot tell. A consumer that still serves it knows it. */
  readonly cid?: string;
  /** Generation of the partition map. Default 1. */
  readonly mapGeneration?: number;
}

/**
 * A new head for a chain whose head is lost for good, made from the blobs alone: the same version, the same hashes, in a
 * new era. Pins and the order of what to serve are lost. To be run while no producer does: it would begin a new chain
 * where it finds none.
 *
 * @throws DatasetError `refused`: there is a head; or the blobs do not tell which version was the newest, and `cid` must
 *   say it; `corrupt`: what they tell is not readable
 */
export async function recoverChain(
  ports: RecoverPorts,
  id: DatasetId,
  options: RecoverOptions = {},
): Promise<Head> {
  const { heads, blobs, floors, clock, telemetry } = ports;
  const { cid = null, mapGeneration = 1 } = options;
  if ((await heads.load(id, 'strong')) !== null) {
    throw new DatasetError('refused', 'the dataset has a head: nothing to recover');
  }
  const known = await floors.load(id);
  const found = await findBlobs(ports, id, { mapGeneration, floor: known?.floor ?? 0 });
  if (cid === null && known !== null && known.era > Math.max(1, found.era)) {
    throw new DatasetError(
      'refused',
      'the last restore left no delta: only a commit id can tell where it went',
      {
        era: known.era,
      },
    );
  }
  const chain = chainOf(found, cid);
  const before = { era: Math.max(1, found.era), floor: known?.floor ?? 0 };
  const { era, floor } = await beginEra(floors, id, before);
  if (chain.snapshot.version < floor) {
    throw new DatasetError('refused', 'the way begins below the floor', { floor, version: chain.version });
  }
  const head = headOf(chain, { era, floor, mapGeneration, nowMs: clock.nowMs() });
  await loadVersion(wholeSource(id, { blobs }), null, head);
  const outcome = await heads.replace(id, null, head);
  if (outcome.kind === 'conflict') {
    throw new DatasetError(
      'conflict',
      'something began a new chain meanwhile: stop it, and look at its head',
    );
  }
  telemetry.log('warn', 'a head was made from blobs', { era, version: head.version, cid: head.cid });
  return outcome.head;
}

interface Rest {
  readonly era: number;
  readonly floor: number;
  readonly mapGeneration: number;
  readonly nowMs: number;
}

function headOf(
  { tip, version, snapshot, deltas }: BlobChain,
  { era, floor, mapGeneration, nowMs }: Rest,
): Head {
  const { cid, hashes, schemaId } = tip;
  return {
    format: headFormat,
    era,
    version,
    cid,
    hashes,
    recent: ringFrom(snapshot, deltas),
    snapshots: [{ ...snapshot, writtenAtMs: nowMs }],
    floor,
    schemaId,
    mapGeneration,
    status: 'open',
    pins: {},
    pinRevision: 0,
    serve: { epoch: 0, pin: null },
    lastOperation: 'restore',
  };
}
