import { describe, expect, test } from 'vitest';
import { isClaim, openClaim, putClaim } from '../../lib/claim.ts';
import { BlobInbox } from '../../lib/inbox.ts';
import { limits } from '../../lib/limits.ts';
import { systemCodec } from '../../lib/local/system-codec.ts';
import { MemoryBlobStore } from '../../lib/memory/blob-store.ts';
import { SeededRandom } from '../../lib/memory/random.ts';
import { contentEncodings } from '../../lib/ports.ts';

const id = { dataset: 'cities', partition: 0 };
const blobs = new MemoryBlobStore();
const inbox = new BlobInbox({ id, blobs, random: new SeededRandom(1) });
const ports = { inbox, codec: systemCodec };
const text = `{"mutations":[${'"é\u{1f3db}",'.repeat(1000)}null]}`;

/** A claim on these bytes with something changed. */
async function claimOf(bytes: Uint8Array, more: object = {}): Promise<string> {
  const ref = await inbox.put(bytes);
  const sha256 = await systemCodec.sha256(bytes);
  return JSON.stringify({ claim: { ref, size: bytes.length, sha256, encoding: 'identity', ...more } });
}

describe('a claim', () => {
  test.each(contentEncodings)('opens to the text that was put, in %s', async (encoding) => {
    const body = await putClaim(ports, text, encoding);
    expect(isClaim(body)).toBe(true);
    expect(body.length).toBeLessThan(limits.claimBodySizeMax);
    expect(await openClaim(ports, body)).toBe(text);
  });

  test('is told by its first name', () => {
    expect(isClaim(' {\n "claim" : {} }')).toBe(true);
    for (const body of [
      '',
      '{',
      '{"op":"claim"}',
      '{"mutations":[],"claim":{}}',
      `{"claim":"${'x'.repeat(5_000)}"}`,
    ])
      expect(isClaim(body), body).toBe(false);
  });

  test('does not take more than it may hold', async () => {
    const much = 'x'.repeat(limits.claimContentSizeMax + 1);
    await expect(putClaim(ports, much)).rejects.toMatchObject({ kind: 'invalid' });
  });

  const bytes = new TextEncoder().encode(text);
  const zeros = new Uint8Array(limits.claimContentSizeMax + 1);
  test.each([
    ['no JSON', async () => '{"claim":', '', /not JSON/],
    ['no reference', async () => '{"claim":{}}', 'claim.ref', /expected string/],
    ['more beside it', async () => (await claimOf(bytes)).replace(/}$/, ',"x":1}'), '', /[Uu]nrecognized/],
    ['a size too large', () => claimOf(bytes, { size: limits.claimSizeMax + 1 }), 'claim.size', /./],
    ['another encoding', () => claimOf(bytes, { encoding: 'br' }), 'claim.encoding', /./],
    ['a digest that is none', () => claimOf(bytes, { sha256: 'x' }), 'claim.sha256', /./],
    [
      'an object that is gone',
      () => claimOf(bytes, { ref: `inbox/d/cities/${'0'.repeat(32)}` }),
      'claim.ref',
      /no such object/,
    ],
    ['an object elsewhere', () => claimOf(bytes, { ref: 'd/cities/1/0/x' }), undefined, /not a reference/],
    ['an object that is smaller', () => claimOf(bytes, { size: bytes.length + 1 }), 'claim.size', /not/],
    ['an object that is larger', () => claimOf(bytes, { size: bytes.length - 1 }), undefined, /at most/],
    ['another digest', () => claimOf(bytes, { sha256: 'ab'.repeat(32) }), 'claim.sha256', /another digest/],
    ['bytes that are not gzip', () => claimOf(bytes, { encoding: 'gzip' }), undefined, /not gzip/],
    ['bytes that are not zstd', () => claimOf(bytes, { encoding: 'zstd' }), undefined, /not zstd/],
    [
      'a bomb in gzip',
      async () => claimOf(await systemCodec.compress('gzip', zeros), { encoding: 'gzip' }),
      undefined,
      /more than 33554432 bytes/,
    ],
    [
      'a bomb in zstd',
      async () => claimOf(await systemCodec.compress('zstd', zeros), { encoding: 'zstd' }),
      undefined,
      /more than 33554432 bytes/,
    ],
  ])('with %s is rejected', async (_, make, field, reason) => {
    await expect(openClaim(ports, await make())).rejects.toMatchObject({
      kind: 'rejected',
      message: expect.stringMatching(reason),
      ...(field === undefined ? {} : { details: { field } }),
    });
  });
});
