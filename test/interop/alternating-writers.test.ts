/**
 * One chain, two writers: at each version either Java or we restore what the other left and go on. Both readers follow
 * every delta and agree, forward, back, and by snapshot; and what they see is what was meant to be written.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { env } from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { dumpLines } from '../../lib/tools/dump-state.ts';
import type { LineProcess } from '../support/line-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { canRunJava } from './support/java-availability.ts';
import { dumpOf, replies, startJava } from './support/java-hollow.ts';
import { OurWriter, type RootRecords } from './support/our-writer.ts';
import { RandomDataset } from './support/random-dataset.ts';
import { type RandomSchema, randomSchema } from './support/random-schema.ts';
import { canonical, canonicalRecords } from './support/record-value.ts';
import { Seeded } from './support/seeded.ts';

const seedCount = Number(env['INTEROP_SEEDS'] ?? 20);
const firstSeed = Number(env['INTEROP_SEED'] ?? 1);
const cycleCount = Number(env['INTEROP_CYCLES'] ?? 50);
const changeSampleMin = 300;

/** Follows a chain with our reader and with Java's, and compares. */
class Followers {
  readonly #java: LineProcess;
  readonly #directory: string;
  #state: ReadState | null = null;
  #lines: readonly string[] = [];

  constructor(java: LineProcess, directory: string) {
    this.#java = java;
    this.#directory = directory;
  }

  get state(): ReadState | null {
    return this.#state;
  }

  /** Both take the step to `version`; returns the lines that both see there. */
  async follow(version: number): Promise<readonly string[]> {
    const from = this.#state;
    const snapshot = decodeSnapshot(await this.#read(`snapshot-${version}`));
    await this.#java.request('read.snapshot', { session: 'loaded', file: this.#path(`snapshot-${version}`) });
    if (from === null) {
      this.#state = snapshot;
      await this.#java.request('read.snapshot', {
        session: 'follower',
        file: this.#path(`snapshot-${version}`),
      });
    } else {
      const delta = `delta-${version - 1}-${version}`;
      this.#state = applyDelta(from, await this.#read(delta)).state;
      await this.#java.request('read.delta', { session: 'follower', file: this.#path(delta) });
    }
    const lines = [...dumpLines(this.#state)];
    expect(await dumpOf(this.#java, 'follower')).toEqual(lines);
    expect(await dumpOf(this.#java, 'loaded')).toEqual(lines);
    expect([...dumpLines(snapshot)]).toEqual(lines);
    if (from !== null) await this.#back(version, snapshot);
    this.#lines = lines;
    return lines;
  }

  /** From the followed state and from the snapshot, the reverse delta leads to the version before. */
  async #back(version: number, snapshot: ReadState): Promise<void> {
    const name = `reversedelta-${version}-${version - 1}`;
    const bytes = await this.#read(name);
    if (this.#state !== null)
      expect([...dumpLines(applyDelta(this.#state, bytes).state)]).toEqual(this.#lines);
    expect([...dumpLines(applyDelta(snapshot, bytes).state)]).toEqual(this.#lines);
    await this.#java.request('read.delta', { session: 'loaded', file: this.#path(name) });
    expect(await dumpOf(this.#java, 'loaded')).toEqual(this.#lines);
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  #read(name: string): Promise<Uint8Array> {
    return readFile(this.#path(name));
  }
}

/** The writing side of one chain: who writes, and from what. */
class Writers {
  readonly #java: LineProcess;
  readonly #directory: string;
  readonly #model: RandomSchema;
  readonly #random: Seeded;
  #ours: OurWriter | null = null;
  #isJavaWarm = false;

  constructor(
    java: LineProcess,
    directory: string,
    { model, random }: { model: RandomSchema; random: Seeded },
  ) {
    this.#java = java;
    this.#directory = directory;
    this.#model = model;
    this.#random = random;
  }

  async writeByJava(version: number, records: RootRecords): Promise<void> {
    const session = { session: 'writer' };
    if (!this.#isJavaWarm || this.#random.chance(30)) {
      const numShards = version > 1 ? {} : { numShards: { String: 4, SetOfString: 2, Item: 2, Leaf: 8 } };
      await this.#java.request('engine.open', { ...session, ...this.#model.forJava, ...numShards });
      if (version > 1) {
        await this.#java.request('engine.restore', {
          ...session,
          file: this.#path(`snapshot-${version - 1}`),
        });
      }
    }
    const step = `${version - 1}-${version}`;
    const back = `${version}-${version - 1}`;
    const write = {
      snapshot: this.#path(`snapshot-${version}`),
      ...(version > 1 && {
        delta: this.#path(`delta-${step}`),
        reversedelta: this.#path(`reversedelta-${back}`),
      }),
    };
    const headerTags = { version: String(version), writer: 'java' };
    await this.#java.request('engine.state', { ...session, records, headerTags, write }, replies.state);
    this.#isJavaWarm = true;
    // Ours goes on by the delta, or starts anew from the snapshot.
    if (this.#ours === null || this.#random.chance(50)) this.#ours = null;
    else this.#ours.advance(applyDelta(this.#ours.state, await readFile(this.#path(`delta-${step}`))));
  }

  async writeByUs(version: number, before: RootRecords, after: RootRecords): Promise<void> {
    const snapshot = version > 1 ? await readFile(this.#path(`snapshot-${version - 1}`)) : null;
    this.#ours ??= new OurWriter(this.#model, snapshot && decodeSnapshot(snapshot));
    const written = this.#ours.write(before, after, {
      mode: this.#random.chance(50) ? 'populate' : 'changes',
      tag: (BigInt(this.#random.below(2 ** 31)) << 32n) | BigInt(version),
      headerTags: new Map([
        ['version', String(version)],
        ['writer', 'ours'],
      ]),
    });
    await writeFile(this.#path(`snapshot-${version}`), written.snapshot.main);
    if (version > 1) {
      await writeFile(this.#path(`delta-${version - 1}-${version}`), written.delta.main);
      await writeFile(this.#path(`reversedelta-${version}-${version - 1}`), written.reverseDelta.main);
    }
    this.#isJavaWarm = false;
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}

describe.skipIf(!canRunJava())('a chain with two writers, Java and us', () => {
  let java: LineProcess;
  let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeAll(async () => {
    java = startJava();
    scratch = await temporaryDirectory();
  });
  afterAll(async () => {
    await java[Symbol.asyncDispose]();
    await scratch.remove();
  });

  it.each(Array.from({ length: seedCount }, (_, i) => firstSeed + i))('seed %i', async (seed) => {
    const directory = join(scratch.path, String(seed));
    await mkdir(directory);
    const random = new Seeded(seed);
    const model = randomSchema(random);
    const dataset = new RandomDataset(model, random, 30);
    const writers = new Writers(java, directory, { model, random });
    const followers = new Followers(java, directory);
    let before: RootRecords = {};
    let looked = { byPrimaryKey: 0, byHashKey: 0, byOrdinal: 0 };
    for (let version = 1; version <= cycleCount; version++) {
      const after = dataset.records;
      const isJavas = random.chance(50);
      try {
        if (isJavas) await writers.writeByJava(version, after);
        else await writers.writeByUs(version, before, after);
        const lines = await followers.follow(version);
        for (const [type, records] of Object.entries(after)) {
          const meant = records.map((record) => canonical(model.schema, type, record)).toSorted();
          expect(canonicalRecords(model.schema, type, lines)).toEqual(meant);
        }
        const { mismatches, ...counts } = await java.request(
          'view.checkLookUps',
          { session: 'follower' },
          replies.lookUps,
        );
        expect(mismatches).toEqual([]);
        looked = counts;
      } catch (error) {
        throw new Error(`seed ${seed}, cycle ${version} written by ${isJavas ? 'Java' : 'us'}`, {
          cause: error,
        });
      }
      before = after;
      dataset.change(3 + random.below(20));
    }
    const { all, ofCollections, ofShared } = dataset.changeCounts;
    // A run that was shortened has too few changes for a share.
    if (all >= changeSampleMin) {
      expect(ofCollections / all).toBeGreaterThanOrEqual(0.3);
      expect(ofShared / all).toBeGreaterThanOrEqual(0.3);
    }
    expect(Math.min(looked.byPrimaryKey, looked.byHashKey, looked.byOrdinal)).toBeGreaterThan(0);
    await rm(directory, { recursive: true });
  });
});
