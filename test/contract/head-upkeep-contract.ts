/** The writes to a head that only housekeeping makes: floor, pins, what is served, and replacing it as a whole. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../lib/limits.ts';
import type { CommitOutcome, DatasetId, FloorRaise, Head, HeadStore } from '../../lib/ports.ts';
import {
  commitEntry,
  firstProposal,
  freshId,
  hex128,
  nextProposal,
  pinOf,
  snapshotEntry,
} from '../support/heads.ts';
import { committed, expectInvalid, type HeadStoreHarness } from './head-store-contract.ts';

export function headUpkeepContract(name: string, open: () => Promise<HeadStoreHarness>): void {
  describe(`HeadStore contract for housekeeping on ${name}`, () => {
    let harness: HeadStoreHarness;
    let store: HeadStore;
    beforeAll(async () => {
      harness = await open();
      store = harness.stores[0];
    });
    afterAll(() => harness.close());

    const create = async (id: DatasetId): Promise<Head> => committed(await store.commit(id, firstProposal()));

    /** Four versions, snapshots of 1, 2 and 3. */
    const chain = async (id: DatasetId): Promise<Head> => {
      let head = await create(id);
      while (head.version < 4) {
        head = committed(await store.commit(id, nextProposal(head)));
        if (head.version < 4)
          head = committed(await store.registerSnapshot(id, 1, snapshotEntry(head.version)));
      }
      return head;
    };

    describe('floor', () => {
      const raiseOf = (head: Head, floor: number): FloorRaise => ({
        era: head.era,
        floor,
        snapshots: head.snapshots.filter(({ version }) => version >= floor),
        pinRevision: head.pinRevision,
      });

      test('raising it drops the snapshots below and nothing else', async () => {
        const id = freshId();
        const before = await chain(id);
        const head = committed(await store.raiseFloor(id, raiseOf(before, 2)));
        const snapshots = [2, 3].map((version) => snapshotEntry(version));
        expect(head).toEqual({ ...before, floor: 2, snapshots, lastOperation: 'floor' });
        expect(await harness.stores[1].load(id, 'strong')).toEqual(head);
      });

      test('it only ever rises', async () => {
        const id = freshId();
        const before = await chain(id);
        const head = committed(await store.raiseFloor(id, raiseOf(before, 3)));
        expect(await store.raiseFloor(id, raiseOf(before, 3))).toEqual({ kind: 'conflict', head });
        expect(await store.raiseFloor(id, raiseOf(before, 2))).toEqual({ kind: 'conflict', head });
      });

      test('it stays when a snapshot, a pin or an era came after the look', async () => {
        const id = freshId();
        const seen = await chain(id);
        const other = { ...raiseOf(seen, 2), era: 2 };
        expect(await store.raiseFloor(id, other)).toEqual({ kind: 'conflict', head: seen });
        const pinned = committed(await store.putPin(id, 1, 'release', pinOf(seen)));
        expect(await store.raiseFloor(id, raiseOf(seen, 2))).toEqual({ kind: 'conflict', head: pinned });
        const head = committed(await store.registerSnapshot(id, 1, snapshotEntry(4)));
        expect(await store.raiseFloor(id, raiseOf(pinned, 2))).toEqual({ kind: 'conflict', head });
        expect(await store.raiseFloor(freshId(), raiseOf(seen, 2))).toEqual({ kind: 'conflict', head: null });
      });

      test('refuses a floor that is no snapshot, or forgets one', async () => {
        const id = freshId();
        const head = await chain(id);
        await expectInvalid(store.raiseFloor(id, { ...raiseOf(head, 2), snapshots: [] }));
        await expectInvalid(store.raiseFloor(id, { ...raiseOf(head, 2), floor: 3 }));
        await expectInvalid(store.raiseFloor(id, { ...raiseOf(head, 3), floor: 2 }));
      });
    });

    describe('pins', () => {
      test('a pin comes back as it went in, commits leave it, and its removal leaves the rest', async () => {
        const id = freshId();
        const before = await chain(id);
        const pin = pinOf(before, 1_790_000_000_000);
        const pinned = committed(await store.putPin(id, 1, 'release', pin));
        expect(pinned).toEqual({ ...before, pins: { release: pin }, pinRevision: 1, lastOperation: 'pin' });
        const moved = committed(await store.commit(id, nextProposal(pinned)));
        expect(moved.pins).toEqual({ release: pin });
        expect(await harness.stores[1].load(id, 'strong')).toEqual(moved);
        const head = committed(await store.removePin(id, 1, 'release'));
        expect(head).toEqual({ ...moved, pins: {}, pinRevision: 2, lastOperation: 'pin' });
      });

      test('a pin without deltas and without expiry comes back as it went in', async () => {
        const id = freshId();
        const pin = pinOf(await create(id));
        expect(pin.deltas).toEqual([]);
        expect(committed(await store.putPin(id, 1, 'first', pin)).pins).toEqual({ first: pin });
        expect((await store.load(id, 'strong'))?.pins).toEqual({ first: pin });
      });

      test('a name keeps its version; only its expiry may change', async () => {
        const id = freshId();
        const first = await create(id);
        const second = committed(await store.commit(id, nextProposal(first)));
        const pinned = committed(await store.putPin(id, 1, 'release', pinOf(second)));
        const conflict = { kind: 'conflict', head: pinned };
        expect(await store.putPin(id, 1, 'release', pinOf(first))).toEqual(conflict);
        const renewed = committed(await store.putPin(id, 1, 'release', pinOf(second, 7)));
        expect(renewed).toEqual({ ...pinned, pins: { release: pinOf(second, 7) }, pinRevision: 2 });
      });

      test('what may be deleted already is not pinned', async () => {
        const id = freshId();
        const before = await chain(id);
        const snapshots = [snapshotEntry(3)];
        const head = committed(
          await store.raiseFloor(id, { era: 1, floor: 3, snapshots, pinRevision: before.pinRevision }),
        );
        const old = pinOf({ ...before, ...tipOf(before, 2), snapshots: [snapshotEntry(2)] });
        expect(await store.putPin(id, 1, 'old', old)).toEqual({ kind: 'conflict', head });
        expect(committed(await store.putPin(id, 1, 'new', pinOf(head))).pinRevision).toBe(1);
      });

      test('another era, a missing chain and a missing pin are conflicts', async () => {
        const id = freshId();
        const head = await create(id);
        const conflict = { kind: 'conflict', head };
        expect(await store.putPin(id, 2, 'release', pinOf(head))).toEqual(conflict);
        expect(await store.removePin(id, 1, 'release')).toEqual(conflict);
        expect(await store.putPin(freshId(), 1, 'release', pinOf(head))).toEqual({
          kind: 'conflict',
          head: null,
        });
        const pinned = committed(await store.putPin(id, 1, 'release', pinOf(head)));
        expect(await store.removePin(id, 2, 'release')).toEqual({ kind: 'conflict', head: pinned });
      });

      test('there is a greatest number of them', async () => {
        const id = freshId();
        let head = await create(id);
        for (let count = 0; count < limits.pinsMax; count++) {
          head = committed(await store.putPin(id, 1, `pin-${count}`, pinOf(head)));
        }
        expect(await store.putPin(id, 1, 'one-more', pinOf(head))).toEqual({ kind: 'conflict', head });
        committed(await store.putPin(id, 1, 'pin-0', pinOf(head, 9)));
      });

      test('pins at the same time do not lose each other', async () => {
        const id = freshId();
        const head = await create(id);
        const names = Array.from({ length: limits.pinsMax }, (_, index) => `pin-${index}`);
        await Promise.all(
          names.map((name, index) =>
            harness.stores[index % 2 === 0 ? 0 : 1].putPin(id, 1, name, pinOf(head)),
          ),
        );
        const final = await store.load(id, 'strong');
        expect(Object.keys(final?.pins ?? {}).toSorted()).toEqual(names);
        expect(final?.pinRevision).toBe(names.length);
      });

      test('refuses what is no read plan, and names that could leave their place', async () => {
        const id = freshId();
        const pin = pinOf(await chain(id));
        await expectInvalid(store.putPin(id, 1, 'release', { ...pin, version: 3 }));
        await expectInvalid(store.putPin(id, 1, 'release', { ...pin, deltas: [] }));
        await expectInvalid(
          store.putPin(id, 1, 'release', { ...pin, hashes: { ...pin.hashes, data: hex128('other') } }),
        );
        for (const name of ['', 'a.b', 'A', '#pin', '__proto__', 'x'.repeat(64)]) {
          await expectInvalid(store.putPin(id, 1, name, pin));
          await expectInvalid(store.removePin(id, 1, name));
        }
      });
    });

    describe('what is served', () => {
      test('moves from the head to a pin and back, one epoch at a time, and commits leave it', async () => {
        const id = freshId();
        const first = await create(id);
        const pinned = committed(await store.putPin(id, 1, 'release', pinOf(first)));
        const serve = { epoch: 1, pin: 'release' };
        const served = committed(await store.setServe(id, 1, serve));
        expect(served).toEqual({ ...pinned, serve, lastOperation: 'serve' });
        const moved = committed(await store.commit(id, nextProposal(served)));
        expect(moved.serve).toEqual(serve);
        expect(await harness.stores[1].load(id, 'strong')).toEqual(moved);
        expect(await store.setServe(id, 1, { epoch: 1, pin: null })).toEqual({
          kind: 'conflict',
          head: moved,
        });
        expect(await store.setServe(id, 1, { epoch: 3, pin: null })).toEqual({
          kind: 'conflict',
          head: moved,
        });
        const back = committed(await store.setServe(id, 1, { epoch: 2, pin: null }));
        expect(back.serve).toEqual({ epoch: 2, pin: null });
      });

      test('a pin that is not there is not served, and one that is served is not removed', async () => {
        const id = freshId();
        const first = await create(id);
        const serve = { epoch: 1, pin: 'release' };
        expect(await store.setServe(id, 1, serve)).toEqual({ kind: 'conflict', head: first });
        await store.putPin(id, 1, 'release', pinOf(first));
        expect((await store.setServe(id, 2, serve)).kind).toBe('conflict');
        const served = committed(await store.setServe(id, 1, serve));
        expect(await store.removePin(id, 1, 'release')).toEqual({ kind: 'conflict', head: served });
        committed(await store.setServe(id, 1, { epoch: 2, pin: null }));
        committed(await store.removePin(id, 1, 'release'));
      });

      test('refuses an epoch or a name that cannot be', async () => {
        const id = freshId();
        await expectInvalid(store.setServe(id, 1, { epoch: 0, pin: null }));
        await expectInvalid(store.setServe(id, 1, { epoch: 1, pin: 'a/b' }));
      });
    });

    describe('replacing a head', () => {
      const restoredOf = (head: Head): Head => ({ ...head, era: head.era + 1, lastOperation: 'restore' });

      test('begins a new era in which nothing from before applies', async () => {
        const id = freshId();
        const before = await chain(id);
        const next = restoredOf(committed(await store.putPin(id, 1, 'release', pinOf(before))));
        const loaded = await store.load(id, 'strong');
        const head = committed(await store.replace(id, loaded, next));
        expect(head).toEqual(next);
        expect(await harness.stores[1].load(id, 'strong')).toEqual(next);
        const conflict = { kind: 'conflict', head };
        expect(await store.commit(id, nextProposal(before))).toEqual(conflict);
        expect(await store.registerSnapshot(id, 1, snapshotEntry(4))).toEqual(conflict);
        expect(await store.replace(id, loaded, next)).toEqual(conflict);
        committed(await store.commit(id, nextProposal(head)));
      });

      test('is a conflict after any write that came in between', async () => {
        const writes: ((id: DatasetId, head: Head) => Promise<CommitOutcome>)[] = [
          (id, head) => store.commit(id, nextProposal(head)),
          (id) => store.registerSnapshot(id, 1, snapshotEntry(4)),
          (id, head) =>
            store.raiseFloor(id, { era: 1, floor: 2, snapshots: head.snapshots.slice(1), pinRevision: 0 }),
          (id, head) => store.putPin(id, 1, 'release', pinOf(head)),
          (id) => store.setServe(id, 1, { epoch: 1, pin: null }),
        ];
        for (const write of writes) {
          const id = freshId();
          const before = await chain(id);
          const head = committed(await write(id, before));
          expect(await store.replace(id, before, restoredOf(before))).toEqual({ kind: 'conflict', head });
          committed(await store.replace(id, head, restoredOf(head)));
        }
      });

      test('a head that is lost is put back only where there is none', async () => {
        const id = freshId();
        const lost = restoredOf(await chain(freshId()));
        const head = committed(await store.replace(id, null, lost));
        expect(head).toEqual(lost);
        expect(await store.replace(id, null, lost)).toEqual({ kind: 'conflict', head });
        const nowhere = freshId();
        expect(await store.replace(nowhere, lost, restoredOf(lost))).toEqual({
          kind: 'conflict',
          head: null,
        });
      });

      test('refuses a broken head and one that does not begin an era', async () => {
        const id = freshId();
        const head = await create(id);
        await expectInvalid(store.replace(id, head, head));
        await expectInvalid(store.replace(id, head, { ...restoredOf(head), recent: [] }));
        await expectInvalid(store.replace(id, head, { ...restoredOf(head), serve: { epoch: 0, pin: 'x' } }));
        expect(await store.load(id, 'strong')).toEqual(head);
      });
    });
  });
}

/** The tip that `head` had at an earlier version. */
function tipOf({ recent }: Head, version: number): Pick<Head, 'version' | 'cid' | 'hashes' | 'recent'> {
  const { cid, hash } = commitEntry(version);
  const hashes = { data: hash, bookkeeping: hex128('b') };
  return { version, cid, hashes, recent: recent.filter((entry) => entry.version <= version) };
}
