import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isDatasetError } from '../../lib/errors.ts';
import { BlobInbox } from '../../lib/inbox.ts';
import { SeededRandom } from '../../lib/memory/random.ts';
import type { BlobStore, Inbox } from '../../lib/ports.ts';
import { freshId } from '../support/heads.ts';

export interface InboxHarness {
  /** Two handles on the same blobs, as a sender and a producer have them. */
  readonly stores: readonly [BlobStore, BlobStore];
  close(): Promise<void>;
}

let seed = 0;

export function inboxContract(name: string, open: () => Promise<InboxHarness>): void {
  describe(`Inbox contract on ${name}`, () => {
    const id = freshId();
    let harness: InboxHarness;
    let sender: Inbox;
    let producer: Inbox;
    const inboxOf = (blobs: BlobStore, of = id): Inbox =>
      new BlobInbox({ id: of, blobs, random: new SeededRandom(++seed) });
    beforeAll(async () => {
      harness = await open();
      [sender, producer] = [inboxOf(harness.stores[0]), inboxOf(harness.stores[1])];
    });
    afterAll(() => harness.close());

    test('what was put comes back by its reference, each time', async () => {
      const bytes = Uint8Array.from({ length: 3_000 }, (_, i) => i % 251);
      const ref = await sender.put(bytes);
      for (let i = 0; i < 2; i++) expect(await producer.get(ref, 3_000)).toEqual(bytes);
      expect(await sender.put(bytes)).not.toBe(ref);
    });

    test('all partitions of a dataset share it', async () => {
      const ref = await sender.put(Uint8Array.of(1));
      const other = inboxOf(harness.stores[1], { ...id, partition: id.partition + 1 });
      expect(await other.get(ref, 1)).toEqual(Uint8Array.of(1));
    });

    test('what is not there is null, what is larger is not read', async () => {
      const ref = await sender.put(Uint8Array.of(1, 2));
      expect(await producer.get(`${ref.slice(0, -4)}0000`, 10)).toBeNull();
      await expect(producer.get(ref, 1)).rejects.toSatisfy((error) => isDatasetError(error, 'rejected'));
    });

    test('no reference leads out of it', async () => {
      const foreign = inboxOf(harness.stores[0], { ...id, dataset: `${id.dataset}-x` });
      const ref = await sender.put(Uint8Array.of(1));
      const elsewhere = await foreign.put(Uint8Array.of(1));
      const blob = 'd/cities/1/0/snapshot/x';
      await harness.stores[0].put(blob, Uint8Array.of(1), {});
      for (const wrong of [elsewhere, blob, '', `${ref}/../x`, `${ref}0`, ref.toUpperCase(), `/${ref}`]) {
        await expect(producer.get(wrong, 10), wrong).rejects.toSatisfy((error) =>
          isDatasetError(error, 'rejected'),
        );
      }
    });
  });
}
