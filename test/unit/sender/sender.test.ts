import { describe, expect, it } from 'vitest';
import { DatasetError } from '../../../lib/errors.ts';
import { limits } from '../../../lib/limits.ts';
import { VirtualClock } from '../../../lib/memory/clock.ts';
import { SeededRandom } from '../../../lib/memory/random.ts';
import { MemoryTelemetry } from '../../../lib/memory/telemetry.ts';
import { progressSourcePattern } from '../../../lib/receipt.ts';
import { defineDataset, type } from '../../../lib/schema/builder.ts';
import { t } from '../../../lib/schema/field-specs.ts';
import { Packer } from '../../../lib/sender/packer.ts';
import { Sender, type SenderOptions } from '../../../lib/sender/sender.ts';
import { mutationsOf, noAnswer, RecordingSink, type SinkBehaviour } from '../../support/recording-sink.ts';

const types = {
  City: type(
    { id: t.int(), name: t.string(), population: t.int(), founded: t.date() },
    { primaryKey: ['id'] },
  ),
};
const cities = defineDataset(types);
const parted = defineDataset(types, { partitions: 4 });

function setUp(behaviour: SinkBehaviour = {}, more: Partial<SenderOptions<typeof cities>> = {}) {
  const clock = new VirtualClock();
  const telemetry = new MemoryTelemetry();
  const sink = new RecordingSink(clock, behaviour);
  const random = new SeededRandom(1);
  const sender = new Sender({ dataset: cities, sinks: sink, clock, random, telemetry, ...more });
  return { clock, telemetry, sink, sender };
}

/** Lets time pass until the promise is settled. */
async function settled<T>(clock: VirtualClock, promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  let isDone = false;
  const all = Promise.allSettled([promise]).then(([result]) => {
    isDone = true;
    return result;
  });
  while (!isDone && (await clock.advanceToNext()));
  return all;
}

const text = (size: number) => 'x'.repeat(size);

describe('a sender', () => {
  it('packs what comes within a moment into one message, each with an order of its own', async () => {
    const { clock, sink, sender } = setUp();
    await sender.upsert('City', { id: 1, name: 'Utrecht', founded: new Date(0) });
    await sender.patch('City', { id: 1 }, { population: 5 });
    await sender.delete('City', { id: 2 });
    expect(sink.messages).toEqual([]);
    await clock.advance(limits.sendLingerMs);
    const { source } = sender;
    expect(source).toMatch(/^sender-[0-9a-f]{16}$/);
    const order = (sequence: number) => ({
      timestamp: clock.nowMs() - limits.sendLingerMs,
      source,
      sequence,
    });
    expect(sink.messages.map(mutationsOf)).toEqual([
      [
        { op: 'upsert', type: 'City', value: { id: 1, name: 'Utrecht', founded: 0 }, order: order(1) },
        { op: 'patch', type: 'City', key: { id: 1 }, fields: { population: 5 }, order: order(2) },
        { op: 'delete', type: 'City', key: { id: 2 }, order: order(3) },
      ],
    ]);
  });

  it('packs what comes during a request for the next one', async () => {
    const { clock, sink, sender } = setUp({ latencyMs: 100 });
    await sender.delete('City', { id: 0 });
    await clock.advance(limits.sendLingerMs);
    for (let id = 1; id < 50; id++) await sender.delete('City', { id });
    await clock.advance(100);
    expect(sink.messages.map((message) => mutationsOf(message).length)).toEqual([1, 49]);
    expect(sink.atMs).toEqual([5, 105]);
  });

  it('sends full requests at once, none of them too large', async () => {
    const { clock, sink, sender } = setUp();
    for (let id = 0; id < 20; id++) await sender.upsert('City', { id, name: text(200_000) });
    await clock.advance(1);
    expect(sink.sizes.length).toBeGreaterThan(2);
    await sender.flush();
    expect(Math.max(...sink.sizes)).toBeLessThanOrEqual(limits.messageSizeMax);
    expect(Math.min(...sink.sizes)).toBeGreaterThan(limits.messageSizeMax * 0.9);
    expect(sink.mutations).toHaveLength(20);
    expect(sink.atMs.every((atMs) => atMs <= 1)).toBe(true);
  });

  it('keeps to the number of mutations and of messages', async () => {
    const packer = new Packer(limits.messageSizeMax);
    const packet = {
      form: 'mutation',
      text: '{}',
      size: 2,
      mutationCount: 1,
      correlationId: undefined,
    } as const;
    for (let i = 0; i <= limits.mutationsPerMessageMax; i++) packer.add(packet);
    expect(
      packer.takeBatch(() => ({ source: 's', sequence: 1 })).map((message) => mutationsOf(message).length),
    ).toEqual([10_000, 1]);
    const small = setUp({}, { messageSizeMax: 300 });
    for (let id = 0; id < 50; id++) await small.sender.delete('City', { id });
    await small.sender.flush();
    expect(Math.max(...small.sink.requests.map((request) => request.length))).toBe(limits.batchEntriesMax);
    expect(small.sink.mutations).toHaveLength(50);
  });

  it('gives an order that only rises, or the one it is told', async () => {
    const { clock, sink, sender } = setUp();
    const nowMs = clock.nowMs.bind(clock);
    await sender.delete('City', { id: 1 });
    clock.nowMs = () => nowMs() - 60_000;
    await sender.delete('City', { id: 1 });
    const order = { timestamp: 5, source: 'rows', sequence: 7 };
    await sender.delete('City', { id: 1 }, { order });
    await sender.flush();
    const [first, second, third] = sink.mutations;
    expect(second?.order.timestamp).toBe(first?.order.timestamp);
    expect(second?.order.sequence).toBe(2);
    expect(third?.order).toEqual(order);
  });

  it('sends each correlation id in messages of its own', async () => {
    const { sink, sender } = setUp();
    for (const [id, correlationId] of [
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
    ] as const) {
      await sender.delete('City', { id }, { correlationId });
    }
    await sender.delete('City', { id: 4 });
    await sender.flush();
    expect(sink.messages.map(({ correlationId }) => correlationId)).toEqual(['a', 'b', undefined]);
    const refused = sender.delete('City', { id: 5 }, { correlationId: 'x'.repeat(129) });
    await expect(refused).rejects.toMatchObject({ kind: 'invalid' });
  });

  it('refuses what breaks a rule before it sends it, and goes on', async () => {
    const { sink, sender } = setUp();
    const wrong = { id: 1, population: 1.5 };
    await expect(sender.upsert('City', wrong)).rejects.toMatchObject({
      kind: 'rejected',
      details: { field: 'value.population' },
    });
    const long = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, t.string()]));
    const notes = defineDataset({ Note: type({ id: t.int(), ...long }, { primaryKey: ['id'] }) });
    const other = new Sender({ ...setUp(), dataset: notes, sinks: sink, random: new SeededRandom(2) });
    const note = { id: 1, ...Object.fromEntries(Object.keys(long).map((name) => [name, text(250_000)])) };
    await expect(other.upsert('Note', note)).rejects.toMatchObject({
      kind: 'rejected',
      details: { size: expect.any(Number) },
    });
    await sender.upsert('City', { id: 2, name: 'odd \ufffe \uffff \u0001 \ud800 text' });
    await sender.close();
    expect(sink.mutations).toMatchObject([{ value: { name: 'odd \ufffe \uffff \u0001 \ud800 text' } }]);
    await expect(sender.delete('City', { id: 1 })).rejects.toThrow('the sender is closed');
  });

  it.each([
    { lingerMs: -1 },
    { messageSizeMax: 2 ** 20 + 1 },
    { bufferSizeMax: 0 },
    { name: '' },
    { sinks: [] },
  ])('refuses the options %j', (options) => {
    expect(() => setUp({}, options)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });
});

describe('what a sender says of an operation', () => {
  it('names increments and conditional mutations, so that they are the same when they are sent again', async () => {
    const { sink, sender } = setUp();
    const { source } = sender;
    const ifVersion = { timestamp: 1, source: 'rows', sequence: 2 };
    await sender.increment('City', { id: 1 }, { population: 3 });
    await sender.increment('City', { id: 1 }, { population: 3 }, { opId: 'birth-7' });
    await sender.upsert('City', { id: 2 }, { condition: { ifAbsent: true } });
    await sender.delete('City', { id: 3 }, { condition: { ifVersion }, opId: 'closed-3' });
    await sender.close();
    expect(sink.mutations).toMatchObject([
      { op: 'increment', key: { id: 1 }, fields: { population: 3 }, opId: `${source}/1` },
      { op: 'increment', opId: 'birth-7' },
      { op: 'upsert', value: { id: 2 }, condition: { ifAbsent: true }, opId: `${source}/3` },
      { op: 'delete', key: { id: 3 }, condition: { ifVersion }, opId: 'closed-3' },
    ]);
  });

  it('sends an atomic message alone, with all of it, and only to one partition', async () => {
    const { sink, sender } = setUp();
    await sender.delete('City', { id: 9 });
    await sender.atomic([
      { op: 'delete', type: 'City', key: { id: 1 } },
      { op: 'increment', type: 'City', key: { id: 2 }, fields: { population: 1 } },
    ]);
    await sender.delete('City', { id: 8 });
    await sender.close();
    expect(sink.messages.map(({ body }) => JSON.parse(body).atomic ?? false)).toEqual([false, true, false]);
    expect(sink.messages.map((message) => mutationsOf(message).length)).toEqual([1, 2, 1]);
    const ports = { ...setUp(), random: new SeededRandom(1) };
    const many = new Sender({ ...ports, dataset: parted, sinks: [sink, sink, sink, sink] });
    const ids = [1, 2].map((id) => ({ op: 'delete', type: 'City', key: { id } }) as const);
    expect(parted.partitionOf('City', 1)).not.toBe(parted.partitionOf('City', 2));
    await expect(many.atomic(ids)).rejects.toMatchObject({ kind: 'invalid' });
    await expect(many.atomic([])).rejects.toMatchObject({ kind: 'invalid' });
    const wrong = [
      ids[0] ?? expect.fail(),
      { op: 'upsert', type: 'City', value: { id: 1, population: 0.5 } } as const,
    ];
    await expect(many.atomic(wrong)).rejects.toMatchObject({
      details: { field: 'mutations[1].value.population' },
    });
  });

  it('refuses to add to what is no number, and an operation id where there is no operation', async () => {
    const { sender } = setUp();
    const names: object = { name: 1 };
    await expect(sender.increment('City', { id: 1 }, names)).rejects.toMatchObject({
      details: { field: 'fields.name' },
    });
    await expect(sender.delete('City', { id: 1 }, { opId: 'x' })).rejects.toMatchObject({
      details: { field: 'opId' },
    });
  });
});

describe('the receipt of a mutation', () => {
  it('has the partition and the number of the message in which it went', async () => {
    const { sink, sender } = setUp();
    const sent = [await sender.delete('City', { id: 1 }), await sender.delete('City', { id: 2 })];
    sent.push(await sender.atomic([{ op: 'delete', type: 'City', key: { id: 3 } }]));
    await sender.flush();
    const [first, second, third] = await Promise.all(sent.map(({ accepted }) => accepted));
    expect(first).toEqual({
      partition: 0,
      source: expect.stringMatching(progressSourcePattern),
      sequence: 1,
    });
    expect(second).toEqual(first);
    expect(third).toEqual({ ...first, sequence: 2 });
    const source = first?.source;
    expect(sink.messages.map(({ body }) => JSON.parse(body).progress)).toEqual([
      { source, sequence: 1 },
      { source, sequence: 2 },
    ]);
  });

  it('is of a new source after a message was given back, which may be in the queue all the same', async () => {
    const error = new DatasetError('denied', 'no');
    const { sink, sender } = setUp({
      failure: (request) => (request === 2 ? { error, isTaken: true } : null),
    });
    const receipts: unknown[] = [];
    for (const id of [1, 2, 3, 4]) {
      const { accepted } = await sender.delete('City', { id });
      await sender.flush().catch(() => undefined);
      receipts.push(await accepted.catch(() => null));
    }
    const [before, lost, after, next] = sink.messages.map(({ body }) => JSON.parse(body).progress);
    expect(receipts).toEqual([
      { partition: 0, ...before },
      null,
      { partition: 0, ...after },
      { partition: 0, ...next },
    ]);
    expect(lost).toEqual({ source: before.source, sequence: 2 });
    expect(after.source).not.toBe(before.source);
    expect([after.sequence, next]).toEqual([1, { source: after.source, sequence: 2 }]);
  });

  it('stands beside a claim', async () => {
    const packer = new Packer(limits.messageSizeMax);
    const text = '{"claim":{"ref":"inbox/x"}}';
    packer.add({ form: 'claim', text, size: text.length, mutationCount: 1, correlationId: undefined });
    const progress = { source: 's', sequence: 7 };
    const [message] = packer.takeBatch(() => progress);
    expect(JSON.parse(message?.body ?? '')).toEqual({ claim: { ref: 'inbox/x' }, progress });
  });
});

describe('a sender to several partitions', () => {
  it('sends each mutation to the queue of its partition', async () => {
    const clock = new VirtualClock();
    const sinks = Array.from({ length: 4 }, () => new RecordingSink(clock));
    const ports = { clock, telemetry: new MemoryTelemetry(), random: new SeededRandom(1) };
    const sender = new Sender({ ...ports, dataset: parted, sinks });
    const partitions: number[] = [];
    for (let id = 0; id < 40; id++) partitions.push((await sender.upsert('City', { id })).partition);
    await sender.flush();
    expect(partitions).toEqual(Array.from({ length: 40 }, (_, id) => parted.partitionOf('City', id)));
    for (const [partition, sink] of sinks.entries()) {
      const ids = sink.mutations.map(({ value }) => (value as { readonly id: number }).id);
      expect(ids).toEqual([...partitions.keys()].filter((id) => partitions[id] === partition));
    }
  });

  it('sends a key of negative zero to the partition of the zero that its text has', async () => {
    const keyed = { primaryKey: ['at'] } as const;
    const dataset = defineDataset({ Level: type({ at: t.double() }, keyed) }, { partitions: 16 });
    expect(dataset.partitionOf('Level', 0)).not.toBe(dataset.partitionOf('Level', -0));
    const clock = new VirtualClock();
    const sinks = Array.from({ length: 16 }, () => new RecordingSink(clock));
    const ports = { clock, telemetry: new MemoryTelemetry(), random: new SeededRandom(1) };
    const sender = new Sender({ ...ports, dataset, sinks });
    const sent = [await sender.upsert('Level', { at: -0 }), await sender.delete('Level', { at: -0 })];
    await sender.flush();
    for (const { partition } of sent) expect(partition).toBe(dataset.partitionOf('Level', 0));
  });
});

describe('when the queue fails', () => {
  it('sends again after a pause that grows, until it is in', async () => {
    const failure = (request: number) => (request < 5 ? { error: noAnswer, isTaken: false } : null);
    const { clock, sink, sender, telemetry } = setUp({ failure });
    const { accepted } = await sender.delete('City', { id: 1 });
    expect(await settled(clock, accepted)).toMatchObject({ status: 'fulfilled' });
    expect(sink.requestCount).toBe(5);
    expect(clock.monotonicMs()).toBeLessThanOrEqual(5 + 50 + 100 + 200 + 400);
    expect(telemetry.sum('SendsRepeated')).toBe(4);
    await sender.close();
  });

  it('sends the same again, with the same order, where it does not know whether it is in', async () => {
    const failure = (request: number) => (request === 1 ? { error: noAnswer, isTaken: true } : null);
    const { clock, sink, sender } = setUp({ failure });
    await sender.delete('City', { id: 1 });
    await settled(clock, sender.flush());
    expect(sink.messages).toHaveLength(2);
    expect(sink.messages[1]).toEqual(sink.messages[0]);
  });

  it('gives back what it cannot send, to the one that waits for it and to flush, and goes on', async () => {
    let isBroken = true;
    const { clock, sender, sink, telemetry } = setUp({
      failure: () => (isBroken ? { error: noAnswer, isTaken: false } : null),
    });
    const { accepted } = await sender.delete('City', { id: 1 });
    void sender.delete('City', { id: 2 }); // nobody waits for this one
    const flushed = await settled(clock, sender.flush());
    await expect(accepted).rejects.toBe(noAnswer);
    expect(flushed).toMatchObject({
      status: 'rejected',
      reason: { kind: 'unavailable', details: { count: 2 } },
    });
    expect(sink.requestCount).toBe(limits.sendAttemptsMax);
    expect(telemetry.sum('MutationsUnsent')).toBe(2);
    isBroken = false;
    await sender.delete('City', { id: 3 });
    await sender.close(); // what was told once is not told again
    expect(sink.mutations).toHaveLength(1);
  });

  it('does not send again what is not allowed, or what it sent wrongly', async () => {
    for (const error of [new DatasetError('denied', 'no'), new TypeError('a bug in a sink')]) {
      const { clock, sender, sink } = setUp({ failure: () => ({ error, isTaken: false }) });
      const { accepted } = await sender.delete('City', { id: 1 });
      const kind = error instanceof DatasetError ? 'denied' : 'invalid';
      expect(await settled(clock, accepted)).toMatchObject({ status: 'rejected', reason: { kind } });
      expect(sink.requestCount).toBe(1);
    }
  });

  it('spends no more than its budget on repeats', async () => {
    const { clock, sender, sink } = setUp({ failure: () => ({ error: noAnswer, isTaken: false }) });
    const sendCount = 40;
    for (let i = 0; i < sendCount; i++) {
      await sender.delete('City', { id: i });
      await settled(clock, sender.flush());
    }
    expect(sink.requestCount).toBe(sendCount + limits.sendRetriesMax);
  });
});

describe('when more comes than goes', () => {
  const full = { bufferSizeMax: 10_000, lingerMs: 0 };
  const city = (id: number) => ({ id, name: text(850) }); // nearly a kilobyte with all around it

  it('lets callers wait, those of high priority not as soon, and turns away low priority', async () => {
    const { clock, sender, sink, telemetry } = setUp({ latencyMs: 1_000 }, full);
    let taken = 0;
    const take = (id: number) => sender.upsert('City', city(id)).then(() => (taken += 1));
    for (let id = 0; id < 20; id++) void take(id);
    await clock.advance(0);
    expect(taken).toBe(9);
    await expect(sender.upsert('City', city(90), { priority: 'low' })).rejects.toMatchObject({
      kind: 'unavailable',
    });
    expect(telemetry.sum('MutationsShed')).toBe(1);
    await sender.upsert('City', city(91), { priority: 'high' }); // there is room for it, and it does not wait
    await clock.advance(999);
    expect(taken).toBe(9);
    await clock.advance(1);
    expect(taken).toBeGreaterThan(9);
    expect(taken).toBeLessThan(20);
    await settled(clock, sender.close());
    expect(taken).toBe(20);
    expect(new Set(sink.mutations.map(({ value }) => (value as { readonly id: number }).id)).size).toBe(21);
  });

  it('takes what is larger than the buffer when that is empty', async () => {
    const { clock, sender, sink } = setUp({ latencyMs: 10 }, { ...full, bufferSizeMax: 100 });
    const all = [1, 2, 3].map((id) => sender.upsert('City', city(id)));
    await settled(clock, sender.close());
    await Promise.all(all);
    expect(sink.requests.map((request) => request.length)).toEqual([1, 1, 1]);
  });

  it('flushes those who wait for room as well', async () => {
    const { clock, sender, sink } = setUp({ latencyMs: 10 }, full);
    for (let id = 0; id < 100; id++) void sender.upsert('City', city(id));
    expect(await settled(clock, sender.flush())).toMatchObject({ status: 'fulfilled' });
    expect(sink.mutations).toHaveLength(100);
  });
});
