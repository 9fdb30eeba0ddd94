/**
 * lib/local: every port on one machine without AWS, safe for several processes at once.
 *
 * announcements.ts   a file per chain, replaced whole; fs.watch, and a slow poll for what it misses
 * blob-store.ts      a folder per blob, created whole by one rename
 * errors.ts          file system and SQLite errors become DatasetErrors: one table
 * head-json.ts       a head as JSON text
 * head-store.ts      heads in SQLite, decided by lib/head-rules.ts inside a transaction
 * mutation-queue.ts  source and sink in SQLite, with visibility time-out and redelivery
 * quarantine.ts      a file of JSON lines
 * sqlite.ts          opening and transactions
 * system-clock.ts, system-random.ts   the real ones, for every deployment
 */
import { randomUUID } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAnnouncement } from '../announcement.ts';
import { checkDatasetId } from '../dataset-id.ts';
import { parseJson } from '../field-reader.ts';
import type { Announcement, AnnouncementWatcher, Announcer, Clock, Telemetry } from '../ports.ts';
import { isSystemError, localError } from './errors.ts';

export interface LocalAnnouncementsOptions {
  /** Created if missing. */
  readonly directory: string;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** fs.watch may miss changes (network folders, exhausted watches); hints are then this late. */
const pollMs = 1_000;

/** A watcher hears the newest hint of each chain: what is there when it starts, then each change it comes to see. */
export class LocalAnnouncements implements Announcer, AnnouncementWatcher {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;

  constructor(options: LocalAnnouncementsOptions) {
    this.#directory = options.directory;
    this.#clock = options.clock;
    this.#telemetry = options.telemetry;
  }

  async announce(announcement: Announcement): Promise<void> {
    checkDatasetId(announcement.id);
    const { tenant, dataset, partition } = announcement.id;
    const name = [...(tenant === undefined ? [] : [tenant]), dataset, partition, 'json'].join('.');
    const draft = join(this.#directory, `.${randomUUID()}`);
    try {
      await mkdir(this.#directory, { recursive: true });
      await writeFile(draft, JSON.stringify(announcement));
      await rename(draft, join(this.#directory, name)); // a reader sees the old file or the new one
    } catch (error) {
      throw localError(error, `announce ${name}`);
    }
  }

  async watch(listener: (announcement: Announcement) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const seen = new Map<string, string>();
    let changed = new AbortController();
    const watcher = await this.#watchDirectory(() => changed.abort());
    try {
      while (!signal.aborted) {
        changed = new AbortController(); // before the look: a change during it ends the sleep below at once
        for (const announcement of await this.#readChanged(seen)) {
          if (!signal.aborted) listener(announcement);
        }
        await this.#clock.sleep(pollMs, AbortSignal.any([signal, changed.signal]));
      }
    } finally {
      watcher?.close();
    }
  }

  /** Null where the system cannot watch: the poll alone does then. */
  async #watchDirectory(onChange: () => void): Promise<FSWatcher | null> {
    const polling = (error: unknown): void => {
      this.#telemetry.log('warn', 'cannot watch the announcements, polling only', { error: String(error) });
    };
    try {
      await mkdir(this.#directory, { recursive: true });
      return watch(this.#directory, onChange).on('error', polling);
    } catch (error) {
      polling(error);
      return null;
    }
  }

  async #readChanged(seen: Map<string, string>): Promise<Announcement[]> {
    const announcements: Announcement[] = [];
    for (const name of await this.#fileNames()) {
      const text = await this.#readText(name);
      if (text === null || seen.get(name) === text) continue;
      seen.set(name, text);
      try {
        announcements.push(parseAnnouncement(parseJson(text, name)));
      } catch (error) {
        this.#telemetry.log('warn', 'dropped a malformed announcement', { name, error: String(error) });
      }
    }
    return announcements;
  }

  async #fileNames(): Promise<string[]> {
    try {
      const names = await readdir(this.#directory);
      return names.filter((name) => name.endsWith('.json')).sort();
    } catch (error) {
      throw localError(error, 'list announcements');
    }
  }

  /** Null: gone since it was listed. */
  async #readText(name: string): Promise<string | null> {
    try {
      return await readFile(join(this.#directory, name), 'utf8');
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return null;
      throw localError(error, `read announcement ${name}`);
    }
  }
}
