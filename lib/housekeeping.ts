/**
 * `serverless-hollow/housekeeping`: keeps the chain of a dataset short and clean, and gets it back when something went
 * wrong (docs/protocol.md). On AWS the deployed functions and the command `hollow` do this; here is what they are made of.
 *
 * @example
 * import { clean, Snapshotter } from 'serverless-hollow/housekeeping';
 *
 * await new Snapshotter({ id, heads, blobs, clock, telemetry }).run();
 * await clean({ heads, shelves: [blobs], floors, clock, telemetry }, id);
 */

export { type Cadence, defaultCadence } from './housekeeping/cadence.ts';
export { type CleanerPorts, type CleanOptions, type CleanReport, clean } from './housekeeping/cleaner.ts';
export { defaultRetention, type Retention } from './housekeeping/floor.ts';
export { Outbox, type OutboxOptions } from './housekeeping/outbox.ts';
export {
  type PinPorts,
  type PinRequest,
  pinVersion,
  removeExpiredPins,
  removePin,
} from './housekeeping/pins.ts';
export { type RecoverOptions, type RecoverPorts, recoverChain } from './housekeeping/recover.ts';
export { type RestorePorts, type RestoreReport, restoreChain } from './housekeeping/restore.ts';
export {
  type RollbackPorts,
  type RollbackReport,
  rollback,
  type ServePorts,
  serve,
} from './housekeeping/rollback.ts';
export { type SnapshotRun, Snapshotter, type SnapshotterOptions } from './housekeeping/snapshotter.ts';
export type { BlobShelf, FloorMark, FloorRecord, Pin, Serve } from './ports.ts';
