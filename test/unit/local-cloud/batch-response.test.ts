import { expect, test } from 'vitest';
import { succeededIds } from '../../../lib/local-cloud/mappings/batch-response.ts';

const ids = ['a', 'b', 'c'];

const table: readonly (readonly [string, string, readonly string[]])[] = [
  ['null', 'null', ids],
  ['an empty object', '{}', ids],
  ['an object without the list', '{"statusCode":200}', ids],
  ['a null list', '{"batchItemFailures":null}', ids],
  ['an empty list', '{"batchItemFailures":[]}', ids],
  ['one failure', '{"batchItemFailures":[{"itemIdentifier":"b"}]}', ['a', 'c']],
  [
    'the same failure twice',
    '{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"b"}]}',
    ['a', 'c'],
  ],
  [
    'all failures',
    JSON.stringify({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) }),
    [],
  ],
  ['invalid JSON', '{"batchItemFailures"', []],
  ['no object', '"ok"', []],
  ['a list instead of an object', '[]', []],
  ['a list that is none', '{"batchItemFailures":"a"}', []],
  ['an empty identifier', '{"batchItemFailures":[{"itemIdentifier":""}]}', []],
  ['a null identifier', '{"batchItemFailures":[{"itemIdentifier":null}]}', []],
  ['a number as identifier', '{"batchItemFailures":[{"itemIdentifier":1}]}', []],
  ['a wrong key', '{"batchItemFailures":[{"itemIdentifer":"a"}]}', []],
  ['a bare identifier', '{"batchItemFailures":["a"]}', []],
  ['an unknown identifier', '{"batchItemFailures":[{"itemIdentifier":"z"}]}', []],
];

test.each(table)('%s', (_name, answer, succeeded) => {
  expect(succeededIds(ids, answer, true)).toEqual(succeeded);
});

test('without ReportBatchItemFailures the answer means nothing', () => {
  expect(succeededIds(ids, '{"batchItemFailures":[{"itemIdentifier":"b"}]}', false)).toEqual(ids);
});
