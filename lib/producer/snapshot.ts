import type { LoadedVersion } from '../consumer/loaded-version.ts';
import { DatasetError } from '../errors.ts';
import type { Head } from '../ports.ts';
import type { ProducerContext } from './context.ts';
import { publishSnapshot } from './publish-snapshot.ts';
import { stateHashesOf } from './state-hashes.ts';

/** What it takes to write one. */
export type SnapshotContext = Pick<
  ProducerContext,
  'id' | 'blobs' | 'heads' | 'clock' | 'telemetry' | 'parts'
>;

/**
 * Publishes the snapshot of a committed version and registers it. Any number of processes may do so for the same or for
 * other versions: the result is the same, or the newer one stays.
 *
 * @returns the head as it is then
 */
export async function writeSnapshot(
  context: SnapshotContext,
  loaded: LoadedVersion,
  head: Head,
): Promise<Head> {
  const { id, heads, telemetry } = context;
  const { state, schemaId } = loaded;
  const { era, version, cid } = loaded.ref;
  const hashes = stateHashesOf(loaded.hashes);
  const name = { kind: 'snapshot', id, mapGeneration: head.mapGeneration, toVersion: version, cid } as const;
  const facts = await publishSnapshot(context, name, { state, hashes, schemaId });
  const outcome = await heads.registerSnapshot(id, era, { version, cid, hash: hashes.data, ...facts });
  if (outcome.kind === 'committed') {
    telemetry.record('SnapshotsWritten', 1);
    telemetry.record('SnapshotBytes', facts.size);
    return outcome.head;
  }
  if (outcome.head === null || outcome.head.era !== era) {
    throw new DatasetError('conflict', 'the dataset moved to another era during a snapshot', { version });
  }
  return outcome.head;
}
