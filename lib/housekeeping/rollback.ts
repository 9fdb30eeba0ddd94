import { DatasetError } from '../errors.ts';
import { findPin, servedHead } from '../head-rules.ts';
import { limits } from '../limits.ts';
import type { Announcer, Clock, DatasetId, Deadline, Head, HeadStore, Telemetry } from '../ports.ts';
import { announce, announcementOf } from '../producer/announce.ts';
import type { Producer } from '../producer/producer.ts';
import { loadVersion, type VersionStores, wholeSource } from './load-version.ts';
import { requireHead } from './pins.ts';

export interface ServePorts {
  readonly heads: HeadStore;
  readonly announcer: Announcer;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/**
 * Tells consumers what to serve: the version of a pin, at once and also if it is older than what they have, or the head's
 * (null) again. Producers go on; nothing that they commit is seen while a pin is served. Orders are numbered, so a
 * consumer that hears of them late or twice never goes back to an earlier one.
 *
 * @returns the head with the order in it
 * @throws DatasetError `refused`: there is no such pin; `conflict`: others gave orders at every attempt
 */
export async function serve(ports: ServePorts, id: DatasetId, pin: string | null): Promise<Head> {
  for (let attempt = 0; attempt < limits.refreshAttemptsMax; attempt++) {
    const head = await requireHead(ports.heads, id);
    // Said already, be it by an earlier attempt whose answer got lost.
    if (head.serve.pin === pin) return head;
    if (pin !== null && findPin(head, pin) === undefined) {
      throw new DatasetError('refused', `there is no pin '${pin}'`, { pin });
    }
    const outcome = await ports.heads.setServe(id, head.era, { epoch: head.serve.epoch + 1, pin });
    if (outcome.kind === 'conflict') continue;
    ports.telemetry.log('warn', 'consumers are told what to serve', { ...outcome.head.serve });
    await announce(ports, announcementOf(id, outcome.head, ports.clock.nowMs(), []));
    return outcome.head;
  }
  throw new DatasetError('conflict', 'others gave orders at every attempt', { pin });
}

export interface RollbackPorts extends ServePorts, VersionStores {
  readonly producer: Producer;
}

export interface RollbackReport {
  /** The version whose records are those of the pin. */
  readonly version: number;
  /** How many records were changed for it. */
  readonly recordCount: number;
}

/**
 * Back to a pinned version, without moving the chain back: first consumers are told to serve the pin, then a new version
 * is committed in which the records are what they were, then consumers are told to serve the head again. Died in between:
 * call it again. Whatever was committed in between is undone, see `Producer.revertTo`.
 *
 * @throws DatasetError `refused`: no such pin; `incompatible`: it has another schema, and can be served only
 */
export async function rollback(
  ports: RollbackPorts,
  id: DatasetId,
  pin: string,
  deadline: Deadline,
): Promise<RollbackReport> {
  const head = await serve(ports, id, pin);
  const pinned = servedHead(head);
  if (pinned.schemaId !== head.schemaId) {
    throw new DatasetError(
      'incompatible',
      `pin '${pin}' has another schema: it is served, and not committed`,
      {
        pin,
        schemaId: pinned.schemaId,
      },
    );
  }
  const old = await loadVersion({ ...wholeSource(id, ports), indexedTypes: null }, null, pinned);
  const report = await ports.producer.revertTo(old, `rollback-${pin}`, deadline);
  await serve(ports, id, null);
  return report;
}
