import { isDatasetError } from '../../lib/errors.ts';
import type { Cadence } from '../../lib/housekeeping/cadence.ts';
import { clean } from '../../lib/housekeeping/cleaner.ts';
import { pinVersion, removeExpiredPins, removePin } from '../../lib/housekeeping/pins.ts';
import { Snapshotter } from '../../lib/housekeeping/snapshotter.ts';
import type { DatasetId, Telemetry } from '../../lib/ports.ts';
import type { SimProcess } from './process.ts';
import type { Ports } from './stores.ts';

/** What one process of upkeep works with. */
export interface UpkeepPlace {
  readonly id: DatasetId;
  readonly process: SimProcess;
  readonly ports: Ports;
  readonly telemetry: Telemetry;
}

/** Snapshots after two or three deltas: chains of a run are short. */
const cadence: Cadence = {
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
    await process.clock.sleep(process.random.uniform() * pauseMsMax);
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
  const snapshotter = new Snapshotter({ id, heads, blobs, clock: process.clock, telemetry, cadence });
  return keepDoing(place, 4_000, () => snapshotter.run());
}

export function runCleaner(place: UpkeepPlace): Promise<void> {
  return keepDoing(place, 4_000, () => cleanOnce(place));
}

export function cleanOnce({ id, process, ports, telemetry }: UpkeepPlace): Promise<unknown> {
  const { heads, shelf, floors } = ports;
  const cleanerPorts = { heads, shelves: [shelf], floors, clock: process.clock, telemetry };
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
    return pinVersion({ heads, blobs, clock }, id, { name, version, ...forMs });
  });
}
