import { describe, expect, test } from 'vitest';
import {
  bookkeepingTypesOf,
  isBookkeepingType,
  stampTypeOf,
  withBookkeeping,
} from '../../../lib/producer/bookkeeping-schema.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas, printSchemas } from '../../../lib/schema/dsl.ts';

const schemaOf = (text: string): DatasetSchema => DatasetSchema.of(parseSchemas(text));
const user =
  'City @PrimaryKey(id, country) { int id; Country country; } Country @PrimaryKey(code) { string code; int x; }';

describe('withBookkeeping', () => {
  test('adds a type per keyed type, after the others', () => {
    const schema = withBookkeeping(schemaOf(user));
    expect(printSchemas(schema.inBlobOrder.slice(2))).toBe(
      'OrderStampOfCity @PrimaryKey(key0, key1) {\n\tint key0;\n\tstring key1;\n\tlong timestamp;\n' +
        '\tOrderSource source;\n\tlong sequence;\n\tboolean deleted;\n\tstring patches;\n}\n' +
        'OrderStampOfCountry @PrimaryKey(key0) {\n\tstring key0;\n\tlong timestamp;\n' +
        '\tOrderSource source;\n\tlong sequence;\n\tboolean deleted;\n\tstring patches;\n}\n' +
        'OrderSource {\n\tstring value;\n}\n' +
        'OperationLedgerEntry @PrimaryKey(opId) {\n\tstring opId;\n\tlong timestamp;\n\tOrderSource source;\n' +
        '\tlong sequence;\n\tOperationLedgerTarget target;\n\tstring amounts;\n\tstring failure;\n}\n' +
        'OperationLedgerTarget {\n\tstring value;\n}\n' +
        'PurgeWatermark @PrimaryKey(id) {\n\tint id;\n\tlong timestamp;\n}\n' +
        'SenderProgress @PrimaryKey(source) {\n\tstring source;\n\tlong sequence;\n\tstring ahead;\n\tlong sentAtMs;\n}\n',
    );
    expect(schema.inBlobOrder.slice(0, 2)).toEqual(schemaOf(user).inBlobOrder);
    expect(bookkeepingTypesOf(schema)).toEqual([
      'OrderStampOfCity',
      'OrderStampOfCountry',
      'OrderSource',
      'OperationLedgerEntry',
      'OperationLedgerTarget',
      'PurgeWatermark',
      'SenderProgress',
    ]);
    expect(stampTypeOf('City')).toBe('OrderStampOfCity');
  });

  test.each([
    ['OrderStampOfX @PrimaryKey(a) { int a; }', /'OrderStampOfX' is reserved/],
    ['A @PrimaryKey(a) { int a; } OrderSource { int b; }', /'OrderSource' is reserved/],
    ['A @PrimaryKey(a) { int a; } PurgeWatermark { int b; }', /'PurgeWatermark' is reserved/],
    ['A { int a; }', /needs a type with a primary key/],
    ['', /needs a type with a primary key/],
    ['A @PrimaryKey(b!) { B b; } B { int x; }', /is an ordinal/],
  ])('refuses %s', (text, reason) => {
    expect(() => withBookkeeping(schemaOf(text))).toThrow(
      expect.objectContaining({ kind: 'invalid', message: expect.stringMatching(reason) }),
    );
  });
});

test('knows bookkeeping types by their name', () => {
  expect(['OrderStampOfCity', 'OrderStampOf', 'OrderSource'].every(isBookkeepingType)).toBe(true);
  expect(['City', 'Order', 'OrderSources', 'orderStampOfCity'].some(isBookkeepingType)).toBe(false);
});
