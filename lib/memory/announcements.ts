/**
 * lib/memory: every port inside one process, for tests and for the simulator.
 *
 * announcements.ts   hints, handed to the watchers of this process
 * blob-store.ts      blobs in a map
 * clock.ts           virtual time: nothing happens until a test advances it
 * head-store.ts      heads in a map, decided by lib/head-rules.ts
 * mutation-queue.ts  source and sink with visibility time-out and redelivery
 * quarantine.ts      a list to look at
 * random.ts          seeded
 * telemetry.ts       logs and metrics to look at
 *
 * Deterministic: order comes from the injected clock and random only, no timers, no I/O. Same file names as lib/aws.
 */
import type { Announcement, AnnouncementWatcher, Announcer } from '../ports.ts';

/** Both ends of the announcements of one process. A hint nobody watches for is lost. */
export class MemoryAnnouncements implements Announcer, AnnouncementWatcher {
  readonly #listeners = new Set<(announcement: Announcement) => void>();

  async announce(announcement: Announcement): Promise<void> {
    const listeners = Array.from(this.#listeners); // a listener may start another watch
    for (const listener of listeners) listener(announcement);
  }

  watch(listener: (announcement: Announcement) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    // One entry per watch, so that the same function watching twice hears twice.
    const entry = (announcement: Announcement): void => listener(announcement);
    this.#listeners.add(entry);
    return new Promise((resolve) => {
      signal.addEventListener(
        'abort',
        () => {
          this.#listeners.delete(entry);
          resolve();
        },
        { once: true },
      );
    });
  }
}
