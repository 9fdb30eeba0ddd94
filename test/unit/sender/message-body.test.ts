import { describe, expect, it } from 'vitest';
import { parseMessage } from '../../../lib/producer/mutations.ts';
import { defineDataset, type } from '../../../lib/schema/builder.ts';
import { t } from '../../../lib/schema/field-specs.ts';
import { messageBody } from '../../../lib/sender/message-body.ts';

const dataset = defineDataset({
  Order: type(
    {
      id: t.long({ as: 'bigint' }),
      placed: t.date(),
      digest: t.bytes(),
      status: t.enum(['open', 'closed']),
      tags: t.set(t.string()),
    },
    { primaryKey: ['id', 'placed', 'digest'] },
  ),
});
const key = { id: 2n ** 60n, placed: new Date(5), digest: Uint8Array.of(1) };
const order = { timestamp: 1, source: 'app', sequence: 2 };

const nested = defineDataset({
  Street: type(
    { city: t.ref('City'), name: t.string(), length: t.int() },
    { primaryKey: ['city.code', 'name'] },
  ),
  City: type(
    { code: t.string({ inline: true }), names: t.map(t.string(), t.string()) },
    { primaryKey: ['code'] },
  ),
});

describe('messageBody', () => {
  it('takes a patch of a record whose key lies in another one, and a map as an object', () => {
    const street = { 'city.code': 'ut', name: 'Oudegracht' };
    const body = messageBody(nested, [
      { op: 'patch', type: 'Street', key: street, fields: { length: 2000 } },
      { op: 'increment', type: 'Street', key: street, fields: { length: 1 } },
      { op: 'upsert', type: 'City', value: { code: 'ut', names: { en: 'Utrecht' } } },
    ]);
    const message = { id: 'm', body, sentAtMs: 1, receiveCount: 1, receipt: 'r' };
    const { mutations, rejected } = parseMessage(nested.schema, message, 1);
    expect([new Set(mutations.map(({ type }) => type)), rejected]).toEqual([new Set(['Street', 'City']), []]);
  });

  it('is what a producer reads', () => {
    const body = messageBody(dataset, [
      { op: 'upsert', type: 'Order', value: { ...key, status: 'open', tags: new Set(['a']) }, order },
      { op: 'patch', type: 'Order', key, fields: { status: 'closed', tags: undefined } },
      { op: 'delete', type: 'Order', key },
    ]);
    const jsonKey = { id: String(2n ** 60n), placed: 5, digest: 'AQ==' };
    expect(JSON.parse(body)).toEqual({
      mutations: [
        { op: 'upsert', type: 'Order', order, value: { ...jsonKey, status: 'open', tags: ['a'] } },
        { op: 'patch', type: 'Order', key: jsonKey, fields: { status: 'closed', tags: null } },
        { op: 'delete', type: 'Order', key: jsonKey },
      ],
    });
    const message = { id: 'm', body, sentAtMs: 1, receiveCount: 1, receipt: 'r' };
    const { mutations, rejected } = parseMessage(dataset.schema, message, 1);
    expect([mutations.length, rejected]).toEqual([3, []]);
    expect(new Set(mutations.map((mutation) => mutation.key.text)).size).toBe(1);
  });

  it.each([
    ['a value', { op: 'upsert', type: 'Order', value: { ...key, status: 'x' } }, 'mutations[1].value.status'],
    ['an op', { op: 'update', type: 'Order', key, fields: { status: 'open' } }, 'mutations[1].op'],
    ['a key', { op: 'delete', type: 'Order', key: { ...key, id: 'x' } }, 'mutations[1].key.id'],
    [
      'a key that is missing',
      { op: 'delete', type: 'Order', key: { id: 1n, placed: new Date(1) } },
      'mutations[1].key.digest',
    ],
    ['a field', { op: 'patch', type: 'Order', key, fields: { tags: [1] } }, 'mutations[1].fields.tags[0]'],
    [
      'an enum of a patch',
      { op: 'patch', type: 'Order', key, fields: { status: 'x' } },
      'mutations[1].fields.status',
    ],
    [
      'a key field of a patch',
      { op: 'patch', type: 'Order', key, fields: { id: 1 } },
      'mutations[1].fields.id',
    ],
    ['a patch of nothing', { op: 'patch', type: 'Order', key, fields: {} }, 'mutations[1].fields'],
    ['another field', { op: 'patch', type: 'Order', key, fields: { x: 1 } }, 'mutations[1].fields.x'],
  ])('names %s that a producer would quarantine', (_, mutation, field) => {
    // As a caller without types would.
    const mutations = [{ op: 'delete', type: 'Order', key }, mutation] as never;
    expect(() => messageBody(dataset, mutations)).toThrow(
      expect.objectContaining({
        kind: 'rejected',
        message: expect.stringMatching(/^Order: mutations\[1\]/),
        details: { type: 'Order', field },
      }),
    );
  });
});
