/** A stock Java consumer follows a directory that we export a chain into: announcements, pins, look-ups, parts. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { exportVersion } from '../../lib/hollow-directory/export-version.ts';
import { UniqueKeyIndex } from '../../lib/indexes/unique-key.ts';
import type { CycleOptions } from '../../lib/state/cycle.ts';
import { dumpLines } from '../../lib/tools/dump-state.ts';
import type { LineProcess } from '../support/line-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { canRunJava } from './support/java-availability.ts';
import { dumpOf, replies, startJava } from './support/java-hollow.ts';
import { OurWriter, type RootRecords } from './support/our-writer.ts';
import { RandomDataset } from './support/random-dataset.ts';
import { randomSchema } from './support/random-schema.ts';
import { Seeded, suiteSeed } from './support/seeded.ts';

const seed = suiteSeed(7);
const extras = new Map([['extras', ['MapOfLeafToList', 'SetOfSets', 'Number']]]);

/** A chain of ours, exported version by version. */
class ExportedChain {
  readonly dataset: RandomDataset;
  readonly writer: OurWriter;
  /** Lines of each version, from 1 on. */
  readonly lines: (readonly string[])[] = [[]];
  readonly #directory: string;
  readonly #random = new Seeded(seed);
  #before: RootRecords = {};

  constructor(directory: string) {
    this.#directory = directory;
    const model = randomSchema(this.#random);
    this.dataset = new RandomDataset(model, this.#random, 40);
    this.writer = new OurWriter(model, null);
  }

  /** The next version, announced. */
  async commit(
    options: CycleOptions & { withSnapshot?: boolean; withParts?: boolean } = {},
  ): Promise<number> {
    const version = this.lines.length;
    const after = this.dataset.records;
    const written = this.writer.write(this.#before, after, {
      ...options,
      tag: (BigInt(this.#random.below(2 ** 31)) << 32n) | BigInt(version),
      headerTags: new Map([['version', String(version)]]),
      ...(options.withParts && { parts: extras }),
    });
    const isFirst = version === 1;
    await exportVersion(this.#directory, {
      version: BigInt(version),
      from: isFirst ? null : BigInt(version - 1),
      ...(!isFirst && { delta: written.delta, reverseDelta: written.reverseDelta }),
      ...((isFirst || options.withSnapshot) && { snapshot: written.snapshot }),
    });
    this.lines.push([...dumpLines(this.writer.state)]);
    this.#before = after;
    this.dataset.change(10);
    return version;
  }
}

describe.skipIf(!canRunJava())(`a Java consumer on our chain, seed ${seed}`, () => {
  let java: LineProcess;
  let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
  let chain: ExportedChain;
  beforeAll(() => {
    java = startJava();
  });
  afterAll(() => java[Symbol.asyncDispose]());
  beforeEach(async () => {
    scratch = await temporaryDirectory();
    chain = new ExportedChain(scratch.path);
  });
  afterEach(() => scratch.remove());

  const ask = (command: string, session: string, fields: object = {}) =>
    java.request(command, { session, ...fields }, replies.followed);
  const open = (session: string, fields: object = {}) =>
    java.request('follow.open', { session, directory: scratch.path, watch: false, ...fields });

  it('hears of each version and follows: forward, pinned back, forward again', async () => {
    await chain.commit();
    await open('c', { watch: true });
    expect((await ask('follow.await', 'c', { version: '1' })).loaded).toEqual(['snapshot 1']);
    for (let i = 2; i <= 6; i++) {
      const version = String(await chain.commit({ withSnapshot: i === 4 }));
      expect((await ask('follow.await', 'c', { version })).loaded).toEqual([`delta ${version}`]);
      expect(await dumpOf(java, 'c')).toEqual(chain.lines[i]);
    }
    const pinned = await ask('follow.pin', 'c', { version: '3' });
    expect(pinned).toEqual({ version: '3', loaded: ['reversedelta 5', 'reversedelta 4', 'reversedelta 3'] });
    expect(await dumpOf(java, 'c')).toEqual(chain.lines[3]);
    await chain.commit();
    expect(await dumpOf(java, 'c')).toEqual(chain.lines[3]);
    await ask('follow.unpin', 'c');
    expect((await ask('follow.await', 'c', { version: '7' })).version).toBe('7');
    expect(await dumpOf(java, 'c')).toEqual(chain.lines[7]);
  });

  it('loads any version anew, and moves between any two', async () => {
    for (let i = 1; i <= 8; i++) await chain.commit({ withSnapshot: i % 3 === 0 });
    for (const version of [8, 1, 5, 6, 2, 7, 3]) {
      await open('fresh');
      expect((await ask('follow.refreshTo', 'fresh', { version: String(version) })).version).toBe(
        String(version),
      );
      expect(await dumpOf(java, 'fresh')).toEqual(chain.lines[version]);
    }
    await open('moving');
    for (const version of [1, 8, 2, 7, 5, 6, 1]) {
      await ask('follow.refreshTo', 'moving', { version: String(version) });
      expect(await dumpOf(java, 'moving')).toEqual(chain.lines[version]);
    }
  });

  it('follows changes of shard counts, there and back', async () => {
    const counts = [1, 2, 4, 8, 4, 2, 1, 2];
    await chain.commit({ shardCounts: new Map([['Item', 1]]) });
    await open('c');
    await ask('follow.refreshTo', 'c', { version: '1' });
    for (const count of counts) {
      const types = ['Item', 'String', 'ListOfString', 'SetOfLeaf', 'MapOfLeafToList', 'Nothing'];
      const shardCounts = new Map(types.map((type) => [type, count] as const));
      const version = await chain.commit({ shardCounts, withSnapshot: count === 8 });
      await ask('follow.refreshTo', 'c', { version: String(version) });
      expect(await dumpOf(java, 'c')).toEqual(chain.lines[version]);
    }
    const walk = [counts.length + 1, 1, 4, 2, counts.length + 1];
    for (const version of walk) {
      await ask('follow.refreshTo', 'c', { version: String(version) });
      expect(await dumpOf(java, 'c')).toEqual(chain.lines[version]);
    }
  });

  it('reads optional parts, or does without them', async () => {
    for (let i = 1; i <= 4; i++) await chain.commit({ withParts: true, withSnapshot: i === 3 });
    await open('with', { parts: ['extras'] });
    await open('without');
    for (const version of [1, 4, 2]) {
      for (const session of ['with', 'without']) {
        await ask('follow.refreshTo', session, { version: String(version) });
      }
      expect(await dumpOf(java, 'with')).toEqual(chain.lines[version]);
      const types = typeNames(await dumpOf(java, 'without'));
      expect(types).toEqual(typeNames(chain.lines[version] ?? []).filter((name) => !isExtra(name)));
    }
  });

  it('finds by primary key and by hash key what we wrote', async () => {
    for (let i = 1; i <= 4; i++) await chain.commit();
    await open('c');
    await ask('follow.refreshTo', 'c', { version: '1' });
    await ask('follow.refreshTo', 'c', { version: '4' });
    const { state } = chain.writer;
    const items = UniqueKeyIndex.build(state, 'Item');
    const ids = Array.from({ length: 60 }, (_, i) => i * 37 - 500);
    const byPrimaryKey = { session: 'c', type: 'Item', keys: ids.map((id) => [id]) };
    const { ordinals } = await java.request('view.findByPrimaryKey', byPrimaryKey, replies.ordinals);
    expect(ordinals).toEqual(ids.map((id) => items.find(id)));
    expect(ordinals.filter((ordinal) => ordinal >= 0).length).toBeGreaterThan(5);
    expect(ordinals).toContain(-1);

    const strings = recordsOf(chain.lines[4] ?? [], 'String');
    const sets = recordsOf(chain.lines[4] ?? [], 'SetOfString');
    const present = [...sets].flatMap(([set, [elements]]) =>
      (elements as number[]).map((element) => ({ query: [set, strings.get(element)?.[0]], element })),
    );
    const absent = [...sets.keys()].map((set) => ({ query: [set, 'in no set at all'], element: -1 }));
    const all = [...present, ...absent];
    const byHashKey = { session: 'c', type: 'SetOfString', queries: all.map(({ query }) => query) };
    const { found } = await java.request('view.findByHashKey', byHashKey, replies.found);
    expect(found).toEqual(all.map(({ element }) => element));
    expect(present.length).toBeGreaterThan(10);

    const looked = await java.request('view.checkLookUps', { session: 'c' }, replies.lookUps);
    expect(looked.mismatches).toEqual([]);
    expect(Math.min(looked.byPrimaryKey, looked.byHashKey, looked.byOrdinal)).toBeGreaterThan(0);
  });
});

const isExtra = (name: string): boolean => extras.get('extras')?.includes(name) ?? false;

function typeNames(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => {
    const parsed: unknown = JSON.parse(line);
    return Array.isArray(parsed) ? [] : String(Object(parsed).name ?? '');
  });
}

/** The records of a type in a dump, by ordinal. */
function recordsOf(lines: readonly string[], type: string): ReadonlyMap<number, readonly unknown[]> {
  const records = new Map<number, readonly unknown[]>();
  let isOfType = false;
  for (const line of lines) {
    const parsed: unknown = JSON.parse(line);
    if (!Array.isArray(parsed)) isOfType = Object(parsed).name === type;
    else if (isOfType) records.set(Number(parsed[0]), parsed.slice(1));
  }
  return records;
}
