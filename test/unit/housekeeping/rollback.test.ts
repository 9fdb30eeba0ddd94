import { describe, expect, it } from 'vitest';
import { pinVersion, removePin } from '../../../lib/housekeeping/pins.ts';
import { rollback, serve } from '../../../lib/housekeeping/rollback.ts';
import { deleteCity, plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';
import { UpkeepCloud } from '../../support/upkeep.ts';

async function setUp() {
  const cloud = new UpkeepCloud();
  const { heads, blobs, clock, telemetry, id, announcements: announcer } = cloud;
  const producer = cloud.producer({ clock: cloud.instantClock });
  const ports = { heads, blobs, clock, telemetry, announcer, producer };
  await cloud.commit(upsertCity(1, 'Utrecht'), upsertCity(2, 'Delft'), upsertCity(3, 'Gouda', 3));
  await pinVersion(ports, id, { name: 'good' });
  await clock.advance(1_000);
  return { cloud, ports, id };
}

describe('serve', () => {
  it('brings consumers back to the pin at once, keeps them there, and lets them on again', async () => {
    const { cloud, ports, id } = await setUp();
    const consumer = cloud.consumer();
    await cloud.commit(upsertCity(1, 'broken'));
    await consumer.refresh();
    await serve(ports, id, 'good');
    await consumer.refresh();
    expect(consumer.get('City', 1)['name']).toBe('Utrecht');
    expect(consumer.version).toMatchObject({ era: 1, epoch: 1, version: 1 });
    await cloud.commit(upsertCity(2, 'broken too'));
    await consumer.refresh();
    expect(consumer.get('City', 2)['name']).toBe('Delft');
    await serve(ports, id, null);
    await consumer.refresh();
    expect(consumer.get('City', 2)['name']).toBe('broken too');
    expect(consumer.version).toMatchObject({ epoch: 2, version: 3 });
  });

  it('announces the order, and commits behind a pin as what is served', async () => {
    const { cloud, ports, id } = await setUp();
    const hints: string[] = [];
    const stop = new AbortController();
    void cloud.announcements.watch(({ epoch, version }) => hints.push(`${epoch}.${version}`), stop.signal);
    await cloud.commit(upsertCity(1, 'broken'));
    await serve(ports, id, 'good');
    await cloud.commit(upsertCity(2, 'broken too'));
    await serve(ports, id, null);
    stop.abort();
    expect(hints).toEqual(['0.2', '1.1', '1.1', '2.3']);
  });

  it('said again it is the same order; a pin that is served stays, one that is not there is refused', async () => {
    const { cloud, ports, id } = await setUp();
    await serve(ports, id, 'good');
    expect((await serve(ports, id, 'good')).serve).toEqual({ epoch: 1, pin: 'good' });
    await expect(removePin(cloud.heads, id, 'good')).rejects.toMatchObject({ kind: 'refused' });
    await expect(serve(ports, id, 'bad')).rejects.toMatchObject({ kind: 'refused' });
  });

  it('a consumer that starts cold reads the pin, also when its deltas are long cleaned away', async () => {
    const { cloud, ports, id } = await setUp();
    await serve(ports, id, 'good');
    await cloud.rename('a', 'b');
    await cloud.snapshot();
    await cloud.clean();
    const consumer = cloud.consumer();
    await consumer.refresh();
    expect(consumer.get('City', 1)['name']).toBe('Utrecht');
  });
});

describe('rollback', () => {
  it('makes the records what they were: changed, deleted and added ones', async () => {
    const { cloud, ports, id } = await setUp();
    await cloud.commit(upsertCity(1, 'broken'), deleteCity(2), upsertCity(4, 'new'));
    const consumer = cloud.consumer();
    await consumer.refresh();
    expect(await rollback(ports, id, 'good', plentyOfTime)).toEqual({ version: 3, recordCount: 3 });
    await consumer.refresh();
    expect(consumer.version).toMatchObject({ epoch: 2, version: 3 });
    const pinned = (await cloud.head()).pins['good'];
    expect((await cloud.head()).hashes.data).toBe(pinned?.hashes.data);
    expect(consumer.find('City', 4)).toBeUndefined();
    expect(consumer.get('City', 2)['name']).toBe('Delft');
  });

  it('what was undone does not come back when it is delivered again; what comes later wins', async () => {
    const { cloud, ports, id } = await setUp();
    const broken = cloud.message({ mutations: [upsertCity(1, 'broken'), upsertCity(4, 'new')] });
    await cloud.producer().process([broken], plentyOfTime);
    await cloud.clock.advance(1_000);
    await rollback(ports, id, 'good', plentyOfTime);
    await cloud.producer().process([broken], plentyOfTime);
    const consumer = cloud.consumer();
    await consumer.refresh();
    expect(consumer.get('City', 1)['name']).toBe('Utrecht');
    expect(consumer.find('City', 4)).toBeUndefined();
    await cloud.clock.advance(1_000);
    await cloud.commit(upsertCity(1, 'fixed'));
    await consumer.refresh();
    expect(consumer.get('City', 1)['name']).toBe('fixed');
  });

  it('again, or with nothing to undo, it commits nothing', async () => {
    const { cloud, ports, id } = await setUp();
    await cloud.commit(upsertCity(1, 'broken'));
    await cloud.clock.advance(1_000);
    await rollback(ports, id, 'good', plentyOfTime);
    expect(await rollback(ports, id, 'good', plentyOfTime)).toEqual({ version: 3, recordCount: 0 });
    expect((await cloud.head()).serve).toEqual({ epoch: 4, pin: null });
  });

  it('leaves the pin served when the commit fails, and finishes when called again', async () => {
    const { cloud, ports, id } = await setUp();
    await cloud.commit(upsertCity(1, 'broken'));
    await cloud.clock.advance(1_000);
    await expect(rollback(ports, id, 'good', { remainingMs: () => 0 })).rejects.toMatchObject({
      kind: 'unavailable',
    });
    expect((await cloud.head()).serve).toEqual({ epoch: 1, pin: 'good' });
    expect((await rollback(ports, id, 'good', plentyOfTime)).recordCount).toBe(1);
    expect((await cloud.head()).serve).toEqual({ epoch: 2, pin: null });
  });
});
