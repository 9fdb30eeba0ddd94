import { parseBlobName } from '../../lib/blob/blob-names.ts';
import type { CommitProposal, Head, HeadStore, SnapshotEntry, VersionRef } from '../../lib/ports.ts';
import { type Mutant, type MutantPlace, mute, withHeads } from './mutants.ts';
import { type Ports, rescuer } from './ports.ts';

/** Of snapshots, cleaning, pins and restores. */
export const upkeepMutants: Readonly<Record<string, Mutant>> = {
  snapshotTrimsRecent: {
    caughtBy: ['S6'],
    // The snapshotter writes back the whole head that it once read: two writers of one attribute.
    wrap: ({ ports, cloud }) => {
      let known: Head | null = null;
      return withHeads(ports, {
        load: async (id, consistency) => {
          known = await ports.heads.load(id, consistency);
          return known;
        },
        registerSnapshot: async (id, era, snapshot) => {
          const outcome = await ports.heads.registerSnapshot(id, era, snapshot);
          const { head } = cloud;
          if (outcome.kind === 'committed' && head !== null && known !== null)
            await cloud.heads.forceHead({ ...head, recent: known.recent });
          return outcome;
        },
      });
    },
  },
  snapshotGoesBack: {
    caughtBy: ['S10', 'S6'],
    wrap: ({ ports, cloud }) =>
      withRegister(ports, async (era, snapshot, register) => {
        const outcome = await register(era, snapshot);
        const { head } = cloud;
        if (outcome.kind === 'committed' || head?.era !== era) return outcome;
        if (head.snapshots.some(({ version }) => version === snapshot.version)) return outcome;
        const next = { ...head, snapshots: [...head.snapshots, snapshot] };
        await cloud.heads.forceHead(next);
        return { kind: 'committed', head: next };
      }),
  },
  digestOfOtherBytes: {
    caughtBy: ['S6'],
    wrap: ({ ports }) =>
      withRegister(ports, (era, snapshot, register) => {
        const { digests } = snapshot;
        if (digests === undefined) return register(era, snapshot);
        return register(era, { ...snapshot, digests: { ...digests, main: digests.bookkeeping } });
      }),
  },
  cleanerIgnoresPins: {
    caughtBy: ['S7', 'S6'],
    wrap: ({ ports, process, cloud }) =>
      process.name.startsWith('cleaner')
        ? withHeads(ports, {
            load: async (id, consistency) => {
              const head = await ports.heads.load(id, consistency);
              return head === null ? null : { ...head, pins: {} };
            },
            raiseFloor: (id, raise) =>
              ports.heads.raiseFloor(id, { ...raise, pinRevision: cloud.head?.pinRevision ?? 0 }),
          })
        : ports,
  },
  cleanerIgnoresNewPins: {
    cast: 'latePin',
    caughtBy: ['S7'],
    lax: { raiseFloor: (raise, { pinRevision }) => ({ ...raise, pinRevision }) },
  },
  cleanBeforeFloor: {
    // L1, and L3 before it: a table that is set back needs what is gone, and no floor says so.
    caughtBy: ['S6', 'S7', 'L1', 'L3'],
    wrap: ({ ports, cloud }) =>
      withHeads(ports, {
        raiseFloor: async (id, raise) => {
          for (const text of [...cloud.bucket.names]) {
            const name = parseBlobName(text)?.name;
            if (name === undefined) continue;
            const limit = name.kind === 'snapshot' ? raise.floor - 1 : raise.floor;
            if (name.toVersion <= limit) await cloud.bucket.delete(text);
          }
          return ports.heads.raiseFloor(id, raise);
        },
      }),
  },
  cleanUnreferenced: { caughtBy: ['S6', 'S2'], wrap: deletingUnreferenced },
  noEra: { caughtBy: ['S1', 'S10', 'S5'], skipsRestore: true },
  noEraInSnapshots: {
    caughtBy: ['S6', 'S10'],
    lax: { registerSnapshot: (_, { era }) => era },
  },
  commitNoEra: {
    cast: 'lostSnapshot',
    caughtBy: ['S6', 'S1', 'S2'],
    lax: { commit: (proposal, { era }) => expecting(proposal, { era }) },
  },
  commitVersionOnly: {
    cast: 'lostVersion',
    caughtBy: ['S1', 'S2', 'S6'],
    lax: { commit: (proposal, { era, cid }) => expecting(proposal, { era, cid }) },
  },
  outboxDead: {
    caughtBy: ['L2'],
    // Polls would repair it, so it is held against what was announced.
    wrap: ({ ports, process }) => (process.name === 'outbox' ? mute(ports) : ports),
  },
  outboxCopiesNothing: {
    caughtBy: ['L2'],
    wrap: ({ ports, process }) => {
      const { inline } = ports;
      if (inline === undefined || process.name !== 'outbox') return ports;
      return { ...ports, inline: { put: (...args) => inline.put(...args), get: async () => null } };
    },
  },
  inlineIsLeft: {
    caughtBy: ['G1'],
    wrap: ({ ports }) => {
      const inlineShelf = { ...ports.inlineShelf, list: async () => ({ names: [], next: null }) };
      return { ...ports, inlineShelf };
    },
  },
  tenantForgotten: {
    caughtBy: ['S11'],
    wrap: ({ ports }) =>
      withHeads(ports, {
        load: ({ dataset, partition }, consistency) => ports.heads.load({ dataset, partition }, consistency),
      }),
  },
  restoreLowersFloor: {
    caughtBy: ['S6', 'S7', 'L1', 'L2', 'L3'],
    wrap: ({ ports, process }) => {
      if (!process.name.startsWith(rescuer)) return ports;
      const { floors } = ports;
      const load: typeof floors.load = async (id) => {
        const mark = await floors.load(id);
        return mark === null ? null : { ...mark, floor: 0 };
      };
      // What is not looked at cannot be found missing either.
      return { ...ports, floors: { ...floors, load } };
    },
  },
};

function expecting(proposal: CommitProposal, instead: Partial<VersionRef>): CommitProposal {
  const { expected } = proposal;
  return expected === null ? proposal : { ...proposal, expected: { ...expected, ...instead } };
}

type Register = (era: number, snapshot: SnapshotEntry) => ReturnType<HeadStore['registerSnapshot']>;

function withRegister(
  ports: Ports,
  register: (era: number, snapshot: SnapshotEntry, real: Register) => ReturnType<Register>,
): Ports {
  return withHeads(ports, {
    registerSnapshot: (id, era, snapshot) =>
      register(era, snapshot, (...args) => ports.heads.registerSnapshot(id, ...args)),
  });
}

/** Garbage is what the head does not name and is older than half a second: as most tools would do it. */
function deletingUnreferenced({ ports, process, cloud }: MutantPlace): Ports {
  const firstSeenMs = new Map<string, number>();
  const { shelf } = ports;
  return {
    ...ports,
    shelf: {
      delete: (names) => shelf.delete(names),
      list: async (prefix, after) => {
        const page = await shelf.list(prefix, after);
        const nowMs = process.clock.monotonicMs();
        const { head } = cloud;
        const pinned = Object.values(head?.pins ?? {}).flatMap((pin) => [pin.snapshot, ...pin.deltas]);
        const named = [...(head?.recent ?? []), ...(head?.snapshots ?? []), ...pinned];
        const cids = new Set(named.map(({ cid }) => cid));
        for (const text of page.names) {
          const name = parseBlobName(text)?.name;
          const seenMs = firstSeenMs.get(text) ?? nowMs;
          firstSeenMs.set(text, seenMs);
          if (name !== undefined && !cids.has(name.cid) && nowMs - seenMs > 500)
            await cloud.bucket.delete(text);
        }
        return page;
      },
    },
  };
}
