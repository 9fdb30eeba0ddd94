/** The table of heads is set back to an earlier point while the pipeline is under load: a drill of docs/operations.md. */
import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AwsFloorRecord } from '../../lib/aws/floor-record.ts';
import type { Consumer } from '../../lib/consumer/consumer.ts';
import { isDatasetError } from '../../lib/errors.ts';
import { restoreChain } from '../../lib/housekeeping/restore.ts';
import { startDynamoDb } from '../../lib/local-cloud/dynamodb.ts';
import { clientConfig } from '../../lib/local-cloud/environment.ts';
import { SeededRandom } from '../../lib/memory/random.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import type { Head, VersionRef } from '../../lib/ports.ts';
import { type Chain, effectsOf, readChain, recordsOf } from '../support/chain.ts';
import { makeTraffic, pack, replay, shuffle } from '../support/city-traffic.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { citiesId, startTestCloud, type TestCloud } from '../support/test-cloud.ts';

const seed = Number(process.env['RESTORE_SEED'] ?? randomInt(2 ** 31));
const random = new SeededRandom(seed);
const mutations = makeTraffic(random, 150, 900);
const messages = pack(shuffle(mutations, random), random, 4);
const third = Math.ceil(messages.length / 3);
/** Something that counts: an operation must have counted once, whichever timeline took it in first. */
const counterId = 2_000_000_000;
const counter = { op: 'upsert', type: 'City', value: { cityId: counterId, name: 'counter', population: 0 } };
const increments = Array.from({ length: 60 }, (_, i) => ({
  body: JSON.stringify({
    op: 'increment',
    type: 'City',
    key: { cityId: counterId },
    fields: { population: 1 },
    opId: `op-${i}`,
  }),
}));
const early = [{ body: JSON.stringify(counter) }, ...messages.slice(0, third), ...increments.slice(0, 20)];
const late = [...messages.slice(third), ...increments.slice(20)];

let it: TestCloud;
let reader: Consumer;
let lost: VersionRef;
let restored: Head;
let conflicts = 0;
let chain: Chain;
const { path: directory, remove } = await temporaryDirectory();

async function queueIsEmpty(): Promise<void> {
  expect(await it.depthsOf('MutationQueueUrl')).toEqual([0, 0, 0]);
}

/** A consistent copy of the database, as a backup is: the writers go on. */
function backUp(): string {
  const copy = join(directory, 'backup');
  mkdirSync(copy);
  const database = new DatabaseSync(join(directory, 'cloud', 'dynamodb', 'dynamodb.db'), { readOnly: true });
  database.exec(`VACUUM INTO '${join(copy, 'dynamodb.db')}'`);
  database.close();
  return copy;
}

/** Restores the backup into a table of its own, and copies its items back over those of the table that is in use. */
async function setBack(copy: string): Promise<void> {
  const service = await startDynamoDb({ directory: copy });
  const client = new DynamoDBClient(clientConfig(service.endpoint));
  const TableName = it.output('TableName');
  const { Items: items = [] } = await client.send(new ScanCommand({ TableName }));
  expect(items.length).toBeGreaterThan(0);
  for (const Item of items) await it.dynamodb.send(new PutItemCommand({ TableName, Item }));
  client.destroy();
  await service.stop();
}

/** Producers are not stopped: whoever was first, it is run again, as its error says. */
async function restore(): Promise<Head> {
  const floors = new AwsFloorRecord({ client: it.s3, bucket: it.output('BucketName') });
  for (;;) {
    try {
      const ports = { heads: it.heads, blobs: it.blobs, floors, telemetry: new MemoryTelemetry() };
      return (await restoreChain(ports, citiesId)).head;
    } catch (error) {
      if (!isDatasetError(error, 'conflict')) throw error;
      conflicts += 1;
    }
  }
}

beforeAll(async () => {
  process.stdout.write(`restore.test.ts: RESTORE_SEED=${seed}\n`);
  it = await startTestCloud({ dataDirectory: join(directory, 'cloud') });
  await it.sink.send(early);
  await eventually(queueIsEmpty, 60_000);
  const copy = backUp();
  const before = await it.heads.load(citiesId, 'strong');
  const half = Math.ceil(late.length / 2);
  await it.sink.send(late.slice(0, half));
  await eventually(async () => {
    const head = await it.heads.load(citiesId, 'strong');
    expect(head?.version).toBeGreaterThan((before?.version ?? 0) + 5);
  });
  reader = it.newConsumer();
  await reader.refresh();
  lost = reader.version ?? expect.fail();
  const sending = it.sink.send(late.slice(half));
  await setBack(copy);
  restored = await restore();
  await sending;
  // What was acknowledged after the backup is lost with the table; its senders have it still.
  await it.sink.send(late);
  await eventually(queueIsEmpty, 60_000);
  chain = await readChain(it);
  process.stdout.write(
    `restore.test.ts: set back from ${lost.version} to ${restored.version}, ${conflicts} times again, ` +
      `${chain.head.version} versions at the end, ${chain.orphans.length} deltas of the lost timeline or of lost races\n`,
  );
});

afterAll(async () => {
  await it?.stop();
  await remove();
});

describe('a table that is set back under load', () => {
  test('goes back, and begins an era', () => {
    expect(restored).toMatchObject({ era: 2, lastOperation: 'restore' });
    expect(restored.version).toBeLessThan(lost.version);
    expect(chain.head.era).toBe(2);
  });

  test('loses nothing that is sent again, and counts nothing twice', () => {
    const records = new Map(recordsOf(chain.versions.at(-1)?.state ?? expect.fail(), 'City'));
    expect(records.get(counterId)).toMatchObject({ population: increments.length });
    records.delete(counterId);
    expect(records).toEqual(replay(mutations));
    const effects = effectsOf(chain.versions);
    expect(new Set(effects).size).toBe(effects.length);
  });

  test('is followed by a reader that was on the lost timeline', async () => {
    await reader.refresh();
    const { era, version, cid } = chain.head;
    expect(reader.version).toMatchObject({ era, version, cid });
    expect(recordsOf(reader.loaded?.state ?? expect.fail(), 'City').size).toBe(replay(mutations).size + 1);
  });

  test('has set nothing aside', async () => {
    expect(await it.quarantined()).toEqual([]);
    expect(await it.drain(it.output('DeadLetterQueueUrl'))).toEqual([]);
  });
});
