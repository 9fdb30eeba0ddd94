import { describe, expect, it } from 'vitest';
import { clean } from '../../../lib/housekeeping/cleaner.ts';
import { Outbox } from '../../../lib/housekeeping/outbox.ts';
import { pinVersion } from '../../../lib/housekeeping/pins.ts';
import { recoverChain } from '../../../lib/housekeeping/recover.ts';
import { limits } from '../../../lib/limits.ts';
import { MemoryBlobStore } from '../../../lib/memory/blob-store.ts';
import { MemoryHeadStore } from '../../../lib/memory/head-store.ts';
import { plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';
import { noRetention, UpkeepCloud } from '../../support/upkeep.ts';

/** A dataset whose producers commit small deltas as items of the table. */
class InlineCloud extends UpkeepCloud {
  override readonly inline = new MemoryBlobStore();
  readonly outbox = new Outbox({
    heads: this.heads,
    announcer: this.announcements,
    copies: { inline: this.inline, blobs: this.blobs },
    clock: this.clock,
    telemetry: this.telemetry,
  });

  override async commit(...mutations: readonly object[]): Promise<void> {
    const producer = this.producer({ inline: this.inline, clock: this.instantClock });
    const { failed } = await producer.process([this.message({ mutations })], plentyOfTime);
    expect(failed).toEqual([]);
  }

  async tiers(): Promise<string[]> {
    return (await this.head()).recent.map(({ version, tier }) => `${version} ${tier}`);
  }
}

const big = Array.from({ length: 400 }, (_, i) => upsertCity(100 + i, `a city with a long name ${i}`));

describe('inline deltas', () => {
  it('are the small ones; snapshots and large deltas stay objects', async () => {
    const cloud = new InlineCloud();
    await cloud.commit(upsertCity(1, 'a'));
    await cloud.commit(upsertCity(1, 'b'));
    await cloud.commit(...big);
    expect(await cloud.tiers()).toEqual(['1 s3', '2 inline', '3 s3']);
    expect((await cloud.head()).recent.at(-1)?.size).toBeGreaterThan(limits.inlineDeltaSizeMax);
    expect(cloud.inline.names()).toHaveLength(2);
    expect(cloud.stored()).toEqual([
      'snapshot 1',
      'snapshot 1 bookkeeping',
      'delta 3',
      'delta 3 bookkeeping',
    ]);
  });

  it('are read from the table by who has it, also by other producers and the snapshotter', async () => {
    const cloud = new InlineCloud();
    await cloud.rename('a', 'b', 'c');
    const consumer = cloud.consumer({ inline: cloud.inline });
    await consumer.refresh();
    expect(consumer.get('City', 1)['name']).toBe('c');
    await cloud.snapshot();
    expect((await cloud.head()).snapshots.map(({ version }) => version)).toEqual([1, 3]);
  });

  it('are read as copies by who has no table: until then what is loaded stays', async () => {
    const cloud = new InlineCloud();
    await cloud.commit(upsertCity(1, 'a'));
    const consumer = cloud.consumer();
    await consumer.refresh();
    await cloud.commit(upsertCity(1, 'b'));
    await expect(consumer.refresh()).rejects.toMatchObject({ kind: 'unavailable' });
    expect(consumer.get('City', 1)['name']).toBe('a');
    await cloud.outbox.sweep(cloud.id);
    await consumer.refresh();
    expect(consumer.get('City', 1)['name']).toBe('b');
  });

  it('are copied before they are announced, byte for byte, parts too, and once', async () => {
    const cloud = new InlineCloud();
    await cloud.rename('a', 'b');
    const seen: string[][] = [];
    const outbox = new Outbox({
      heads: cloud.heads,
      announcer: { announce: async () => void seen.push(cloud.stored()) },
      copies: { inline: cloud.inline, blobs: cloud.blobs },
      clock: cloud.clock,
      telemetry: cloud.telemetry,
    });
    await outbox.sweep(cloud.id);
    expect(seen[0]).toEqual(expect.arrayContaining(['delta 2', 'delta 2 bookkeeping']));
    for (const name of cloud.inline.names()) {
      expect(await cloud.blobs.get(name)).toEqual(await cloud.inline.get(name));
    }
    await cloud.rename('c');
    await outbox.sweep(cloud.id);
    expect(seen).toHaveLength(2);
    expect(cloud.stored().filter((name) => name === 'delta 2')).toHaveLength(1);
  });

  it('can be pinned, and are cleaned away in both places', async () => {
    const cloud = new InlineCloud();
    const { heads, blobs, inline, clock, id } = cloud;
    await cloud.rename('a', 'b', 'c', 'd');
    const pin = await pinVersion({ heads, blobs, inline, clock }, id, { name: 'old', version: 3 });
    expect(pin.deltas.map(({ tier }) => tier)).toEqual(['inline', 'inline']);
    await cloud.outbox.sweep(id);
    await cloud.snapshot();
    const ports = { ...cloud.cleanerPorts, shelves: [blobs, inline] };
    expect((await clean(ports, id, { retention: noRetention })).floor).toBe(1);
    await cloud.requireReadable();
    await heads.removePin(id, 1, 'old');
    await clean(ports, id, { retention: noRetention });
    expect(inline.names()).toEqual([]);
    expect(cloud.stored()).toEqual(['snapshot 4', 'snapshot 4 bookkeeping']);
  });

  it('that were copied survive the loss of the table', async () => {
    const cloud = new InlineCloud();
    await cloud.rename('a', 'b', 'c');
    await cloud.outbox.sweep(cloud.id);
    const lost = await cloud.head();
    const heads = new MemoryHeadStore();
    const ports = { ...cloud.cleanerPorts, heads, blobs: cloud.blobs, shelf: cloud.blobs };
    const head = await recoverChain(ports, cloud.id);
    expect(head).toMatchObject({ version: 3, cid: lost.cid, hashes: lost.hashes });
    expect(head.recent.map(({ tier }) => tier)).toEqual(['s3', 's3', 's3']);
  });
});
