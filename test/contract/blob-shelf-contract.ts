import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BlobShelf, BlobStore } from '../../lib/ports.ts';
import { expectInvalid } from './head-store-contract.ts';

export interface BlobShelfHarness {
  /** Two handles on the same blobs, as two processes have them. */
  readonly stores: readonly [BlobStore & BlobShelf, BlobStore & BlobShelf];
  close(): Promise<void>;
}

export function blobShelfContract(name: string, open: () => Promise<BlobShelfHarness>): void {
  describe(`BlobShelf contract on ${name}`, () => {
    let harness: BlobShelfHarness;
    let shelf: BlobStore & BlobShelf;
    beforeAll(async () => {
      harness = await open();
      shelf = harness.stores[0];
    });
    afterAll(() => harness.close());

    const put = async (...names: readonly string[]): Promise<void> => {
      for (const each of names) await shelf.put(each, Uint8Array.of(1), { cid: 'x' });
    };

    test('lists the names of a folder, ascending, and no others', async () => {
      const chain = freshChain();
      const names = [3, 1, 2].map((version) => deltaName(chain, version));
      await put(...names, `${chain}/snapshot/${number(1)}-${cid}`, deltaName(chain.replace(/0$/, '10'), 1));
      expect(await harness.stores[1].list(`${chain}/delta/`, null)).toEqual({
        names: names.toSorted(),
        next: null,
      });
      expect((await shelf.list(`${chain}/snapshot/`, null)).names).toHaveLength(1);
      expect((await shelf.list(`${freshChain()}/delta/`, null)).names).toEqual([]);
    });

    test('goes on behind a name', async () => {
      const chain = freshChain();
      const [first = '', second = '', third = ''] = [1, 2, 3].map((version) => deltaName(chain, version));
      await put(first, second, `${second}.part-bookkeeping`, third);
      const { names } = await shelf.list(`${chain}/delta/`, second);
      expect(names).toEqual([`${second}.part-bookkeeping`, third]);
    });

    test('pages together are the whole', async () => {
      const chain = freshChain();
      const names = Array.from({ length: 1_010 }, (_, index) => deltaName(chain, index));
      for (let at = 0; at < names.length; at += 20) {
        await Promise.all(names.slice(at, at + 20).map((each) => put(each)));
      }
      const seen: string[] = [];
      let pageCount = 0;
      for (let after: string | null = null; pageCount === 0 || after !== null; pageCount++) {
        const page: { readonly names: readonly string[]; readonly next: string | null } = await shelf.list(
          `${chain}/delta/`,
          after,
        );
        seen.push(...page.names);
        after = page.next;
      }
      expect(pageCount).toBeGreaterThan(1);
      expect(seen).toEqual(names.toSorted());
    });

    test('what was deleted is gone, the rest stays, and again is no failure', async () => {
      const chain = freshChain();
      const names = Array.from({ length: 20 }, (_, index) => deltaName(chain, index));
      await put(...names);
      await shelf.delete(names.slice(0, 15));
      await harness.stores[1].delete([...names.slice(0, 15), deltaName(chain, 99)]);
      expect(await shelf.get(names[0] ?? '')).toBeNull();
      expect((await shelf.list(`${chain}/delta/`, null)).names).toEqual(names.slice(15));
      expect(await shelf.get(names[19] ?? '')).toMatchObject({
        bytes: Uint8Array.of(1),
        metadata: { cid: 'x' },
      });
    });

    test('refuses what could leave its folder, and deletes nothing then', async () => {
      const kept = deltaName(freshChain(), 1);
      await put(kept);
      await expectInvalid(shelf.delete([kept, '../x']));
      expect(await shelf.get(kept)).not.toBeNull();
      for (const prefix of ['', '/', '../', 'a/../b/', 'a', 'd/cities']) {
        await expectInvalid(shelf.list(prefix, null));
      }
    });
  });
}

const cid = 'ab'.repeat(16);

function freshChain(): string {
  return `d/cities-${randomUUID()}/1/0`;
}

function deltaName(chain: string, version: number): string {
  return `${chain}/delta/${number(version)}-${number(version + 1)}-${cid}`;
}

function number(version: number): string {
  return String(version).padStart(16, '0');
}
