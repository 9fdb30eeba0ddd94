import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { AwsBlobStore } from '../../../lib/aws/blob-store.ts';
import { s3Client } from '../../../lib/aws/clients.ts';
import {
  type Script,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
  xmlError,
} from '../../support/scripted-server.ts';

async function storeOn(script: Script): Promise<{ store: AwsBlobStore; server: ScriptedServer }> {
  const server = await startScriptedServer(script);
  const client = s3Client(server.clientOptions);
  return { store: new AwsBlobStore({ client, bucket: 'blobs' }), server };
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64');

const found = (body: string, digest: string | null, more: Partial<ScriptedAnswer> = {}): ScriptedAnswer => ({
  status: 200,
  body,
  headers: digest === null ? {} : { 'x-amz-checksum-sha256': digest },
  ...more,
});

const bytes = Uint8Array.of(1, 2, 3);

test('a put is conditional on the name being free and carries its digest', async () => {
  const { store, server } = await storeOn(() => ({ status: 200, headers: { etag: '"x"' } }));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  expect(await store.put('a/b', bytes, { cid: 'x' })).toEqual({ kind: 'stored', sha256 });
  const [request] = server.requests;
  expect(request).toMatchObject({ method: 'PUT', url: '/blobs/a/b?x-id=PutObject' });
  expect(request?.headers).toMatchObject({
    'if-none-match': '*',
    'x-amz-checksum-sha256': createHash('sha256').update(bytes).digest('base64'),
    'x-amz-meta-cid': 'x',
    'content-length': '3',
  });
});

test.each([
  ['AccessDenied', 403, 'denied', 1],
  ['ConditionalRequestConflict', 409, 'unavailable', 1],
  ['NoSuchBucket', 404, 'invalid', 1],
  ['BadDigest', 400, 'unavailable', 1],
  ['RequestTimeout', 400, 'unavailable', 3],
  ['SlowDown', 503, 'unavailable', 3],
  ['InternalError', 500, 'unavailable', 3],
])('%s (%i) on put is %s after %i attempts', async (code, status, kind, attempts) => {
  const { store, server } = await storeOn(() => xmlError(code, status));
  await expect(store.put('a', bytes, {})).rejects.toMatchObject({ name: 'DatasetError', kind });
  expect(server.requests).toHaveLength(attempts);
});

test('a transport error is repeated', async () => {
  const { store } = await storeOn((_, index) => (index === 0 ? 'cut' : { status: 200 }));
  expect(await store.put('a', bytes, {})).toMatchObject({ kind: 'stored' });
});

test('silence ends as unavailable, on put and on get', async () => {
  const { store, server } = await storeOn(() => 'silence');
  await expect(store.put('a', bytes, {})).rejects.toMatchObject({ kind: 'unavailable' });
  await expect(store.get('a')).rejects.toMatchObject({ kind: 'unavailable' });
  expect(server.requests).toHaveLength(6);
});

test('a taken name that is gone, or that may not be looked at, is not said to exist', async () => {
  const gone = await storeOn(({ method }) =>
    method === 'HEAD' ? { status: 404 } : xmlError('PreconditionFailed', 412),
  );
  await expect(gone.store.put('a', bytes, {})).rejects.toMatchObject({ kind: 'unavailable' });
  const hidden = await storeOn(({ method }) =>
    method === 'HEAD' ? { status: 403 } : xmlError('PreconditionFailed', 412),
  );
  await expect(hidden.store.put('a', bytes, {})).rejects.toMatchObject({ kind: 'denied' });
});

test('only "no such key" is missing: forbidden, no bucket and trouble are not', async () => {
  const get = async (code: string, status: number) =>
    (await storeOn(() => xmlError(code, status))).store.get('a');
  expect(await get('NoSuchKey', 404)).toBeNull();
  await expect(get('AccessDenied', 403)).rejects.toMatchObject({ kind: 'denied' });
  await expect(get('NoSuchBucket', 404)).rejects.toMatchObject({ kind: 'invalid' });
  await expect(get('InternalError', 500)).rejects.toMatchObject({ kind: 'unavailable' });
});

test('a get asks for the digest and verifies it', async () => {
  const { store, server } = await storeOn(() => found('right', digestOf('right')));
  expect(Buffer.from((await store.get('a'))?.bytes ?? []).toString()).toBe('right');
  expect(server.requests[0]?.headers['x-amz-checksum-mode']).toBe('ENABLED');
});

test.each([
  ['other bytes than were put', found('wrong', digestOf('right'))],
  ['no digest', found('right', null)],
  ['a digest of parts only', found('right', `${digestOf('right')}-3`)],
])('a get of an object with %s is corrupt', async (_, answer) => {
  const { store } = await storeOn(() => answer);
  await expect(store.get('a')).rejects.toMatchObject({ kind: 'corrupt' });
});

test('a body that breaks off is unavailable', async () => {
  const { store } = await storeOn(() =>
    found('x'.repeat(100_000), digestOf('x'.repeat(100_000)), { cutAfter: 1_000 }),
  );
  await expect(store.get('a')).rejects.toMatchObject({ kind: 'unavailable' });
});
