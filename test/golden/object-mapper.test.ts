/** What Java's object mapper makes of classes, the builder makes of the same types; and reads it, typed. */
import { expect, test } from 'vitest';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { defineDataset, type } from '../../lib/schema/builder.ts';
import { printSchemas } from '../../lib/schema/dsl.ts';
import { t } from '../../lib/schema/field-specs.ts';
import { requireReadable } from '../../lib/schema/reader-schema.ts';
import { recordJson } from '../../lib/state/plain-record.ts';
import { recordViewer } from '../../lib/state/record.ts';
import { readFixture } from '../support/golden-fixtures.ts';

const movies = defineDataset({
  Movie: type(
    {
      id: t.long(),
      inlined: t.string({ inline: true }),
      referenced: t.string(),
      boxed: t.ref('Integer'),
      prim: t.int(),
      flag: t.boolean(),
      bflag: t.ref('Boolean'),
      fl: t.float(),
      dbl: t.ref('Double'),
      raw: t.bytes(),
      ch: t.int(),
      sh: t.int(),
      kind: t.enum(['SHORT', 'FEATURE'], { type: 'Kind' }),
      actors: t.list(t.ref('Actor')),
      tags: t.set(t.string()),
      cast: t.set(t.ref('Actor'), { hashKey: ['name', 'age'] }),
      counts: t.map(t.string(), t.int()),
      roles: t.map(t.ref('Actor'), t.string(), { hashKey: ['name.value'] }),
      genre: t.ref('Genre'),
      when: t.ref('Date'),
    },
    { primaryKey: ['id'] },
  ),
  Actor: type({ name: t.string(), age: t.int() }),
  Genre: type({ value: t.string({ inline: true }) }),
  Integer: type({ value: t.int() }),
  Boolean: type({ value: t.boolean() }),
  Double: type({ value: t.double() }),
  Date: type({ value: t.date() }),
});

const main = readFixture('pojo-object-mapper', 'snapshot-1') ?? new Uint8Array();
const state = decodeSnapshot(main, new Map());

test('the schemas are those of Java, name by name and key by key', () => {
  expect(printSchemas(movies.schema.schemas)).toBe(printSchemas(state.schema.schemas));
  requireReadable(movies.schema, state.schema);
});

test('the records are those of Java', () => {
  const records = state.objectType('Movie');
  const view = recordViewer(state, 'Movie', movies);
  let looked = 0;
  expect(records.count).toBeGreaterThan(0);
  for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
    expect(view(o).toJSON()).toEqual(recordJson(state, 'Movie', o));
    const { tags, cast, counts, roles, when } = view(o) as unknown as MovieView;
    for (const tag of tags ?? []) expect(tags?.has(tag)).toBe(true);
    for (const { name, age } of cast ?? []) expect(cast?.find(name, age)).toMatchObject({ name, age });
    for (const [name, count] of counts ?? []) expect(counts?.get(name)).toBe(count);
    for (const [{ name }, role] of roles ?? []) expect(roles?.get(name)).toBe(role);
    expect(when === null || when instanceof Date).toBe(true);
    looked += (tags?.size ?? 0) + (cast?.size ?? 0) + (counts?.size ?? 0) + (roles?.size ?? 0);
  }
  expect(looked).toBeGreaterThan(3);
});

/** Java's actors all have names and ages here; a hash key has no nulls. */
interface MovieView {
  readonly tags: Lookup<string> | null;
  readonly cast: Lookup<{ readonly name: string; readonly age: number }> | null;
  readonly counts: Lookup<readonly [string, number]> | null;
  readonly roles: Lookup<readonly [{ readonly name: string }, string]> | null;
  readonly when: Date | null;
}

interface Lookup<Entry> extends Iterable<Entry> {
  readonly size: number;
  has(...key: readonly unknown[]): boolean;
  find(...key: readonly unknown[]): unknown;
  get(...key: readonly unknown[]): unknown;
}
