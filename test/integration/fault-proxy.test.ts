/** The proxy of the soak test does what it says, or the soak would show less than it seems to. */
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AwsBlobStore } from '../../lib/aws/blob-store.ts';
import { s3Client, sqsClient } from '../../lib/aws/clients.ts';
import { AwsMutationSink } from '../../lib/aws/mutation-sink.ts';
import { clientConfig } from '../../lib/local-cloud/environment.ts';
import { startS3Server } from '../../lib/local-cloud/s3-server.ts';
import { startSqs } from '../../lib/local-cloud/sqs.ts';
import { SeededRandom } from '../../lib/memory/random.ts';
import { FaultProxy } from '../soak/fault-proxy.ts';
import { drawMix, type FaultKind, faultKinds, noFaults } from '../soak/faults.ts';

const timeoutMs = 300;
const s3 = await startS3Server();
const sqs = await startSqs();
const toS3 = new FaultProxy('s3', s3.endpoint, new SeededRandom(1));
const toSqs = new FaultProxy('sqs', sqs.endpoint, new SeededRandom(2));
const viaS3 = s3Client({ ...clientConfig(await toS3.start()), timeoutMs });
const viaSqs = sqsClient({ ...clientConfig(await toSqs.start()), timeoutMs });
const direct = s3Client(clientConfig(s3.endpoint));
const blobs = new AwsBlobStore({ client: viaS3, bucket: 'blobs' });
const stored = new AwsBlobStore({ client: direct, bucket: 'blobs' });
const sink = new AwsMutationSink({ client: viaSqs, queueUrl: sqs.queueUrl('mutations') });
let count = 0;
const nextName = () => `d/cities/1/0/snapshot/${String(++count).padStart(16, '0')}-${'0'.repeat(32)}`;
const always = (kind: FaultKind) => ({ share: 1, kinds: [kind], delayMsMax: 20 });

beforeAll(async () => {
  await direct.send(new CreateBucketCommand({ Bucket: 'blobs' }));
  await viaSqs.send(new CreateQueueCommand({ QueueName: 'mutations' }));
});
beforeEach(() => {
  toS3.mix = noFaults;
  toSqs.mix = noFaults;
});
afterAll(async () => {
  for (const each of [toS3, toSqs, s3, sqs]) await each.stop();
  for (const client of [viaS3, viaSqs, direct]) client.destroy();
});

/** Whether the request reaches the service, and what the caller is told. */
const outcomes: Readonly<Record<FaultKind, { readonly isDone: boolean; readonly kind: string | null }>> = {
  reset: { isDone: false, kind: 'unavailable' },
  cutAfter: { isDone: true, kind: 'unavailable' },
  errorAfter: { isDone: true, kind: 'unavailable' },
  halfBody: { isDone: true, kind: 'unavailable' },
  delay: { isDone: true, kind: null },
  delayAfter: { isDone: true, kind: null },
  slowDown: { isDone: false, kind: 'unavailable' },
  denied: { isDone: false, kind: 'denied' },
  blackHole: { isDone: false, kind: 'unavailable' },
};

describe('the fault proxy', () => {
  it('lets through what is not to fail, as it is', async () => {
    const name = nextName();
    const bytes = new TextEncoder().encode('Überraschung'.repeat(1_000));
    expect(await blobs.put(name, bytes, { hash: 'x' })).toMatchObject({ kind: 'stored' });
    expect(await blobs.get(name)).toMatchObject({ bytes, metadata: { hash: 'x' } });
  });

  it.each(faultKinds)('makes a request fail by %s', async (kind) => {
    const name = nextName();
    toS3.mix = always(kind);
    const { isDone, kind: told } = outcomes[kind];
    const before = toS3.faults().get(kind) ?? 0;
    const put = blobs.put(name, Uint8Array.of(1, 2, 3), {});
    // The SDK repeats, and then the name is taken: by its own first attempt.
    if (told === null) expect(await put).toMatchObject({ kind: 'stored' });
    else if (kind === 'halfBody')
      await put.catch(() => undefined); // the answer to a PUT has no body that could be halved
    else await expect(put).rejects.toMatchObject({ kind: told });
    expect(toS3.faults().get(kind)).toBeGreaterThan(before);
    expect((await stored.get(name)) !== null).toBe(isDone);
  });

  it('cuts answers in half, and nobody takes half of one for all of it', async () => {
    const name = nextName();
    await stored.put(name, new Uint8Array(10_000), {});
    toS3.mix = always('halfBody');
    await expect(blobs.get(name)).rejects.toMatchObject({ kind: 'unavailable' });
    toSqs.mix = always('halfBody');
    await expect(sink.send([{ body: '{}' }])).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('speaks as the service does', async () => {
    toSqs.mix = always('denied');
    await expect(sink.send([{ body: '{}' }])).rejects.toMatchObject({ kind: 'denied' });
    toSqs.mix = always('slowDown');
    await expect(sink.send([{ body: '{}' }])).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('draws every kind, calm and outages', () => {
    const random = new SeededRandom(7);
    const mixes = Array.from({ length: 300 }, () => drawMix(random));
    expect(new Set(mixes.flatMap(({ kinds }) => kinds)).size).toBe(faultKinds.length);
    expect(mixes.filter(({ share }) => share === 0).length).toBeGreaterThan(30);
    expect(mixes.filter(({ share }) => share === 1).length).toBeGreaterThan(3);
  });
});
