import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isDatasetError } from '../../lib/errors.ts';
import { limits } from '../../lib/limits.ts';
import type { MutationMessage, MutationSink, MutationSource } from '../../lib/ports.ts';

export interface MutationQueueHarness {
  readonly source: MutationSource;
  readonly sink: MutationSink;
  readonly visibilityMs: number;
  /** Lets time pass for the queue. */
  passMs(ms: number): Promise<void>;
  /** Wall clock of the queue, epoch ms. */
  nowMs(): number;
  close(): Promise<void>;
}

export function mutationQueueContract(name: string, open: () => Promise<MutationQueueHarness>): void {
  describe(`MutationSource and MutationSink contract on ${name}`, () => {
    let harness: MutationQueueHarness;
    let source: MutationSource;
    let sink: MutationSink;
    beforeAll(async () => {
      harness = await open();
      ({ source, sink } = harness);
    });
    afterAll(() => harness.close());

    /** All deliveries of one test: acknowledged after it, so that none comes again in a later one. */
    let deliveries: MutationMessage[] = [];
    const receive = async (messagesMax: number, waitMs: number): Promise<readonly MutationMessage[]> => {
      const messages = await source.receive(messagesMax, waitMs);
      deliveries.push(...messages);
      return messages;
    };
    /** Receives until `count` messages are there; fails by time-out of the test if they never come. */
    const receiveAll = async (count: number): Promise<MutationMessage[]> => {
      const messages: MutationMessage[] = [];
      while (messages.length < count) messages.push(...(await receive(10, 0)));
      return messages;
    };
    afterEach(async () => {
      await source.acknowledge(deliveries);
      deliveries = [];
    });

    test('a message arrives with its body, id, stamp and correlation id', async () => {
      const beforeMs = harness.nowMs();
      const body = JSON.stringify({ op: 'upsert', value: { name: 'Zürich – 東京 🗼\t"' } });
      await sink.send([{ body, correlationId: 'order-17' }]);
      await sink.send([{ body: '{}' }]);
      const messages = await receiveAll(2);
      const [first, second] = [
        messages.find((one) => one.body === body),
        messages.find((one) => one.body === '{}'),
      ];
      expect(first).toMatchObject({ body, correlationId: 'order-17', receiveCount: 1 });
      expect(second).not.toHaveProperty('correlationId');
      expect(first?.id).not.toBe(second?.id);
      expect(first?.sentAtMs).toBeGreaterThanOrEqual(beforeMs - 1_000);
      expect(first?.sentAtMs).toBeLessThanOrEqual(harness.nowMs() + 1_000);
    });

    test('an empty queue gives nothing, at once or after the wait', async () => {
      expect(await receive(10, 0)).toEqual([]);
      const [messages] = await Promise.all([receive(10, 1_000), harness.passMs(1_000)]);
      expect(messages).toEqual([]);
    });

    test('a waiting receive ends with its signal, and takes nothing after it', async () => {
      const stop = new AbortController();
      const waiting = source.receive(10, 20_000, stop.signal);
      await harness.passMs(10);
      stop.abort();
      // Else the test takes too long: nobody moves the clock on.
      expect(await waiting).toEqual([]);
      await sink.send([{ body: 'after' }]);
      expect(await source.receive(10, 0, stop.signal)).toEqual([]);
      expect((await receiveAll(1)).map((message) => message.body)).toEqual(['after']);
    });

    test('a waiting receive hears a message that is sent meanwhile', async () => {
      const waiting = receive(10, 5_000);
      await sink.send([{ body: 'late' }]);
      const [messages] = await Promise.all([waiting, harness.passMs(200)]);
      expect(messages.map((message) => message.body)).toEqual(['late']);
    });

    test('a delivered message is invisible to others until its time is over, then comes again', async () => {
      await sink.send([{ body: 'again', correlationId: 'c' }]);
      const [first] = await receiveAll(1);
      expect(await receive(10, 0)).toEqual([]);
      await harness.passMs(harness.visibilityMs);
      const [second] = await receiveAll(1);
      const { receipt: _, ...expected } = { ...first, receiveCount: 2 };
      expect(second).toMatchObject(expected); // the same id, body, stamp and correlation id
    });

    test('an acknowledged message does not come again, another one does', async () => {
      await sink.send([{ body: 'done' }, { body: 'open' }]);
      const messages = await receiveAll(2);
      await source.acknowledge(messages.filter((message) => message.body === 'done'));
      await harness.passMs(harness.visibilityMs);
      const rest = await receiveAll(1);
      expect(rest.map((message) => message.body)).toEqual(['open']);
      expect(await receive(10, 0)).toEqual([]);
    });

    test('acknowledging twice, or nothing, is harmless', async () => {
      await sink.send([{ body: 'x' }]);
      const messages = await receiveAll(1);
      await source.acknowledge(messages);
      await source.acknowledge(messages);
      await source.acknowledge([]);
      await sink.send([]);
      expect(await receive(10, 0)).toEqual([]);
    });

    test('receive gives at most what was asked for', async () => {
      await sink.send([{ body: 'a' }, { body: 'b' }, { body: 'c' }]);
      const first = await receive(2, 0);
      expect(first.length).toBeLessThanOrEqual(2);
      expect(await receiveAll(3 - first.length)).toHaveLength(3 - first.length);
    });

    test('batches of more than ten, in mixed sizes, arrive whole and are acknowledged whole', async () => {
      const bodies = Array.from({ length: 35 }, (_, index) =>
        `${index}:`.padEnd(index % 5 === 0 ? 400_000 : 50, 'x'),
      );
      await sink.send(bodies.map((body) => ({ body })));
      const messages = await receiveAll(35);
      expect(messages.map((message) => message.body).sort()).toEqual([...bodies].sort());
      expect(new Set(messages.map((message) => message.id)).size).toBe(35);
      await source.acknowledge(messages);
      await harness.passMs(harness.visibilityMs);
      expect(await receive(10, 0)).toEqual([]);
    });

    test('the largest message passes, one byte more is refused by its size and nothing is sent', async () => {
      await sink.send([{ body: 'x'.repeat(limits.messageSizeMax) }]);
      expect((await receiveAll(1))[0]?.body).toHaveLength(limits.messageSizeMax);
      const tooLarge = `${'x'.repeat(limits.messageSizeMax - 1)}ü`;
      await expect(sink.send([{ body: 'small' }, { body: tooLarge }])).rejects.toSatisfy(
        (error) =>
          isDatasetError(error, 'invalid') && error.message.includes(String(limits.messageSizeMax + 1)),
      );
      expect(await receive(10, 0)).toEqual([]);
    });

    test.each([
      ['no body', { body: '' }],
      ['a control character', { body: 'a\u0000b' }],
      ['half a surrogate pair', { body: 'a\ud800b' }],
      ['an empty correlation id', { body: 'a', correlationId: '' }],
      ['a long correlation id', { body: 'a', correlationId: 'c'.repeat(129) }],
    ])('refuses a message with %s', async (_, message) => {
      await expect(sink.send([message])).rejects.toSatisfy((error) => isDatasetError(error, 'invalid'));
      expect(await receive(10, 0)).toEqual([]);
    });

    test('refuses to receive nothing', async () => {
      await expect(source.receive(0, 0)).rejects.toSatisfy((error) => isDatasetError(error, 'invalid'));
    });
  });
}
