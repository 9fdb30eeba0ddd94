import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineDataset, type } from '../../../lib/schema/builder.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { t } from '../../../lib/schema/field-specs.ts';
import { PartitionMap, parsePartitions } from '../../../lib/schema/partition-map.ts';
import { keyOfPaths, keyOfRecord } from '../../../lib/schema/record-key.ts';

const types = {
  Customer: type({ id: t.int(), name: t.string() }, { primaryKey: ['id'], partitionKey: ['id'] }),
  Order: type(
    { customer: t.long(), number: t.int(), note: t.string() },
    { primaryKey: ['customer', 'number'], partitionKey: ['customer'] },
  ),
  Event: type({ at: t.date(), name: t.string({ inline: true }) }, { primaryKey: ['at', 'name'] }),
};
const shop = defineDataset(types, { partitions: 16 });

describe('a partition map', () => {
  it('gives what other implementations have to give as well', () => {
    expect([1, 2, 3, 4, 1_000_000].map((id) => shop.partitionOf('Customer', id))).toEqual([15, 2, 12, 9, 0]);
    const named = (name: string) => shop.partitionOf('Event', new Date(1_763_856_000_000), name);
    expect(['', 'a', 'Zoë', '東京', 'a,b'].map(named)).toEqual([1, 15, 9, 3, 1]);
  });

  it('keeps records with one partition key together, whatever their types and kinds', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (customer, number) => {
        const home = shop.partitionOf('Customer', customer);
        expect(shop.partitionOf('Order', customer, number)).toBe(home);
        expect(shop.partitions.ofKey('Order', BigInt(customer), number)).toBe(home);
        expect(home).toBeLessThan(16);
      }),
    );
  });

  it('says the same of a record, of the key of a patch, and of a look-up', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }),
        fc.string({ unit: 'binary' }),
        (at, name) => {
          const event = { at: String(at), name };
          const ofRecord = shop.partitions.ofRecordKey('Event', keyOfRecord(shop.schema, 'Event', event));
          expect(shop.partitions.ofRecordKey('Event', keyOfPaths(shop.schema, 'Event', event))).toBe(
            ofRecord,
          );
          expect(shop.partitions.ofKey('Event', at, name)).toBe(ofRecord);
          const double = Number(at);
          const rounded = shop.partitions.ofKey('Event', BigInt(double), name);
          expect(shop.partitions.ofKey('Event', double, name)).toBe(rounded);
        },
      ),
    );
  });

  it('spreads keys evenly', () => {
    const counts = new Array<number>(16).fill(0);
    for (let id = 0; id < 16_000; id++) counts[shop.partitionOf('Customer', id)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(Math.max(...counts)).toBeLessThan(1150);
  });

  it('has one partition unless more are asked for', () => {
    const whole = defineDataset(types);
    expect(whole.partitions.count).toBe(1);
    expect(whole.partitionOf('Customer', 12)).toBe(0);
  });

  it('is one line of text and comes back from it', () => {
    const text = shop.partitions.toString();
    expect(text).toBe('16 Customer(id) Order(customer)');
    const again = parsePartitions(shop.schema, text);
    expect(String(again)).toBe(text);
    expect(again.ofKey('Order', 5, 1)).toBe(shop.partitionOf('Order', 5, 1));
    expect(parsePartitions(shop.schema, ' 4 ').count).toBe(4);
  });

  it.each([
    '',
    '0',
    '-1',
    '1.5',
    '1001',
    'four',
    '4 Order',
    '4 Order()',
    '4 Order(note)',
    '4 Shelf(id)',
    '4 Order(customer',
  ])('refuses %j', (text) => {
    expect(() => parsePartitions(shop.schema, text)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });

  it('refuses a key of the wrong length, and partitions by what is an ordinal', () => {
    expect(() => shop.partitions.ofKey('Order', 1)).toThrow(
      'the key of Order is (customer, number), not 1 values',
    );
    expect(() => shop.partitions.ofKey('String', 1)).toThrow('the key of String is ()');
    const schema = DatasetSchema.of(
      parseSchemas('Box @PrimaryKey(of!) { Thing of; } Thing { int id; int no; }'),
    );
    expect(PartitionMap.of(schema, { partitions: 1 }).count).toBe(1);
    expect(() => PartitionMap.of(schema, { partitions: 2 })).toThrow('is an ordinal');
  });
});
