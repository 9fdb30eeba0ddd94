/** What our own tools make, through Java's eyes: stores of `hollow build`, and the data of the benches. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { diffStates } from '../../lib/tools/diff-states.ts';
import { productOf, productSchema, products } from '../bench/products.ts';
import { ProductsProducer } from '../bench/products-producer.ts';
import { runHollowCaptured } from '../support/captured-terminal.ts';
import type { LineProcess } from '../support/line-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { canRunJava } from './support/java-availability.ts';
import { dumpOf, replies, startJava } from './support/java-hollow.ts';

describe.skipIf(!canRunJava())('through the eyes of Java', () => {
  let java: LineProcess;
  let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeAll(() => {
    java = startJava();
  });
  afterAll(() => java[Symbol.asyncDispose]());
  beforeEach(async () => {
    scratch = await temporaryDirectory();
  });
  afterEach(() => scratch.remove());
  const file = (name: string): string => join(scratch.path, name);

  it('a store of `hollow build` is followed: whole states, changes, and another schema', async () => {
    const schema =
      'City @PrimaryKey(id) { int id; String name; Tags tags; } Tags Set<String>; String { string value; }';
    const city = (id: number, name: string, ...tags: string[]) => ({
      type: 'City',
      value: { id, name, tags },
    });
    const steps = [
      { schema, lines: [city(1, 'Utrecht', 'nl'), city(2, 'Gent', 'be')] },
      {
        schema,
        lines: [city(2, 'Gent', 'be', 'nice'), { type: 'City', delete: { id: 1 } }, city(3, 'Brugge', 'be')],
      },
      { schema: schema.replace('int id;', 'int id; long population;'), lines: [city(4, 'Leuven', 'be')] },
      { schema: schema.replace('int id;', 'int id; long population;'), lines: [city(3, 'Bruges', 'be')] },
    ];
    const store = file('store');
    await java.request('follow.open', { session: 'c', directory: store, watch: false });
    const loaded: string[] = [];
    for (const [i, step] of steps.entries()) {
      await writeFile(file('schema'), step.schema);
      await writeFile(file('records'), step.lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      const files = ['--schema', file('schema'), '--in', file('records'), '--store', store];
      expect(await runHollowCaptured('build', ...files, '--incremental')).toMatchObject({ exitCode: 0 });
      const version = String(i + 1);
      const followed = await java.request('follow.refreshTo', { session: 'c', version }, replies.followed);
      loaded.push(...followed.loaded);
      const { output } = await runHollowCaptured('dump', join(store, `snapshot-${version}`));
      expect(`${(await dumpOf(java, 'c')).join('\n')}\n`).toBe(output);
    }
    expect(loaded).toEqual(['snapshot 1', 'delta 2', 'snapshot 3', 'delta 4']);
    const looked = await java.request('view.checkLookUps', { session: 'c' }, replies.lookUps);
    expect(looked).toMatchObject({ byPrimaryKey: 3, mismatches: [] });
  });

  it('the products of the benches are the same in both languages', async () => {
    const count = 500;
    await java.request('bench.write', { count, file: file('snapshot') });
    await java.request('bench.change', { revision: 1, every: 100, file: file('delta') });
    const before = decodeSnapshot(await readFile(file('snapshot')));
    const after = applyDelta(before, await readFile(file('delta'))).state;
    expect(
      diffStates(
        before,
        ours(count, () => 0),
      ),
    ).toEqual([]);
    expect(
      diffStates(
        ours(count, (id) => (id % 100 === 1 ? 1 : 0)),
        after,
      ),
    ).toEqual([]);
  });

  it("Java's incremental producer and the one of the benches make the same of them, cycle by cycle", async () => {
    const count = 500;
    const mine = new ProductsProducer(count);
    mine.addAll(file('ours'));
    await java.request('bench.produceAll', { count, snapshot: file('snapshot') });
    let theirs = decodeSnapshot(await readFile(file('snapshot')));
    expect(diffStates(mine.state, theirs)).toEqual([]);
    // The last two change products again, which Java finds only if its producer's own state has followed.
    for (const revision of [1, 2, 101, 202]) {
      const [before, oursBefore] = [theirs, mine.state];
      mine.produceChanges(revision);
      const blobs = { delta: file('delta'), reverseDelta: file('reverse') };
      await java.request('bench.produceChanges', { revision, every: 100, ...blobs });
      theirs = applyDelta(before, await readFile(blobs.delta)).state;
      expect(diffStates(mine.state, theirs)).toEqual([]);
      expect(countsOf(theirs)).toEqual(countsOf(mine.state));
      const [changed] = diffStates(before, theirs);
      expect(changed).toMatchObject({ type: 'Product', removed: [], added: [] });
      expect(changed?.changed.length).toBe(count / 100);
      const back = applyDelta(theirs, await readFile(blobs.reverseDelta)).state;
      expect(diffStates(before, back)).toEqual([]);
      expect(diffStates(oursBefore, applyDelta(mine.state, mine.reverseDelta).state)).toEqual([]);
    }
  });
});

/** How many records each type has. */
function countsOf(state: ReadState): object {
  return Object.fromEntries(state.typeNames.map((name) => [name, state.type(name).count]));
}

function ours(count: number, revisionOf: (id: number) => number): ReadState {
  const schema = DatasetSchema.of(parseSchemas(productSchema));
  const cycle = WriteState.restore(ReadState.empty(schema)).begin();
  for (const { id } of products(count)) cycle.add('Product', productOf(id, revisionOf(id)));
  const delta = encodeDelta(cycle.transition(), { tag: 1n, headerTags: new Map(), parts: new Map() });
  return applyDelta(ReadState.empty(schema), delta.main).state;
}
