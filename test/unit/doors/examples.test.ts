import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, it, onTestFinished } from 'vitest';
import { productOf, ShopWriter } from '../../../examples/blobs.ts';
import { shopFrom } from '../../../examples/browser.ts';
import { shop } from '../../../examples/dataset.ts';
import { runIn } from '../../../examples/one-machine.ts';
import { encodeHead } from '../../../lib/local/head-json.ts';
import { MemoryCloud, plentyOfTime } from '../../support/memory-cloud.ts';
import { root } from '../../support/source-tree.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

it('all of it runs on one machine, and ends when it is told to', async () => {
  const { path, remove } = await temporaryDirectory();
  onTestFinished(remove);
  expect(await runIn(join(path, 'data'))).toBe('Utrecht');
});

it('blobs are written, followed and read without a store', () => {
  const writer = new ShopWriter();
  const pen = { sku: 'pen-1', name: 'Pen', price: 1.5, added: new Date(0), stock: { amsterdam: 12 } };
  const first = writer.write([pen]);
  const second = writer.write([
    { ...pen, price: 2 },
    { ...pen, sku: 'pen-2' },
  ]);
  expect(productOf(first.snapshot, [], 'pen-1').price).toBe(1.5);
  const { price, added, stock } = productOf(first.snapshot, [second.delta], 'pen-1');
  expect([price, added, stock?.get('amsterdam')]).toEqual([2, new Date(0), 12]);
  expect(productOf(second.snapshot, [], 'pen-2').name).toBe('Pen');
  expect(() => writer.write([{ ...pen, price: 'much' }])).toThrow('expected DOUBLE');
});

/** Answers as a CDN in front of the bucket does, and under /head as a function of the user's. */
async function serve({ heads, blobs }: MemoryCloud, id: MemoryCloud['id']): Promise<string> {
  const answer = async (url: string, response: ServerResponse) => {
    if (url === '/head') {
      const head = await heads.load(id, 'eventual');
      return head === null ? response.writeHead(404).end() : response.end(encodeHead(head));
    }
    const blob = await blobs.get(url.slice(1));
    if (blob === null) return response.writeHead(404).end();
    const metadata = Object.entries(blob.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
    return response.writeHead(200, Object.fromEntries(metadata)).end(blob.bytes);
  };
  const server = createServer(({ url = '' }, response) => void answer(url, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('a browser reads over HTTP, from a snapshot and over deltas', async () => {
  const cloud = new MemoryCloud();
  const id = { dataset: 'shop', partition: 0 };
  const commit = async (price: number) => {
    const value = { sku: 'pen-1', name: 'Pen', price, stock: { amsterdam: 12 } };
    const message = cloud.message({ op: 'upsert', type: 'Product', value });
    await cloud.producer({ id, schema: shop.schema }).process([message], plentyOfTime);
    await cloud.clock.advance(1_000);
  };
  const consumer = shopFrom(await serve(cloud, id));
  await consumer.refresh();
  expect(consumer.health).toMatchObject({ isReady: false, failuresInRow: 0 });
  await commit(1.5);
  await consumer.refresh();
  expect(consumer.get('Product', 'pen-1').price).toBe(1.5);
  await commit(2);
  await consumer.refresh();
  const { price, stock } = consumer.get('Product', 'pen-1');
  expect([price, stock?.get('amsterdam'), consumer.version?.version]).toEqual([2, 12, 2]);
});

it('a browser gets by with a bundle for browsers', async () => {
  const entryPoints = [join(root, 'examples/browser.ts')];
  const { outputFiles, warnings } = await build({
    ...{ entryPoints, bundle: true, minify: true, write: false, format: 'esm', platform: 'browser' },
  });
  expect(warnings).toEqual([]);
  expect(outputFiles[0]?.contents.length).toBeLessThan(150_000);
});
