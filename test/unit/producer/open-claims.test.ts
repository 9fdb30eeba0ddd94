import { expect, test } from 'vitest';
import { putClaim } from '../../../lib/claim.ts';
import { DatasetError } from '../../../lib/errors.ts';
import { BlobInbox } from '../../../lib/inbox.ts';
import { limits } from '../../../lib/limits.ts';
import { systemCodec } from '../../../lib/local/system-codec.ts';
import { SeededRandom } from '../../../lib/memory/random.ts';
import { deleteCity, MemoryCloud, plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';

function scene() {
  const cloud = new MemoryCloud();
  const inbox = new BlobInbox({ id: cloud.id, blobs: cloud.blobs, random: new SeededRandom(99) });
  const claims = { inbox, codec: systemCodec };
  const claim = async (content: object) => cloud.message(await putClaim(claims, JSON.stringify(content)));
  return { cloud, claims, claim, producer: cloud.producer({ claims }) };
}

test('a message in the inbox is taken in like any other, however large, and told by what was sent', async () => {
  const { cloud, claim, producer } = scene();
  const count = 2_000;
  const name = 'x'.repeat(600);
  const mutations = Array.from({ length: count }, (_, i) => upsertCity(i, `${name}${i % 7}`));
  const large = await claim({ mutations });
  const bad = await claim({ mutations: [{ op: 'upsert', type: 'Nowhere', value: {} }, upsertCity(-1, 'y')] });
  const refused = await claim({ mutations: 5 });
  const plain = cloud.message(upsertCity(-2, 'plain'));
  const messages = [large, bad, refused, plain];
  expect(await producer.process(messages, plentyOfTime)).toEqual({ acknowledged: messages, failed: [] });
  const consumer = cloud.consumer();
  await consumer.refresh();
  expect(consumer.loaded?.state.type('City').count).toBe(count + 2);
  expect(cloud.quarantine.records()).toMatchObject([
    { messageId: bad.id, index: 0, content: '{"op":"upsert","type":"Nowhere","value":{}}' },
    { messageId: refused.id, index: null, content: refused.body },
  ]);
});

test('what can never be opened is quarantined with the reason, what may be opened later stays', async () => {
  const { cloud, claims, claim, producer } = scene();
  const message = await claim(upsertCity(1, 'a'));
  const gone = cloud.message(
    message.body.replace(/"ref":"[^"]*"/, `"ref":"inbox/d/cities/${'0'.repeat(32)}"`),
  );
  expect((await producer.process([gone], plentyOfTime)).acknowledged).toEqual([gone]);
  expect(cloud.quarantine.records()).toMatchObject([
    { messageId: gone.id, index: null, field: 'claim.ref', content: gone.body },
  ]);
  for (const kind of ['denied', 'unavailable', 'corrupt'] as const) {
    const broken = {
      ...claims,
      inbox: { put: claims.inbox.put, get: () => Promise.reject(new DatasetError(kind, 'no')) },
    };
    const { failed } = await cloud.producer({ claims: broken }).process([message], plentyOfTime);
    expect(failed).toEqual([{ message, reason: `claim: ${kind}: no` }]);
  }
  const { failed } = await cloud.producer().process([message], plentyOfTime);
  expect(failed).toEqual([{ message, reason: 'claim: this producer has no inbox' }]);
  expect(cloud.quarantine.records()).toHaveLength(1);
});

test('the number beside a claim is done with what it stands for, or when that can never be opened', async () => {
  const { cloud, claim, producer } = scene();
  const numbered = async (sequence: number, ref?: string) => {
    const { body } = await claim(upsertCity(sequence, 'a'));
    const text = ref === undefined ? body : body.replace(/"ref":"[^"]*"/, `"ref":"${ref}"`);
    return cloud.message(text.replace(/\}$/, `,"progress":{"source":"s","sequence":${sequence}}}`));
  };
  const consumer = cloud.consumer();
  const isDone = async (sequence: number) => {
    await consumer.refresh();
    return consumer.has({ partition: 0, source: 's', sequence });
  };
  const first = await numbered(1);
  expect(await producer.process([first], plentyOfTime)).toEqual({ acknowledged: [first], failed: [] });
  expect(await isDone(1)).toBe(true);
  expect(consumer.find('City', 1)).toBeDefined();
  const second = await numbered(2);
  const { failed } = await cloud.producer().process([second], plentyOfTime);
  expect(failed).toHaveLength(1);
  expect(await isDone(2)).toBe(false);
  const gone = await numbered(3, `inbox/d/cities/${'0'.repeat(32)}`);
  const result = await producer.process([gone, second], plentyOfTime);
  expect(result).toEqual({ acknowledged: [gone, second], failed: [] });
  expect(await isDone(3)).toBe(true);
  expect(cloud.quarantine.records()).toMatchObject([{ messageId: gone.id, field: 'claim.ref' }]);
  const wrong = await numbered(0);
  await producer.process([wrong], plentyOfTime);
  expect(cloud.quarantine.records()[1]).toMatchObject({ messageId: wrong.id, field: 'progress.sequence' });
});

test('a batch opens no more than fits, and the rest comes again', async () => {
  const { cloud, claims, producer } = scene();
  const filler = ' '.repeat(limits.claimContentSizeMax - 200);
  const large = (cityId: number) => `${JSON.stringify(upsertCity(cityId, 'a'))}${filler}`;
  const messages = [];
  for (let i = 0; i < 4; i++) messages.push(cloud.message(await putClaim(claims, large(i))));
  const { failed } = await producer.process(messages, plentyOfTime);
  expect(failed).toEqual([{ message: messages[3], reason: 'claim: the batch is full' }]);
});

test('what is late and too large for an entry goes to the inbox again', async () => {
  const { cloud, claims, claim } = scene();
  const producer = cloud.producer({ claims, purgeHorizonMs: 0 });
  await producer.process([cloud.message(deleteCity(1))], plentyOfTime);
  await cloud.clock.advance(1_000);
  const order = { timestamp: cloud.clock.nowMs() - 500, source: 'app', sequence: 0 };
  await producer.purge(plentyOfTime);
  const mutation = { ...upsertCity(1, 'x'.repeat(100_000)), order };
  const message = await claim(mutation);
  expect((await producer.process([message], plentyOfTime)).failed).toEqual([]);
  const [entry] = cloud.quarantine.records();
  expect(entry?.content).toMatch(/^\{"claim":/);
  const again = cloud.message(entry?.content);
  expect((await producer.process([again], plentyOfTime)).failed).toEqual([]);
  const poor = cloud.producer({ purgeHorizonMs: 0 });
  const { failed } = await poor.process([cloud.message(mutation)], plentyOfTime);
  expect(failed).toMatchObject([{ reason: expect.stringContaining('there is no inbox') }]);
});
