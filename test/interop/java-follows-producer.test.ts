/**
 * A stock Java consumer behind the whole of our path on one machine: mutations through the queue, producers that race,
 * the commit, and the export in Hollow's layout.
 */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Consumer } from '../../lib/consumer/consumer.ts';
import { HollowExport } from '../../lib/hollow-directory/hollow-export.ts';
import { pinVersion } from '../../lib/housekeeping/pins.ts';
import { serve } from '../../lib/housekeeping/rollback.ts';
import { LocalAnnouncements } from '../../lib/local/announcements.ts';
import { LocalBlobStore } from '../../lib/local/blob-store.ts';
import { LocalHeadStore } from '../../lib/local/head-store.ts';
import { LocalMutationQueue } from '../../lib/local/mutation-queue.ts';
import { LocalQuarantine } from '../../lib/local/quarantine.ts';
import { systemClock as clock } from '../../lib/local/system-clock.ts';
import { systemRandom } from '../../lib/local/system-random.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import type { Announcer, MutationSource } from '../../lib/ports.ts';
import { Producer } from '../../lib/producer/producer.ts';
import { dumpLines } from '../../lib/tools/dump-state.ts';
import type { LineProcess } from '../support/line-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { canRunJava } from './support/java-availability.ts';
import { dumpOf, replies, startJava } from './support/java-hollow.ts';
import { mutationsBetween, sayable } from './support/mutations.ts';
import type { RootRecords } from './support/our-writer.ts';
import { RandomDataset } from './support/random-dataset.ts';
import { randomSchema } from './support/random-schema.ts';
import { canonical, canonicalRecords } from './support/record-value.ts';
import { Seeded, suiteSeed } from './support/seeded.ts';

const seed = suiteSeed(23);

const id = { dataset: 'interop', partition: 0 };
/** Snapshots among the deltas. */
const chainBounds = { recentEntriesMin: 12, chainLengthForSnapshot: 5, chainLengthMax: 12 };

/** A dataset on the local adapters. */
class LocalChain {
  readonly exported: string;
  readonly telemetry = new MemoryTelemetry();
  readonly #random = new Seeded(seed);
  readonly #model = randomSchema(this.#random);
  readonly #dataset = new RandomDataset(this.#model, this.#random, 40);
  readonly #heads: LocalHeadStore;
  readonly #queue: LocalMutationQueue;
  readonly #ports;
  readonly #consumer: Consumer;
  readonly #announcements: LocalAnnouncements;
  readonly #quarantine: LocalQuarantine;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>[] = [];
  /** Lines of each version as our consumer sees it, from 1 on. */
  readonly lines: (readonly string[])[] = [[]];
  #before: RootRecords = {};

  constructor(directory: string) {
    this.exported = join(directory, 'exported');
    const { telemetry } = this;
    this.#heads = new LocalHeadStore(join(directory, 'heads.sqlite'));
    const blobs = new LocalBlobStore(join(directory, 'blobs'));
    this.#ports = { id, heads: this.#heads, blobs, clock, random: systemRandom, telemetry };
    this.#queue = new LocalMutationQueue({
      file: join(directory, 'queue.sqlite'),
      clock,
      random: systemRandom,
      visibilityMs: 30_000,
    });
    this.#consumer = new Consumer(this.#ports);
    this.#announcements = new LocalAnnouncements({
      directory: join(directory, 'announced'),
      clock,
      telemetry,
    });
    this.#quarantine = new LocalQuarantine(join(directory, 'quarantine.ndjson'));
  }

  /** The types that the data model has. */
  get typeNames(): readonly string[] {
    return this.#model.schema.schemas.map(({ name }) => name).toSorted();
  }

  newExport(): HollowExport {
    const { heads, blobs } = this.#ports;
    return new HollowExport({ directory: this.exported, id, heads, blobs, next: this.#announcements });
  }

  /** Tells readers to serve that version; null: the newest one again. */
  async serve(version: number | null): Promise<void> {
    const ports = { ...this.#ports, announcer: this.newExport() };
    const name = version === null ? null : `v${version}`;
    if (version !== null && name !== null) await pinVersion(ports, id, { name, version });
    await serve(ports, id, name);
  }

  /** Another producer on the queue. */
  startProducer(announcer: Announcer): void {
    const { schema } = this.#model;
    const quarantine = this.#quarantine;
    const producer = new Producer({ ...this.#ports, schema, announcer, quarantine, chainBounds });
    const queue = this.#queue;
    const source: MutationSource = {
      // A short wait: who waits does not hear that it is to stop.
      receive: (messagesMax) => queue.receive(messagesMax, 100),
      acknowledge: (messages) => queue.acknowledge(messages),
    };
    this.#running.push(producer.run(source, this.#stopping.signal));
  }

  /** Sends changes, waits until they are in, and checks that our own consumer sees what was meant. */
  async commit(): Promise<number> {
    const after = sayable(this.#model, this.#dataset.records);
    const version = this.lines.length;
    const options = { random: this.#random, timestamp: version };
    await this.#queue.send([{ body: mutationsBetween(this.#model, this.#before, after, options) }]);
    for (let i = 0; i < 500 && this.#consumer.version?.version !== version; i++) {
      await clock.sleep(20);
      await this.#consumer.refresh();
    }
    expect(this.#consumer.version?.version).toBe(version);
    const lines = [...dumpLines(this.#consumer.state.read)];
    for (const [type, records] of Object.entries(after)) {
      const meant = records.map((record) => canonical(this.#model.schema, type, record)).toSorted();
      expect(canonicalRecords(this.#model.schema, type, lines)).toEqual(meant);
    }
    this.lines.push(lines);
    this.#before = after;
    this.#dataset.change(10);
    return version;
  }

  /** The producers finish what they have begun. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
    this.#queue.close();
    this.#heads.close();
  }
}

describe.skipIf(!canRunJava())(`a Java consumer behind our producers, seed ${seed}`, () => {
  let java: LineProcess;
  let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
  let chain: LocalChain;
  beforeAll(() => {
    java = startJava();
  });
  afterAll(() => java[Symbol.asyncDispose]());
  beforeEach(async () => {
    scratch = await temporaryDirectory();
    chain = new LocalChain(scratch.path);
  });
  afterEach(async () => {
    await chain.stop();
    await scratch.remove();
  });

  const ask = (command: string, fields: object = {}) =>
    java.request(command, { session: 'c', ...fields }, replies.followed);
  const open = (watch: boolean) =>
    java.request('follow.open', { session: 'c', directory: chain.exported, watch });
  const expectSeen = async (version: number): Promise<void> => {
    expect(await dumpOf(java, 'c')).toEqual(chain.lines[version]);
  };

  it('hears of each commit and follows: forward, pinned back, forward again; and any version anew', async () => {
    chain.startProducer(chain.newExport());
    chain.startProducer(chain.newExport());
    const first = await chain.commit();
    await chain.newExport().catchUp();
    await open(true);
    await ask('follow.await', { version: String(first) });
    for (let i = 2; i <= 14; i++) {
      const version = String(await chain.commit());
      expect((await ask('follow.await', { version })).loaded).toEqual([`delta ${version}`]);
      await expectSeen(i);
    }
    const pinned = await ask('follow.pin', { version: '3' });
    expect(pinned.loaded).toEqual(Array.from({ length: 11 }, (_, i) => `reversedelta ${13 - i}`));
    await expectSeen(3);
    await chain.commit();
    await expectSeen(3);
    await ask('follow.unpin');
    const ahead = await ask('follow.await', { version: '15' });
    expect(ahead.loaded.every((blob) => blob.startsWith('delta'))).toBe(true);
    await expectSeen(15);

    const loaded: string[] = [];
    for (let version = 15; version > 0; version--) {
      await open(false);
      loaded.push(...(await ask('follow.refreshTo', { version: String(version) })).loaded);
      await expectSeen(version);
    }
    expect(new Set(loaded.filter((blob) => blob.startsWith('snapshot'))).size).toBeGreaterThan(2);
    expect(chain.telemetry.sum('MutationsQuarantined')).toBe(0);
    expect(chain.telemetry.sum('AnnouncementsFailed')).toBe(0);
  });

  it('goes back to the version that is to be served, stays there, and goes on when it is not', async () => {
    chain.startProducer(chain.newExport());
    for (let i = 1; i <= 6; i++) await chain.commit();
    await open(true);
    await ask('follow.await', { version: '6' });
    await chain.serve(4);
    const back = await ask('follow.await', { version: '4' });
    expect(back.loaded).toEqual(['reversedelta 5', 'reversedelta 4']);
    await expectSeen(4);
    await chain.serve(null);
    const on = await ask('follow.await', { version: '6' });
    expect(on.loaded).toEqual(['delta 5', 'delta 6']);
    await expectSeen(6);
  });

  it('sees the types of the data model and nothing of the bookkeeping', async () => {
    chain.startProducer(chain.newExport());
    for (let i = 1; i <= 3; i++) await chain.commit();
    await chain.newExport().catchUp();
    await open(true);
    await ask('follow.await', { version: '3' });
    const lines = await dumpOf(java, 'c');
    const types = lines.flatMap((line) => /^\{"kind":"type","name":"(\w+)"/.exec(line)?.[1] ?? []);
    expect(types).toEqual(chain.typeNames);
  });

  it('is led over versions that a crash kept from the export', async () => {
    const exported = chain.newExport();
    let isDown = false;
    chain.startProducer({ announce: async (hint) => (isDown ? undefined : exported.announce(hint)) });
    await chain.commit();
    await chain.newExport().catchUp();
    await open(true);
    await ask('follow.await', { version: '1' });
    isDown = true;
    for (let i = 2; i <= 4; i++) await chain.commit();
    isDown = false;
    await expectSeen(1);
    await chain.commit();
    const { loaded } = await ask('follow.await', { version: '5' });
    expect(loaded).toEqual([2, 3, 4, 5].map((version) => `delta ${version}`));
    await expectSeen(5);
    expect((await ask('follow.pin', { version: '2' })).loaded.length).toBe(3);
    await expectSeen(2);
  });
});
