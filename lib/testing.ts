/**
 * `serverless-hollow/testing`: the ports in memory, a clock that stands still until a test moves it, and random numbers
 * that are the same in every run.
 *
 * @example
 * import { MemoryBlobStore, MemoryHeadStore, SeededRandom, VirtualClock } from 'serverless-hollow/testing';
 *
 * const ports = { heads: new MemoryHeadStore(), blobs: new MemoryBlobStore(), clock: new VirtualClock(), … };
 */

export { MemoryAnnouncements } from './memory/announcements.ts';
export { MemoryBlobStore } from './memory/blob-store.ts';
export { VirtualClock } from './memory/clock.ts';
export { MemoryFloorRecord } from './memory/floor-record.ts';
export { MemoryHeadStore } from './memory/head-store.ts';
export { MemoryMutationQueue, type MemoryMutationQueueOptions } from './memory/mutation-queue.ts';
export { MemoryQuarantine } from './memory/quarantine.ts';
export { SeededRandom } from './memory/random.ts';
export { type LogLine, MemoryTelemetry } from './memory/telemetry.ts';
