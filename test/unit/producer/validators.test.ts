import { describe, expect, test } from 'vitest';
import {
  changeRateAtMost,
  countChangeAtMost,
  minimumCount,
  requiredType,
  type Validator,
  validatorsOf,
} from '../../../lib/producer/validators.ts';
import { deleteCity, MemoryCloud, plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';

const cities = (count: number, name = 'a', from = 0) =>
  Array.from({ length: count }, (_, i) => upsertCity(from + i, name));
const deletions = (count: number) => Array.from({ length: count }, (_, i) => deleteCity(i));

/** Null: it was committed. Otherwise why not. */
async function outcomeOf(
  validator: Validator,
  before: object[],
  mutations: object[],
): Promise<string | null> {
  const cloud = new MemoryCloud();
  await cloud.commit(...before);
  await cloud.clock.advance(1);
  const message = cloud.message({ mutations });
  const { failed } = await cloud.producer({ validators: [validator] }).process([message], plentyOfTime);
  const version = (await cloud.heads.load(cloud.id, 'strong'))?.version;
  expect(version).toBe(failed.length === 0 ? 2 : 1);
  return failed[0]?.reason ?? null;
}

describe('validators', () => {
  test.each([
    [
      'too few',
      minimumCount('City', 3),
      cities(4),
      deletions(2),
      /minimum count: 2 of at least 3 records of City/,
    ],
    ['enough', minimumCount('City', 3), cities(4), deletions(1), null],
    ['still being filled', minimumCount('City', 3), cities(1), cities(1, 'b'), null],
    ['none left', requiredType('City'), cities(2), deletions(2), /required type: 0 of at least 1/],
    [
      'a leap',
      countChangeAtMost('City', 0.1),
      cities(100),
      cities(11, 'b', 100),
      /from 100 to 111 records, more than 10 %/,
    ],
    ['a fall', countChangeAtMost('City', 0.1), cities(100), deletions(11), /from 100 to 89/],
    ['a step', countChangeAtMost('City', 0.1), cities(100), cities(10, 'b', 100), null],
    ['few records', countChangeAtMost('City', 0.1), cities(99), deletions(90), null],
    [
      'much replaced',
      changeRateAtMost('City', 0.5),
      cities(100),
      cities(51, 'b'),
      /51 of 100 records of City change/,
    ],
    ['half replaced', changeRateAtMost('City', 0.5), cities(100), cities(50, 'b'), null],
    ['added only', changeRateAtMost('City', 0.5), cities(100), cities(90, 'b', 100), null],
  ])('%s', async (_, validator, before, mutations, expected) => {
    const outcome = await outcomeOf(validator, before, mutations);
    if (expected === null) expect(outcome).toBeNull();
    else expect(outcome).toMatch(expected);
  });
});

test('a refused version holds the messages back until a person lets it pass, by name and once', async () => {
  const cloud = new MemoryCloud();
  await cloud.commit(...cities(2));
  const own: Validator = {
    name: 'own',
    validate: ({ to }) => (to.state.type('City').count > 2 ? 'more than two cities' : null),
  };
  const message = cloud.message(upsertCity(7, 'x'));
  const validators = [own, requiredType('City')];
  const head = await cloud.heads.load(cloud.id, 'strong');
  const override = `1@${head?.cid}`;
  const { failed } = await cloud.producer({ validators }).process([message], plentyOfTime);
  expect(failed).toEqual([
    { message, reason: `refused: the version after ${override} was refused: own: more than two cities` },
  ]);
  expect(cloud.telemetry.sum('VersionsRefused')).toBe(1);
  expect(cloud.telemetry.lines('error')).toHaveLength(1);
  const other = cloud.producer({ validators, validationOverride: '2@' });
  expect((await other.process([message], plentyOfTime)).failed).toHaveLength(1);
  const let1 = cloud.producer({ validators, validationOverride: override });
  expect((await let1.process([message], plentyOfTime)).failed).toEqual([]);
  expect(cloud.telemetry.lines('warn').map((line) => line.message)).toContain(
    'a version is committed by override',
  );
  expect((await let1.process([cloud.message(upsertCity(8, 'y'))], plentyOfTime)).failed).toHaveLength(1);
});

test('settings name types that there are', async () => {
  const cloud = new MemoryCloud();
  await cloud.commit(...cities(1));
  const consumer = cloud.consumer();
  await consumer.refresh();
  const schema = consumer.loaded?.state.schema;
  if (schema === undefined) throw new Error('loaded');
  const rules = { City: { countMin: 1, countChangeMax: 0.5, changeRateMax: 1 } };
  expect(validatorsOf(schema, rules).map(({ name }) => name)).toEqual([
    'minimum count',
    'record count',
    'change rate',
  ]);
  expect(() => validatorsOf(schema, { Town: {} })).toThrow(expect.objectContaining({ kind: 'invalid' }));
});
