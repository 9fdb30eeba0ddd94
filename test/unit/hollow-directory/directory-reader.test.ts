import { afterEach, beforeEach, expect, expectTypeOf, test } from 'vitest';
import { HollowDirectoryReader } from '../../../lib/hollow-directory/directory-reader.ts';
import { exportVersion } from '../../../lib/hollow-directory/export-version.ts';
import { defineDataset, type } from '../../../lib/schema/builder.ts';
import { t } from '../../../lib/schema/field-specs.ts';
import { readFixture } from '../../support/golden-fixtures.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** A part of what Java's object mapper made of its classes. */
const movies = defineDataset({
  Movie: type(
    { id: t.long(), inlined: t.string({ inline: true }), raw: t.bytes(), tags: t.set(t.string()) },
    { primaryKey: ['id'] },
  ),
});
/** Java's producers number versions so: more than a number can hold. */
const version = 20_261_123_113_054_001n;

const blobOf = (chain: string, name: string) => {
  const main = readFixture(chain, name);
  if (main === null) throw new Error(name);
  return { main, parts: new Map<string, Uint8Array>() };
};

let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  scratch = await temporaryDirectory();
});
afterEach(() => scratch.remove());

test("reads a Java producer's directory, typed", async () => {
  const { path } = scratch;
  const reader = new HollowDirectoryReader({ path, dataset: movies });
  await reader.refresh();
  expect(() => reader.state).toThrow(expect.objectContaining({ kind: 'unavailable' }));
  await exportVersion(path, { version, from: null, snapshot: blobOf('pojo-object-mapper', 'snapshot-1') });
  await reader.refresh();
  const { state } = reader;
  expect(state.version).toBe(version);
  const movie = state.type('Movie').get(2);
  expectTypeOf(movie.inlined).toEqualTypeOf<string | null>();
  expect([movie.inlined, movie.raw]).toEqual(['hello', Uint8Array.of(255)]);
  expect(state.type('Movie').find(99)).toBeUndefined();
  expect([...state.type('Movie').column('id')]).toHaveLength(state.type('Movie').count);
});

test('goes on by deltas and back to what is announced, and states stay as they are', async () => {
  const { path } = scratch;
  const chain = 'ordinal-reuse';
  for (let v = 1; v <= 3; v++) {
    await exportVersion(path, {
      version: BigInt(v),
      from: v === 1 ? null : BigInt(v - 1),
      ...(v === 1 && { snapshot: blobOf(chain, 'snapshot-1') }),
      ...(v > 1 && {
        delta: blobOf(chain, `delta-${v - 1}-${v}`),
        reverseDelta: blobOf(chain, `reversedelta-${v}-${v - 1}`),
      }),
    });
  }
  const reader = new HollowDirectoryReader({ path });
  await Promise.all([reader.refresh(), reader.refresh()]);
  const newest = reader.state;
  const textsOf = ({ state }: typeof reader) => Array.from(state.type('A'), (record) => record['s']);
  const texts = textsOf(reader);
  expect(newest.version).toBe(3n);
  await exportVersion(path, { version: 2n, from: null, snapshot: blobOf(chain, 'snapshot-2') });
  await reader.refresh();
  expect(reader.state.version).toBe(2n);
  expect(textsOf(reader)).not.toEqual(texts);
  expect(Array.from(newest.type('A'), (record) => record['s'])).toEqual(texts);
});

test('keeps what it has where a directory is not what the dataset says', async () => {
  const { path } = scratch;
  const reader = new HollowDirectoryReader({ path, dataset: movies });
  await exportVersion(path, { version, from: null, snapshot: blobOf('pojo-object-mapper', 'snapshot-1') });
  await reader.refresh();
  await exportVersion(path, {
    version: version + 1n,
    from: null,
    snapshot: blobOf('ordinal-reuse', 'snapshot-1'),
  });
  await expect(reader.refresh()).rejects.toThrow(expect.objectContaining({ kind: 'incompatible' }));
  expect(reader.state.version).toBe(version);
});
