import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BitSet } from '../../lib/bytes/bit-set.ts';
import { type RecordList, RecordTable } from '../../lib/state/record-table.ts';

/** The smallest layer there is: a record is one number. */
interface ToyLayer {
  readonly recordCount: number;
  readonly values: readonly number[];
}

const hole = -1;
const empty: ToyLayer = { recordCount: 0, values: [hole] };

function layerOf(values: readonly number[]): ToyLayer {
  return { recordCount: values.length, values };
}

function pack({ count, base, changed, layers, layerOf: indexes, recordOf }: RecordList<ToyLayer>): ToyLayer {
  const values = base.values.slice(0, count);
  changed.forEach((at, k) => {
    values[at] = layers[indexes[k] as number]?.values[recordOf[k] as number] as number;
  });
  return layerOf(values);
}

function valueAt(table: RecordTable<ToyLayer>, ordinal: number): number {
  const slot = table.slotOf(ordinal);
  return table.layerAt(slot, ordinal).values[table.recordAt(slot, ordinal)] as number;
}

/** Folds happen every 64 deltas and at 1024 overlay records: chains are long, and some deltas big. */
const delta = fc.record({
  removed: fc.uniqueArray(fc.nat(400), { maxLength: 5 }),
  added: fc.oneof(
    { weight: 20, arbitrary: fc.uniqueArray(fc.nat(400), { maxLength: 3 }) },
    { weight: 3, arbitrary: fc.uniqueArray(fc.nat(4500), { minLength: 300, maxLength: 900 }) },
  ),
});

test('a record table agrees with a Map through any chain of deltas, and no state ever changes', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 8),
      fc.nat(900),
      fc.array(delta, { minLength: 1, maxLength: 150 }),
      (shardCount, baseSize, deltas) => {
        const base = Array.from({ length: shardCount }, (_, shard) =>
          layerOf(Array.from({ length: baseSize }, (_, o) => o).filter((o) => o % shardCount === shard)),
        );
        const bits = new Uint32Array(32);
        for (let o = 0; o < baseSize; o++) bits[o >>> 5] = (bits[o >>> 5] as number) | (1 << (o & 31));
        let table = RecordTable.ofShards(
          { shards: base, populated: BitSet.of(bits), maxOrdinal: baseSize - 1 },
          empty,
        );
        let model = new Map(Array.from({ length: baseSize }, (_, o) => [o, o]));
        const history = [{ table, model, ghosts: new Map<number, number>() }];
        deltas.forEach(({ removed, added }, n) => {
          const gone = removed.filter((o) => model.has(o)).sort((a, b) => a - b);
          const ordinals = added.filter((o) => !model.has(o)).sort((a, b) => a - b);
          const values = ordinals.map((o) => 10_000 * (n + 1) + o);
          const ghosts = new Map(gone.map((o) => [o, model.get(o) as number]));
          model = new Map(model);
          for (const o of gone) model.delete(o);
          ordinals.forEach((o, k) => model.set(o, values[k] as number));
          table = table.applyAdditions(
            {
              layer: layerOf(values),
              ordinals: Int32Array.from(ordinals),
              removed: Int32Array.from(gone),
              maxOrdinal: -1,
            },
            pack,
          );
          history.push({ table, model, ghosts });
        });
        for (const { table: each, model: expected, ghosts } of history) {
          expect(each.populated.count).toBe(expected.size);
          for (const [o, value] of expected)
            if (valueAt(each, o) !== value) expect([o, valueAt(each, o)]).toEqual([o, value]);
          for (const [o, value] of ghosts) expect(valueAt(each, o)).toBe(value);
          for (const o of [-1, 5000, 2 ** 31, Number.NaN]) expect(valueAt(each, o)).toBe(hole);
        }
      },
    ),
    // Shrinking such chains takes minutes.
    { numRuns: 40, endOnFailure: true },
  );
});
