import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../../lib/blob/decode-snapshot.ts';
import { encodeDelta } from '../../../lib/blob/encode-delta.ts';
import { encodeSnapshot } from '../../../lib/blob/encode-snapshot.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { ReadState } from '../../../lib/state/read-state.ts';
import { StringCache } from '../../../lib/state/string-cache.ts';
import { WriteState } from '../../../lib/state/write-state.ts';

const schema = DatasetSchema.of(parseSchemas('Row { int n; string plain; string mixed; string kana; }'));

/** So many that the texts of each field lie in several blocks. */
const many = 12_000;

/** Texts of every kind that is read in its own way. */
function rowOf(n: number, revision: number) {
  const plain = n % 7 === 0 ? null : `${'x'.repeat((n * 7) % 450)}${n}`;
  const mixed = n % 5 === 0 ? '' : n % 3 === 0 ? `né ${n}` : `ne ${n}${' long'.repeat(n % 97)}`;
  const kana = `${'カ'.repeat(n % 100)}ナ${n % 1000}`;
  return { n, plain: revision > 0 ? `revision ${revision} of ${n}` : plain, mixed, kana };
}

/** A snapshot of so many rows, and a delta on top that replaces one in ten. */
function statesOf(count: number, cache: StringCache | null) {
  const writer = WriteState.restore(ReadState.empty(schema));
  const first = writer.begin();
  for (let n = 0; n < count; n++) first.add('Row', rowOf(n, 0));
  const options = { headerTags: new Map<string, string>(), parts: new Map<string, string[]>() };
  const made = applyDelta(writer.state, encodeDelta(first.transition(), { tag: 1n, ...options }).main);
  writer.advance(made.state, made.changes);
  const { main } = encodeSnapshot(made.state, { parts: new Map(), statistics: writer.statistics });
  const decoded = decodeSnapshot(main);
  const loaded = cache === null ? decoded : decoded.withStringCache(cache);
  const next = WriteState.restore(loaded);
  const second = next.begin();
  for (let n = 0; n < count; n += 10) {
    second.remove('Row', n);
    second.add('Row', rowOf(n, 1));
  }
  const delta = encodeDelta(second.transition(), { tag: 2n, ...options }).main;
  return { loaded, changed: applyDelta(loaded, delta).state };
}

/** Reads all rows in an order in which neighbours are far apart, by record and by column; what is not as it was written. */
function wrongTexts(state: ReadState, revisionOf: (n: number) => number): unknown[] {
  const rows = state.objectType('Row');
  const columns = [1, 2, 3].map((field) => rows.textColumn(field));
  const wrong: unknown[] = [];
  for (let i = 0; i <= rows.maxOrdinal; i++) {
    const o = (i * 7_919) % (rows.maxOrdinal + 1);
    if (!rows.isPopulated(o)) continue;
    const n = rows.readInt(o, 0);
    const { plain, mixed, kana } = rowOf(n, revisionOf(n));
    const texts = [plain, mixed, kana];
    columns.forEach((column, at) => {
      const read = [rows.readString(o, at + 1), column.at(o)];
      if (read.some((text) => text !== texts[at])) wrong.push({ n, read, written: texts[at] });
    });
  }
  return wrong;
}

describe('texts read at random', () => {
  const caches = [
    ['without a cache', null],
    ['with a cache of one block', 2 ** 20],
    ['with a cache of some', 3 * 2 ** 20],
    ['with a cache of all', 2 ** 24],
  ] as const;
  // Of the first size texts are kept by their records.
  for (const count of [2_000, many]) {
    for (const [name, bytes] of caches) {
      it(`are what was written: ${count} records, ${name}`, () => {
        const { loaded, changed } = statesOf(count, bytes === null ? null : new StringCache(bytes));
        for (let round = 0; round < 2; round++) {
          expect(wrongTexts(loaded, () => 0)).toEqual([]);
          expect(wrongTexts(changed, (n) => (n % 10 === 0 ? 1 : 0))).toEqual([]);
          expect([loaded, changed].map((state) => state.objectType('Row').count)).toEqual([count, count]);
        }
      });
    }
  }

  it('need a cache of at least one block', () => {
    for (const bytes of [2 ** 20 - 1, 2 ** 21 + 0.5, -1, 2 ** 34])
      expect(() => new StringCache(bytes)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });
});
