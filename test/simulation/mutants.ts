import { DatasetError, isDatasetError } from '../../lib/errors.ts';
import type {
  BlobStore,
  CommitOutcome,
  CommitProposal,
  DatasetId,
  Head,
  HeadStore,
  MutationMessage,
} from '../../lib/ports.ts';
import { announcementOf } from '../../lib/producer/announce.ts';
import type { SimProcess } from './process.ts';
import type { Cloud, Ports } from './stores.ts';
import type { World } from './world.ts';

export interface MutantPlace {
  readonly ports: Ports;
  readonly process: SimProcess;
  readonly cloud: Cloud;
  readonly world: World;
}

/** A protocol that is wrong on purpose: ports that lie to the real code, or a host that acknowledges wrongly. */
export interface Mutant {
  /** The ports of one process. */
  readonly wrap?: (place: MutantPlace) => Ports;
  /** The host deletes messages before they are processed. */
  readonly acknowledgesFirst?: boolean;
  /** The host deletes the whole batch when a part of it failed. */
  readonly acknowledgesFailed?: boolean;
  /** Consumers keep nothing between two looks at the head. */
  readonly consumerForgets?: boolean;
}

/** By name. Each must be caught; test/simulation/mutants.test.ts says within how many seeds. */
export const mutants: Readonly<Record<string, Mutant>> = {
  ackBeforeCommit: { acknowledgesFirst: true },
  deleteAllOnPartial: { acknowledgesFailed: true },
  ambiguousIsSuccess: {
    wrap: ({ ports }) =>
      withCommit(silent(ports), async (id, proposal, commit) => {
        try {
          return await commit(id, proposal);
        } catch (error) {
          if (!isDatasetError(error, 'unavailable')) throw error;
          return { kind: 'committed', head: supposedHead(proposal) };
        }
      }),
  },
  conflictIsSuccess: {
    wrap: ({ ports }) =>
      withCommit(silent(ports), async (id, proposal, commit) => {
        const outcome = await commit(id, proposal);
        return outcome.kind === 'committed' ? outcome : { kind: 'committed', head: supposedHead(proposal) };
      }),
  },
  unconditionalCommit: {
    wrap: ({ ports }) =>
      withCommit(ports, async (id, proposal, commit) => {
        const outcome = await commit(id, proposal);
        if (outcome.kind === 'committed' || outcome.head === null) return outcome;
        const { era, version, cid, recent } = outcome.head;
        const entry = { ...lastOf(proposal.recent), version: version + 1 };
        const expected = { era, version, cid };
        return commit(id, {
          ...withoutSnapshot(proposal),
          expected,
          version: version + 1,
          recent: [...recent, entry],
        });
      }),
  },
  dirtyCache: { wrap: ({ ports }) => withDirtyCache(silent(ports)) },
  announceBeforeCommit: {
    wrap: ({ ports }) =>
      withCommit(ports, async (id, proposal, commit) => {
        await ports.announcer.announce(announcementOf(id, supposedHead(proposal), 0, []));
        return commit(id, proposal);
      }),
  },
  trimRecent: {
    wrap: ({ ports }) =>
      withCommit(ports, (id, proposal, commit) =>
        commit(id, { ...proposal, recent: proposal.recent.slice(-2) }),
      ),
  },
  deleteBlobOnConflict: {
    wrap: ({ ports, cloud }) => {
      const mine = new Set<string>();
      const blobs: BlobStore = {
        get: (name) => ports.blobs.get(name),
        put: (name, bytes, metadata) => {
          if (!name.includes('/snapshot/')) mine.add(name);
          return ports.blobs.put(name, bytes, metadata);
        },
      };
      const cleanUp = async (cid: string): Promise<void> => {
        for (const name of mine) if (name.includes(cid)) await cloud.deleteBlob(name);
      };
      return withCommit({ ...ports, blobs }, async (id, proposal, commit) => {
        try {
          const outcome = await commit(id, proposal);
          if (outcome.kind === 'conflict') await cleanUp(proposal.cid);
          return outcome;
        } catch (error) {
          await cleanUp(proposal.cid);
          throw error;
        }
      });
    },
  },
  noLastWriterWins: {
    wrap: ({ ports, process }) => ({
      ...ports,
      source: {
        acknowledge: (messages) => ports.source.acknowledge(messages),
        receive: async (max, waitMs) =>
          (await ports.source.receive(max, waitMs)).map((message) => stampedOnArrival(message, process)),
      },
    }),
  },
  keyWithoutCid: {
    wrap: ({ ports, cloud }) =>
      withBlobs(ports, {
        get: (name) => ports.blobs.get(name),
        // The name is taken by another commit of the same version: "our own earlier attempt".
        put: async (name, bytes, metadata) => {
          const taken = cloud.findBlob(
            name.replace(/[0-9a-f]{32}.*/, ''),
            name.endsWith('.part-bookkeeping'),
          );
          return taken === null ? ports.blobs.put(name, bytes, metadata) : { kind: 'stored' };
        },
      }),
  },
  overwriteBlob: {
    wrap: ({ ports, cloud }) =>
      withBlobs(ports, {
        get: (name) => ports.blobs.get(name),
        put: async (name, bytes, metadata) => {
          const isSnapshot = name.includes('/snapshot/');
          const rival = isSnapshot
            ? null
            : cloud.findBlob(name.replace(/[0-9a-f]{32}.*/, ''), name.endsWith('.part-bookkeeping'));
          if (rival !== null) cloud.overwriteBlob(rival, { bytes: Uint8Array.from(bytes), metadata });
          return ports.blobs.put(name, bytes, metadata);
        },
      }),
  },
  commitBeforeBlob: {
    wrap: ({ ports, process }) =>
      withBlobs(ports, {
        get: (name) => ports.blobs.get(name),
        put: async (name, bytes, metadata) => {
          process.clock
            .sleep(100)
            .then(() => ports.blobs.put(name, bytes, metadata))
            .catch(() => undefined);
          return { kind: 'stored' };
        },
      }),
  },
  skipBookkeepingPart: {
    wrap: ({ ports }) =>
      withBlobs(ports, {
        get: (name) => ports.blobs.get(name),
        put: async (name, bytes, metadata) =>
          name.endsWith('.part-bookkeeping') ? { kind: 'stored' } : ports.blobs.put(name, bytes, metadata),
      }),
  },
  skipQuarantine: {
    wrap: ({ ports }) => ({ ...ports, quarantine: { send: () => Promise.resolve() } }),
  },
  noPoll: {
    wrap: ({ ports, process }) => ({ ...ports, heads: hintedOnly(ports, process) }),
  },
  consumerForgets: { consumerForgets: true },
  registerBeforeSnapshot: {
    wrap: ({ ports }) =>
      withBlobs(ports, {
        get: (name) => ports.blobs.get(name),
        put: async (name, bytes, metadata) =>
          /snapshot\/0{15}1-/.test(name) || !name.includes('/snapshot/')
            ? ports.blobs.put(name, bytes, metadata)
            : { kind: 'stored' },
      }),
  },
};

type Commit = HeadStore['commit'];

function withCommit(
  ports: Ports,
  commit: (id: DatasetId, proposal: CommitProposal, real: Commit) => Promise<CommitOutcome>,
): Ports {
  const { heads } = ports;
  const real: Commit = (id, proposal) => heads.commit(id, proposal);
  return { ...ports, heads: { ...heads, commit: (id, proposal) => commit(id, proposal, real) } };
}

/** What is believed to be committed is not announced: that alone would give it away. */
function silent(ports: Ports): Ports {
  return { ...ports, announcer: { announce: () => Promise.resolve() } };
}

function withBlobs(ports: Ports, blobs: BlobStore): Ports {
  return { ...ports, blobs };
}

/** The head as the producer imagines it. */
function supposedHead(proposal: CommitProposal): Head {
  const { version, cid, hashes, recent, schemaId, mapGeneration, expected, snapshot } = proposal;
  const { hash, size } = lastOf(recent);
  return {
    format: 2,
    era: expected?.era ?? 1,
    version,
    cid,
    hashes,
    recent,
    schemaId,
    mapGeneration,
    snapshots: [snapshot ?? { version: Math.max(1, version - 1), cid, hash, size, writtenAtMs: 0 }],
    floor: 1,
    status: 'open',
    pins: {},
    pinRevision: 0,
    serve: { epoch: 0, pin: null },
    lastOperation: 'commit',
  };
}

/** After a commit that failed, the next read shows the world in which it succeeded: the cache runs ahead. */
function withDirtyCache(ports: Ports): Ports {
  let imagined: Head | null = null;
  const wrapped = withCommit(ports, async (id, proposal, commit) => {
    imagined = supposedHead(proposal);
    const outcome = await commit(id, proposal);
    if (outcome.kind === 'committed') imagined = null;
    return outcome;
  });
  const load: HeadStore['load'] = async (id, consistency) => {
    const head = imagined ?? (await ports.heads.load(id, consistency));
    imagined = null;
    return head;
  };
  return { ...wrapped, heads: { ...wrapped.heads, load } };
}

/** Whoever comes last wins: the order of delivery decides. */
function stampedOnArrival(message: MutationMessage, process: SimProcess): MutationMessage {
  const sentAtMs = process.clock.nowMs();
  return { ...message, sentAtMs };
}

/** Reads the head only after a hint: what was not announced, or whose hint got lost, never arrives. */
function hintedOnly(ports: Ports, process: SimProcess): HeadStore {
  if (!process.name.startsWith('consumer')) return ports.heads;
  let known: Head | null = null;
  let isHinted = true;
  void ports.watcher.watch(() => {
    isHinted = true;
  }, new AbortController().signal);
  return {
    ...ports.heads,
    load: async (id, consistency) => {
      if (isHinted || known === null) {
        isHinted = false;
        known = await ports.heads.load(id, consistency);
      }
      return known;
    },
  };
}

function withoutSnapshot({ snapshot: _, ...rest }: CommitProposal): CommitProposal {
  return rest;
}

function lastOf<T>(items: readonly T[]): T {
  const last = items.at(-1);
  if (last === undefined) throw new DatasetError('invalid', 'a proposal without entries');
  return last;
}
