import type { DynamoDBBatchResponse } from 'aws-lambda';
import { describe, expect, it, vi } from 'vitest';
import { createTelemetry } from '../../../functions/telemetry.ts';
import { headAttributes, headKey } from '../../../lib/aws/head-item.ts';
import { DatasetError } from '../../../lib/errors.ts';
import { decideCommit, firstHead } from '../../../lib/head-rules.ts';
import { Outbox } from '../../../lib/housekeeping/outbox.ts';
import { VirtualClock } from '../../../lib/memory/clock.ts';
import { MemoryHeadStore } from '../../../lib/memory/head-store.ts';
import type { Announcement, Head } from '../../../lib/ports.ts';
import { firstProposal, nextProposal, pinOf } from '../../support/heads.ts';
import { capture, lambdaContext } from '../../support/lambda-events.ts';

const id = { dataset: 'cities', partition: 0 };
const heads = new MemoryHeadStore();
const { told, world } = vi.hoisted(() => ({ told: [] as Announcement[], world: { isDown: false } }));

vi.mock(import('../../../functions/runtime.ts'), async (importOriginal) => {
  const telemetry = createTelemetry('outbox', 'cities');
  const announcer = {
    announce: async (announcement: Announcement) => {
      if (world.isDown) throw new DatasetError('unavailable', 'down');
      told.push(announcement);
    },
  };
  return {
    ...(await importOriginal()),
    composeOutbox: () => ({
      outbox: new Outbox({ heads, announcer, clock: new VirtualClock(), telemetry }),
      id: { dataset: 'cities', partition: 0 },
      telemetry,
    }),
  };
});

const { handler } = await import('../../../functions/outbox.ts');

/** As Lambda has it: bytes as base64. */
const json = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(json);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, json(field)]));
};

const change = (head: Head, number: string) => ({
  dynamodb: {
    SequenceNumber: number,
    ApproximateCreationDateTime: 1_790_000_000,
    NewImage: json({ ...headKey(id), ...headAttributes(head) }),
  },
});

async function answerTo(event: unknown): Promise<DynamoDBBatchResponse> {
  const { outcome } = await capture(() => handler(event, lambdaContext(1_000)));
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}

describe('the outbox function', () => {
  const first = firstHead(firstProposal());
  const second = decideCommit(first, nextProposal(first)).head as Head;

  it('announces what the stream shows, once, as the producer would have', async () => {
    const answer = await answerTo({
      Records: [change(first, '1'), change(second, '2'), change(second, '2')],
    });
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(told.splice(0)).toEqual([
      expect.objectContaining({ id, era: 1, epoch: 0, version: 1, previousCid: '' }),
      expect.objectContaining({
        version: 2,
        cid: second.cid,
        previousCid: first.cid,
        hash: second.hashes.data,
        committedAtMs: 1_790_000_000_000,
      }),
    ]);
  });

  it('announces an order to serve an older version, and not what is committed behind it', async () => {
    const pinned = { ...second, pins: { good: pinOf(first) }, serve: { epoch: 1, pin: 'good' } };
    const behind = { ...(decideCommit(pinned, nextProposal(pinned)).head as Head) };
    await answerTo({ Records: [change(pinned, '3'), change(behind, '4')] });
    expect(told.splice(0).map(({ epoch, version }) => [epoch, version])).toEqual([[1, 1]]);
  });

  it('lets the stream come again from the first change that could not be announced', async () => {
    const back = { ...second, serve: { epoch: 2, pin: null } };
    world.isDown = true;
    expect(await answerTo({ Records: [change(back, '7')] })).toEqual({
      batchItemFailures: [{ itemIdentifier: '7' }],
    });
    world.isDown = false;
    await answerTo({ Records: [change(back, '7')] });
    expect(told.splice(0)).toHaveLength(1);
  });

  it('is not held up by what is no head, or none that can be read', async () => {
    const other = { dynamodb: { SequenceNumber: '8', NewImage: { pk: { S: 'B#x' }, sk: { S: 'y' } } } };
    const later = change(second, '9');
    Object.assign(later.dynamodb.NewImage as object, { format: { N: '99' } });
    const removed = { dynamodb: { SequenceNumber: '10' } };
    expect(await answerTo({ Records: [other, later, removed] })).toEqual({ batchItemFailures: [] });
    expect(told).toEqual([]);
  });

  it('on a schedule announces what it has not announced yet', async () => {
    await answerTo({ source: 'aws.events' });
    expect(told).toEqual([]);
    await heads.replace(id, null, { ...second, era: 2, lastOperation: 'restore' });
    await answerTo({ source: 'aws.events' });
    await answerTo({ source: 'aws.events' });
    expect(told.splice(0).map(({ era, version }) => [era, version])).toEqual([[2, 2]]);
  });
});
