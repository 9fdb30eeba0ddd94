import { once } from 'node:events';
import { createConnection } from 'node:net';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { announcementDetailType, announcementSource } from '../../lib/announcement.ts';
import type { Announcement } from '../../lib/ports.ts';
import { eventually } from '../support/eventually.ts';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import { citiesId, startTestCloud, type TestCloud } from '../support/test-cloud.ts';

const paris = (population: number) => ({ cityId: 2988507, name: 'Paris', country: 'FR', population });
const path = '/datasets/cities/City/2988507';

let it: TestCloud;
let service: ServiceProcess;

beforeAll(async () => {
  it = await startTestCloud();
  service = await startService(it);
});

afterAll(async () => {
  signalDynamoDb('SIGCONT');
  await service?.stop();
  await it?.stop();
});

const send = (population: number) =>
  it.sink.send([{ body: JSON.stringify({ op: 'upsert', type: 'City', value: paris(population) }) }]);

/** The stand-in for DynamoDB and the shell around it are a process group. Stopped, it takes requests and answers none. */
function signalDynamoDb(signal: 'SIGSTOP' | 'SIGCONT'): void {
  if (it !== undefined) process.kill(-it.cloud.dynamodbProcessId, signal);
}

/** A hint that runs ahead of the head: it makes the service look, now and until version 2 is there. */
async function nextHint(): Promise<SendMessageCommand> {
  const head = await it.heads.load(citiesId, 'strong');
  const { era = 0, version = 0, cid = '', mapGeneration = 0 } = head ?? {};
  const detail: Announcement = {
    id: citiesId,
    era,
    epoch: 0,
    version: version + 1,
    cid: cid.replaceAll(/./g, 'f'),
    mapGeneration,
    previousCid: cid,
    hash: cid,
    size: 1,
    snapshotVersion: 1,
    committedAtMs: Date.now(),
    correlationIds: [],
  };
  return new SendMessageCommand({
    QueueUrl: it.output('AnnouncementQueueUrl'),
    MessageBody: JSON.stringify({
      source: announcementSource,
      'detail-type': announcementDetailType,
      detail,
    }),
  });
}

async function headAgeMs(): Promise<number> {
  const { body } = await service.get('/health');
  return z.object({ headAgeMs: z.number() }).parse(body).headAgeMs;
}

/** Rejects when nobody listens. */
async function connect(port: number): Promise<void> {
  const socket = createConnection({ host: '127.0.0.1', port });
  await once(socket, 'connect').finally(() => socket.destroy());
}

const record = async () => (await service.get(path)).body;

describe('the consumer service as a process', () => {
  test('before the first version it is alive, not ready, and says so', async () => {
    expect(await service.get('/health')).toMatchObject({
      status: 503,
      body: { isReady: false, version: null },
    });
    expect(await service.get('/ready')).toMatchObject({ status: 503, body: { isReady: false } });
    expect((await service.get(path)).status).toBe(503);
  });

  test('with the first version it becomes healthy and ready by itself', async () => {
    await send(1);
    await eventually(async () => expect((await service.get('/health')).status).toBe(200));
    const head = await it.heads.load(citiesId, 'strong');
    expect((await service.get('/health')).body).toMatchObject({
      isReady: true,
      version: { era: 1, epoch: 0, version: 1, cid: head?.cid },
      failuresInRow: 0,
      lastError: null,
    });
    expect((await service.get('/ready')).status).toBe(200);
    expect(await record()).toMatchObject(paris(1));
  });

  test('while DynamoDB does not answer it stays ready and readable, and its health tells', async () => {
    const hint = await nextHint();
    signalDynamoDb('SIGSTOP');
    const before = await headAgeMs();
    await it.sqs.send(hint);
    await eventually(async () => {
      expect(await service.get('/health')).toMatchObject({
        status: 200,
        body: {
          isReady: true,
          version: { version: 1 },
          failuresInRow: expect.toSatisfy((failures: number) => failures >= 1),
          lastError: expect.stringMatching(/\w/),
        },
      });
    });
    expect(await headAgeMs()).toBeGreaterThan(before);
    expect((await service.get('/ready')).status).toBe(200);
    expect(await record()).toMatchObject(paris(1));
  });

  test('after the outage it catches up', async () => {
    signalDynamoDb('SIGCONT');
    await send(2);
    await eventually(async () => expect(await record()).toMatchObject(paris(2)), 45_000);
    expect((await service.get('/health')).body).toMatchObject({ failuresInRow: 0, lastError: null });
  });

  test('SIGTERM: it ends by itself with 0, and nothing listens or runs any more', async () => {
    const { port, processId } = service;
    expect(await service.stop()).toBe(0);
    expect(service.log.slice(-2).map(({ message }) => message)).toEqual(['stopping', 'stopped']);
    expect(() => process.kill(processId, 0)).toThrow('ESRCH');
    await expect(connect(port)).rejects.toThrow('ECONNREFUSED');
  });
});
