import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Consumer } from '../../../lib/consumer/consumer.ts';
import { openState } from '../../../lib/consumer/dataset-state.ts';
import { SeededRandom } from '../../../lib/memory/random.ts';
import { defineDataset, type } from '../../../lib/schema/builder.ts';
import { t } from '../../../lib/schema/field-specs.ts';
import { messageBody } from '../../../lib/sender/message-body.ts';
import { MemoryCloud, plentyOfTime } from '../../support/memory-cloud.ts';
import type { ReaderRequest } from '../../support/shared-reader.ts';
import { bookOf, readShelf, shelf } from '../../support/shared-shelf.ts';

const count = 2_000;

async function shelfWorld(memory: 'own' | 'shared') {
  const cloud = new MemoryCloud();
  const producer = cloud.producer({ schema: shelf.schema });
  let sentCount = 0;
  const commit = async (ids: readonly number[], revision: number) => {
    const upserts = ids.map((id) => ({ op: 'upsert', type: 'Book', value: bookOf(id, revision) }) as const);
    const message = cloud.message(messageBody(shelf, upserts), {
      sentAtMs: cloud.clock.nowMs() + ++sentCount,
    });
    await producer.process([message], plentyOfTime);
  };
  const { id, heads, blobs, clock, telemetry } = cloud;
  const ports = { id, heads, blobs, clock, telemetry, random: new SeededRandom(1) };
  const newConsumer = (kind: 'own' | 'shared') => new Consumer({ ...ports, dataset: shelf, memory: kind });
  await commit(
    Array.from({ length: count }, (_, id) => id),
    0,
  );
  const consumer = newConsumer(memory);
  await consumer.refresh();
  return { consumer, commit, newConsumer };
}

/** A real worker thread. */
function startReader() {
  const worker = new Worker(new URL('../../support/shared-reader.ts', import.meta.url));
  onTestFinished(async () => {
    await worker.terminate();
  });
  return async (request: ReaderRequest): Promise<unknown> => {
    worker.postMessage(request);
    const [reply] = await once(worker, 'message');
    return reply;
  };
}

/** Buffers of all typed arrays in a structure, and how many bytes of them lie outside of shared memory. */
function buffersOf(value: unknown, shared = new Set<SharedArrayBuffer>()): Set<SharedArrayBuffer> {
  if (ArrayBuffer.isView(value)) {
    if (!(value.buffer instanceof SharedArrayBuffer))
      throw new Error(`${value.byteLength} bytes are not shared`);
    shared.add(value.buffer);
  } else if (value instanceof Map || Array.isArray(value)) {
    for (const each of value) buffersOf(each, shared);
  } else if (typeof value === 'object' && value !== null) {
    for (const each of Object.values(value)) buffersOf(each, shared);
  }
  return shared;
}

describe.each(['own', 'shared'] as const)('a state in memory of kind %s', (memory) => {
  it('is read by worker threads as the main thread reads it, the old one too when a newer one came', async () => {
    const { consumer, commit } = await shelfWorld(memory);
    const [first, second] = [startReader(), startReader()];
    const before = consumer.state;
    for (const ask of [first, second]) {
      expect(await ask({ shared: before.share() })).toBe(0);
      expect(await ask({ read: 0, idMax: count + 10 })).toEqual(readShelf(before, count + 10));
    }
    const seenBefore = readShelf(before, count + 10);
    await commit([3, 4, count, count + 1], 1);
    await consumer.refresh();
    const after = consumer.state;
    expect(readShelf(after, count + 10)).not.toEqual(seenBefore);
    expect(await first({ shared: after.share() })).toBe(1);
    expect(await first({ read: 1, idMax: count + 10 })).toEqual(readShelf(after, count + 10));
    expect(await first({ read: 0, idMax: count + 10 })).toEqual(seenBefore);
    expect(await second({ read: 0, idMax: count + 10 })).toEqual(seenBefore);
    expect(readShelf(before, count + 10)).toEqual(seenBefore);
  });

  it('is shared without anything that a message would copy, and what a delta left alone is not shared anew', async () => {
    const { consumer, commit } = await shelfWorld(memory);
    const before = buffersOf(consumer.state.share());
    expect(buffersOf(consumer.state.share())).toEqual(before);
    await commit([5], 1);
    await consumer.refresh();
    const after = buffersOf(consumer.state.share());
    const big = [...before].filter((buffer) => buffer.byteLength > 50_000);
    expect(big.length).toBeGreaterThan(0);
    for (const buffer of big) expect(after.has(buffer)).toBe(true);
  });
});

describe('a consumer in shared memory', () => {
  it('follows a hundred deltas, through folds, as one in its own memory does', async () => {
    const { consumer, commit, newConsumer } = await shelfWorld('shared');
    const other = newConsumer('own');
    await other.refresh();
    for (let revision = 1; revision <= 100; revision++) {
      const ids = Array.from({ length: 15 }, (_, i) => (revision * 7 + i * 131) % (count + 50));
      await commit([...new Set(ids)], revision);
      await consumer.refresh();
    }
    await other.refresh();
    const expected = readShelf(other.state, count + 60);
    expect(consumer.version).toEqual(other.version);
    expect(readShelf(consumer.state, count + 60)).toEqual(expected);
    expect(readShelf(openState(structuredClone(consumer.state.share()), shelf), count + 60)).toEqual(
      expected,
    );
  });

  it('says what a reader lacks', async () => {
    const { consumer } = await shelfWorld('shared');
    const other = defineDataset({ Author: type({ id: t.int() }, { primaryKey: ['id'] }) });
    expect(() => openState(consumer.state.share(), other)).toThrow(
      expect.objectContaining({ kind: 'incompatible' }),
    );
    expect(openState(consumer.state.share()).type('Book').get(1)['title']).toBe(bookOf(1).title);
  });
});
