import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../lib/bytes/byte-writer.ts';
import { hashTableSize, mixInt } from '../../lib/bytes/hash.ts';
import { CollectionEntries } from '../../lib/state/collection-bytes.ts';
import { RecordCursor } from '../../lib/state/record-cursor.ts';

const key = fc.oneof(fc.nat(9), fc.nat(60), fc.nat(2 ** 29 - 1));
const list = fc.array(fc.tuple(key, fc.nat(2 ** 29 - 1)), { maxLength: 90 });

function written(kind: 'LIST' | 'SET' | 'MAP', entries: CollectionEntries): RecordCursor {
  const out = new ByteWriter();
  entries.writeTo(kind, out);
  const cursor = new RecordCursor();
  cursor.open(out.take(), 0);
  return cursor;
}

describe('CollectionEntries', () => {
  it('writes keys in order, each once, with the last value that was added', () => {
    const reused = new CollectionEntries();
    fc.assert(
      fc.property(list, fc.constantFrom('SET' as const, 'MAP' as const), (added, kind) => {
        reused.clear();
        for (const [ordinal, value] of added) reused.add(ordinal, value);
        const cursor = written(kind, reused);
        const expected = [...new Map(added)].sort(([a], [b]) => a - b);
        expect(cursor.readVarInt()).toBe(expected.length);
        let found = 0;
        for (const [ordinal, value] of expected) {
          found += cursor.readVarInt();
          expect(found).toBe(ordinal);
          if (kind === 'MAP') expect(cursor.readVarInt()).toBe(value);
          expect(cursor.readVarInt()).toBe(mixInt(ordinal) & (hashTableSize(expected.length) - 1));
        }
        expect(cursor.position).toBe(cursor.bytes.length);
      }),
    );
  });

  it('leaves a list as it is', () => {
    fc.assert(
      fc.property(list, (added) => {
        const entries = new CollectionEntries();
        for (const [ordinal] of added) entries.add(ordinal, 0);
        const cursor = written('LIST', entries);
        expect(Array.from({ length: cursor.readVarInt() }, () => cursor.readVarInt())).toEqual(
          added.map(([ordinal]) => ordinal),
        );
      }),
    );
  });
});
