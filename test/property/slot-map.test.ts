import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SharedArena } from '../../lib/bytes/shared-arena.ts';
import { SlotMap } from '../../lib/state/slot-map.ts';

/** On both sides of the bounds of words and pages, and anywhere. */
const ordinal = fc.oneof(
  fc.constantFrom(0, 31, 32, 63, 8_160, 8_191, 8_192, 8_223, 16_383, 16_384, 40_959),
  fc.nat(50_000),
);

test('a map of slots agrees with a Map through any changes, in shared memory too, and no map ever changes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uniqueArray(ordinal, { minLength: 1, maxLength: 60 }), { maxLength: 12 }),
      (changes) => {
        let map = SlotMap.empty;
        let model = new Map<number, number>();
        const history = [{ map, model }];
        changes.forEach((change, n) => {
          const ordinals = Int32Array.from(change).sort();
          map = map.with(
            ordinals,
            ordinals.map((_, k) => 1000 * n + k),
          );
          model = new Map(model);
          ordinals.forEach((o, k) => model.set(o, 1000 * n + k));
          history.push({ map, model });
        });
        const asked = [...new Set(changes.flat())].flatMap((o) => [o - 1, o, o + 1]).filter((o) => o >= 0);
        for (const { map, model } of history) {
          for (const each of [map, SlotMap.open(map.share(new SharedArena()))]) {
            expect(each.ordinals()).toEqual([...model.keys()].sort((a, b) => a - b));
            expect(asked.map((o) => each.get(o))).toEqual(asked.map((o) => model.get(o) ?? -1));
            expect(each.get(2 ** 31)).toBe(-1);
            expect(Math.max(-1, ...model.keys())).toBeLessThan(each.end);
          }
        }
      },
    ),
  );
});
