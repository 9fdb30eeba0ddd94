import { describe, expect, expectTypeOf, it } from 'vitest';
import { limits } from '../../../lib/limits.ts';
import { defineDataset, type } from '../../../lib/schema/builder.ts';
import { t } from '../../../lib/schema/field-specs.ts';
import type { InputOf, JsonOf } from '../../../lib/schema/record-of.ts';

const dataset = defineDataset({
  Order: type(
    {
      id: t.long({ as: 'bigint' }),
      placed: t.date(),
      status: t.enum(['open', 'closed']),
      payment: t.enum(['card', 'cash'], { type: 'Payment' }),
      digest: t.bytes(),
      tags: t.set(t.string()),
      days: t.list(t.date()),
      names: t.map(t.string(), t.date()),
      count: t.long(),
      paid: t.map(t.enum(['card', 'cash'], { type: 'Payment' }), t.int()),
      next: t.ref('Order'),
    },
    { primaryKey: ['id'] },
  ),
  Note: type({ text: t.string(), by: t.string() }),
});
const validator = dataset.validator('Order');
const validate = (value: unknown) => validator['~standard'].validate(value);
const issueOf = (value: unknown) => validate(value).issues?.[0];

describe('a validator', () => {
  it('is a Standard Schema of version 1', () => {
    expect(validator['~standard']).toMatchObject({ version: 1, vendor: 'serverless-hollow' });
    type Types = NonNullable<(typeof validator)['~standard']['types']>;
    expectTypeOf<Types['input']>().toEqualTypeOf<InputOf<typeof dataset, 'Order'>>();
    expectTypeOf<Types['output']>().toEqualTypeOf<JsonOf<typeof dataset, 'Order'>>();
  });

  it('gives what JSON can hold', () => {
    const day = new Date(86_400_000);
    const value = {
      id: 2n ** 60n,
      placed: day,
      status: 'open',
      payment: 'cash',
      digest: Uint8Array.of(1, 255),
      tags: new Set(['a', 'b']),
      days: [day, 5],
      names: new Map([['x', day]]),
      next: { id: '7', placed: null, payment: { _name: 'card' } },
    };
    expect(validate(value)).toEqual({
      value: {
        id: String(2n ** 60n),
        placed: 86_400_000,
        status: 'open',
        payment: 'cash',
        digest: 'Af8=',
        tags: ['a', 'b'],
        days: [86_400_000, 5],
        names: [['x', 86_400_000]],
        next: { id: '7', placed: null, payment: { _name: 'card' } },
      },
    });
    expect(validate({ id: 1, names: { x: day } })).toEqual({ value: { id: 1, names: { x: 86_400_000 } } });
    const whole = { id: 1, count: '-9007199254740991', placed: '5', paid: { card: 1 } };
    expect(validate(whole)).toEqual({ value: whole });
  });

  it.each([
    ['no record', 5, [], /expected a record of Order, got number 5/],
    ['no key', {}, ['id'], /must not be null/],
    ['another kind', { id: 'x' }, ['id'], /expected LONG \(decimal\), got string "x"/],
    ['another field', { id: 1, colour: 1 }, ['colour'], /unknown field of Order/],
    ['an odd name', { id: 1, 'a b.c': 1 }, ['a b.c'], /unknown field/],
    [
      'no date',
      { id: 1, placed: new Date(Number.NaN) },
      ['placed'],
      /expected a Date or whole ms since 1970, got Date without a time/,
    ],
    ['a date as text', { id: 1, placed: '2026-11-23' }, ['placed'], /ms since 1970, got string "2026-11-23"/],
    ['a time that no Date has', { id: 1, placed: 8.64e15 + 1 }, ['placed'], /expected a Date or whole ms/],
    ['a number that no reader gets', { id: 1, count: 2n ** 53n }, ['count'], /up to ±2\^53 .*, got bigint/],
    ['the same as text', { id: 1, count: '9007199254740993' }, ['count'], /as: 'bigint' }\) has more/],
    [
      'a key of a map that is no such enum',
      { id: 1, paid: { cahs: 1 } },
      ['paid', 'cahs'],
      /one of card, cash/,
    ],
    ['a key of a map with a dot', { id: 1, names: { 'a.b': 'x' } }, ['names', 'a.b'], /expected a Date/],
    ['a field with a dot', { id: 1, 'a.b': 1 }, ['a.b'], /unknown field/],
    ['an element', { id: 1, tags: new Set(['a', 1]) }, ['tags', 1], /expected STRING, got number 1/],
    ['a value of a map', { id: 1, names: [['x', 'y']] }, ['names', 0, 1], /expected a Date/],
    [
      'an inline enum',
      { id: 1, status: 'opne' },
      ['status'],
      /expected one of open, closed, got string "opne"/,
    ],
    [
      'a boxed enum',
      { id: 1, next: { id: 2, payment: 'x' } },
      ['next', 'payment'],
      /expected one of card, cash/,
    ],
    ['an enum in its box', { id: 1, payment: { _name: 'x' } }, ['payment', '_name'], /expected one of/],
  ])('names the way to %s', (_, value, path, message) => {
    expect(issueOf(value)).toEqual({ message: expect.stringMatching(message), path });
  });

  it('ends on a record that contains itself', () => {
    const loop: { id: number; next?: unknown } = { id: 1 };
    loop.next = loop;
    expect(issueOf(loop)?.message).toBe(`nested deeper than ${limits.jsonDepthMax} levels`);
  });

  it('is there for types without a primary key, too', () => {
    const note = dataset.validator('Note')['~standard'];
    type Types = NonNullable<(typeof note)['types']>;
    expectTypeOf<Types['input']>().toEqualTypeOf<InputOf<typeof dataset, 'Note'>>();
    expect(note.validate({ text: 'x' })).toEqual({ value: { text: 'x' } });
    expect(note.validate({ text: 1 }).issues?.[0]?.path).toEqual(['text']);
    const validatorOf: (type: never) => unknown = dataset.validator;
    expect(() => validatorOf('Nothing' as never)).toThrow(/no type 'Nothing'/);
  });
});
