import { expect, test } from 'vitest';
import { parseAnnouncement } from '../../lib/announcement.ts';
import { FieldReader, parseJson } from '../../lib/field-reader.ts';

const reader = (value: unknown): FieldReader => new FieldReader(value, 'head');

test.each([
  [
    'text for an integer',
    () => reader({ era: '1' }).integer('era', 1),
    'head.era: expected an integer from 1, found string',
  ],
  [
    'a fraction',
    () => reader({ era: 1.5 }).integer('era', 1),
    'head.era: expected an integer from 1, found number',
  ],
  ['too small', () => reader({ era: 0 }).integer('era', 1), 'head.era'],
  ['beyond 2^53', () => reader({ era: 2 ** 53 }).integer('era', 1), 'head.era'],
  ['null', () => reader({ cid: null }).string('cid'), 'head.cid: expected a string, found null'],
  ['absent', () => reader({}).string('cid'), 'head.cid: expected a string, found undefined'],
  ['inherited', () => reader({}).string('toString'), 'head.toString'],
  ['another pattern', () => reader({ cid: 'X' }).string('cid', /^x$/), 'head.cid: expected text like ^x$'],
  ['another word', () => reader({ s: 'ajar' }).word('s', ['open']), 'head.s: expected one of open'],
  [
    'an array for an object',
    () => reader({ a: [] }).object('a'),
    'head.a: expected an object, found an array',
  ],
  [
    'deep inside',
    () =>
      reader({ a: [{}, { n: 'x' }] })
        .objects('a')[1]
        ?.integer('n', 0),
    'head.a[1].n',
  ],
  ['an item', () => reader({ a: ['x', 1] }).strings('a'), 'head.a[1]: expected a string'],
  ['a text', () => reader({ a: 1 }).texts(), 'head.a: expected a string'],
  ['no object', () => reader('x'), 'head: expected an object, found string'],
  ['no JSON', () => parseJson('{', 'head'), 'head: not JSON'],
])('%s is corrupt, and the message names the place', (_, read, message) => {
  expect(read).toThrow(
    expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining(message) }),
  );
});

test('a message never repeats the value', () => {
  expect(() => reader({ cid: 'secret' }).string('cid', /^x$/)).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('secret') }),
  );
});

test('an announcement keeps what it knows, and not more correlation ids than it may', () => {
  const announcement = {
    id: { tenant: 'acme', dataset: 'cities', partition: 2 },
    era: 1,
    epoch: 0,
    version: 2,
    cid: 'a'.repeat(32),
    mapGeneration: 0,
    previousCid: '',
    hash: 'b'.repeat(32),
    size: 0,
    snapshotVersion: 1,
    committedAtMs: 0,
    correlationIds: ['x'],
  };
  const many = Array.from({ length: 50 }, (_, index) => String(index));
  expect(parseAnnouncement({ ...announcement, added: 'later' })).toEqual(announcement);
  expect(parseAnnouncement({ ...announcement, correlationIds: many }).correlationIds).toHaveLength(20);
  expect(() => parseAnnouncement({ ...announcement, previousCid: 'x' })).toThrow(/previousCid/);
  expect(() => parseAnnouncement({ ...announcement, id: { dataset: 'a/b', partition: 0 } })).toThrow(
    /dataset/,
  );
});
