import { describe, expect, it } from 'vitest';
import { type BlobName, blobName } from '../../../lib/blob/blob-names.ts';
import { retrieve } from '../../../lib/consumer/retrieve.ts';
import { limits } from '../../../lib/limits.ts';
import type { BlobStore } from '../../../lib/ports.ts';

const id = { dataset: 'cities', partition: 0 };
const names = Array.from({ length: 30 }, (_, i): BlobName => {
  const cid = String(i).padStart(32, '0');
  return { kind: 'delta', id, mapGeneration: 1, fromVersion: i, toVersion: i + 1, cid };
});
const planned = names.map((name) => ({ name, tier: 's3' as const }));

/** Answers when told to, in any order. */
class SlowStore implements BlobStore {
  readonly waiting = new Map<string, () => void>();
  readonly cids = new Map<string, string>();
  missing: string | null = null;

  put(): never {
    throw new Error('not here');
  }

  async get(name: string): ReturnType<BlobStore['get']> {
    await new Promise<void>((resolve) => this.waiting.set(name, resolve));
    this.waiting.delete(name);
    if (name === this.missing) return null;
    const cid = this.cids.get(name) ?? /-([0-9a-f]{32})/.exec(name)?.[1] ?? '';
    return { bytes: Uint8Array.of(name.length), metadata: { cid }, sha256: `of ${name.length}` };
  }

  answer(): void {
    for (const resolve of [...this.waiting.values()].reverse()) resolve();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('retrieve', () => {
  it('gives blobs in order, however they arrive, with a bounded number under way', async () => {
    const blobs = new SlowStore();
    const order: string[] = [];
    let underWayMax = 0;
    const reading = (async () => {
      for await (const blob of retrieve({ id, blobs, inline: null, parts: [] }, planned))
        order.push(blob.metadata['cid'] ?? '');
    })();
    while (order.length < names.length) {
      await turn();
      underWayMax = Math.max(underWayMax, blobs.waiting.size);
      blobs.answer();
    }
    await reading;
    expect(order).toEqual(names.map((name) => name.cid));
    expect(underWayMax).toBe(limits.fetchConcurrencyMax);
  });

  it('fetches the parts beside each blob', async () => {
    const blobs = new SlowStore();
    const [first] = names as [BlobName];
    const next = retrieve({ id, blobs, inline: null, parts: ['bookkeeping'] }, [
      { name: first, tier: 's3' },
    ]).next();
    await turn();
    expect([...blobs.waiting.keys()]).toEqual([blobName(first), blobName(first, 'bookkeeping')]);
    blobs.answer();
    expect((await next).value?.parts.get('bookkeeping')).toEqual(
      Uint8Array.of(blobName(first, 'bookkeeping').length),
    );
  });

  it('names the blob that is missing', async () => {
    const blobs = new SlowStore();
    blobs.missing = blobName(names[0] as BlobName);
    const next = retrieve({ id, blobs, inline: null, parts: [] }, planned).next();
    await turn();
    blobs.answer();
    await expect(next).rejects.toMatchObject({
      kind: 'corrupt',
      details: { name: blobs.missing, missing: true },
    });
  });

  it('refuses a blob that belongs to another commit', async () => {
    const blobs = new SlowStore();
    blobs.cids.set(blobName(names[0] as BlobName), 'f'.repeat(32));
    const next = retrieve({ id, blobs, inline: null, parts: [] }, planned).next();
    await turn();
    blobs.answer();
    await expect(next).rejects.toMatchObject({ kind: 'corrupt' });
  });
});
