/**
 * `serverless-hollow/local`: the ports on one machine, for development, tests and small installations: blobs and
 * announcements as files, heads and the queue in SQLite. Also the system's own clock and randomness, which the other
 * adapters take.
 *
 * @example
 * import { LocalBlobStore, LocalHeadStore, systemClock, systemRandom } from 'serverless-hollow/local';
 *
 * const heads = new LocalHeadStore('data/heads.sqlite');
 * const blobs = new LocalBlobStore('data/blobs');
 */

export { LocalAnnouncements, type LocalAnnouncementsOptions } from './local/announcements.ts';
export { LocalBlobStore } from './local/blob-store.ts';
export { LocalHeadStore } from './local/head-store.ts';
export {
  type ExportedBlob,
  type ExportedVersion,
  exportVersion,
  hollowVersionOf,
} from './local/hollow-export.ts';
export { LocalMutationQueue, type LocalMutationQueueOptions } from './local/mutation-queue.ts';
export { LocalQuarantine } from './local/quarantine.ts';
export { systemClock } from './local/system-clock.ts';
export { systemRandom } from './local/system-random.ts';
