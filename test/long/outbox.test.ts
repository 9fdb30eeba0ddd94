/** A producer is killed between its commit and its announcement: the outbox announces in its place. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AwsAnnouncementWatcher } from '../../lib/aws/announcement-watcher.ts';
import type { Consumer } from '../../lib/consumer/consumer.ts';
import { SeededRandom } from '../../lib/memory/random.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import { FaultProxy } from '../soak/fault-proxy.ts';
import { noFaults } from '../soak/faults.ts';
import { eventually } from '../support/eventually.ts';
import { citiesId, startTestCloud, type TestCloud } from '../support/test-cloud.ts';

let it: TestCloud;
let bus: FaultProxy;
/** It never polls: what it is not told of it does not see. */
let reader: Consumer;
const stop = new AbortController();
let watching: Promise<void>;
const hints: number[] = [];

const upsert = (name: string) => ({
  body: JSON.stringify({ op: 'upsert', type: 'City', value: { cityId: 1, name } }),
});

async function requireHead(version: number): Promise<void> {
  expect((await it.heads.load(citiesId, 'strong'))?.version).toBe(version);
}

beforeAll(async () => {
  const reroute = async (service: string, endpoint: string): Promise<string> => {
    if (service !== 'eventBridge') return endpoint;
    bus = new FaultProxy(service, endpoint, new SeededRandom(1));
    return bus.start();
  };
  it = await startTestCloud({ reroute }, { outbox: true });
  reader = it.newConsumer();
  const queueUrl = it.output('AnnouncementQueueUrl');
  const watcher = new AwsAnnouncementWatcher({ client: it.sqs, queueUrl, telemetry: new MemoryTelemetry() });
  watching = watcher.watch(({ version }) => {
    hints.push(version);
    // A refresh that fails is not repeated: then the test fails, too.
    void reader.refresh().catch(() => undefined);
  }, stop.signal);
  await it.sink.send([upsert('Utrecht')]);
  await eventually(() => expect(reader.version?.version).toBe(1), 60_000);
}, 120_000);

afterAll(async () => {
  stop.abort();
  await watching;
  await bus?.stop();
  await it?.stop();
});

test('whoever goes by hints alone is told of a commit whose producer died before it told', {
  timeout: 180_000,
}, async () => {
  bus.mix = { share: 1, kinds: ['blackHole'], delayMsMax: 0 };
  await it.sink.send([upsert('Delft')]);
  await eventually(() => requireHead(2), 60_000);
  expect(it.cloud.getFunction('ProducerFunction').kill('SIGKILL')).toBeGreaterThan(0);
  expect(hints).not.toContain(2);
  bus.mix = noFaults;

  await eventually(() => expect(reader.version?.version).toBe(2), 120_000);
  expect(reader.get('City', 1).toObject()).toMatchObject({ name: 'Delft' });
  await requireHead(2);
  // The function tells of it when it has ended, which is after the hint has got there.
  await eventually(
    () => expect(it.cloud.metrics().get('OutboxAnnouncements')?.sum ?? 0).toBeGreaterThan(0),
    30_000,
  );
});
