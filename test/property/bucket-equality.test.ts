import fc from 'fast-check';
import { expect, it } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import { ByteWriter } from '../../lib/bytes/byte-writer.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';

const schema = DatasetSchema.of(
  parseSchemas('E { int x; } S Set<E>; K Set<E> @HashKey(x); M Map<E,E>; L Map<E,E> @HashKey(x);'),
);
const options = { headerTags: new Map<string, string>(), parts: new Map<string, string[]>() };

it('a set or map equals the canonical bytes of itself, and of no other', () => {
  const elements = fc.array(fc.nat(40), { maxLength: 24 });
  const pairs = fc.array(fc.tuple(fc.nat(20), fc.nat(3)), { maxLength: 24 });
  const bytesOf = (write: (out: ByteWriter) => void) => {
    const out = new ByteWriter();
    write(out);
    return out.take();
  };
  fc.assert(
    fc.property(
      fc.array(elements, { minLength: 1, maxLength: 8 }),
      fc.array(pairs, { minLength: 1, maxLength: 8 }),
      (sets, maps) => {
        const cycle = WriteState.restore(ReadState.empty(schema)).begin();
        for (const set of sets) for (const type of ['S', 'K']) cycle.add(type, set);
        for (const map of maps) for (const type of ['M', 'L']) cycle.add(type, map);
        const delta = encodeDelta(cycle.transition(), { tag: 1n, ...options });
        const { state } = applyDelta(ReadState.empty(schema), delta.main);
        for (const type of ['S', 'K', 'M', 'L']) {
          const records = state.type(type);
          const all = Array.from({ length: records.count }, (_, o) =>
            bytesOf((out) => records.writeRecord(o, out)),
          );
          for (const [ordinal] of all.entries()) {
            for (const [other, bytes] of all.entries()) {
              expect(records.recordEquals(ordinal, bytes, 0, bytes.length), type).toBe(ordinal === other);
              const padded = Uint8Array.of(7, ...bytes, 7);
              expect(records.recordEquals(ordinal, padded, 1, padded.length - 1)).toBe(ordinal === other);
            }
          }
        }
      },
    ),
    { numRuns: 100 },
  );
});
