/** Random chains over every kind of type, key and shard count, beside a plain model of what they should hold. */
import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { UniqueKeyIndex } from '../../lib/indexes/unique-key.ts';
import type { TypeFilter } from '../../lib/schema/type-filter.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { hashState, toHex, updateHash } from '../../lib/state/state-hash.ts';
import { OurWriter } from '../interop/support/our-writer.ts';
import { RandomDataset } from '../interop/support/random-dataset.ts';
import { randomSchema } from '../interop/support/random-schema.ts';
import { toEngineValue } from '../interop/support/record-value.ts';
import { Seeded } from '../interop/support/seeded.ts';
import { requireProjection } from '../support/projection.ts';
import { textOfRecord, textOfValue } from '../support/record-text.ts';

const cycleCount = 12;
const everything = () => true;
const hashOf = (state: ReadState) => toHex(hashState(state, everything));

const filters: readonly TypeFilter[] = [
  [{ exclude: 'Item' }],
  [{ exclude: '*' }, { include: 'Pair', recursive: true }, { exclude: 'Pair', field: 'note' }],
  [{ exclude: '*' }, { include: 'Detail' }, { include: 'ListOfDetail' }],
  [{ exclude: 'Leaf', field: 'intField' }, { exclude: 'Leaf', field: 'stringField' }, { exclude: 'Point' }],
  [
    { exclude: 'String', recursive: true },
    { exclude: '*', field: 'id' },
  ],
];

/** One chain; throws where a reader sees something else than was written. */
export function runChain(seed: number): void {
  const random = new Seeded(seed);
  const model = randomSchema(random);
  const dataset = new RandomDataset(model, random, random.below(60));
  const writer = new OurWriter(model, null);
  const filter = random.pick(filters);
  const held: { state: ReadState; hash: string }[] = [];
  let { state } = writer;
  let hash = hashState(state, everything);
  let filtered: ReadState | null = null;
  let before = {};
  for (let cycle = 1; cycle <= cycleCount; cycle++) {
    const after = dataset.records;
    const shardSizeMax = random.pick([0, 64, 600, 1e9]);
    const { delta, reverseDelta, snapshot } = writer.write(before, after, {
      mode: random.pick(['populate', 'changes']),
      tag: BigInt(cycle),
      headerTags: new Map(),
      ...(shardSizeMax === 0 ? {} : { shardSizeMax }),
    });
    const applied = applyDelta(state, delta.main);
    hash = updateHash(hash, state, applied.state, applied.changes, everything);
    strictEqual(toHex(hash), hashOf(applied.state));
    const back = applyDelta(applied.state, reverseDelta.main).state;
    strictEqual(hashOf(back), hashOf(state));
    strictEqual(hashOf(decodeSnapshot(snapshot.main)), toHex(hash));
    filtered =
      filtered === null
        ? decodeSnapshot(snapshot.main, new Map(), filter)
        : applyDelta(filtered, delta.main).state;
    requireProjection(applied.state, filtered);
    requireSameFinds(applied.state, filtered);
    held.push({ state, hash: hashOf(state) });
    ({ state } = applied);
    for (const [type, records] of Object.entries(after)) {
      const texts = records.map((record) =>
        textOfValue(model.schema, type, toEngineValue(model.schema, type, record), () => undefined),
      );
      deepStrictEqual(textsOf(state, type), texts.toSorted());
    }
    before = after;
    dataset.change(random.below(30));
    // Long chains hold little: what was removed is used again.
    if (random.chance(10)) state = decodeSnapshot(snapshot.main);
  }
  for (const each of held) strictEqual(hashOf(each.state), each.hash);
}

/** Keys that a filtered state still has lead to the same records there. */
function requireSameFinds(whole: ReadState, filtered: ReadState): void {
  for (const type of filtered.schema.keyedTypes) {
    const [all, some] = [UniqueKeyIndex.build(whole, type), UniqueKeyIndex.build(filtered, type)];
    for (const key of ['key-1', 'key-7', 'text 3', -500, -463, 10n, -500n]) {
      for (const second of [-500n, -463n, 10n]) {
        const parts = whole.schema.keyPaths(type).map((_, i) => (i === 0 ? key : second));
        strictEqual(some.findByKey(parts), all.findByKey(parts));
      }
    }
  }
}

function textsOf(state: ReadState, type: string): readonly string[] {
  const records = state.type(type);
  const texts: string[] = [];
  for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1))
    texts.push(textOfRecord(state, type, o));
  return texts.toSorted();
}
