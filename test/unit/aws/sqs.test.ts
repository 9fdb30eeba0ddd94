import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AwsAnnouncementWatcher } from '../../../lib/aws/announcement-watcher.ts';
import { sqsClient } from '../../../lib/aws/clients.ts';
import { AwsMutationSink } from '../../../lib/aws/mutation-sink.ts';
import { AwsMutationSource } from '../../../lib/aws/mutation-source.ts';
import { AwsQuarantine } from '../../../lib/aws/quarantine.ts';
import { planBatches } from '../../../lib/aws/sqs-batches.ts';
import { limits } from '../../../lib/limits.ts';
import { MemoryTelemetry } from '../../../lib/memory/telemetry.ts';
import { messageSize } from '../../../lib/message-rules.ts';
import type { MutationMessage } from '../../../lib/ports.ts';
import {
  json,
  jsonError,
  type Script,
  type ScriptedRequest,
  startScriptedServer,
} from '../../support/scripted-server.ts';

const queueUrl = 'https://sqs.us-east-1.amazonaws.com/123456789012/mutations';

async function queueOn(script: Script) {
  const server = await startScriptedServer(script);
  const options = { client: sqsClient(server.clientOptions), queueUrl };
  return {
    sink: new AwsMutationSink(options),
    source: new AwsMutationSource(options),
    quarantine: new AwsQuarantine(options),
    server,
  };
}

const entriesOf = (request: ScriptedRequest): { Id: string; MessageBody?: string }[] =>
  JSON.parse(request.body).Entries;

const accepted = ({ Id, MessageBody = '' }: { Id: string; MessageBody?: string }) => ({
  Id,
  MessageId: `m-${Id}`,
  MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
});

const failed = (Id: string, Code: string, SenderFault: boolean) => ({
  Id,
  Code,
  SenderFault,
  Message: 'scripted',
});

const deliveries = (count: number): MutationMessage[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `m-${index}`,
    body: 'x',
    sentAtMs: 1,
    receiveCount: 1,
    receipt: `r-${index}`,
  }));

test('a call goes to the endpoint that was given, not where the URL of the queue points', async () => {
  const { sink, server } = await queueOn((request) => json({ Successful: entriesOf(request).map(accepted) }));
  await sink.send([{ body: 'x' }]);
  expect(server.requests).toHaveLength(1);
});

test.each([
  ['InternalError', false, 'unavailable'],
  ['RequestThrottled', true, 'unavailable'],
  ['InvalidMessageContents', true, 'invalid'],
  ['AccessDeniedException', true, 'denied'],
])(
  'one entry that failed with %s (sender fault %s) is %s although the call succeeded',
  async (code, fault, kind) => {
    const { sink } = await queueOn((request) => {
      const [first, ...rest] = entriesOf(request);
      return json({ Successful: rest.map(accepted), Failed: [failed(first?.Id ?? '', code, fault)] });
    });
    await expect(sink.send([{ body: 'a' }, { body: 'b' }, { body: 'c' }])).rejects.toMatchObject({
      name: 'DatasetError',
      kind,
      details: { code, failedCount: 1, count: 3 },
    });
  },
);

test('an entry without an outcome has failed', async () => {
  const { sink, quarantine } = await queueOn((request) =>
    json({ Successful: entriesOf(request).slice(1).map(accepted) }),
  );
  await expect(sink.send([{ body: 'a' }, { body: 'b' }])).rejects.toMatchObject({ kind: 'unavailable' });
  const entry = { messageId: 'm', index: 0, reason: 'r', field: 'f', content: 'c', sentAtMs: 1 };
  await expect(quarantine.send({ dataset: 'cities', partition: 0 }, [entry])).rejects.toMatchObject({
    kind: 'unavailable',
  });
});

test('a failed batch stops the sending', async () => {
  const { sink, server } = await queueOn(() => jsonError('QueueDoesNotExist'));
  await expect(sink.send(Array.from({ length: 25 }, () => ({ body: 'x' })))).rejects.toMatchObject({
    kind: 'invalid',
  });
  expect(server.requests).toHaveLength(1);
});

test('a failed batch does not stop the acknowledging, and is told', async () => {
  const { source, server } = await queueOn((request, index) => {
    const entries = entriesOf(request);
    if (index === 0)
      return json({
        Successful: entries.slice(1).map(accepted),
        Failed: [failed('0', 'InternalError', false)],
      });
    return json({ Successful: entries.map(accepted) });
  });
  await expect(source.acknowledge(deliveries(25))).rejects.toMatchObject({ kind: 'unavailable' });
  expect(server.requests.map((request) => entriesOf(request).length)).toEqual([10, 10, 5]);
});

test('a receipt of an older delivery is not the mistake of the caller', async () => {
  const { source } = await queueOn(() => json({ Failed: [failed('0', 'ReceiptHandleIsInvalid', true)] }));
  await expect(source.acknowledge(deliveries(1))).rejects.toMatchObject({ kind: 'unavailable' });
});

test('the wait is asked for in whole seconds, rounded up, at most twenty', async () => {
  const { source, server } = await queueOn(() => json({}));
  for (const waitMs of [0, 1, 1_000, 1_001, 60_000]) await source.receive(50, waitMs);
  const asked = server.requests.map((request) => JSON.parse(request.body));
  expect(asked.map((request) => request.WaitTimeSeconds)).toEqual([0, 1, 1, 2, 20]);
  expect(asked.map((request) => request.MaxNumberOfMessages)).toEqual([10, 10, 10, 10, 10]);
});

test('a correlation id of any length is cut for logs; an answer without its fields is refused', async () => {
  const message = {
    MessageId: 'm',
    ReceiptHandle: 'r',
    Body: 'x',
    MD5OfBody: createHash('md5').update('x').digest('hex'),
    Attributes: { SentTimestamp: '1700000000000', ApproximateReceiveCount: '3' },
  };
  const MessageAttributes = { correlationId: { DataType: 'String', StringValue: 'c'.repeat(500) } };
  const { source } = await queueOn((_, index) =>
    json({ Messages: [index === 0 ? { ...message, MessageAttributes } : { ...message, Attributes: {} }] }),
  );
  expect(await source.receive(10, 0)).toEqual([
    {
      id: 'm',
      body: 'x',
      sentAtMs: 1_700_000_000_000,
      receiveCount: 3,
      correlationId: 'c'.repeat(128),
      receipt: 'r',
    },
  ]);
  await expect(source.receive(10, 0)).rejects.toMatchObject({ kind: 'unavailable' });
});

test('a watch that cannot read its queue rejects with the kind, one that cannot delete goes on', async () => {
  const watcherOn = async (script: Script) => {
    const { clientOptions, requests } = await startScriptedServer(script);
    const telemetry = new MemoryTelemetry();
    const watcher = new AwsAnnouncementWatcher({ client: sqsClient(clientOptions), queueUrl, telemetry });
    return { watcher, telemetry, requests };
  };
  const denied = await watcherOn(() => jsonError('AccessDeniedException'));
  const never = new AbortController().signal;
  await expect(denied.watcher.watch(() => {}, never)).rejects.toMatchObject({ kind: 'denied' });
  const body = 'not an event';
  const MD5OfBody = createHash('md5').update(body).digest('hex');
  const Messages = [{ MessageId: 'm', ReceiptHandle: 'r', Body: body, MD5OfBody }];
  const stuck = await watcherOn(({ headers }, index) => {
    if (String(headers['x-amz-target']).endsWith('DeleteMessageBatch')) return jsonError('InvalidRequest');
    return index === 0 ? json({ Messages }) : jsonError('AccessDeniedException');
  });
  await expect(stuck.watcher.watch(() => {}, never)).rejects.toMatchObject({ kind: 'denied' });
  expect(stuck.requests).toHaveLength(3);
  expect(stuck.telemetry.lines('warn')).toHaveLength(2);
});

test('batches keep to both limits, keep the order and are as few as that allows', () => {
  const message = fc.record({
    body: fc.integer({ min: 1, max: 600_000 }).map((size) => 'x'.repeat(size)),
    correlationId: fc.constantFrom('a', 'bbbb'),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
      const batches = planBatches(messages);
      expect(batches.flat()).toEqual(messages);
      const sizes = batches.map((batch) => batch.reduce((sum, one) => sum + messageSize(one), 0));
      for (const [index, batch] of batches.entries()) {
        expect(batch.length).toBeGreaterThan(0);
        expect(batch.length).toBeLessThanOrEqual(limits.batchEntriesMax);
        expect(sizes[index]).toBeLessThanOrEqual(limits.messageSizeMax);
        const next = batches[index + 1]?.[0];
        const wouldFit =
          next !== undefined &&
          batch.length < limits.batchEntriesMax &&
          (sizes[index] ?? 0) + messageSize(next) <= limits.messageSizeMax;
        expect(wouldFit).toBe(false);
      }
    }),
    { numRuns: 30 },
  );
});
