import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IntMap } from '../../lib/bytes/int-map.ts';
import { DedupTable } from '../../lib/state/dedup-table.ts';
import { FreeOrdinals } from '../../lib/state/free-ordinals.ts';
import { OrdinalMap } from '../../lib/state/ordinal-map.ts';

describe('FreeOrdinals', () => {
  it('agrees with a plain set of taken ordinals', () => {
    const ordinal = fc.oneof(fc.nat(40), fc.nat(5000), fc.integer({ min: 0, max: 200_000 }));
    const step = fc.record({ ordinal, run: fc.integer({ min: 1, max: 2100 }), take: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 30 }),
        fc.array(ordinal, { maxLength: 20 }),
        (steps, probes) => {
          const free = new FreeOrdinals();
          const taken = new Set<number>();
          for (const { ordinal: start, run, take } of steps) {
            for (let o = start; o < start + run; o++) {
              if (take && !taken.has(o)) free.take(o);
              if (!take && taken.has(o)) free.release(o);
              if (take) taken.add(o);
              else taken.delete(o);
            }
            expect(free.highestTaken).toBe(
              taken.size === 0 ? -1 : [...taken].reduce((a, b) => Math.max(a, b)),
            );
            for (const from of [0, start, start + run, ...probes]) {
              let expected = from;
              while (taken.has(expected)) expected++;
              expect(free.nextFree(from)).toBe(expected);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('finds the next one in a large full run', () => {
    const free = new FreeOrdinals();
    for (let o = 0; o < 1_100_000; o++) free.take(o);
    expect(free.nextFree(0)).toBe(1_100_000);
    free.release(70_000);
    free.release(1_050_001);
    expect([free.nextFree(0), free.nextFree(70_001), free.nextFree(1_050_002)]).toEqual([
      70_000, 1_050_001, 1_100_000,
    ]);
  });
});

describe('DedupTable', () => {
  it('agrees with a Map from content to entry, also when hashes collide', () => {
    const step = fc.record({ content: fc.nat(60), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 64 }), (steps, hashes) => {
        const table = new DedupTable();
        const model = new Map<number, number>();
        const contents: number[] = [];
        const inPlace = {
          recordEquals: (entry: number, bytes: Uint8Array) => contents[entry] === bytes[0],
        };
        const hashOf = (content: number) => Math.imul(content % hashes, 0x9e37_79b1);
        for (const { content, remove } of steps) {
          const known = model.get(content);
          if (remove && known !== undefined) {
            expect(table.remove(hashOf(content), known)).toBe(true);
            expect(table.remove(hashOf(content), known)).toBe(false);
            model.delete(content);
          } else if (!remove && known === undefined) {
            model.set(content, contents.length);
            table.insert(hashOf(content), contents.length);
            contents.push(content);
          }
          expect(table.count).toBe(model.size);
          for (let c = 0; c <= 60; c++) {
            expect(table.find(hashOf(c), inPlace, Uint8Array.of(c), 0, 1)).toBe(model.get(c) ?? -1);
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('DedupTable, many at a time', () => {
  it('is as after one insertion and removal after the other', () => {
    const hash = fc.oneof(fc.nat(9), fc.integer());
    fc.assert(
      fc.property(fc.array(hash, { maxLength: 900 }), fc.nat(900), (hashes, removedCount) => {
        const table = new DedupTable();
        table.insertAll(Int32Array.from(hashes), Int32Array.from(hashes.keys()));
        const removed = Int32Array.from(hashes.keys()).subarray(0, removedCount);
        expect(table.removeAll(Int32Array.from(hashes).subarray(0, removedCount), removed)).toBe(-1);
        expect(table.count).toBe(hashes.length - removed.length);
        for (const [entry, h] of hashes.entries()) {
          const isEntry = { recordEquals: (candidate: number) => candidate === entry };
          expect(table.find(h, isEntry, new Uint8Array(0), 0, 0)).toBe(entry < removed.length ? -1 : entry);
        }
        if (removed.length > 0) {
          expect(table.removeAll(Int32Array.of(hashes[0] ?? 0), Int32Array.of(0))).toBe(0);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('IntMap', () => {
  it('agrees with a Map', () => {
    const step = fc.tuple(fc.oneof(fc.nat(20), fc.nat(2 ** 29)), fc.integer());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const map = new IntMap();
        const model = new Map<number, number>();
        for (const [i, [key, value]] of steps.entries()) {
          const sum = ((model.get(key) ?? 0) + value) | 0;
          if (i % 3 === 0) expect(map.add(key, value)).toBe(sum);
          else map.set(key, value);
          model.set(key, i % 3 === 0 ? sum : value);
        }
        const copy = map.clone();
        copy.set(7, 1);
        for (const [key, value] of model) expect(map.get(key)).toBe(value);
        expect(map.has(2 ** 29)).toBe(model.has(2 ** 29));
        expect(map.get(2 ** 30)).toBe(0);
        expect(map.has(7)).toBe(model.has(7));
        expect([...map.keys()].sort((a, b) => a - b)).toEqual([...model.keys()].sort((a, b) => a - b));
      }),
    );
  });
});

describe('OrdinalMap', () => {
  it('agrees with a Map, whatever is given out or only named before', () => {
    const step = fc.record({
      claim: fc.boolean(),
      ordinal: fc.oneof(fc.nat(80), fc.nat(2 ** 29)),
      amount: fc.integer({ min: -3, max: 3 }),
    });
    fc.assert(
      fc.property(fc.nat(20), fc.array(step, { maxLength: 120 }), (tailStart, steps) => {
        const map = new OrdinalMap(tailStart);
        const model = new Map<number, number>();
        let next = tailStart;
        for (const { claim, ordinal, amount } of steps) {
          if (claim) map.claim(next++);
          map.add(ordinal, amount);
          model.set(ordinal, (model.get(ordinal) ?? 0) + amount);
        }
        const copy = map.clone();
        copy.claim(next);
        copy.set(3, 100);
        for (const [ordinal, value] of model) expect(map.get(ordinal)).toBe(value);
        expect(map.get(81)).toBe(0);
        const below = [...model.keys()].filter((ordinal) => ordinal < tailStart);
        expect([...map.others()]).toEqual(expect.arrayContaining(below));
      }),
    );
  });
});
