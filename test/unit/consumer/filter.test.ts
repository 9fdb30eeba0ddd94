import { describe, expect, it } from 'vitest';
import { Consumer, type ConsumerSource } from '../../../lib/consumer/consumer.ts';
import type { BlobStore } from '../../../lib/ports.ts';
import { defineDataset, type } from '../../../lib/schema/builder.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { t } from '../../../lib/schema/field-specs.ts';
import type { TypeFilter } from '../../../lib/schema/type-filter.ts';
import { MemoryCloud, plentyOfTime } from '../../support/memory-cloud.ts';

const schema = DatasetSchema.of(
  parseSchemas(`
    Movie @PrimaryKey(id) { int id; String title; Studio studio; Cast cast; Tags tags; }
    Studio @PrimaryKey(code) { string code; int founded; }
    Cast List<Studio>;
    Tags Set<Tag> @HashKey(text);
    Tag { string text; int weight; }
    String { string value; }
  `),
);

function movie(id: number, title: string): object {
  const studio = { code: `s${id % 2}`, founded: 1900 };
  const value = { id, title, studio, cast: [studio], tags: [{ text: 'a', weight: 1 }] };
  return { op: 'upsert', type: 'Movie', value };
}

async function commit(cloud: MemoryCloud, ...mutations: readonly object[]): Promise<void> {
  const { failed } = await cloud.producer({ schema }).process([cloud.message({ mutations })], plentyOfTime);
  expect(failed).toEqual([]);
}

async function loaded(filter: TypeFilter, more: Partial<ConsumerSource> = {}) {
  const cloud = new MemoryCloud();
  await commit(cloud, movie(1, 'one'), movie(2, 'two'));
  const consumer = cloud.consumer({ filter, ...more });
  await consumer.refresh();
  return { cloud, consumer };
}

const invalid = (message: string) =>
  expect.objectContaining({ kind: 'invalid', message: expect.stringContaining(message) });

describe('a consumer with a filter', () => {
  it('has what it wants, and goes on along the deltas', async () => {
    const { cloud, consumer } = await loaded([
      { exclude: '*' },
      { include: 'Movie', field: 'id' },
      { include: 'Movie', field: 'title', recursive: true },
    ]);
    expect(consumer.get('Movie', 1).toObject()).toEqual({ id: 1, title: 'one' });
    const held = consumer.state;
    await commit(cloud, movie(1, 'uno'), movie(3, 'three'), { op: 'delete', type: 'Movie', key: { id: 2 } });
    await consumer.refresh();
    const titles = () => Array.from(consumer.state.type('Movie'), (each) => each['title']);
    expect(new Set(titles())).toEqual(new Set(['three', 'uno']));
    expect(cloud.telemetry.values('SnapshotsLoaded')).toEqual([1]);
    expect(consumer.state.read.typeNames).toEqual(['Movie', 'String']);
    expect(held.type('Movie').get(2)['title']).toBe('two');
  });

  it('says what is not loaded where it is needed', async () => {
    const { consumer } = await loaded([{ exclude: 'Studio' }, { exclude: 'Tag', field: 'text' }]);
    const found = consumer.get('Movie', 1);
    expect(found['title']).toBe('one');
    expect(() => found['studio']).toThrow(invalid("the type 'Studio' is not loaded"));
    expect(() => found['cast']).toThrow(invalid("the type 'Studio' is not loaded"));
    expect(() => found.toObject()).toThrow(invalid("the type 'Studio' is not loaded"));
    expect(() => consumer.find('Studio', 's1')).toThrow(invalid("the type 'Studio' is not loaded"));
    expect(() => consumer.find('Movies', 1)).toThrow(invalid("there is no type 'Movies'"));
    const tags = found['tags'] as { size: number; has(...key: unknown[]): boolean } & Iterable<unknown>;
    expect([tags.size, [...tags]]).toEqual([1, [1]]);
    expect(() => tags.has('a')).toThrow(invalid("the key of 'Tags' needs 'Tag.text', which is not loaded"));
    const rows = consumer.state.read.objectType('Movie');
    expect(
      rows.readReference(
        0,
        rows.schema.fields.findIndex(({ name }) => name === 'studio'),
      ),
    ).toBe(0);
  });

  it('indexes the types whose keys it has, and no others', async () => {
    const filter: TypeFilter = [{ exclude: 'Studio', field: 'code' }];
    const { consumer } = await loaded(filter);
    expect([...(consumer.loaded?.indexes.keys() ?? [])]).toEqual(['Movie']);
    expect(() => consumer.find('Studio', 's1')).toThrow(
      invalid("the key of 'Studio' needs 'Studio.code', which is not loaded"),
    );
    await expect(loaded(filter, { indexedTypes: ['Studio'] })).rejects.toEqual(
      invalid("the key of 'Studio' needs 'Studio.code', which is not loaded"),
    );
  });

  it('may be of a dataset that names no more than is loaded', async () => {
    const wanted = defineDataset({
      Movie: type({ id: t.int(), title: t.string() }, { primaryKey: ['id'] }),
    });
    const { cloud } = await loaded([]);
    const { id, heads, blobs, telemetry, instantClock: clock } = cloud;
    const random = { uniform: () => 0, bytes: (size: number) => new Uint8Array(size) };
    const ports = { id, heads, blobs, telemetry, clock, random, dataset: wanted };
    const consumer = new Consumer({ ...ports, filter: [{ exclude: 'Movie', field: 'cast' }] });
    await consumer.refresh();
    expect(consumer.get('Movie', 2).title).toBe('two');
    const without = new Consumer({ ...ports, filter: [{ exclude: 'Movie', field: 'title' }] });
    await expect(without.refresh()).rejects.toMatchObject({
      kind: 'incompatible',
      message: "the dataset has another schema: 'Movie.title' is missing",
    });
  });

  it('takes no blob of another state, although it cannot hash all of this one', async () => {
    const cloud = new MemoryCloud();
    await commit(cloud, movie(1, 'one'));
    const blobs: BlobStore = {
      put: (...args) => cloud.blobs.put(...args),
      get: async (name) => {
        const blob = await cloud.blobs.get(name);
        return blob && { ...blob, metadata: { ...blob.metadata, hash: '0'.repeat(32) } };
      },
    };
    await expect(cloud.consumer({ blobs, filter: [{ exclude: 'Tag' }] }).refresh()).rejects.toMatchObject({
      kind: 'corrupt',
    });
    const consumer = cloud.consumer({ filter: [{ exclude: 'Tag' }] });
    await consumer.refresh();
    expect(consumer.version?.version).toBe(1);
  });
});
