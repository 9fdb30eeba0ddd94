import { createHash } from 'node:crypto';
import { DatasetError, isDatasetError } from '../../lib/errors.ts';
import type {
  BlobStore,
  CommitOutcome,
  CommitProposal,
  DatasetId,
  Head,
  HeadStore,
  MutationMessage,
  PutOutcome,
} from '../../lib/ports.ts';
import { announcementOf } from '../../lib/producer/announce.ts';
import type { Bundle } from './bundles.ts';
import type { Cast } from './casts.ts';
import type { LaxTable } from './heads.ts';
import type { Ports } from './ports.ts';
import type { SimProcess } from './process.ts';
import type { Cloud } from './stores.ts';
import type { World } from './world.ts';

export interface MutantPlace {
  readonly ports: Ports;
  readonly process: SimProcess;
  readonly cloud: Cloud;
  readonly world: World;
  /** Of the process, if it is a producer. */
  readonly bundle: Bundle;
}

/** A protocol that is wrong on purpose: ports that lie to the real code, or a host that acknowledges wrongly. */
export interface Mutant {
  /** The invariants that must catch it, said before it was run; empty: the protocol as it is. */
  readonly caughtBy?: readonly string[];
  /** The table that was set back is used as it is. */
  readonly skipsRestore?: boolean;
  /** Who has to be there in exhaustive.ts, which catches it: it takes a race that hardly any seed has. */
  readonly cast?: Cast;
  /** What the table does not ask for. */
  readonly lax?: LaxTable;
  /** The ports of one process. */
  readonly wrap?: (place: MutantPlace) => Ports;
  /** The host deletes messages before they are processed. */
  readonly acknowledgesFirst?: boolean;
  /** The host deletes the whole batch when a part of it failed. */
  readonly acknowledgesFailed?: boolean;
  /** What a purge forgets it does not say. */
  readonly forgetsSilently?: boolean;
  /** Applications send to the queues of the wrong partitions. */
  readonly misroutes?: boolean;
  /** Consumers keep nothing between two looks at the head. */
  readonly consumerForgets?: boolean;
}

/** Of producers and consumers; mutants-upkeep.ts has the others. */
export const pipelineMutants: Readonly<Record<string, Mutant>> = {
  ackBeforeCommit: {
    caughtBy: ['S4'],
    acknowledgesFirst: true,
  },
  deleteAllOnPartial: {
    caughtBy: ['S4'],
    acknowledgesFailed: true,
  },
  ambiguousIsSuccess: {
    caughtBy: ['S4', 'S2', 'S3'],
    wrap: (place) =>
      withCommit(silent(place), async (id, proposal, commit) => {
        try {
          return await commit(id, proposal);
        } catch (error) {
          if (!isDatasetError(error, 'unavailable')) throw error;
          return { kind: 'committed', head: supposedHead(proposal) };
        }
      }),
  },
  conflictIsSuccess: {
    caughtBy: ['S4', 'S2', 'S3'],
    wrap: (place) =>
      withCommit(silent(place), async (id, proposal, commit) => {
        const outcome = await commit(id, proposal);
        return outcome.kind === 'committed' ? outcome : { kind: 'committed', head: supposedHead(proposal) };
      }),
  },
  unconditionalCommit: {
    caughtBy: ['S1', 'S2', 'S6'],
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
  dirtyCache: {
    caughtBy: ['S4', 'S2', 'S3', 'S9'],
    wrap: (place) => withDirtyCache(silent(place)),
  },
  announceBeforeCommit: {
    caughtBy: ['S5'],
    wrap: ({ ports }) =>
      withCommit(ports, async (id, proposal, commit) => {
        await ports.announcer.announce(announcementOf(id, supposedHead(proposal), 0, []));
        return commit(id, proposal);
      }),
  },
  trimRecent: {
    caughtBy: ['S6'],
    wrap: ({ ports }) =>
      withCommit(ports, (id, proposal, commit) =>
        commit(id, { ...proposal, recent: proposal.recent.slice(-2) }),
      ),
  },
  ringNeverTrimmed: {
    caughtBy: ['G2'],
    wrap: ({ ports, cloud }) =>
      withCommit(ports, (id, proposal, commit) => {
        const { head } = cloud;
        const all = head?.version === proposal.version - 1 ? head.recent : [];
        const recent = all.length === 0 ? proposal.recent : [...all, lastOf(proposal.recent)];
        return commit(id, { ...proposal, recent });
      }),
  },
  misroutes: { caughtBy: ['S4'], misroutes: true },
  unsentIsSent: {
    caughtBy: ['S4'],
    wrap: ({ ports }) => ({
      ...ports,
      sink: { send: (messages) => ports.sink.send(messages).catch(() => undefined) },
    }),
  },
  progressFirst: {
    caughtBy: ['S12'],
    wrap: ({ ports }) => ({ ...ports, source: numbersFirst(ports.source) }),
  },
  failuresHidden: {
    caughtBy: ['L3'],
    // Breakers count what is unavailable; a conflict is an answer, and is tried again at once.
    wrap: ({ ports, process }) =>
      process.name.startsWith('producer')
        ? withHeads(ports, {
            load: (id, consistency) => ports.heads.load(id, consistency).catch(asConflict),
          })
        : ports,
  },
  acknowledgesLate: {
    caughtBy: ['L3'],
    wrap: ({ ports: { source, ...ports } }) => ({
      ...ports,
      source: {
        receive: (max, waitMs) => source.receive(max, waitMs),
        acknowledge: (messages) =>
          source.acknowledge(messages.filter(({ receiveCount }) => receiveCount > 5)),
      },
    }),
  },
  ambiguousDeletesBlob: { caughtBy: ['S6'], wrap: (place) => withDeletedBlobs(place, 'unknown') },
  conflictDeletesBlob: { caughtBy: ['S6'], wrap: (place) => withDeletedBlobs(place, 'conflict') },
  noLastWriterWins: {
    caughtBy: ['S2', 'S3', 'S4'],
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
    caughtBy: ['S6', 'S2'],
    wrap: ({ ports, cloud }) =>
      withBlobs(ports, {
        get: (name) => ports.blobs.get(name),
        // The name is taken by another commit of the same version: "our own earlier attempt".
        put: async (name, bytes, metadata) => {
          const taken = cloud.bucket.find(
            name.replace(/[0-9a-f]{32}.*/, ''),
            name.endsWith('.part-bookkeeping'),
          );
          return taken === null ? ports.blobs.put(name, bytes, metadata) : asIfStored(bytes);
        },
      }),
  },
  overwriteBlob: {
    caughtBy: ['S8'],
    wrap: ({ ports, cloud }) =>
      withBlobs(ports, {
        get: (name) => ports.blobs.get(name),
        put: async (name, bytes, metadata) => {
          const isSnapshot = name.includes('/snapshot/');
          const rival = isSnapshot
            ? null
            : cloud.bucket.find(name.replace(/[0-9a-f]{32}.*/, ''), name.endsWith('.part-bookkeeping'));
          const copy = { bytes: Uint8Array.from(bytes), metadata, sha256: sha256Of(bytes) };
          if (rival !== null) cloud.bucket.overwrite(rival, copy);
          return ports.blobs.put(name, bytes, metadata);
        },
      }),
  },
  commitBeforeBlob: {
    caughtBy: ['S2', 'S6'],
    wrap: ({ ports, process }) =>
      withBlobs(ports, {
        get: (name) => ports.blobs.get(name),
        put: async (name, bytes, metadata) => {
          process.clock
            .sleep(100)
            .then(() => ports.blobs.put(name, bytes, metadata))
            .catch(() => undefined);
          return asIfStored(bytes);
        },
      }),
  },
  skipBookkeepingPart: {
    caughtBy: ['S2', 'S6'],
    wrap: ({ ports }) =>
      withBlobs(ports, {
        get: (name) => ports.blobs.get(name),
        put: async (name, bytes, metadata) =>
          name.endsWith('.part-bookkeeping') ? asIfStored(bytes) : ports.blobs.put(name, bytes, metadata),
      }),
  },
  skipQuarantine: {
    caughtBy: ['S4'],
    wrap: ({ ports }) => ({ ...ports, quarantine: { send: () => Promise.resolve() } }),
  },
  noPoll: {
    caughtBy: ['L2'],
    wrap: ({ ports, process }) => ({ ...ports, heads: hintedOnly(ports, process) }),
  },
  splitAtomic: { caughtBy: ['S9'], wrap: ({ ports }) => ({ ...ports, source: splitting(ports.source) }) },
  lateDropped: {
    caughtBy: ['S4', 'S3'],
    wrap: ({ ports }) => ({ ...ports, lateQueue: { send: () => Promise.resolve() } }),
  },
  noLedger: {
    caughtBy: ['S2', 'S3'],
    wrap: ({ ports }) => ({ ...ports, source: withFreshOperations(ports.source) }),
  },
  planBelowFloor: {
    caughtBy: ['L2', 'L1'],
    wrap: ({ ports, process }) => (process.name.startsWith('consumer') ? believingInOldDeltas(ports) : ports),
  },
  consumerForgets: {
    caughtBy: ['S5'],
    consumerForgets: true,
  },
  registerBeforeSnapshot: {
    caughtBy: ['S6'],
    wrap: ({ ports }) =>
      withBlobs(ports, {
        get: (name) => ports.blobs.get(name),
        put: async (name, bytes, metadata) =>
          /snapshot\/0{15}1-/.test(name) || !name.includes('/snapshot/')
            ? ports.blobs.put(name, bytes, metadata)
            : asIfStored(bytes),
      }),
  },
};

function asIfStored(bytes: Uint8Array): PutOutcome {
  return { kind: 'stored', sha256: sha256Of(bytes) };
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Whoever believes that its commit failed tidies up after itself. */
function withDeletedBlobs({ ports, cloud }: MutantPlace, after: 'unknown' | 'conflict'): Ports {
  const mine = new Set<string>();
  const blobs: BlobStore = {
    get: (name) => ports.blobs.get(name),
    put: (name, bytes, metadata) => {
      if (!name.includes('/snapshot/')) mine.add(name);
      return ports.blobs.put(name, bytes, metadata);
    },
  };
  const cleanUp = async (cid: string): Promise<void> => {
    for (const name of mine) if (name.includes(cid)) await cloud.bucket.delete(name);
  };
  return withCommit({ ...ports, blobs }, async (id, proposal, commit) => {
    try {
      const outcome = await commit(id, proposal);
      if (outcome.kind === 'conflict' && after === 'conflict') await cleanUp(proposal.cid);
      return outcome;
    } catch (error) {
      if (after === 'unknown') await cleanUp(proposal.cid);
      throw error;
    }
  });
}

export function withHeads(ports: Ports, heads: Partial<HeadStore>): Ports {
  return { ...ports, heads: { ...ports.heads, ...heads } };
}

type Commit = HeadStore['commit'];

export function withCommit(
  ports: Ports,
  commit: (id: DatasetId, proposal: CommitProposal, real: Commit) => Promise<CommitOutcome>,
): Ports {
  const { heads } = ports;
  const real: Commit = (id, proposal) => heads.commit(id, proposal);
  return { ...ports, heads: { ...heads, commit: (id, proposal) => commit(id, proposal, real) } };
}

/**
 * What a process believes to be committed is not announced: that alone would give it away. An outbox goes on, as it
 * knows only what is in the table: else its silence would be what is caught.
 */
function silent({ ports, process }: MutantPlace): Ports {
  return process.name.startsWith('outbox') ? ports : mute(ports);
}

export function mute(ports: Ports): Ports {
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

/** The first delivery of an atomic message is of its first half, and is not acknowledged. */
function splitting(source: Ports['source']): Ports['source'] {
  const halves = new Set<string>();
  return {
    receive: async (max, waitMs) => {
      const messages = await source.receive(max, waitMs);
      return messages.map((message) => {
        if (!message.body.includes('"atomic":true')) return message;
        const { mutations } = JSON.parse(message.body) as { mutations: unknown[] };
        const isFirst = message.receiveCount === 1;
        if (isFirst) halves.add(message.receipt);
        const part = isFirst ? mutations.slice(0, Math.ceil(mutations.length / 2)) : mutations;
        return { ...message, body: JSON.stringify({ mutations: part }) };
      });
    },
    acknowledge: (messages) => source.acknowledge(messages.filter(({ receipt }) => !halves.has(receipt))),
  };
}

/** The first delivery of a message is of its number alone, and is not acknowledged. */
function numbersFirst(source: Ports['source']): Ports['source'] {
  const empty = new Set<string>();
  return {
    receive: async (max, waitMs) => {
      const messages = await source.receive(max, waitMs);
      return messages.map((message) => {
        const progress = /,("progress":\{[^}]*\}\})$/.exec(message.body)?.[1];
        if (progress === undefined || message.receiveCount > 1) return message;
        empty.add(message.receipt);
        return { ...message, body: `{"mutations":[],${progress}` };
      });
    },
    acknowledge: (messages) => source.acknowledge(messages.filter(({ receipt }) => !empty.has(receipt))),
  };
}

/** Every delivery of an operation is a new operation. */
function withFreshOperations(source: Ports['source']): Ports['source'] {
  return {
    acknowledge: (messages) => source.acknowledge(messages),
    receive: async (max, waitMs) => {
      const messages = await source.receive(max, waitMs);
      return messages.map((message) => {
        if (message.receiveCount === 1) return message;
        const body = message.body.replaceAll(
          '"op":"increment"',
          `"op":"increment","opId":"${message.receipt}"`,
        );
        return { ...message, body };
      });
    },
  };
}

/** Takes the ring for all there is, whatever the floor says, and a deleted blob for a store that is down. */
function believingInOldDeltas(ports: Ports): Ports {
  return {
    ...ports,
    heads: {
      ...ports.heads,
      load: async (id, consistency) => {
        const head = await ports.heads.load(id, consistency);
        return head === null ? null : { ...head, floor: 0 };
      },
    },
    blobs: {
      put: (name, bytes, metadata) => ports.blobs.put(name, bytes, metadata),
      get: async (name) => {
        const blob = await ports.blobs.get(name);
        if (blob === null) throw new DatasetError('unavailable', `${name} does not come`);
        return blob;
      },
    },
  };
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

function asConflict(error: unknown): never {
  throw isDatasetError(error, 'unavailable') ? new DatasetError('conflict', error.message) : error;
}

function withoutSnapshot({ snapshot: _, ...rest }: CommitProposal): CommitProposal {
  return rest;
}

function lastOf<T>(items: readonly T[]): T {
  const last = items.at(-1);
  if (last === undefined) throw new DatasetError('invalid', 'a proposal without entries');
  return last;
}
