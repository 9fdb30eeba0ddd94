import { describe, expect, test } from 'vitest';
import { emptyKeyState, type KeyState, visibleRecord } from '../../../lib/producer/join.ts';
import { oldestStamp } from '../../../lib/producer/order-stamp.ts';
import { keyStateOfRecords, stampRecordOf } from '../../../lib/producer/stamp-record.ts';
import { RecordKey } from '../../../lib/schema/record-key.ts';

const key = new RecordKey([7, 'NL']);
const stamp = { timestamp: 10, source: 's', sequence: 1 };
const newer = { timestamp: 11, source: 's"\n', sequence: 2 };
const noPatches = new Map();
const keyFields = { key0: 7, key1: 'NL' };

describe('stampRecordOf', () => {
  test('a record, a deletion', () => {
    const live: KeyState = { base: { stamp, value: { id: 7 } }, patches: noPatches, countedTo: null };
    const stampFields = { ...keyFields, timestamp: 10, source: 's', sequence: 1, patches: null };
    expect(stampRecordOf(key, live)).toEqual({ ...stampFields, deleted: false });
    const deleted: KeyState = { base: { stamp, value: null }, patches: noPatches, countedTo: null };
    expect(stampRecordOf(key, deleted)).toEqual({ ...stampFields, deleted: true });
  });

  test('patches of a record are in the record, waiting ones bring their value; names are sorted', () => {
    const patches = new Map([
      ['y', { stamp: newer, value: { b: [1n, -0], a: new Uint8Array([255]), c: undefined } }],
      ['x', { stamp: newer, value: null }],
    ]);
    const onRecord = stampRecordOf(key, { base: { stamp, value: { id: 7 } }, patches, countedTo: null });
    expect(onRecord['patches']).toBe('{"x":[11,"s\\"\\n",2],"y":[11,"s\\"\\n",2]}');
    const waiting = stampRecordOf(key, { base: null, patches, countedTo: null });
    expect(waiting).toEqual({
      ...keyFields,
      timestamp: null,
      source: null,
      sequence: null,
      deleted: null,
      patches: '{"x":[11,"s\\"\\n",2,null],"y":[11,"s\\"\\n",2,{"a":"/w==","b":["1",-0],"c":null}]}',
    });
  });
});

describe('keyStateOfRecords', () => {
  test('the greatest increment is kept, beside patches or alone', () => {
    const counted: KeyState = { base: { stamp, value: { id: 7 } }, patches: noPatches, countedTo: newer };
    const record = stampRecordOf(key, counted);
    expect(record['patches']).toBe('{"":[11,"s\\"\\n",2]}');
    expect(keyStateOfRecords(record, { id: 7 })).toEqual(counted);
    const waiting = { ...counted, base: null, patches: new Map([['x', { stamp: newer, value: 1 }]]) };
    expect(keyStateOfRecords(stampRecordOf(key, waiting), null)).toEqual(waiting);
  });

  test('nothing is known of a key without records', () => {
    expect(keyStateOfRecords(null, null)).toBe(emptyKeyState);
  });

  test('a record that another writer made is older than every mutation', () => {
    const state = keyStateOfRecords(null, { id: 7 });
    expect(state).toEqual({
      base: { stamp: oldestStamp, value: { id: 7 } },
      patches: noPatches,
      countedTo: null,
    });
    const again = keyStateOfRecords(stampRecordOf(key, state), { id: 7 });
    expect(again).toEqual(state);
  });

  test('LONGs may come as bigint', () => {
    const record = { ...keyFields, timestamp: 10n, source: 's', sequence: 1n, deleted: true, patches: null };
    expect(keyStateOfRecords(record, null)).toEqual({
      base: { stamp, value: null },
      patches: noPatches,
      countedTo: null,
    });
  });

  test('where another writer changed the record, the record is right', () => {
    const patches = new Map([['x', { stamp: newer, value: 5 }]]);
    const live = stampRecordOf(key, { base: { stamp, value: { id: 7 } }, patches, countedTo: null });
    expect(keyStateOfRecords(live, null)).toEqual({
      base: { stamp, value: null },
      patches: noPatches,
      countedTo: null,
    });
    expect(keyStateOfRecords(live, { id: 7 })).toEqual({
      base: { stamp, value: { id: 7 } },
      patches: new Map([['x', { stamp: newer, value: null }]]),
      countedTo: null,
    });
    const waiting = stampRecordOf(key, { base: null, patches, countedTo: null });
    const found = keyStateOfRecords(waiting, { id: 7, x: 1 });
    expect(found).toEqual({ base: { stamp: oldestStamp, value: { id: 7, x: 1 } }, patches, countedTo: null });
    expect(visibleRecord(found)).toEqual({ id: 7, x: 5 });
  });

  const good = { ...keyFields, timestamp: 10, source: 's', sequence: 1, deleted: false, patches: null };
  test.each([
    ['timestamp', { timestamp: null }],
    ['timestamp', { timestamp: 'x' }],
    ['sequence', { sequence: 1.5 }],
    ['sequence', { sequence: 2n ** 60n }],
    ['source', { source: null }],
    ['patches', { patches: '{' }],
    ['patches', { patches: '[]' }],
    ['patches', { patches: 5 }],
    ['patches', { patches: '{"x":1}' }],
    ['patches', { patches: '{"x":[]}' }],
    ['source', { patches: '{"x":[1,2,3]}' }],
  ])('refuses a bad %s as corrupt: %o', (field, wrong) => {
    expect(() => keyStateOfRecords({ ...good, ...wrong }, {})).toThrow(
      expect.objectContaining({ kind: 'corrupt', details: { field } }),
    );
  });
});
