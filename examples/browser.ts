/**
 * A reader in a browser. Blobs come from a CDN in front of the bucket (or from whatever answers with an object's metadata as
 * S3 does), the head from a function of yours that answers `encodeHead(head)`.
 */
import { type Clock, Consumer, DatasetError, decodeHead } from 'serverless-hollow';
import { shop } from './dataset.ts';

const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      setTimeout(resolve, ms);
      signal?.addEventListener('abort', () => resolve());
    }),
};

/** Null: there is none. */
async function fetched(url: string, cache: 'no-cache' | 'default'): Promise<Response | null> {
  const response = await fetch(url, { cache });
  if (response.ok || response.status === 404) return response.ok ? response : null;
  throw new DatasetError('unavailable', `${url} answers ${response.status}`);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function shopFrom(url: string): Consumer<typeof shop> {
  return new Consumer({
    dataset: shop,
    id: { dataset: 'shop', partition: 0 },
    heads: {
      load: async () => {
        const response = await fetched(`${url}/head`, 'no-cache');
        return response === null ? null : decodeHead(await response.text());
      },
    },
    blobs: {
      get: async (name) => {
        const response = await fetched(`${url}/${name}`, 'default'); // never another: it may be cached for good
        if (response === null) return null;
        const bytes = new Uint8Array(await response.arrayBuffer());
        const metadata = Object.fromEntries(
          Array.from(response.headers, ([header, value]) => [header.replace('x-amz-meta-', ''), value]),
        );
        return { bytes, metadata, sha256: await sha256(bytes) };
      },
    },
    clock,
    random: {
      uniform: () => Math.random(),
      bytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
    },
    telemetry: {
      log: (level, message, fields) => console.debug(level, message, fields),
      record: () => undefined,
    },
  });
}
