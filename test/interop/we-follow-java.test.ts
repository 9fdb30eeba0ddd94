/** A stock HollowProducer owns a directory: our reader follows it, our writer continues it, and it continues ours. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeHeaderBlob } from '../../lib/blob/encode-header.ts';
import { encodeSnapshot } from '../../lib/blob/encode-snapshot.ts';
import { loadAnnouncedVersion } from '../../lib/hollow-directory/announced-version.ts';
import { exportVersion } from '../../lib/hollow-directory/export-version.ts';
import { followHollow, type HollowVersion } from '../../lib/hollow-directory/follow.ts';
import { HollowDirectory } from '../../lib/hollow-directory/hollow-directory.ts';
import { verifyDirectory } from '../../lib/hollow-directory/verify.ts';
import { dumpLines } from '../../lib/tools/dump-state.ts';
import type { LineProcess } from '../support/line-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { canRunJava } from './support/java-availability.ts';
import { dumpOf, replies, startJava } from './support/java-hollow.ts';
import { OurWriter, type RootRecords } from './support/our-writer.ts';
import { RandomDataset } from './support/random-dataset.ts';
import { type RandomSchema, randomSchema } from './support/random-schema.ts';
import { canonical, canonicalRecords, objectOf, type RecordValue } from './support/record-value.ts';
import { Seeded, suiteSeed } from './support/seeded.ts';

const seed = suiteSeed(11);

/** As Hollow mints them: above 2^53. */
const firstVersion = 20_261_123_113_054_000n;
const versionMax = 2n ** 63n - 1n;

describe.skipIf(!canRunJava())(`a directory of a Java producer, seed ${seed}`, () => {
  let java: LineProcess;
  let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
  let random: Seeded;
  let model: RandomSchema;
  let dataset: RandomDataset;
  beforeAll(() => {
    java = startJava();
  });
  afterAll(() => java[Symbol.asyncDispose]());
  beforeEach(async () => {
    scratch = await temporaryDirectory();
    random = new Seeded(seed);
    model = randomSchema(random);
    dataset = new RandomDataset(model, random, 40);
  });
  afterEach(() => scratch.remove());

  const open = (fields: object = {}) =>
    java.request('produce.open', { session: 'p', directory: scratch.path, ...model.forJava, ...fields });
  const cycle = (version: bigint, fields: object = {}) =>
    java.request(
      'produce.cycle',
      { session: 'p', version: String(version), records: dataset.records, ...fields },
      replies.version,
    );
  /** What Java's own consumer sees at a version. */
  const javaLines = async (version: bigint, fields: object = {}): Promise<readonly string[]> => {
    await java.request('follow.open', { session: 'f', directory: scratch.path, watch: false, ...fields });
    await java.request('follow.refreshTo', { session: 'f', version: String(version) });
    return dumpOf(java, 'f');
  };
  const expectRoots = (lines: readonly string[], roots: RootRecords): void => {
    for (const [type, records] of Object.entries(roots)) {
      const meant = records.map((record) => canonical(model.schema, type, record)).toSorted();
      expect(canonicalRecords(model.schema, type, lines)).toEqual(meant);
    }
  };

  it.each([
    ['a snapshot for each state', {}],
    ['a snapshot for every fourth', { numStatesBetweenSnapshots: 3 }],
    ['types that are resharded', { numStatesBetweenSnapshots: 5, reshardToSize: 300 }],
    ['parts', { parts: { extras: ['SetOfSets', 'MapOfLeafToList'], more: ['Number'] } }],
  ])('is followed to every version, back, and to any: %s', async (_, options) => {
    await open(options);
    const parts = 'parts' in options ? Object.keys(options.parts ?? {}) : [];
    const directory = new HollowDirectory(scratch.path, parts);
    const seen: { version: bigint; lines: readonly string[] }[] = [];
    let current: HollowVersion | null = null;
    for (let i = 0; i < 10; i++) {
      const version = firstVersion + BigInt(i * 3);
      await cycle(version);
      const announced = await loadAnnouncedVersion(scratch.path);
      expect(announced).toBe(version);
      current = await followHollow(directory, current, announced ?? -1n);
      expect(current?.version).toBe(version);
      const lines = current === null ? [] : [...dumpLines(current.state)];
      expect(lines).toEqual(await javaLines(version, { parts }));
      expectRoots(lines, dataset.records);
      seen.push({ version, lines });
      dataset.change(12);
    }
    const walk = [...seen.toReversed(), ...[4, 9, 0, 7].flatMap((i) => seen[i] ?? [])];
    for (const { version, lines } of walk) {
      const fresh = await followHollow(directory, null, version);
      current = await followHollow(directory, current, version);
      for (const reached of [fresh, current]) {
        expect(reached?.version).toBe(version);
        if (reached !== null) expect([...dumpLines(reached.state)]).toEqual(lines);
      }
    }
    expect((await followHollow(directory, null, versionMax))?.version).toBe(seen.at(-1)?.version);
  });

  it('is followed when its producer is incremental', async () => {
    await open({ incremental: true });
    const directory = new HollowDirectory(scratch.path);
    let current: HollowVersion | null = null;
    let before: RootRecords = {};
    for (let i = 0; i < 6; i++) {
      const version = firstVersion + BigInt(i);
      await java.request('produce.incremental', {
        session: 'p',
        version: String(version),
        ...difference(model, before, dataset.records),
      });
      current = await followHollow(directory, current, version);
      const lines = current === null ? [] : [...dumpLines(current.state)];
      expect(lines).toEqual(await javaLines(version));
      expectRoots(lines, dataset.records);
      before = dataset.records;
      dataset.change(8);
    }
  });

  it('is continued by us, and ours by a Java producer that restores', async () => {
    const directory = new HollowDirectory(scratch.path);
    let before: RootRecords = {};
    let current: HollowVersion | null = null;
    for (let i = 0; i < 8; i++) {
      const version = firstVersion + BigInt(i);
      if (i % 2 === 0) {
        await open();
        if (current !== null) {
          await java.request('produce.restore', { session: 'p', version: String(current.version) });
        }
        await cycle(version);
      } else if (current !== null) {
        const writer = new OurWriter(model, current.state);
        const tag = BigInt(random.below(2 ** 31)) << 32n;
        const headerTags = current.state.headerTags;
        const written = writer.write(before, dataset.records, { mode: 'changes', tag, headerTags });
        await exportVersion(scratch.path, { version, from: current.version, ...written });
      }
      current = await followHollow(directory, current, (await loadAnnouncedVersion(scratch.path)) ?? -1n);
      expect(current?.version).toBe(version);
      const lines = current === null ? [] : [...dumpLines(current.state)];
      expectRoots(lines, dataset.records);
      expect(await javaLines(version)).toEqual(lines);
      before = dataset.records;
      dataset.change(12);
    }
    await java.request('follow.open', { session: 'walk', directory: scratch.path, watch: false });
    const first = String(firstVersion);
    await java.request('follow.refreshTo', { session: 'walk', version: first });
    const last = { session: 'walk', version: String(firstVersion + 7n) };
    const { loaded } = await java.request('follow.refreshTo', last, replies.followed);
    expect(loaded.length).toBe(7);
    if (current !== null) expect(await dumpOf(java, 'walk')).toEqual([...dumpLines(current.state)]);
  });

  it('is followed when its producer comes back with another data model', async () => {
    const types = 'Tags Set<String> @HashKey(value); String { string value; }';
    const old = `City @PrimaryKey(id) { int id; String name; int gone; Tags tags; } ${types}`;
    const now = `Extra { int a; } City @PrimaryKey(id) { int id; long population; String name; Tags tags; Extra extra; } ${types}`;
    const city = (id: number, fields: object) => ({
      id,
      name: `city ${id}`,
      tags: [`tag ${id % 3}`, 'all'],
      ...fields,
    });
    const steps = [
      { schemas: old, cities: [1, 2, 3, 4].map((id) => city(id, { gone: id })) },
      { schemas: now, cities: [2, 3, 4, 5].map((id) => city(id, { population: id * 10, extra: { a: id } })) },
      { schemas: now, cities: [3, 4, 5, 6].map((id) => city(id, { population: id * 20, extra: { a: 1 } })) },
      { schemas: old, cities: [4, 5, 6, 7].map((id) => city(id, { gone: 0 })) },
    ];
    const directory = new HollowDirectory(scratch.path);
    await java.request('follow.open', { session: 'deltas', directory: scratch.path, watch: false });
    let current: HollowVersion | null = null;
    for (const [i, { schemas, cities }] of steps.entries()) {
      const version = firstVersion + BigInt(i);
      await java.request('produce.open', { session: 'p', directory: scratch.path, schemas });
      if (i > 0) await java.request('produce.restore', { session: 'p', version: String(version - 1n) });
      await cycle(version, { records: { City: cities } });
      current = await followHollow(directory, current, version);
      const fresh = await followHollow(directory, null, version);
      if (current === null || fresh === null) throw new Error('nothing found');
      await java.request('follow.refreshTo', { session: 'deltas', version: String(version) });
      expect([...dumpLines(current.state)]).toEqual(await dumpOf(java, 'deltas'));
      expect([...dumpLines(fresh.state)]).toEqual(await javaLines(version));
    }
    const { versions } = await verifyDirectory(directory);
    expect(versions.map(({ problems }) => problems)).toEqual([[], [], [], []]);
  });

  it('gets the same snapshot and header from us, byte for byte, whatever the state', async () => {
    await open({ numShards: { String: 2, Item: 4 } });
    await cycle(firstVersion);
    const directory = new HollowDirectory(scratch.path);
    const [found, header] = [
      await directory.findSnapshot(firstVersion),
      await directory.findHeader(firstVersion),
    ];
    const state = (await followHollow(directory, null, firstVersion))?.state;
    if (found === null || header === null || state === undefined) throw new Error('a blob is missing');
    expect(Buffer.from(encodeSnapshot(state, { parts: new Map() }).main).equals(found.main)).toBe(true);
    expect(Buffer.from(encodeHeaderBlob(state)).equals(header)).toBe(true);
  });
});

/** What turns one set of roots into the other, as the incremental producer takes it. */
function difference({ schema }: RandomSchema, before: RootRecords, after: RootRecords) {
  const upserts: Record<string, RecordValue[]> = {};
  const deletes: Record<string, (readonly RecordValue[])[]> = {};
  for (const [type, records] of Object.entries(after)) {
    const keyOf = (record: RecordValue): readonly RecordValue[] =>
      schema.getObject(type).primaryKey.map((path) => {
        const value = objectOf(record)[path] ?? null;
        return value !== null && typeof value === 'object' ? (objectOf(value)['value'] ?? null) : value;
      });
    const old = new Set((before[type] ?? []).map((record) => canonical(schema, type, record)));
    const kept = new Set(records.map((record) => JSON.stringify(keyOf(record))));
    upserts[type] = records.filter((record) => !old.has(canonical(schema, type, record)));
    deletes[type] = (before[type] ?? []).map(keyOf).filter((key) => !kept.has(JSON.stringify(key)));
  }
  return { upserts, deletes };
}
