import type { Announcement, AnnouncementWatcher } from '../ports.ts';

/**
 * One watcher for several consumers in a process: it is watched once, and what it hears goes to all of them. A queue gives
 * a hint to one reader only, so readers of their own would take each other's hints away.
 */
export class SharedWatcher implements AnnouncementWatcher {
  readonly #watcher: AnnouncementWatcher;
  readonly #listeners = new Set<(announcement: Announcement) => void>();
  #running: { readonly stop: AbortController; readonly done: Promise<void> } | null = null;

  constructor(watcher: AnnouncementWatcher) {
    this.#watcher = watcher;
  }

  async watch(listener: (announcement: Announcement) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#listeners.add(listener);
    const running = (this.#running ??= this.#start());
    const aborted = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    try {
      await Promise.race([running.done, aborted]);
    } finally {
      this.#listeners.delete(listener);
    }
    if (this.#listeners.size > 0) return;
    running.stop.abort();
    await running.done;
  }

  #start(): { readonly stop: AbortController; readonly done: Promise<void> } {
    const stop = new AbortController();
    const hear = (announcement: Announcement): void => {
      for (const listener of [...this.#listeners]) listener(announcement);
    };
    const done = this.#watcher.watch(hear, stop.signal).finally(() => {
      this.#running = null;
    });
    return { stop, done };
  }
}
