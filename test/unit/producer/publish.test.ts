import { describe, expect, it } from 'vitest';
import { MemoryBlobStore } from '../../../lib/memory/blob-store.ts';
import type { BlobFacts } from '../../../lib/producer/blob-facts.ts';
import { publish } from '../../../lib/producer/publish.ts';

const cid = 'c'.repeat(32);
const owner = { id: { dataset: 'cities', partition: 0 }, mapGeneration: 1, cid } as const;
const delta = { ...owner, kind: 'delta', fromVersion: 1, toVersion: 2 } as const;
const snapshot = { ...owner, kind: 'snapshot', toVersion: 2 } as const;
const facts: BlobFacts = {
  cid,
  from: { cid: 'b'.repeat(32), era: 1 },
  schemaId: '0123456789abcdef',
  hashes: { data: 'd'.repeat(32), bookkeeping: 'e'.repeat(32) },
};
const blob = (size: number) => ({
  main: new Uint8Array(size).fill(1),
  parts: new Map([['bookkeeping', new Uint8Array(3)]]),
});

describe('publish', () => {
  it('stores the main blob and each part with what they lead to', async () => {
    const blobs = new MemoryBlobStore();
    await publish(blobs, delta, blob(5), facts);
    expect(blobs.names()).toHaveLength(2);
    expect((await blobs.get(blobs.names()[1] ?? ''))?.metadata).toEqual({
      format: '1',
      cid,
      fromcid: 'b'.repeat(32),
      era: '1',
      schemaid: '0123456789abcdef',
      hash: 'd'.repeat(32),
      bookkeepinghash: 'e'.repeat(32),
    });
  });

  it('takes its own earlier attempt for done', async () => {
    const blobs = new MemoryBlobStore();
    const digests = await publish(blobs, delta, blob(5), facts);
    const stored = await Promise.all(blobs.names().map((name) => blobs.get(name)));
    expect([digests?.main, digests?.parts.get('bookkeeping')]).toEqual(stored.map((each) => each?.sha256));
    await expect(publish(blobs, delta, blob(5), facts)).resolves.toEqual(digests);
  });

  it('takes another writer’s snapshot of the same state, whose bytes may differ', async () => {
    const blobs = new MemoryBlobStore();
    await publish(blobs, snapshot, blob(5), { ...facts, from: null });
    await expect(publish(blobs, snapshot, blob(6), { ...facts, from: null })).resolves.toBeNull();
  });

  it('does not take another state or another delta for its own', async () => {
    const blobs = new MemoryBlobStore();
    await publish(blobs, delta, blob(5), facts);
    const corrupt = expect.objectContaining({ kind: 'corrupt' });
    await expect(publish(blobs, delta, blob(6), facts)).rejects.toEqual(corrupt);
    const other = { ...facts, hashes: { ...facts.hashes, data: 'f'.repeat(32) } };
    await expect(publish(blobs, delta, blob(5), other)).rejects.toEqual(corrupt);
  });
});
