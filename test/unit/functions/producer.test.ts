import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createTelemetry } from '../../../functions/telemetry.ts';
import type { Deadline, MutationMessage } from '../../../lib/ports.ts';
import type { ProcessResult } from '../../../lib/producer/producer.ts';
import { parseRuntimeSettings } from '../../../lib/runtime-settings.ts';
import { capture, lambdaContext, sqsEvent, sqsRecord } from '../../support/lambda-events.ts';

const { process, settings } = vi.hoisted(() => ({
  settings: { text: '{}' },
  process: vi.fn<(messages: readonly MutationMessage[], deadline: Deadline) => Promise<ProcessResult>>(),
}));

vi.mock(import('../../../functions/runtime.ts'), async (importOriginal) => {
  const telemetry = createTelemetry('producer', 'cities');
  process.mockImplementation(async (messages) => {
    telemetry.log('info', 'processing');
    telemetry.record('MessagesReceived', messages.length);
    return { acknowledged: messages, failed: [] };
  });
  return {
    ...(await importOriginal()),
    composeProducer: () =>
      ({
        producer: { process },
        telemetry,
        currentSettings: async () => parseRuntimeSettings(settings.text),
      }) as never,
  };
});

const { handler } = await import('../../../functions/producer.ts');
const invoke = (...records: readonly SQSRecord[]) =>
  capture((): Promise<SQSBatchResponse> => handler(sqsEvent(...records), lambdaContext(12_345)));
const responseTo = async (...records: readonly SQSRecord[]) => {
  const { outcome } = await invoke(...records);
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
};

afterEach(() => {
  settings.text = '{}';
  process.mockClear();
});

const failing = (...ids: readonly string[]) =>
  process.mockImplementationOnce(async (messages) => ({
    acknowledged: messages.filter(({ id }) => !ids.includes(id)),
    failed: messages
      .filter(({ id }) => ids.includes(id))
      .map((message) => ({ message, reason: 'unavailable' })),
  }));

describe('the producer function', () => {
  it('hands over what SQS said of each message', async () => {
    await invoke(sqsRecord('m1', '{"op":"delete"}', 'order-77'), sqsRecord('m2', 'two'));
    const [messages, deadline] = process.mock.calls[0] ?? [];
    expect(messages).toEqual([
      {
        id: 'm1',
        body: '{"op":"delete"}',
        sentAtMs: 1_763_900_000_000,
        receiveCount: 1,
        correlationId: 'order-77',
        receipt: 'receipt-m1',
      },
      { id: 'm2', body: 'two', sentAtMs: 1_763_900_000_000, receiveCount: 1, receipt: 'receipt-m2' },
    ]);
    expect(deadline?.remainingMs()).toBe(12_345);
  });

  it('answers with an empty list when everything is in', async () => {
    const response = await responseTo(sqsRecord('m1', 'a'), sqsRecord('m2', 'b'));
    expect(response).toEqual({ batchItemFailures: [] });
  });

  it('names exactly the messages that must come again', async () => {
    failing('m1', 'm3');
    const response = await responseTo(sqsRecord('m1', 'a'), sqsRecord('m2', 'b'), sqsRecord('m3', 'c'));
    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }, { itemIdentifier: 'm3' }] });
  });

  it('names a message that the producer forgot, because what is not named is deleted', async () => {
    process.mockImplementationOnce(async ([first]) => ({ acknowledged: first ? [first] : [], failed: [] }));
    const response = await responseTo(sqsRecord('m1', 'a'), sqsRecord('m2', 'b'));
    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'm2' }] });
  });

  it('commits nothing while it is paused: every message goes back to the queue', async () => {
    settings.text = '{"isPaused":true}';
    const response = await responseTo(sqsRecord('m1', 'a'), sqsRecord('m2', 'b'));
    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }, { itemIdentifier: 'm2' }] });
    expect(process).not.toHaveBeenCalled();
  });

  it('commits as many messages at once as it is told', async () => {
    settings.text = '{"messagesPerCommitMax":2}';
    failing('m2');
    const response = await responseTo(...['m1', 'm2', 'm3', 'm4', 'm5'].map((id) => sqsRecord(id, id)));
    expect(process.mock.calls.map(([messages]) => messages.map(({ id }) => id))).toEqual([
      ['m1', 'm2'],
      ['m3', 'm4'],
      ['m5'],
    ]);
    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'm2' }] });
  });

  it('fails the whole batch on a bug, so that nothing is deleted, and logs it', async () => {
    process.mockRejectedValueOnce(new TypeError('a bug'));
    const { outcome, lines } = await invoke(sqsRecord('m1', 'a', 'order-1'));
    expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'a bug' } });
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'ERROR',
        message: 'the invocation failed',
        correlationIds: ['order-1'],
      }),
    );
  });

  it('refuses an event without the attributes of SQS', async () => {
    const record = sqsRecord('m1', 'a');
    const { outcome } = await invoke({ ...record, attributes: { ...record.attributes, SentTimestamp: '' } });
    expect(outcome).toMatchObject({ status: 'rejected', reason: { kind: 'invalid' } });
    expect(process).not.toHaveBeenCalled();
  });

  it('puts the correlation ids on every log line of this invocation and of no other', async () => {
    const first = await invoke(sqsRecord('m1', 'a', 'x'), sqsRecord('m2', 'b', 'x'));
    const second = await invoke(sqsRecord('m3', 'c'));
    const logs = ({ lines }: typeof first) => lines.filter(({ message }) => message === 'processing');
    expect(logs(first)).toMatchObject([
      { service: 'producer', dataset: 'cities', correlationIds: ['x'], function_request_id: 'request-1' },
    ]);
    expect(logs(second)).toMatchObject([{ dataset: 'cities', correlationIds: [] }]);
  });

  it('writes metrics in the embedded format, with service and dataset as dimensions', async () => {
    const { lines } = await invoke(sqsRecord('m1', 'a'), sqsRecord('m2', 'b'));
    const [metrics] = lines.filter((line) => 'MessagesReceived' in line);
    expect(metrics).toMatchObject({
      service: 'producer',
      dataset: 'cities',
      MessagesReceived: 2,
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'ServerlessHollow',
            Dimensions: [['service', 'dataset']],
            Metrics: [
              { Name: 'MessagesReceived', Unit: 'Count' },
              { Name: 'MemoryUsedPercent', Unit: 'Percent' },
            ],
          },
        ],
      },
    });
  });
});
