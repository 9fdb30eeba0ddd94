import { describe, expect, it } from 'vitest';
import { DatasetError } from '../../../lib/errors.ts';
import { BlobInbox } from '../../../lib/inbox.ts';
import { limits } from '../../../lib/limits.ts';
import { systemCodec } from '../../../lib/local/system-codec.ts';
import { MemoryMutationQueue } from '../../../lib/memory/mutation-queue.ts';
import { SeededRandom } from '../../../lib/memory/random.ts';
import type { Inbox } from '../../../lib/ports.ts';
import { defineDataset, type } from '../../../lib/schema/builder.ts';
import { t } from '../../../lib/schema/field-specs.ts';
import { Sender } from '../../../lib/sender/sender.ts';
import { MemoryCloud, plentyOfTime } from '../../support/memory-cloud.ts';

const parts = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
const text = { a: t.string(), b: t.string(), c: t.string(), d: t.string(), e: t.string(), f: t.string() };
const notes = defineDataset({ Note: type({ id: t.int(), ...text }, { primaryKey: ['id'] }) });

function setUp(failing: (call: number) => DatasetError | null = () => null) {
  const cloud = new MemoryCloud();
  const { clock, telemetry, blobs } = cloud;
  const random = new SeededRandom(3);
  const id = { dataset: 'notes', partition: 0 };
  const stored = new BlobInbox({ id, blobs, random });
  let calls = 0;
  const inbox: Inbox = {
    put: async (bytes) => {
      const error = failing(++calls);
      if (error !== null) throw error;
      return stored.put(bytes);
    },
    get: (ref, sizeMax) => stored.get(ref, sizeMax),
  };
  const claims = { inbox, codec: systemCodec };
  const queue = new MemoryMutationQueue({ clock, random, visibilityMs: 1_000 });
  const sender = new Sender({ dataset: notes, sinks: queue, clock, random, telemetry, claims });
  const producer = cloud.producer({ id, schema: notes.schema, claims });
  return { cloud, sender, queue, producer, id, clock };
}

/** Nearly 1.5 MiB. */
function large(id: number) {
  return { id, ...Object.fromEntries(parts.map((part) => [part, part.repeat(250_000)])) };
}

describe('a mutation that is too large for the queue', () => {
  it('goes by the inbox, and comes out as it was', async () => {
    const { cloud, sender, queue, producer, id } = setUp();
    const note = large(1);
    expect(JSON.stringify(note).length).toBeGreaterThan(limits.messageSizeMax);
    await sender.upsert('Note', { id: 2, a: 'small' });
    void sender.upsert('Note', note); // flush waits for it all the same
    await sender.upsert('Note', { id: 3, a: 'small' });
    await sender.close();
    const messages = await queue.receive(10, 0);
    expect(messages).toHaveLength(2); // a claim has a message of its own
    expect(messages.every(({ body }) => body.length < 1_000)).toBe(true);
    expect(await producer.process(messages, plentyOfTime)).toMatchObject({ failed: [] });
    const consumer = cloud.consumer({ id });
    await consumer.refresh();
    expect(consumer.get('Note', 1).toObject()).toEqual(note);
    expect(consumer.state.type('Note').count).toBe(3);
    expect(cloud.quarantine.records()).toEqual([]);
  });

  it('is put there again when that failed, and told to the caller when it cannot be', async () => {
    const noAnswer = new DatasetError('unavailable', 'no answer');
    const { sender, queue, clock } = setUp((call) => (call < 3 ? noAnswer : null));
    const sent = sender.upsert('Note', large(1));
    let isSent = false;
    void sent.then(({ accepted }) => accepted).then(() => (isSent = true));
    while (!isSent && (await clock.advanceToNext()));
    expect(queue.messageCount).toBe(1);
    const denied = new DatasetError('denied', 'no');
    const other = setUp(() => denied);
    await expect(other.sender.upsert('Note', large(1))).rejects.toBe(denied);
    await other.sender.close();
    expect(other.queue.messageCount).toBe(0);
  });

  it('may be an atomic message', async () => {
    const { cloud, sender, queue, producer, id } = setUp();
    await sender.atomic([1, 2].map((note) => ({ op: 'upsert', type: 'Note', value: large(note) }) as const));
    await sender.close();
    await producer.process(await queue.receive(10, 0), plentyOfTime);
    const consumer = cloud.consumer({ id });
    await consumer.refresh();
    expect(consumer.state.type('Note').count).toBe(2);
  });
});
