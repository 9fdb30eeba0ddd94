import { blobName } from '../../lib/blob/blob-names.ts';
import { bookkeepingPart } from '../../lib/consumer/loaded-version.ts';
import { DatasetError } from '../../lib/errors.ts';
import type { CommitProposal, Head, HeadStore, SnapshotEntry } from '../../lib/ports.ts';
import { schemaIds } from './bundles.ts';
import { type Mutant, type MutantPlace, withCommit, withHeads } from './mutants.ts';
import type { Ports } from './ports.ts';

/** Of bundles that do not know the dataset's schema, and go on as if they did. */
export const schemaMutants: Readonly<Record<string, Mutant>> = {
  oldSchemaCommits: {
    caughtBy: ['S13'],
    // It sets nothing aside: that would give it away.
    wrap: (place) => {
      const { quarantine } = place.ports;
      return believingInTheOld(place, {
        quarantine: { send: (...args) => (isNew(place) ? refuse() : quarantine.send(...args)) },
      });
    },
  },
  advanceUnconditional: {
    caughtBy: ['S13'],
    // The snapshot that was made of the version before goes on top of whatever came in between.
    wrap: (place) =>
      withCommit(place.ports, async (id, proposal, commit) => {
        // So that something does come in between.
        if (proposal.operation === 'schema') await place.process.clock.sleep(500);
        const outcome = await commit(id, proposal);
        const { kind, head } = outcome;
        const isLost = proposal.operation === 'schema' && kind === 'conflict';
        if (!isLost || head === null || isNew(place)) return outcome;
        return commit(id, await onTopOf(head, proposal, place));
      }),
  },
  oldSchemaQuarantines: {
    caughtBy: ['S4'],
    wrap: (place) => {
      const { heads } = place.ports;
      const commit: HeadStore['commit'] = (...args) => (isNew(place) ? refuse() : heads.commit(...args));
      return believingInTheOld(place, { heads: { ...heads, commit } });
    },
  },
};

/** An old bundle takes every head for one with its own schema. */
function believingInTheOld({ ports, process, bundle }: MutantPlace, instead: Partial<Ports>): Ports {
  if (bundle === 'new' || !process.name.startsWith('producer')) return ports;
  return withHeads(
    { ...ports, ...instead },
    {
      load: async (id, consistency) => {
        const head = await ports.heads.load(id, consistency);
        return head === null ? null : { ...head, schemaId: schemaIds.old };
      },
    },
  );
}

/** The same advance, as the version after `head`. */
async function onTopOf(
  { era, version, cid, recent }: Head,
  proposal: CommitProposal,
  { ports, cloud }: MutantPlace,
): Promise<CommitProposal> {
  const { snapshot, mapGeneration } = proposal;
  const [entry] = proposal.recent.slice(-1);
  if (snapshot === undefined || entry === undefined) return proposal;
  const next = { ...snapshot, version: version + 1 };
  const nameOf = (of: SnapshotEntry, part?: string): string =>
    blobName({ kind: 'snapshot', id: cloud.id, mapGeneration, toVersion: of.version, cid: of.cid }, part);
  for (const part of [undefined, bookkeepingPart]) {
    const blob = cloud.bucket.peek(nameOf(snapshot, part));
    if (blob !== null) await ports.blobs.put(nameOf(next, part), blob.bytes, blob.metadata);
  }
  return {
    ...proposal,
    expected: { era, version, cid },
    version: next.version,
    recent: [...recent, { ...entry, version: next.version }],
    snapshot: next,
  };
}

function isNew({ cloud }: MutantPlace): boolean {
  return cloud.head?.schemaId === schemaIds.new;
}

function refuse(): Promise<never> {
  return Promise.reject(new DatasetError('unavailable', 'not by this one'));
}
