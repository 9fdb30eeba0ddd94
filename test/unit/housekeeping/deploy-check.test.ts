import { describe, expect, it } from 'vitest';
import { parseAnnouncement } from '../../../lib/announcement.ts';
import type { Consumer } from '../../../lib/consumer/consumer.ts';
import { DatasetError } from '../../../lib/errors.ts';
import {
  type AskedVersion,
  checkDeployment,
  type DeployCheckOptions,
} from '../../../lib/housekeeping/deploy-check.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { recordJson } from '../../../lib/state/plain-record.ts';
import { citySchema, MemoryCloud, upsertCity } from '../../support/memory-cloud.ts';

/** The consumer function, without Lambda. */
function lookups(
  consumer: Consumer,
  change: (record: object | null) => unknown = (record) => record,
): AskedVersion {
  return {
    async ask(event) {
      const { key } = event as { key: { cityId: number } };
      await consumer.refresh();
      const { loaded } = consumer;
      if (loaded === null) return { version: null, record: null };
      const ordinal = loaded.indexes.get('City')?.findByKey([key.cityId]) ?? -1;
      const record = ordinal < 0 ? null : recordJson(loaded.state, 'City', ordinal);
      return { version: loaded.ref.version, record: change(record) };
    },
  };
}

async function setUp(cityCount = 100) {
  const cloud = new MemoryCloud();
  if (cityCount > 0) {
    const mutations = Array.from({ length: cityCount }, (_, i) => upsertCity(i, `city ${i}`, i * 1000));
    await cloud.commit(...mutations);
  }
  const options: DeployCheckOptions = {
    consumer: cloud.consumer(),
    schema: null,
    candidate: lookups(cloud.consumer()),
    live: lookups(cloud.consumer()),
    probe: 'lookups',
    heads: cloud.heads,
    clock: cloud.clock,
  };
  return { cloud, options };
}

const broken: AskedVersion = { ask: () => Promise.reject(new DatasetError('invalid', 'out of memory')) };

describe('a new version of a consumer', () => {
  it('passes when it answers every sample as the new code and the version in use do', async () => {
    const { cloud, options } = await setUp();
    const head = await cloud.heads.load(cloud.id, 'strong');
    expect(await checkDeployment(options)).toEqual({
      problem: null,
      version: 1,
      hash: head?.hashes.data,
      lookups: 20,
    });
  });

  it('passes on a dataset without a version, if it starts at all', async () => {
    const { options } = await setUp(0);
    expect(await checkDeployment(options)).toMatchObject({ problem: null, version: null, lookups: 0 });
    const result = await checkDeployment({ ...options, candidate: broken });
    expect(result.problem).toBe('the new version fails: out of memory');
  });

  it('is refused when it fails, or answers with something else', async () => {
    const { cloud, options } = await setUp();
    const candidates: [AskedVersion, string][] = [
      [broken, 'the new version fails on City {"cityId":0}: out of memory'],
      [lookups(cloud.consumer(), () => null), 'with null, not with {"cityId":0,'],
      [lookups(cloud.consumer(), (record) => ({ ...record, population: 1 })), 'not with {"cityId":0,'],
      [{ ask: () => Promise.resolve('hello') }, 'the new version answers City {"cityId":0} with "hello"'],
    ];
    for (const [candidate, problem] of candidates) {
      expect((await checkDeployment({ ...options, candidate })).problem).toContain(problem);
    }
  });

  it('is refused when one record out of many is wrong, if it is among the samples', async () => {
    const { cloud, options } = await setUp(20);
    const candidate = lookups(cloud.consumer(), (record) =>
      record !== null && 'cityId' in record && record.cityId === 13 ? null : record,
    );
    expect((await checkDeployment({ ...options, candidate })).problem).toContain('City {"cityId":13}');
  });

  it('is refused when the version in use says otherwise, but not when that one fails', async () => {
    const { cloud, options } = await setUp();
    const live = lookups(cloud.consumer(), () => null);
    expect((await checkDeployment({ ...options, live })).problem).toContain('versions disagree on City');
    expect((await checkDeployment({ ...options, live: broken })).problem).toBeNull();
  });

  it('is asked again when the dataset moves meanwhile, and not for ever', async () => {
    const { cloud, options } = await setUp(3);
    let moves = 0;
    const moving = (limit: number): AskedVersion => {
      const inner = lookups(cloud.consumer());
      return {
        async ask(event) {
          if (moves++ < limit) await cloud.commit(upsertCity(1000 + moves, 'new'));
          return inner.ask(event);
        },
      };
    };
    expect((await checkDeployment({ ...options, candidate: moving(2) })).problem).toBeNull();
    const stuck: AskedVersion = { ask: () => Promise.resolve({ version: 1, record: null }) };
    expect((await checkDeployment({ ...options, candidate: stuck })).problem).toContain(
      'does not reach version',
    );
  });

  it('passes while every look-up meets a newer version, and is still refused when it is wrong', async () => {
    const { cloud, options } = await setUp(30);
    let commits = 0;
    const busy = (inner: AskedVersion): AskedVersion => ({
      async ask(event) {
        await cloud.commit(upsertCity(1000 + commits++, 'new'));
        return inner.ask(event);
      },
    });
    const candidate = busy(options.candidate);
    expect(await checkDeployment({ ...options, candidate })).toMatchObject({ problem: null, lookups: 20 });
    expect(commits).toBeGreaterThanOrEqual(20);
    const wrong = busy(lookups(cloud.consumer(), (record) => ({ ...record, population: 1 })));
    expect((await checkDeployment({ ...options, candidate: wrong })).problem).toContain(
      'not with {"cityId":0,',
    );
    const live = lookups(cloud.consumer(), () => null);
    expect((await checkDeployment({ ...options, candidate, live })).problem).toContain('versions disagree');
  });

  it('does not judge by a record that changes while it is asked for', async () => {
    const { cloud, options } = await setUp(1);
    let commits = 0;
    const candidate: AskedVersion = {
      async ask(event) {
        if (commits < 3) await cloud.commit(upsertCity(0, `name ${commits++}`));
        return options.candidate.ask(event);
      },
    };
    expect((await checkDeployment({ ...options, candidate })).problem).toBeNull();
    expect(commits).toBe(3);
  });

  it('is refused when the new code cannot read what is there; an outage is no verdict', async () => {
    const { options } = await setUp();
    const { consumer } = options;
    consumer.refresh = () => Promise.reject(new DatasetError('corrupt', 'a hash differs'));
    expect((await checkDeployment(options)).problem).toBe(
      'the new code cannot read the dataset: a hash differs',
    );
    consumer.refresh = () => Promise.reject(new DatasetError('unavailable', 'down'));
    await expect(checkDeployment(options)).rejects.toThrow('down');
  });
});

describe('a new version of a producer', () => {
  const answering = (answer: unknown): AskedVersion => ({ ask: () => Promise.resolve(answer) });
  const schemaOf = (fields: string) =>
    DatasetSchema.of(parseSchemas(`City @PrimaryKey(cityId) { ${fields} } String { string value; }`));

  it.each<[DatasetSchema, string | null]>([
    [citySchema, null],
    [schemaOf('int cityId; String name; int population; String country;'), null],
    [schemaOf('int cityId; String name;'), `'City.population' is missing`],
    [schemaOf('int cityId; String name; long population;'), `'City.population' is LONG, not INT`],
  ])('may add fields, and neither remove nor change one', async (schema, problem) => {
    const { options } = await setUp();
    const candidate = answering({ batchItemFailures: [] });
    const result = await checkDeployment({ ...options, probe: 'batch', schema, candidate });
    if (problem === null) expect(result.problem).toBeNull();
    else expect(result.problem).toContain(problem);
  });

  it('must start and answer a batch of nothing', async () => {
    const { options } = await setUp();
    const problemOf = async (candidate: AskedVersion) =>
      (await checkDeployment({ ...options, probe: 'batch', candidate })).problem;
    expect(await problemOf(broken)).toBe('the new version fails on an empty batch: out of memory');
    expect(await problemOf(answering({ ok: true }))).toBe(
      'the new version answers an empty batch with {"ok":true}',
    );
  });
});

describe('a new version of an application', () => {
  it('must survive an announcement of the version that is there', async () => {
    const { cloud, options } = await setUp();
    const heard: unknown[] = [];
    const candidate: AskedVersion = { ask: async (event) => void heard.push(event) };
    const { problem } = await checkDeployment({ ...options, probe: 'announcement', candidate });
    expect(problem).toBeNull();
    const [event] = heard as { detail: unknown }[];
    expect(parseAnnouncement(event?.detail)).toMatchObject({ id: cloud.id, version: 1 });
    expect((await checkDeployment({ ...options, probe: 'announcement', candidate: broken })).problem).toBe(
      'the new version fails on an announcement: out of memory',
    );
  });
});
