import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isDatasetError } from '../../lib/errors.ts';
import type { BlobMetadata, BlobStore, StoredBlob } from '../../lib/ports.ts';

export interface BlobStoreHarness {
  /** Two handles on the same blobs, as two processes have them. */
  readonly stores: readonly [BlobStore, BlobStore];
  /** Default: no bound. */
  readonly sizeMax?: number;
  close(): Promise<void>;
}

const metadata = { format: '1', cid: 'ab'.repeat(16), hash: 'ff'.repeat(16), note: 'a b=c; "d"' };

export function blobStoreContract(name: string, open: () => Promise<BlobStoreHarness>): void {
  describe(`BlobStore contract on ${name}`, () => {
    let harness: BlobStoreHarness;
    let store: BlobStore;
    beforeAll(async () => {
      harness = await open();
      store = harness.stores[0];
    });
    afterAll(() => harness.close());

    test('what was put comes back, bytes and metadata', async () => {
      const blob = freshName();
      const bytes = new Uint8Array(randomBytes(Math.min(70_000, harness.sizeMax ?? Infinity)));
      const sha256 = sha256Of(bytes);
      expect(await store.put(blob, bytes, metadata)).toEqual({ kind: 'stored', sha256 });
      const stored = await harness.stores[1].get(blob);
      expect(stored).toMatchObject({ metadata, sha256 });
      expectSameBytes(stored?.bytes, bytes);
    });

    test('a name that was never put is null', async () => {
      expect(await store.get(freshName())).toBeNull();
    });

    test.each([
      ['of no bytes', 0],
      ['of 20 MB', 20_000_000],
    ])('a blob %s, or the largest there is, comes back', async (_, wanted) => {
      const size = Math.min(wanted, harness.sizeMax ?? wanted);
      const blob = freshName();
      const bytes = new Uint8Array(randomBytes(size));
      expect(await store.put(blob, bytes, metadata)).toEqual({ kind: 'stored', sha256: sha256Of(bytes) });
      expectSameBytes((await store.get(blob))?.bytes, bytes);
      const other = Uint8Array.of(1);
      const exists = { kind: 'exists', metadata, size };
      expect(await store.put(blob, other, {})).toEqual({ ...exists, sha256: sha256Of(other), isSame: false });
      expect(await store.put(blob, bytes, {})).toEqual({ ...exists, sha256: sha256Of(bytes), isSame: true });
    });

    test('without metadata', async () => {
      const blob = freshName();
      await store.put(blob, Uint8Array.of(1, 2, 3), {});
      expect(await store.get(blob)).toEqual(storedBlob(Uint8Array.of(1, 2, 3), {}));
    });

    test('a view into a larger buffer is stored alone', async () => {
      const blob = freshName();
      await store.put(blob, Uint8Array.of(9, 1, 2, 9).subarray(1, 3), {});
      expect((await store.get(blob))?.bytes).toEqual(Uint8Array.of(1, 2));
    });

    test('a taken name keeps its bytes and shows its metadata', async () => {
      const blob = freshName();
      const bytes = Uint8Array.of(1, 2, 3, 4);
      await store.put(blob, bytes, metadata);
      const second = await harness.stores[1].put(blob, Uint8Array.of(5, 6), { cid: 'other' });
      expect(second).toMatchObject({ kind: 'exists', metadata, size: 4, isSame: false });
      expect(await store.get(blob)).toEqual(storedBlob(bytes, metadata));
    });

    test('of many puts of one name at once exactly one is stored, with its own metadata', async () => {
      const blob = freshName();
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          harness.stores[index % 2 === 0 ? 0 : 1].put(blob, new Uint8Array(1_000 + index).fill(index), {
            writer: String(index),
          }),
        ),
      );
      const winner = outcomes.findIndex((outcome) => outcome.kind === 'stored');
      const written = new Uint8Array(1_000 + winner).fill(winner);
      const expected = storedBlob(written, { writer: String(winner) });
      expect(outcomes.filter((outcome) => outcome.kind === 'stored')).toHaveLength(1);
      expect(await store.get(blob)).toEqual(expected);
      for (const [index, outcome] of outcomes.entries()) {
        if (index === winner) continue;
        const { metadata: facts } = expected;
        expect(outcome).toMatchObject({
          kind: 'exists',
          metadata: facts,
          size: 1_000 + winner,
          isSame: false,
        });
      }
    });

    test('nobody can change a stored blob through what was handed in or out', async () => {
      const blob = freshName();
      const bytes = Uint8Array.of(1, 2, 3);
      await store.put(blob, bytes, {});
      bytes[0] = 99;
      (await store.get(blob))?.bytes.fill(88);
      expect((await store.get(blob))?.bytes).toEqual(Uint8Array.of(1, 2, 3));
    });

    test.each([
      '',
      '/',
      'a//b',
      '../x',
      'a/../b',
      'a/./b',
      '.hidden',
      'a/',
      '/a',
      'a%2fb',
      'a\\b',
      'x'.repeat(1_025),
    ])('refuses the name %j', async (blob) => {
      await expectInvalid(store.put(blob, Uint8Array.of(1), {}));
      await expectInvalid(store.get(blob));
    });

    test.each([
      ['a key in upper case', { Cid: 'x' }],
      ['a key with a dash', { 'from-cid': 'x' }],
      ['no text', { cid: '' }],
      ['text that is not ASCII', { cid: 'Zürich' }],
      ['a line break', { cid: 'a\nb' }],
      ['a space at the end', { cid: 'a ' }],
      ['more than 2 KB', { a: 'x'.repeat(1_500), b: 'y'.repeat(1_500) }],
    ])('refuses metadata with %s', async (_, unsound) => {
      const blob = freshName();
      await expectInvalid(store.put(blob, Uint8Array.of(1), unsound));
      expect(await store.get(blob)).toBeNull();
    });
  });
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function storedBlob(bytes: Uint8Array<ArrayBuffer>, facts: BlobMetadata): StoredBlob {
  return { bytes, metadata: facts, sha256: sha256Of(bytes) };
}

let nameCount = 0;

function freshName(): string {
  nameCount += 1;
  return `t/acme/cities/1/0/delta/${number(nameCount)}-${number(nameCount + 1)}-${'ab'.repeat(16)}.part-bookkeeping`;
}

function number(version: number): string {
  return String(version).padStart(16, '0');
}

/** `toEqual` on 20 MB takes minutes. */
function expectSameBytes(actual: Uint8Array | undefined, expected: Uint8Array): void {
  expect(actual?.length).toBe(expected.length);
  expect(actual !== undefined && Buffer.compare(actual, expected) === 0).toBe(true);
}

async function expectInvalid(promise: Promise<unknown>): Promise<void> {
  await expect(promise).rejects.toSatisfy((error) => isDatasetError(error, 'invalid'));
}
