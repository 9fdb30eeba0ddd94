import { isDatasetError } from '../../lib/errors.ts';
import type { Cadence } from '../../lib/housekeeping/cadence.ts';
import { clean } from '../../lib/housekeeping/cleaner.ts';
import { pinVersion, removeExpiredPins, removePin } from '../../lib/housekeeping/pins.ts';
import { recoverChain } from '../../lib/housekeeping/recover.ts';
import { restoreChain } from '../../lib/housekeeping/restore.ts';
import { rollback, serve } from '../../lib/housekeeping/rollback.ts';
import { Snapshotter } from '../../lib/housekeeping/snapshotter.ts';
import type { DatasetId, Deadline, Telemetry } from '../../lib/ports.ts';
import type { Producer } from '../../lib/producer/producer.ts';
import { inlineOf, type Ports } from './ports.ts';
import type { SimProcess } from './process.ts';
import type { Cloud } from './stores.ts';

/** What one process of upkeep works with. */
export interface UpkeepPlace {
  readonly id: DatasetId;
  readonly process: SimProcess;
  readonly ports: Ports;
  readonly telemetry: Telemetry;
}

/** Snapshots after two or three deltas: chains of a run are short. */
export const cadence: Cadence = {
  coldLoadsPerHour: 1e9,
  snapshotUsd: 1e-9,
  snapshotUsdPerByte: 0,
  deltaUsd: 1,
  chainLengthMin: 2,
  chainLengthMax: 3,
  deltaBytesShareMax: 1e9,
  ageMsMax: 1e9,
};

/** Versions are given up as soon as nothing needs them. */
const eager = { versionsMin: 0, ageMsMin: 0 };

const pinNames = ['audit', 'report', 'rollback'];

/** Runs one step after the other for ever, each after a pause. What fails outside is tried again by the next step. */
async function keepDoing(
  { process }: UpkeepPlace,
  pauseMsMax: number,
  step: () => Promise<unknown>,
): Promise<void> {
  for (;;) {
    // In peace there is less to do, and nothing new to see.
    const factor = process.world.areFaultsOn ? 1 : 5;
    await process.clock.sleep(process.random.uniform() * pauseMsMax * factor);
    try {
      await step();
    } catch (error) {
      if (!isDatasetError(error)) throw error;
      process.world.trace(() => `${process.name} failed: ${error.message}`);
    }
  }
}

export function runSnapshotter(place: UpkeepPlace): Promise<void> {
  const { id, process, ports, telemetry } = place;
  const { heads, blobs } = ports;
  const { clock } = process;
  const snapshotter = new Snapshotter({ id, heads, blobs, ...inlineOf(ports), clock, telemetry, cadence });
  return keepDoing(place, 4_000, () => snapshotter.run());
}

export function runCleaner(place: UpkeepPlace): Promise<void> {
  return keepDoing(place, 4_000, () => cleanOnce(place));
}

export function cleanOnce({ id, process, ports, telemetry }: UpkeepPlace): Promise<unknown> {
  const { heads, shelf, inlineShelf, floors, inline } = ports;
  const shelves = inline === undefined ? [shelf] : [shelf, inlineShelf];
  const cleanerPorts = { heads, shelves, floors, clock: process.clock, telemetry };
  return clean(cleanerPorts, id, { retention: eager });
}

/** Somebody who pins versions, for some time or until they are removed. */
export function runPinner(place: UpkeepPlace): Promise<void> {
  const { id, process, ports } = place;
  const { heads, blobs } = ports;
  const { random, clock } = process;
  const pick = (count: number): number => Math.floor(random.uniform() * count);
  return keepDoing(place, 4_000, async () => {
    const name = pinNames[pick(pinNames.length)] as string;
    if (random.uniform() < 0.3) return removePin(heads, id, name);
    if (random.uniform() < 0.2) return removeExpiredPins(heads, id, clock.nowMs());
    const head = await heads.load(id, 'eventual');
    if (head === null) return undefined;
    const version = Math.max(1, head.version - pick(6));
    const forMs = random.uniform() < 0.5 ? { forMs: 2_000 } : {};
    return pinVersion({ heads, blobs, ...inlineOf(ports), clock }, id, { name, version, ...forMs });
  });
}

/** Somebody who tells consumers what to serve, and goes back to what is pinned. In the end the head is served. */
export function runOperator(place: UpkeepPlace, producer: Producer, deadline: () => Deadline): Promise<void> {
  const { id, process, ports, telemetry } = place;
  const { heads, blobs, announcer } = ports;
  const { random, clock, world } = process;
  const operator = { heads, blobs, ...inlineOf(ports), announcer, clock, telemetry, producer };
  return keepDoing(place, 5_000, async () => {
    if (!world.areFaultsOn) return serve(operator, id, null);
    const head = await heads.load(id, 'strong');
    const pins = Object.keys(head?.pins ?? {});
    const pin = pins[Math.floor(random.uniform() * pins.length)];
    if (pin === undefined || random.uniform() < 0.4) return serve(operator, id, null);
    if (random.uniform() < 0.5) return serve(operator, id, pin);
    return rollback(operator, id, pin, deadline());
  });
}

/**
 * The table of heads is lost, and comes back as it was some writes ago, or not at all. Nobody reaches it before the
 * procedure has ended; then every message is sent again from the archive.
 */
export async function runDisaster(place: UpkeepPlace, cloud: Cloud, isLost: boolean): Promise<void> {
  const { id, process, ports, telemetry } = place;
  const { heads, blobs, floors, shelf } = ports;
  const { clock } = process;
  for (;;) {
    try {
      if (isLost) {
        // Who still serves a version knows its commit id; here the checker does.
        const cid = cloud.invariants.head?.cid;
        const options = cid === undefined ? {} : { cid };
        const head = await heads.load(id, 'strong');
        if (head === null) await recoverChain({ heads, blobs, floors, shelf, clock, telemetry }, id, options);
        // An attempt before this one wrote the head, unknown to us, and another one a later era beside the table.
        else if ((await floors.load(id))?.era !== head.era)
          await restoreChain({ heads, blobs, ...inlineOf(ports), floors, telemetry }, id);
      } else {
        await restoreChain({ heads, blobs, ...inlineOf(ports), floors, telemetry }, id);
      }
      return cloud.endOutage();
    } catch (error) {
      if (!isDatasetError(error)) throw error;
      process.world.trace(() => `${process.name} failed: ${error.kind} ${error.message}`);
      // Blobs of that point are gone already: a later one, then.
      if (error.kind === 'refused' && !isLost) await cloud.heads.setBack(1);
      await clock.sleep(200);
    }
  }
}
