/** A dataset in memory with everything that housekeeping works on. */

import { servedHead } from '../../lib/head-rules.ts';
import { defaultCadence } from '../../lib/housekeeping/cadence.ts';
import { type CleanOptions, type CleanReport, clean } from '../../lib/housekeeping/cleaner.ts';
import { loadVersion, wholeSource } from '../../lib/housekeeping/load-version.ts';
import { Snapshotter } from '../../lib/housekeeping/snapshotter.ts';
import type { MemoryBlobStore } from '../../lib/memory/blob-store.ts';
import { MemoryFloorRecord } from '../../lib/memory/floor-record.ts';
import type { Head, HeadStore } from '../../lib/ports.ts';
import { MemoryCloud, upsertCity } from './memory-cloud.ts';

/** Nothing is kept for courtesy, so that tests see what safety alone keeps. */
export const noRetention = { versionsMin: 0, ageMsMin: 0 };

export class UpkeepCloud extends MemoryCloud {
  /** Where inline deltas are, if a test makes some. */
  readonly inline?: MemoryBlobStore;
  readonly floors = new MemoryFloorRecord();

  get cleanerPorts() {
    const { heads, blobs, floors, clock, telemetry } = this;
    return { heads, shelves: [blobs], floors, clock, telemetry };
  }

  async head(): Promise<Head> {
    const head = await this.heads.load(this.id, 'strong');
    if (head === null) throw new Error('no version yet');
    return head;
  }

  /** One version for each: the city 1 gets this name. */
  async rename(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.clock.advance(10);
      await this.commit(upsertCity(1, name));
    }
  }

  /** A snapshot of the newest version, whatever it costs. */
  snapshot(): Promise<void> {
    return this.snapshotOf(this.heads);
  }

  async snapshotOf(heads: HeadStore): Promise<void> {
    const { id, blobs, inline, clock, telemetry } = this;
    const cadence = { ...defaultCadence, chainLengthMin: 1, chainLengthMax: 1 };
    await new Snapshotter({
      ...{ id, heads, blobs, clock, telemetry, cadence },
      ...(inline === undefined ? {} : { inline }),
    }).run();
  }

  clean(options: CleanOptions = {}): Promise<CleanReport> {
    return this.cleanOn(this.heads, options);
  }

  cleanOn(heads: HeadStore, options: CleanOptions = {}): Promise<CleanReport> {
    return clean({ ...this.cleanerPorts, heads }, this.id, { retention: noRetention, ...options });
  }

  /** Reads everything that the head promises: its own version, and every pin. */
  async requireReadable(): Promise<void> {
    await this.requireReadableAt(await this.head());
  }

  async requireReadableAt(head: Head): Promise<void> {
    const source = wholeSource(this.id, this);
    await loadVersion(source, null, head);
    for (const name of Object.keys(head.pins)) {
      await loadVersion(source, null, servedHead({ ...head, serve: { epoch: head.serve.epoch, pin: name } }));
    }
  }

  /** `delta 3`, `snapshot 1`, `delta 3 bookkeeping`: what is stored, in order. */
  stored(): string[] {
    return this.blobs.names().map(short);
  }
}

function short(name: string): string {
  const [, kind = '', version = '', part = ''] =
    /\/(delta|snapshot|reversedelta)\/(?:\d+-)?0*(\d+)-[0-9a-f]{32}(?:\.part-(.*))?$/.exec(name) ?? [];
  return [kind, version, part].join(' ').trim();
}
