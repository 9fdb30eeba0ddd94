import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FloorRecord } from '../../lib/ports.ts';
import { freshId } from '../support/heads.ts';
import { expectInvalid } from './head-store-contract.ts';

export interface FloorRecordHarness {
  /** Two handles on the same records, as two processes have them. */
  readonly records: readonly [FloorRecord, FloorRecord];
  close(): Promise<void>;
}

export function floorRecordContract(name: string, open: () => Promise<FloorRecordHarness>): void {
  describe(`FloorRecord contract on ${name}`, () => {
    let harness: FloorRecordHarness;
    let record: FloorRecord;
    beforeAll(async () => {
      harness = await open();
      record = harness.records[0];
    });
    afterAll(() => harness.close());

    test('of a chain that has none is null', async () => {
      expect(await record.load(freshId())).toBeNull();
    });

    test('only ever rises, era and floor each on its own', async () => {
      const id = freshId();
      await record.raise(id, { era: 2, floor: 7 });
      await record.raise(id, { era: 1, floor: 5 });
      expect(await harness.records[1].load(id)).toEqual({ era: 2, floor: 7 });
      await record.raise(id, { era: 2, floor: 9 });
      await harness.records[1].raise(id, { era: 3, floor: 0 });
      expect(await record.load(id)).toEqual({ era: 3, floor: 9 });
    });

    test('takes no floor of an era that is over: nothing was deleted by it', async () => {
      const id = freshId();
      await record.raise(id, { era: 2, floor: 1 });
      await harness.records[1].raise(id, { era: 1, floor: 6 });
      expect(await record.load(id)).toEqual({ era: 2, floor: 1 });
    });

    test('chains have records of their own', async () => {
      const id = freshId();
      const { tenant: _, ...untenanted } = id;
      await record.raise(id, { era: 1, floor: 3 });
      expect(await record.load({ ...id, partition: id.partition + 1 })).toBeNull();
      expect(await record.load(untenanted)).toBeNull();
    });

    test('of many at once the highest stays', async () => {
      const id = freshId();
      const floors = [4, 9, 2, 7];
      await Promise.all(
        floors.map((floor, index) => harness.records[index % 2 === 0 ? 0 : 1].raise(id, { era: 1, floor })),
      );
      expect(await record.load(id)).toEqual({ era: 1, floor: 9 });
    });

    test('refuses what cannot be one', async () => {
      await expectInvalid(record.raise(freshId(), { era: 0, floor: 1 }));
      await expectInvalid(record.raise(freshId(), { era: 1, floor: -1 }));
      await expectInvalid(record.load({ dataset: '../x', partition: 0 }));
    });
  });
}
