import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Announcement, AnnouncementWatcher, Announcer } from '../../lib/ports.ts';
import { freshId, hex128 } from '../support/heads.ts';

export interface AnnouncementsHarness {
  readonly announcer: Announcer;
  readonly watcher: AnnouncementWatcher;
  close(): Promise<void>;
}

export function announcementsContract(name: string, open: () => Promise<AnnouncementsHarness>): void {
  describe(`Announcer and AnnouncementWatcher contract on ${name}`, () => {
    let harness: AnnouncementsHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterAll(() => harness.close());

    /** Watches while `run` does; what was heard is in `heard`, and the watch has ended when this resolves. */
    const watching = async (run: (heard: Announcement[]) => Promise<void>): Promise<void> => {
      const heard: Announcement[] = [];
      const stop = new AbortController();
      const ended = harness.watcher.watch((announcement) => heard.push(announcement), stop.signal);
      try {
        await run(heard);
      } finally {
        stop.abort();
        await ended;
      }
    };

    test('a hint arrives as it was announced', async () => {
      const announcement = freshAnnouncement();
      const { tenant: _, ...withoutTenant } = freshId();
      const bare: Announcement = {
        ...freshAnnouncement(),
        id: withoutTenant,
        previousCid: '',
        correlationIds: [],
      };
      await watching(async (heard) => {
        await harness.announcer.announce(announcement);
        await harness.announcer.announce(bare);
        await vi.waitFor(() => {
          expect(heard).toContainEqual(announcement);
          expect(heard).toContainEqual(bare);
        }, 10_000);
      });
    });

    test('of many hints for one chain the last one arrives', async () => {
      const id = freshId();
      await watching(async (heard) => {
        for (let version = 1; version <= 12; version++) {
          await harness.announcer.announce({ ...freshAnnouncement(), id, version });
        }
        await vi.waitFor(
          () =>
            expect(heard.filter((one) => one.id.dataset === id.dataset).map((one) => one.version)).toContain(
              12,
            ),
          10_000,
        );
      });
    });

    test('after the signal nothing is heard and the watch has ended', async () => {
      let heardCount = 0;
      await watching(async (heard) => {
        await harness.announcer.announce(freshAnnouncement());
        await vi.waitFor(() => expect(heard.length).toBeGreaterThan(0), 10_000);
        heardCount = heard.length;
      });
      await harness.announcer.announce(freshAnnouncement());
      expect(heardCount).toBeGreaterThan(0);
      const stopped = new AbortController();
      stopped.abort();
      const late: Announcement[] = [];
      await harness.watcher.watch((announcement) => late.push(announcement), stopped.signal);
      expect(late).toEqual([]);
    });

    test('a watch ends at once when the signal aborts', async () => {
      const stop = new AbortController();
      const ended = harness.watcher.watch(() => {}, stop.signal);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const startMs = performance.now();
      stop.abort();
      await ended;
      expect(performance.now() - startMs).toBeLessThan(2_000);
    });
  });
}

let versionCount = 0;

function freshAnnouncement(): Announcement {
  versionCount += 1;
  return {
    id: freshId(),
    era: 2,
    epoch: 3,
    version: versionCount,
    cid: hex128(`cid ${versionCount}`),
    mapGeneration: 3,
    previousCid: hex128(`cid ${versionCount - 1}`),
    hash: hex128(`hash ${versionCount}`),
    size: 1234,
    snapshotVersion: 1,
    committedAtMs: 1_700_000_000_123,
    correlationIds: ['order-17', 'Ümläut "quoted"'],
  };
}
