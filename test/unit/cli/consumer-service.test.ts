import { afterEach, describe, expect, it } from 'vitest';
import { type RunningService, startConsumerService } from '../../../lib/cli/consumer-service.ts';
import { parseKeySegment } from '../../../lib/cli/key-segment.ts';
import { LineTelemetry } from '../../../lib/cli/line-telemetry.ts';
import { DatasetError } from '../../../lib/errors.ts';
import { healthBounds } from '../../../lib/health-rules.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { MemoryCloud, upsertCity } from '../../support/memory-cloud.ts';

let service: RunningService | null = null;
afterEach(async () => {
  await service?.stop();
  service = null;
});

async function setUp() {
  const cloud = new MemoryCloud();
  const consumer = cloud.consumer();
  const { telemetry, announcements, clock } = cloud;
  const watchers = [announcements];
  service = await startConsumerService({ consumer, watchers, telemetry, clock, host: '127.0.0.1', port: 0 });
  const { url } = service;
  const get = async (path: string) => {
    const response = await fetch(url + path);
    return { status: response.status, body: await response.json(), headers: response.headers };
  };
  return { cloud, consumer, get };
}

describe('the consumer service', () => {
  it('is neither ready nor healthy until a version is loaded', async () => {
    const { cloud, get } = await setUp();
    await cloud.clock.advance(0);
    expect(await get('/ready')).toMatchObject({ status: 503, body: { isReady: false } });
    expect(await get('/health')).toMatchObject({ status: 503, body: { isReady: false, version: null } });
    expect(await get('/datasets/cities')).toMatchObject({ status: 503 });
    await cloud.commit(upsertCity(1, 'Utrecht'));
    await cloud.clock.advance(0);
    expect(await get('/ready')).toMatchObject({ status: 200, body: { isReady: true } });
    expect(await get('/health')).toMatchObject({
      status: 200,
      body: {
        version: { era: 1, version: 1 },
        lagVersions: 0,
        failuresInRow: 0,
        lastError: null,
        headAgeMs: 0,
        memory: { rss: expect.any(Number) },
      },
    });
  });

  it('describes the dataset and gives records as JSON', async () => {
    const { cloud, get } = await setUp();
    await cloud.commit(upsertCity(1, 'Utrecht', 360_000));
    await cloud.clock.advance(0);
    const head = await cloud.heads.load(cloud.id, 'strong');
    const described = await get('/datasets/cities');
    expect(described.body).toEqual({
      dataset: 'cities',
      partition: 0,
      era: 1,
      epoch: 0,
      version: 1,
      cid: head?.cid,
      schemaId: head?.schemaId,
      hash: head?.hashes.data,
      types: [
        { name: 'City', count: 1, isIndexed: true },
        { name: 'String', count: 1, isIndexed: false },
      ],
    });
    const record = await get('/datasets/cities/City/1');
    expect(record).toMatchObject({ status: 200, body: { cityId: 1, name: 'Utrecht', population: 360_000 } });
    expect(record.headers.get('dataset-version')).toBe('1.1');
  });

  it.each<[string, number]>([
    ['/datasets/cities/City/2', 404],
    ['/datasets/cities/Town/1', 404],
    ['/datasets/cities/String/Utrecht', 404],
    ['/datasets/other', 404],
    ['/datasets/other/City/1', 404],
    ['/nowhere', 404],
    ['/datasets/cities/City/one', 400],
    ['/datasets/cities/City/1,2', 400],
    ['/datasets/cities/City/%zz', 400],
    [`/datasets/cities/City/${'1'.repeat(10_000)}`, 414],
  ])('answers %s with %i', async (path, status) => {
    const { cloud, get } = await setUp();
    await cloud.commit(upsertCity(1, 'Utrecht'));
    await cloud.clock.advance(0);
    expect(await get(path)).toMatchObject({ status, body: { error: expect.any(String) } });
  });

  it('is healthy while an idle dataset has nothing new for it', async () => {
    const { cloud, get } = await setUp();
    await cloud.commit(upsertCity(1, 'Utrecht'));
    for (let hours = 0; hours < 2; hours++) {
      await cloud.clock.advance(3_600_000);
      expect(await get('/health')).toMatchObject({ status: 200, body: { status: 'healthy', reasons: [] } });
    }
    const { heartbeatMs, consumerIdleMsMax } = healthBounds;
    const ages = cloud.telemetry.values('HeadAgeMs');
    expect(ages.length).toBeGreaterThan(7_200_000 / heartbeatMs - 2);
    expect(Math.max(...ages)).toBeLessThan(consumerIdleMsMax);
  });

  it('is unhealthy after 30 s without an answer, but stays ready and readable', async () => {
    const { cloud, get } = await setUp();
    await cloud.commit(upsertCity(1, 'Utrecht'));
    await cloud.clock.advance(0);
    cloud.heads.load = () => Promise.reject(new DatasetError('unavailable', 'down'));
    await cloud.clock.advance(healthBounds.consumerIdleMsMax);
    expect(await get('/health')).toMatchObject({ status: 200, body: { status: expect.any(String) } });
    await cloud.clock.advance(60_000);
    const { status, body } = await get('/health');
    expect(status).toBe(503);
    expect(body).toMatchObject({ status: 'unhealthy', isReady: true, lastError: 'down' });
    expect((body as { reasons: string[] }).reasons[0]).toMatch(/^no activity for \d+ s, at most 30 s$/);
    expect(await get('/ready')).toMatchObject({ status: 200 });
    expect(await get('/datasets/cities/City/1')).toMatchObject({ status: 200 });
  });

  it('stays healthy and serves when something outside fails once', async () => {
    const { cloud, consumer, get } = await setUp();
    await cloud.commit(upsertCity(1, 'Utrecht'));
    await cloud.clock.advance(0);
    cloud.heads.load = () => Promise.reject(new DatasetError('unavailable', 'down'));
    await consumer.refresh().catch(() => undefined);
    expect(await get('/health')).toMatchObject({
      status: 200,
      body: { failuresInRow: 1, lastError: 'down' },
    });
    expect(await get('/datasets/cities/City/1')).toMatchObject({ status: 200 });
  });

  it('stops listening and refreshing', async () => {
    const { cloud, get } = await setUp();
    await cloud.clock.advance(0);
    await service?.stop();
    service = null;
    await expect(get('/ready')).rejects.toThrow('fetch failed');
    expect(cloud.clock.sleeperCount).toBe(0);
  });

  it('gives the consumer up when the address is taken', async () => {
    const { cloud, consumer } = await setUp();
    const port = Number(new URL(service?.url ?? '').port);
    const second = cloud.consumer();
    const options = { watchers: [], telemetry: cloud.telemetry, clock: cloud.clock, host: '127.0.0.1', port };
    await expect(startConsumerService({ ...options, consumer: second })).rejects.toThrow('EADDRINUSE');
    expect(() => second.start([])).not.toThrow();
    await second.stop();
    expect(consumer.health.isReady).toBe(false);
  });
});

describe('parseKeySegment', () => {
  const schema = DatasetSchema.of(
    parseSchemas(`
      Score @PrimaryKey(team, round, size, final) { string team; int round; long size; boolean final; }
      Blob @PrimaryKey(id) { bytes id; }
    `),
  );

  it('reads each part by its kind', () => {
    const key = parseKeySegment(schema, 'Score', 'Ajax%2C%20Amsterdam,7,9007199254740993,true');
    expect(key).toEqual(['Ajax, Amsterdam', 7, 9_007_199_254_740_993n, true]);
    expect(parseKeySegment(schema, 'Blob', 'AQI%3D')).toEqual([Uint8Array.of(1, 2)]);
  });

  it.each(['a,1,1', 'a,x,1,true', 'a,1,x,true', 'a,1,1,maybe', 'a,1.5,1,true', 'a,,1,true', '%zz,1,1,true'])(
    'refuses %s',
    (segment) => {
      expect(() => parseKeySegment(schema, 'Score', segment)).toThrow(
        expect.objectContaining({ kind: 'invalid' }),
      );
    },
  );
});

describe('LineTelemetry', () => {
  it('writes a JSON line for each log and each metric', () => {
    const lines: string[] = [];
    const { clock } = new MemoryCloud();
    const telemetry = new LineTelemetry({
      service: 'consumer-service',
      dataset: 'cities',
      clock,
      write: (line) => lines.push(line),
    });
    telemetry.log('warn', 'a refresh failed', {
      error: new DatasetError('corrupt', 'bad', { size: 5 }),
      at: 5n,
    });
    telemetry.record('StateVersion', 7);
    expect(lines.every((line) => line.endsWith('\n'))).toBe(true);
    const [log, metric] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(log).toMatchObject({
      timestamp: '2023-11-14T22:13:20.000Z',
      level: 'WARN',
      message: 'a refresh failed',
      error: { kind: 'corrupt', message: 'bad', details: { size: 5 } },
      at: '5',
    });
    expect(metric).toMatchObject({
      StateVersion: 7,
      dataset: 'cities',
      _aws: {
        CloudWatchMetrics: [
          { Namespace: 'ServerlessHollow', Metrics: [{ Name: 'StateVersion', Unit: 'Count' }] },
        ],
      },
    });
  });
});
