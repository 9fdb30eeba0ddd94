import { isDatasetError } from '../../lib/errors.ts';
import { Outbox } from '../../lib/housekeeping/outbox.ts';
import type { UpkeepPlace } from './upkeep.ts';

/** Virtual time after which it looks for what the stream did not bring. */
const sweepMs = 15_000;

/** The outbox function behind the stream of the heads' table, as its event source mapping calls it. */
export async function runOutbox({ id, process, ports, telemetry }: UpkeepPlace): Promise<void> {
  const { heads, announcer, changes } = ports;
  const { inline } = ports;
  const copies = inline === undefined ? {} : { copies: { inline, blobs: ports.blobs } };
  const outbox = new Outbox({ heads, announcer, clock: process.clock, telemetry, ...copies });
  for (;;) {
    try {
      const batch = await changes.next(sweepMs);
      for (const { head, changedAtMs, position } of batch) {
        await outbox.tell(id, head, changedAtMs);
        changes.done(position);
      }
      if (batch.length === 0) await outbox.sweep(id);
    } catch (error) {
      if (!isDatasetError(error)) throw error;
      await process.clock.sleep(process.random.uniform() * 500);
    }
  }
}
