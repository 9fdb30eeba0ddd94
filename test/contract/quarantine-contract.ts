import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isDatasetError } from '../../lib/errors.ts';
import { limits } from '../../lib/limits.ts';
import type { Quarantine, QuarantineEntry } from '../../lib/ports.ts';
import { freshId } from '../support/heads.ts';

export interface QuarantineHarness {
  readonly quarantine: Quarantine;
  /** Everything that was accepted since the last call, parsed. */
  records(): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

export function quarantineContract(name: string, open: () => Promise<QuarantineHarness>): void {
  describe(`Quarantine contract on ${name}`, () => {
    let harness: QuarantineHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterAll(() => harness.close());

    test('entries come back as they were sent, with the id of the dataset', async () => {
      const id = freshId();
      const whole = { ...entry(1), index: null, field: '', correlationId: 'order-17' };
      await harness.quarantine.send(id, [whole, entry(2)]);
      expect(byMessage(await harness.records())).toEqual([
        { id, ...whole },
        { id, ...entry(2) },
      ]);
    });

    test('more than ten, the largest content there is, and text that JSON must escape', async () => {
      const id = freshId();
      const content = '\u0000"\\\u2028é'.repeat(limits.quarantineContentSizeMax / 5 - 1);
      const entries = Array.from({ length: 23 }, (_, index) => ({ ...entry(100 + index), content }));
      await harness.quarantine.send(id, entries);
      expect(byMessage(await harness.records())).toEqual(entries.map((one) => ({ id, ...one })));
    });

    test('nothing to send, and sending twice', async () => {
      const id = freshId();
      await harness.quarantine.send(id, []);
      expect(await harness.records()).toEqual([]);
      await harness.quarantine.send(id, [entry(1)]);
      await harness.quarantine.send(id, [entry(1)]);
      const records = await harness.records();
      expect(records.length).toBeGreaterThan(0);
      for (const record of records) expect(record).toEqual({ id, ...entry(1) });
    });

    test('refuses an id that could leave its place', async () => {
      const sent = harness.quarantine.send({ dataset: '../x', partition: 0 }, [entry(1)]);
      await expect(sent).rejects.toSatisfy((error) => isDatasetError(error, 'invalid'));
      expect(await harness.records()).toEqual([]);
    });
  });
}

function entry(number: number): QuarantineEntry {
  return {
    messageId: `message-${String(number).padStart(4, '0')}`,
    index: number,
    reason: 'expected INT, got string',
    field: `mutations[${number}].value.population`,
    content: `{"op":"upsert","n":${number}}`,
    sentAtMs: 1_700_000_000_000 + number,
  };
}

/** A queue may give them back in another order. */
function byMessage(records: readonly unknown[]): unknown[] {
  const key = (record: unknown): string => JSON.stringify(record).match(/message-\d+/)?.[0] ?? '';
  return [...records].sort((a, b) => key(a).localeCompare(key(b)));
}
