/**
 * test/contract: what every adapter of a port must do, as one function per port, run on three families of adapters.
 *
 * *-contract.ts     the suites; they know lib/ports.ts and a small harness each, no adapter
 * memory.test.ts    lib/memory
 * local.test.ts     lib/local, in a temporary directory, and across processes
 * aws.test.ts       lib/aws on emulated services that listen on loopback
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isDatasetError } from '../../lib/errors.ts';
import type { CommitOutcome, CommitProposal, DatasetId, Head, HeadStore } from '../../lib/ports.ts';
import {
  commitEntry,
  firstProposal,
  freshId,
  hex128,
  nextProposal,
  snapshotEntry,
} from '../support/heads.ts';

export interface HeadStoreHarness {
  /** Two handles on the same heads, as two processes have them. */
  readonly stores: readonly [HeadStore, HeadStore];
  close(): Promise<void>;
}

const raceCount = 20;

export function headStoreContract(name: string, open: () => Promise<HeadStoreHarness>): void {
  describe(`HeadStore contract on ${name}`, () => {
    let harness: HeadStoreHarness;
    let store: HeadStore;
    beforeAll(async () => {
      harness = await open();
      store = harness.stores[0];
    });
    afterAll(() => harness.close());

    const create = async (id: DatasetId): Promise<Head> => committed(await store.commit(id, firstProposal()));

    /** Runs the proposals at once, on both handles by turns. */
    const race = (id: DatasetId, proposals: readonly CommitProposal[]): Promise<CommitOutcome[]> =>
      Promise.all(
        proposals.map((proposal, index) => harness.stores[index % 2 === 0 ? 0 : 1].commit(id, proposal)),
      );

    describe('first version', () => {
      test('a chain without a version has no head', async () => {
        const id = freshId();
        expect(await store.load(id, 'strong')).toBeNull();
        expect(await store.load(id, 'eventual')).toBeNull();
      });

      test('a commit on nothing creates the head as proposed', async () => {
        const id = freshId();
        const proposal = firstProposal();
        const head = committed(await store.commit(id, proposal));
        expect(head).toEqual({
          format: 2,
          era: 1,
          version: 1,
          cid: proposal.cid,
          hashes: proposal.hashes,
          recent: proposal.recent,
          snapshots: [proposal.snapshot],
          floor: 1,
          schemaId: proposal.schemaId,
          mapGeneration: 3,
          status: 'open',
          pins: {},
          pinRevision: 0,
          serve: { epoch: 0, pin: null },
          lastOperation: 'commit',
        });
        expect(await harness.stores[1].load(id, 'strong')).toEqual(head);
        expect(await store.load(id, 'eventual')).toEqual(head);
      });

      test('a second creation is a conflict that carries the head and changes nothing', async () => {
        const id = freshId();
        const head = await create(id);
        expect(await store.commit(id, firstProposal('other'))).toEqual({ kind: 'conflict', head });
        expect(await store.load(id, 'strong')).toEqual(head);
      });

      test('of many creations at once exactly one wins', async () => {
        const id = freshId();
        const outcomes = await race(id, labels().map(firstProposal));
        const winner = onlyWinner(outcomes);
        for (const outcome of outcomes) expect(outcome.head).toEqual(winner);
        expect(await store.load(id, 'strong')).toEqual(winner);
      });

      test('a chain begins with a snapshot of the same version', async () => {
        const { snapshot: _, ...bare } = firstProposal();
        await expectInvalid(store.commit(freshId(), bare));
        await expectInvalid(
          store.commit(freshId(), { ...firstProposal(), snapshot: snapshotEntry(1, 'other') }),
        );
      });

      test('partitions, datasets and tenants have heads of their own', async () => {
        const { dataset, partition } = freshId();
        const ids: DatasetId[] = [
          { dataset, partition },
          { dataset, partition: partition + 1 },
          { tenant: 'acme', dataset, partition },
          { tenant: 'other', dataset, partition },
        ];
        for (const [index, id] of ids.entries()) await store.commit(id, firstProposal(`own ${index}`));
        const cids = await Promise.all(ids.map(async (id) => (await store.load(id, 'strong'))?.cid));
        expect(cids).toEqual(ids.map((_, index) => firstProposal(`own ${index}`).cid));
      });
    });

    describe('commit', () => {
      test('writes its own fields and leaves the others', async () => {
        const id = freshId();
        const first = await create(id);
        const proposal = nextProposal(first);
        const head = committed(await store.commit(id, proposal));
        expect(head).toEqual({
          ...first,
          version: 2,
          cid: proposal.cid,
          hashes: proposal.hashes,
          recent: proposal.recent,
          schemaId: proposal.schemaId,
          lastOperation: 'commit',
        });
        expect(await harness.stores[1].load(id, 'strong')).toEqual(head);
      });

      test('of many commits on one version exactly one wins, and each conflict carries the fresh head', async () => {
        const id = freshId();
        const first = await create(id);
        const outcomes = await race(
          id,
          labels().map((label) => nextProposal(first, label)),
        );
        const winner = onlyWinner(outcomes);
        expect(winner.version).toBe(2);
        for (const outcome of outcomes) expect(outcome.head).toEqual(winner);
        expect(await store.load(id, 'strong')).toEqual(winner);
      });

      test('the same commit twice is a conflict that shows it is in', async () => {
        const id = freshId();
        const proposal = nextProposal(await create(id));
        const head = committed(await store.commit(id, proposal));
        expect(await store.commit(id, proposal)).toEqual({ kind: 'conflict', head });
      });

      test('without a chain is a conflict with nothing', async () => {
        const id = freshId();
        const elsewhere = await create(freshId());
        expect(await store.commit(id, nextProposal(elsewhere))).toEqual({ kind: 'conflict', head: null });
        expect(await store.load(id, 'strong')).toBeNull();
      });

      test.each([
        ['era', (head: Head) => ({ ...head, era: head.era + 1 })],
        ['version', (head: Head) => ({ ...head, ...tip(head.version + 1) })],
        ['commit id', (head: Head) => ({ ...head, cid: hex128('another') })],
        ['map generation', (head: Head) => ({ ...head, mapGeneration: head.mapGeneration + 1 })],
      ])('on another %s is a conflict', async (_, change) => {
        const id = freshId();
        const head = await create(id);
        expect(await store.commit(id, nextProposal(change(head)))).toEqual({ kind: 'conflict', head });
        expect(await store.load(id, 'strong')).toEqual(head);
      });

      test('a ring of 512 entries comes back as it went in', async () => {
        const id = freshId();
        const recent = Array.from({ length: 512 }, (_, index) => commitEntry(index + 1));
        const tipEntry = commitEntry(512);
        const proposal: CommitProposal = {
          ...firstProposal(),
          version: 512,
          cid: tipEntry.cid,
          hashes: { data: tipEntry.hash, bookkeeping: hex128('b') },
          recent,
          snapshot: snapshotEntry(512),
        };
        committed(await store.commit(id, proposal));
        expect((await store.load(id, 'strong'))?.recent).toEqual(recent);
      });

      test('sizes beyond 32 bits come back as they went in', async () => {
        const id = freshId();
        const entry = { ...commitEntry(1), size: Number.MAX_SAFE_INTEGER };
        committed(await store.commit(id, { ...firstProposal(), recent: [entry] }));
        expect((await store.load(id, 'strong'))?.recent).toEqual([entry]);
      });

      test('refuses a proposal that would break the head, and writes nothing', async () => {
        const id = freshId();
        const head = await create(id);
        const sound = nextProposal(head);
        await expectInvalid(store.commit(id, { ...sound, version: 3 }));
        await expectInvalid(store.commit(id, { ...sound, cid: 'short' }));
        await expectInvalid(store.commit(id, { ...sound, recent: sound.recent.slice(0, 1) }));
        await expectInvalid(store.commit(id, { ...sound, recent: [commitEntry(7), ...sound.recent] }));
        await expectInvalid(store.commit(id, { ...sound, snapshot: snapshotEntry(1) }));
        await expectInvalid(store.commit(id, { ...sound, operation: 'schema' }));
        expect(await store.load(id, 'strong')).toEqual(head);
      });
    });

    describe('snapshots', () => {
      test('registering adds one and leaves the commit fields', async () => {
        const id = freshId();
        const second = committed(await store.commit(id, nextProposal(await create(id))));
        const head = committed(await store.registerSnapshot(id, 1, snapshotEntry(2)));
        const snapshots = [...second.snapshots, snapshotEntry(2)];
        expect(head).toEqual({ ...second, snapshots, lastOperation: 'snapshot' });
        expect(await harness.stores[1].load(id, 'strong')).toEqual(head);
      });

      test('the newest registered version only ever rises', async () => {
        const id = freshId();
        let head = await create(id);
        while (head.version < 4) head = committed(await store.commit(id, nextProposal(head)));
        head = committed(await store.registerSnapshot(id, 1, snapshotEntry(3)));
        expect(await store.registerSnapshot(id, 1, snapshotEntry(2))).toEqual({ kind: 'conflict', head });
        expect(await store.registerSnapshot(id, 1, snapshotEntry(3, 'again'))).toEqual({
          kind: 'conflict',
          head,
        });
        expect(await store.load(id, 'strong')).toEqual(head);
      });

      test('of another era is a conflict', async () => {
        const id = freshId();
        const head = committed(await store.commit(id, nextProposal(await create(id))));
        expect(await store.registerSnapshot(id, 2, snapshotEntry(2))).toEqual({ kind: 'conflict', head });
        expect(await store.registerSnapshot(freshId(), 1, snapshotEntry(2))).toEqual({
          kind: 'conflict',
          head: null,
        });
      });

      test('a snapshot and commits at the same time do not lose each other', async () => {
        const id = freshId();
        let head = await create(id);
        for (let version = 2; version <= 8; version++) {
          const [commit, snapshot] = await Promise.all([
            harness.stores[0].commit(id, nextProposal(head)),
            harness.stores[1].registerSnapshot(id, 1, snapshotEntry(head.version)),
          ]);
          expect(snapshot.kind).toBe(version === 2 ? 'conflict' : 'committed'); // version 1 is registered already
          head = committed(commit);
        }
        const final = await store.load(id, 'strong');
        expect(final?.version).toBe(8);
        expect(final?.recent.map((entry) => entry.version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
        expect(final?.snapshots).toEqual([1, 2, 3, 4, 5, 6, 7].map((version) => snapshotEntry(version)));
      });

      test('of many registrations at once exactly one wins', async () => {
        const id = freshId();
        await store.commit(id, nextProposal(await create(id)));
        const outcomes = await Promise.all(
          labels().map((label, index) =>
            harness.stores[index % 2 === 0 ? 0 : 1].registerSnapshot(id, 1, snapshotEntry(2, label)),
          ),
        );
        expect(onlyWinner(outcomes).snapshots).toHaveLength(2);
      });
    });

    describe('commits that bring a snapshot', () => {
      test('an advance of the schema registers its snapshot by the same write', async () => {
        const id = freshId();
        const first = await create(id);
        const proposal: CommitProposal = {
          ...nextProposal(first),
          operation: 'schema',
          snapshot: snapshotEntry(2),
        };
        const head = committed(await store.commit(id, proposal));
        expect(head.snapshots).toEqual([...first.snapshots, snapshotEntry(2)]);
        expect(head.lastOperation).toBe('schema');
        expect(await harness.stores[1].load(id, 'strong')).toEqual(head);
        expect(await store.registerSnapshot(id, 1, snapshotEntry(2))).toEqual({ kind: 'conflict', head });
      });

      test('a conflict registers nothing', async () => {
        const id = freshId();
        const first = await create(id);
        const head = committed(await store.commit(id, nextProposal(first)));
        const late = { ...nextProposal(first, 'late'), snapshot: snapshotEntry(2, 'late') };
        expect(await store.commit(id, late)).toEqual({ kind: 'conflict', head });
      });
    });

    test('refuses ids that could leave their place', async () => {
      for (const id of [
        { dataset: '../x', partition: 0 },
        { dataset: 'a#b', partition: 0 },
        { tenant: '', dataset: 'a', partition: 0 },
        { dataset: 'a', partition: -1 },
        { dataset: 'a', partition: 0.5 },
      ]) {
        await expectInvalid(store.load(id, 'strong'));
        await expectInvalid(store.commit(id, firstProposal()));
        await expectInvalid(store.registerSnapshot(id, 1, snapshotEntry(1)));
      }
    });
  });
}

/** A head cannot follow from an outcome that lost. */
export function committed(outcome: CommitOutcome): Head {
  if (outcome.kind !== 'committed') throw new Error(`not committed: head is at ${outcome.head?.version}`);
  return outcome.head;
}

function onlyWinner(outcomes: readonly CommitOutcome[]): Head {
  const winners = outcomes.filter((outcome) => outcome.kind === 'committed');
  expect(winners).toHaveLength(1);
  const [winner] = winners;
  if (winner === undefined) throw new Error('nobody won');
  return winner.head;
}

function labels(): string[] {
  return Array.from({ length: raceCount }, (_, index) => `racer ${index}`);
}

/** A head's tip at another version, consistent in itself. */
function tip(version: number): Pick<Head, 'version' | 'cid' | 'recent'> {
  const entry = commitEntry(version, 'elsewhere');
  return { version, cid: entry.cid, recent: [entry] };
}

export async function expectInvalid(promise: Promise<unknown>): Promise<void> {
  await expect(promise).rejects.toSatisfy((error) => isDatasetError(error, 'invalid'));
}
